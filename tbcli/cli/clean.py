"""``tbcli clean``: shows what would go, asks, and removes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.completing import offer
from tbcli.cli.options import Common, Json, RunsArgument, with_common_options
from tbcli.cli.output import (
    Output,
    abandon_stdout,
    ask,
    can_ask,
    counted_age,
    counted_bytes,
    padded,
    printable,
    shortened,
)
from tbcli.errors import ConfigError, Refused
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.runs import Run, RunStore

WHICH_PANEL = "Which runs (each narrows what the others select)"
WIDEST_NAME = 28  # all columns together then fit a window of 80


@with_common_options
def clean(
    common: Common,
    runs: RunsArgument = None,
    all_: Annotated[
        bool, typer.Option("--all", help="All runs in the workspace.", rich_help_panel=WHICH_PANEL)
    ] = False,
    older_than: Annotated[
        str | None,
        typer.Option(
            metavar="AGE",
            help="Only runs that ended this long ago or more: 30m, 12h, 7d, 2w.",
            rich_help_panel=WHICH_PANEL,
        ),
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATUS",
            autocompletion=offer("tbcli.runs.run:STATUSES"),
            help="Only runs with this status: finished, failed, interrupted or diverged. Repeatable.",
            rich_help_panel=WHICH_PANEL,
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Keep the N newest matching runs.", rich_help_panel=WHICH_PANEL),
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache", help="Empty the caches of readers and of data; no run is removed.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only show what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Remove runs: logs, plots and model together, after showing them and asking.

    Prints the ids removed. A run that is training is never removed: naming it aborts, filters skip it. Links are never
    followed, and nothing but runs is touched: not plots/compare-*, not the logs of other tools.
    """
    if runs and all_:
        raise ConfigError(
            "clean takes either runs or --all, got both", hint="leave `--all` out to remove only the runs named"
        )
    names_runs = bool(runs or all_ or older_than or status or keep is not None)
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
    from tbcli.runs import RunStore
    from tbcli.runs.removal_plan import Filters, plan_removal

    filters = Filters(older_than=older_than or "", statuses=tuple(status or ()), keep=keep or 0)
    config = common.settle()
    store = RunStore(config.paths, config.direction)
    removal = plan_removal(store, runs or (), filters)
    output = common.output
    for sentence in store.damage:
        output.warn(sentence)
    sizes = {run.id: run.walk_bytes() for run in removal.runs}
    _show(removal.runs, removal.live, sizes, output)
    if dry_run:
        output.say("Nothing was removed (--dry-run).")
        _report(sizes, output, json=json, dry_run=True)
        return
    if removal.runs and not yes:
        _confirm(len(sizes), sum(sizes.values()))
    _remove(store, removal.runs, output, json=json)


def _clear_cache(output: Output, *, dry_run: bool) -> int:
    """Empty the caches without asking, for all of it can be made again; return the bytes it took."""
    from tbcli.data.raw_cache import clear_raw_cache, raw_cache_bytes
    from tbcli.readers import cache_bytes, clear_cache

    size = cache_bytes() + raw_cache_bytes() if dry_run else clear_cache() + clear_raw_cache()
    shown = counted_bytes(size)
    output.say(f"The cache takes {shown}; it stays (--dry-run)." if dry_run else f"The cache is empty, {shown} freed.")
    return size


def _show(runs: Sequence[Run], live: Sequence[Run], sizes: dict[str, int], output: Output) -> None:
    for run in live:
        output.say(f"{printable(run.label)} is still training and stays")
    if not runs:
        output.say("No run is selected: nothing to remove.")
        return
    rows = [["ID", "NAME", "STATUS", "AGE", "SIZE"]]
    for run in runs:
        age, size = counted_age(run.age_seconds()), counted_bytes(sizes[run.id])
        rows.append([run.id, shortened(printable(run.name), WIDEST_NAME) or "-", run.status(), age, size])
    for line in padded(rows, right=frozenset({3, 4})):
        output.say(line)


def _confirm(count: int, total_bytes: int) -> None:
    runs = "1 run" if count == 1 else f"{count} runs"
    if not can_ask():
        raise ConfigError(
            f"refusing to remove {runs} without confirmation: stdin is not a terminal",
            hint="`--yes` confirms in advance",
        )
    if not ask(f"Remove {runs} with logs, plots and models ({counted_bytes(total_bytes)})?"):
        raise Refused("not confirmed: nothing was removed", hint="`--yes` confirms in advance, `--dry-run` only shows")


def _remove(store: RunStore, runs: Sequence[Run], output: Output, *, json: bool) -> None:
    from tbcli.runs.removal import remove_runs

    freed: dict[str, int] = {}
    try:
        for run, count in remove_runs(store, runs):
            freed[run.id] = count
            if not json:
                _print_removed(run.id, output)
    finally:
        if runs:
            output.say(f"Freed {counted_bytes(sum(freed.values()))}.")
        if json:
            _report(freed, output, json=True, dry_run=False)


def _print_removed(run_id: str, output: Output) -> None:
    """Print it at once: should a later one fail, a script knows which are gone."""
    try:
        output.result(run_id)
    except BrokenPipeError:
        abandon_stdout()  # nobody reads the rest, which was to be removed all the same


def _report(sizes: dict[str, int], output: Output, *, json: bool, dry_run: bool) -> None:
    if json:
        removed = [{"id": run_id, "bytes": count} for run_id, count in sizes.items()]
        output.document({"schema": schemas.OTHERS, "dry_run": dry_run, "runs": removed, "bytes": sum(sizes.values())})
    else:
        output.results(list(sizes))
