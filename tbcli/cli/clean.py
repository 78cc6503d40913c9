"""``tbcli clean``: shows what would go, asks, and moves it to the trash or removes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.completing import complete_metric, offer, offer_list
from tbcli.cli.options import Common, Json, RunsArgument, with_common_options
from tbcli.cli.output import (
    Output,
    counted_bytes,
)
from tbcli.cli.places import OfSweep, store_of
from tbcli.cli.removing import confirm, counted_going, print_at_once, report_removed, show_runs_that_go
from tbcli.errors import ConfigError
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.cli.listing import ListingQuery
    from tbcli.runs import Run, RunStore
    from tbcli.runs.cleaning.removal_plan import Filters, Removal
    from tbcli.runs.cleaning.trash import Trash

WHICH_PANEL = "Which runs (each narrows what the others select)"
TRASH_PANEL = "Trash"


@with_common_options
def clean(
    common: Common,
    runs: RunsArgument = None,
    all_: Annotated[
        bool, typer.Option("--all", help="All runs in the workspace.", rich_help_panel=WHICH_PANEL)
    ] = False,
    sweep: OfSweep = None,
    older_than: Annotated[
        str | None,
        typer.Option(
            metavar="AGE",
            help="Only runs that ended this long ago or more: 30m, 12h, 7d, 2w. With --purge, moved to it so long ago.",
            rich_help_panel=WHICH_PANEL,
        ),
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATUS",
            autocompletion=offer("tbcli.runs.run:STATUSES"),
            help="Only runs with this status: finished, failed, interrupted, diverged or pruned. Repeatable.",
            rich_help_panel=WHICH_PANEL,
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EXPR",
            help='Only runs that match, as "val_accuracy<0.9 and model=cnn"; see `tbcli runs --where`.',
            rich_help_panel=WHICH_PANEL,
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Keep the N newest matching runs.", rich_help_panel=WHICH_PANEL),
    ] = None,
    keep_best: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Keep the N best matching runs within each task and data, by --metric.",
            rich_help_panel=WHICH_PANEL,
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC",
            help="What --keep-best ranks by.",
            rich_help_panel=WHICH_PANEL,
            autocompletion=complete_metric,
        ),
    ] = None,
    damaged: Annotated[
        bool,
        typer.Option(
            "--damaged",
            help="Instead of runs, what killed processes left: damaged runs, plots and models whose logs are gone, "
            "temporary files.",
            rich_help_panel=WHICH_PANEL,
        ),
    ] = False,
    cache: Annotated[
        bool, typer.Option("--cache", help="Empty the caches of readers and of data; no run is removed.")
    ] = False,
    slim: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Keep the runs, but without these: images, histograms, graphs, pr_curves, audio, text, projector, "
            "profile, checkpoints. Curves stay bit for bit. The states go with all but profile: it cannot be resumed.",
            autocompletion=offer_list("tbcli.runs.cleaning.heavy:KINDS"),
        ),
    ] = None,
    permanent: Annotated[
        bool, typer.Option("--permanent", help="Remove at once, not to the trash.", rich_help_panel=TRASH_PANEL)
    ] = False,
    restore: Annotated[
        bool,
        typer.Option(
            "--restore", help="Bring RUN back from the trash; without RUN, list the trash.", rich_help_panel=TRASH_PANEL
        ),
    ] = False,
    purge: Annotated[
        bool, typer.Option("--purge", help="Empty the trash, or remove RUN from it.", rich_help_panel=TRASH_PANEL)
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only show what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Remove runs: logs, plots and model together, after showing them and asking.

    Prints the ids removed. What has been in the trash for clean.trash_days goes at the next clean. A run that is
    training is never removed: naming it aborts, filters skip it. Links are never followed, and nothing but runs is
    touched: not plots/compare-* or the figures of a whole sweep, not the logs of other tools.
    """
    _require_one_task(
        {"--restore": restore, "--purge": purge, "--damaged": damaged},
        {
            "--permanent": permanent and not damaged,
            "--slim": slim is not None,
            "--sweep": sweep is not None, "--status": bool(status), "--where": bool(where), "--keep": keep is not None,
            "--keep-best": keep_best is not None, "--metric": metric is not None, "--cache": cache,
            **({"--older-than": older_than is not None, "--dry-run": dry_run} if restore else {}),
            **({"--all": all_} if damaged else {}),
        },
    )  # fmt: skip
    _require_one_task({"--slim": slim is not None}, {"--permanent": permanent, "--cache": cache})
    if runs and all_:
        raise ConfigError(
            "clean takes either runs or --all, got both", hint="leave `--all` out to remove only the runs named"
        )
    if restore or purge:
        from tbcli.cli.trashed import purge_trash, restore_runs

        if restore:
            restore_runs(common, runs or (), all_=all_, as_json=json)
        else:
            purge_trash(common, runs or (), older_than or "", as_json=json, dry_run=dry_run, yes=yes)
        return
    if damaged:
        from tbcli.cli.clean_damaged import clean_damaged

        clean_damaged(common, runs or (), older_than or "", permanent=permanent, dry_run=dry_run, yes=yes, as_json=json)
        return
    is_filtered = bool(sweep is not None or older_than or status or where or keep is not None or keep_best)
    names_runs = bool(runs or all_ or is_filtered)
    if not (names_runs or cache):
        raise ConfigError(
            "no runs to remove were given",
            hint="`tbcli clean RUN`, `--older-than 7d`, `--keep 5` or `--all`",
        )
    if cache:
        freed = _clear_cache(common.output, dry_run=dry_run)
        if json and not names_runs:
            common.output.document({"schema": schemas.OTHERS, "dry_run": dry_run, "runs": [], "bytes": freed})
    if not names_runs:
        return
    from tbcli.runs.cleaning.removal_plan import Filters

    filters = Filters(
        older_than=older_than or "",
        statuses=tuple(status or ()),
        keep=keep or 0,
        keep_best=keep_best or 0,
        metric=metric or "",
    )
    _clean_runs(
        common, runs or (), filters, where or (), sweep=sweep,
        slim=slim, permanent=permanent, dry_run=dry_run, yes=yes, as_json=json,
    )  # fmt: skip


