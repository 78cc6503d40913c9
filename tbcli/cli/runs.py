"""``tbcli runs``: all runs as a table, one run in full, or what any log directory holds."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.listing import ListingQuery, guesses_in, require_one_form
from tbcli.cli.options import OUTPUT_PANEL, Common, Json, RunArgument, with_common_options
from tbcli.cli.output import Output, printable
from tbcli.cli.places import NoCache, OfSweep, Verify, has_logs, named_place, store_of
from tbcli.errors import ConfigError, NotFound

if TYPE_CHECKING:
    from tbcli.cli.render.shown import Form, Shown
    from tbcli.config import PathsConfig
    from tbcli.runs import LogDirectory, Run, RunStore

WHICH_PANEL = "Which"


@with_common_options
def runs(
    common: Common,
    run: RunArgument = None,
    sweep: OfSweep = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EXPR",
            help='Only runs that match, as "val_accuracy>0.98 and model=cnn".',
            rich_help_panel=WHICH_PANEL,
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="By a metric, the best first; by a fact or a setting, the smallest first.",
            rich_help_panel=WHICH_PANEL,
        ),
    ] = None,
    reverse: Annotated[
        bool, typer.Option("--reverse", help="The other way round.", rich_help_panel=WHICH_PANEL)
    ] = False,
    all_: Annotated[
        bool,
        typer.Option("--all", "-a", help="On a terminal too, more than the newest 50.", rich_help_panel=OUTPUT_PANEL),
    ] = False,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Metrics, facts and settings, as id,val_loss.best,seed,age.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.", rich_help_panel=OUTPUT_PANEL)] = False,
    as_json: Json = False,
    watching: Annotated[
        bool,
        typer.Option("--watch", help="Draw it again every two seconds, until Ctrl-C.", rich_help_panel=OUTPUT_PANEL),
    ] = False,
    text: Annotated[
        bool,
        typer.Option("--text", help="Texts recorded below PATH: run, tag, step.", rich_help_panel=OUTPUT_PANEL),
    ] = False,
    verify: Verify = False,
    no_cache: NoCache = False,
) -> None:
    """List the runs, the newest last; or show one run, or any log directory, in full.

    AGE counts from the end of training.
    In --where, --sort and --columns a metric means its last value, .best its best.
    """
    require_one_form(csv=as_csv, json=as_json, watch=watching)
    if watching:
        from tbcli.cli.render.watching import require_window

        require_window()
    form: Form = "csv" if as_csv else "json" if as_json else "table"
    query = ListingQuery.parse(where or (), sort, columns, is_reversed=reverse)
    config, output = common.settle(), common.output
    for sentence in guesses_in(query, config.direction):
        output.say(sentence)
    from tbcli.cli.render.run_table import NOTHING, View
    from tbcli.runs import LogDirectory

    paths, store = config.paths, store_of(config, sweep)
    view = View(whole=all_, is_sorted=sort is not None)
    if text:
        _require_texts_alone(run, form, query, watching=watching)
    if run is not None:
        found = named_place(store, run, output)
        if text:
            from tbcli.cli.render.texts import show_texts

            show_texts(found, output, as_json=as_json, cache=not no_cache, verify=verify)
            return
        if not isinstance(found, LogDirectory):
            _show_one(found, form, query, output, watching=watching)
            return
        paths = replace(paths, logdir=str(found.logs))
        store = store_of(config.updated({"paths.logdir": paths.logdir}), sweep)
    else:
        found = LogDirectory(paths.logs.name, paths.logs, directions=config.direction)
    if _is_of_others(found, store, is_named=run is not None):
        from tbcli.cli.render.logdir_table import show_logdir
        from tbcli.runs.cleaning.wreckage import count_wreckage

        left_over = count_wreckage(store.wreckage()) if run is None else ""
        for sentence in (*store.damage, *([left_over] if left_over else [])):
            output.warn(sentence)
        _show(lambda: show_logdir(found, form, query, view, cache=not no_cache, verify=verify), output, watching)
        return
    from tbcli.cli.render.runs import show_runs
    from tbcli.cli.render.sweeps_told import told_sweeps
    from tbcli.runs.files import utc_now

    def look() -> Shown:
        try:
            shown = show_runs(store, form, query, view, utc_now())
        except NotFound:  # what was asked for may stand in a record that cannot be read
            for sentence in store.damage:
                output.warn(sentence)
            raise
        is_empty = shown.note == NOTHING and not next(store.each(), None)
        shown = shown._replace(warnings=(*shown.warnings, *_beside(store)))
        if form == "table" and not query.asks_of_runs and run is None:
            told = _without_runs(store, paths) if store.sweep else told_sweeps(paths, whole=all_)
            shown = shown._replace(note="\n".join([*filter(None, [shown.note]), *told]))
        return shown._replace(note=_where_runs_are(paths)) if is_empty else shown

    _show(look, output, watching)


def _without_runs(store: RunStore, paths: PathsConfig) -> list[str]:
    """Return what became of the trials of a sweep that have no run."""
    from tbcli.cli.render.sweeps_told import told_without_runs

    return told_without_runs(paths, store.sweep, {run.sweep["trial"] for run in store.each()})


def _is_of_others(found: LogDirectory, store: RunStore, *, is_named: bool) -> bool:
    """Say whether a place is shown as a log directory: it holds no tbcli run; unnamed, also only if it holds logs."""
    from tbcli.runs.references import is_directory

    if found.run or not is_directory(found.logs):
        return is_named
    if next(store.each(), None):
        return False
    return is_named or has_logs(found.logs)


def _beside(store: RunStore) -> list[str]:
    """Return what a list of our runs leaves out: directories with the logs of other programs."""
    damaged = {one.logs for one in store.invalid if one.is_ours}
    others = [path for path in store.others if path not in damaged and has_logs(path)]
    if not others:
        return []
    counted = "1 directory holds" if len(others) == 1 else f"{len(others)} directories hold"
    return [f"{counted} the logs of other programs: `tbcli runs {shlex.quote(str(others[0]))}`"]


def _require_texts_alone(run: str | None, form: Form, query: ListingQuery, *, watching: bool) -> None:
    """Refuse ``--text`` where it cannot be answered.

    Raises:
        ConfigError: No path is named, or an option of another listing is.
    """
    if run is None:
        raise ConfigError("--text needs a run or a path", hint="`tbcli runs latest --text`")
    if query.asks_of_runs or query.is_reversed or form == "csv" or watching:
        raise ConfigError(
            "--text cannot be combined with --where, --sort, --reverse, --columns, --csv or --watch",
            hint="`tbcli runs PATH --text`, or with --json",
        )


def _show(look: Callable[[], Shown], output: Output, watching: bool) -> None:
    """Write what there is, once or again and again."""
    if watching:
        from tbcli.cli.render.watching import watch

        watch(lambda: _with_note(look()))
        return
    shown = look()
    for sentence in shown.warnings:
        output.warn(sentence)
    output.results(shown.lines)
    if shown.note:
        output.say(shown.note)


def _with_note(shown: Shown) -> list[str]:
    return [*shown.lines, *([shown.note] if shown.note else [])]


def _show_one(run: Run, form: Form, query: ListingQuery, output: Output, *, watching: bool) -> None:
    from tbcli.cli.render.damage import warn_of_records
    from tbcli.cli.render.one_run import run_lines, show_run
    from tbcli.runs.files import utc_now

    if query.asks_of_runs or query.is_reversed or form == "csv":
        raise ConfigError(
            f"--where, --sort, --reverse, --columns and --csv are for many runs, not for {run.label}",
            hint=f"`tbcli runs {run.id}`, or `tbcli export {run.id}` for its values as CSV",
        )
    if not watching:
        warn_of_records(output, [run])
        show_run(run, utc_now(), output, as_json=form == "json")
        return
    from tbcli.cli.render.watching import watch

    def draw() -> list[str]:
        run.reload()
        return run_lines(run, utc_now(), in_full=False)

    watch(draw, lambda: not run.is_live())


def _where_runs_are(paths: PathsConfig) -> str:
    """Return help for a person who stands in the wrong directory."""
    from tbcli.config import PathsConfig
    from tbcli.runs import RunStore
    from tbcli.serving import nearest_runs

    near = nearest_runs(paths.logs)
    empty = f"No runs in {printable(str(paths.logs))!r}."
    if near and next(RunStore(PathsConfig(logdir=str(near))).each(), None):
        there = printable(str(near))
        return f"{empty}\nThe nearest are in {there!r}: `tbcli runs --logdir {shlex.quote(there)}`"
    return f"{empty}\n`tbcli train` makes the first; `--workspace DIR` looks elsewhere."