def _require_one_task(tasks: dict[str, bool], others: dict[str, bool]) -> None:
    """Refuse options that say what else to do, or narrow what a task does not look at.

    Raises:
        ConfigError: Two tasks, or an option that does not go with one.
    """
    asked = [flag for flag, is_said in tasks.items() if is_said]
    said = [flag for flag, is_said in others.items() if is_said]
    if len(asked) > 1 or (asked and said):
        raise ConfigError(f"{asked[0]} cannot be combined with {(asked[1:] + said)[0]}", hint="one after the other")


def _clean_runs(
    common: Common,
    references: Sequence[str],
    filters: Filters,
    where: Sequence[str],
    *,
    sweep: str | None,
    slim: str | None,
    permanent: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    from tbcli.cli.listing import ListingQuery
    from tbcli.runs.cleaning.trash import Trash

    query = ListingQuery.parse(where, None, None, is_reversed=False)
    kinds = _kinds(slim) if slim is not None else ()
    config, output = common.settle(), common.output
    store = store_of(config, sweep, with_earlier_fits=True)
    is_permanent = permanent or not config.clean.trash_days
    removal = _plan(store, references, filters, query, output)
    for sentence in (*store.damage, *removal.notes):
        output.warn(sentence)
    if kinds:
        from tbcli.cli.slimmed import slim_runs

        slim_runs(removal, kinds, output, dry_run=dry_run, yes=yes, as_json=as_json)
        return
    show_runs_that_go(removal.live, removal.runs, removal.sizes, output, "No run is selected: nothing to remove.")
    trash = Trash(store)
    expired = [] if is_permanent else trash.expired(config.clean.trash_days)
    if not is_permanent:
        trash.require_usable(path for run in removal.runs for path in (run.logs, run.plots, run.models))
    if dry_run:
        output.say("Nothing was removed (--dry-run)." if is_permanent or not removal.runs else _would_move(removal))
        sizes = {run.id: size for run, size in zip(removal.runs, removal.sizes, strict=True)}
        report_removed(sizes, output, json=as_json, dry_run=True)
    else:
        if removal.runs and not yes:
            chosen = counted_going(removal.runs)
            confirm(chosen, f"Remove {chosen} with logs, plots and models ({counted_bytes(removal.bytes)})?")
        _remove(removal, None if is_permanent else trash, output, json=as_json)
    if expired:
        from tbcli.cli.trashed import purge_expired

        purge_expired(trash, expired, config.clean.trash_days, output, dry_run=dry_run)


def _clear_cache(output: Output, *, dry_run: bool) -> int:
    """Empty the caches without asking, for all of it can be made again; return the bytes it took."""
    from tbcli.data.raw_cache import clear_raw_cache, raw_cache_bytes
    from tbcli.readers import cache_bytes, clear_cache

    size = cache_bytes() + raw_cache_bytes() if dry_run else clear_cache() + clear_raw_cache()
    shown = counted_bytes(size)
    output.say(f"The cache takes {shown}; it stays (--dry-run)." if dry_run else f"The cache is empty, {shown} freed.")
    return size


def _plan(store: RunStore, references: Sequence[str], filters: Filters, query: ListingQuery, output: Output) -> Removal:
    """Choose the runs, those of the conditions of ``--where`` as `tbcli runs` does."""
    from tbcli.cli.listing import choose, guesses_in, tags_of_run
    from tbcli.runs.cleaning.removal_plan import plan_removal
    from tbcli.runs.files import utc_now
    from tbcli.runs.run_summary import summary_of
    from tbcli.runs.store import by_time
    from tbcli.runs.summary import Summary

    now = utc_now()

    def summarize(run: Run) -> Summary:
        return summary_of(run, now, lambda: tags_of_run(run))

    if query.conditions:
        chosen = choose(query, store.each(), summarize, lambda run, _: run.logs, by_time)
        filters = replace(filters, among=frozenset(chosen.rows))
        for sentence in (*guesses_in(query, store.directions), *chosen.notes):
            output.say(sentence)
    return plan_removal(store, references, filters, now, summarize=summarize)


def _kinds(text: str) -> tuple[str, ...]:
    from tbcli.runs.cleaning.heavy import parse_kinds

    return parse_kinds(text)


def _would_move(removal: Removal) -> str:
    would = f"{counted_going(removal.runs)} would go to the trash"
    return f"Nothing was removed (--dry-run): {would}, {counted_bytes(removal.bytes)} are freed when purged."


def _remove(removal: Removal, trash: Trash | None, output: Output, *, json: bool) -> None:
    """Move runs to the trash, or where there is none remove them, and print their ids."""
    from tbcli.runs.cleaning.removal import one_by_one, remove_run

    if trash:
        trash.tidy()
    freed: dict[str, int] = {}
    try:
        chosen = list(zip(removal.runs, removal.identities, strict=True))
        remove = trash.move if trash else remove_run
        for (run, _), count in one_by_one(chosen, lambda one: remove(one[0], identity=one[1])):
            freed[run.id] = count
            if not json:
                print_at_once(run.id, output)
        for run in removal.runs:
            if run.id not in freed:
                output.say(f"{run.id} is gone already: another process removed it")
    finally:
        if removal.runs and not trash:
            output.say(f"Freed {counted_bytes(sum(freed.values()))}.")
        elif freed:
            size = counted_bytes(sum(freed.values()))
            moved = counted_going([run for run in removal.runs if run.id in freed])
            output.say(
                f"{moved} moved to trash; {size} are freed when purged. `tbcli clean --restore` lists the trash."
            )
        if json:
            report_removed(freed, output, json=True, dry_run=False)
