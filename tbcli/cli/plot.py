"""``tbcli plot``: the history of runs, what each run left to look at, and the scalars of any log directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.completing import complete_kind, complete_metric
from tbcli.cli.options import OUTPUT_PANEL, Common, Json, RunsArgument, with_options
from tbcli.cli.output import Output, printable
from tbcli.cli.places import NoCache, Verify, find_places, list_runs, warn_of_records
from tbcli.errors import ConfigError, NotFound
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.figures import PlotResult
    from tbcli.runs import LogDirectory, Run, RunStore

FIGURE_PANEL = "Figure"
TERMINAL_PANEL = "Terminal"
HISTORY = "history"


@with_options("plot.smooth", "plot.dpi", "plot.size", "plot.theme", last=True)
def plot(
    common: Common,
    runs: RunsArgument = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LIST",
            autocompletion=complete_kind,
            help="history, confusion, pr, gradients, embedding, mistakes or all; repeatable (history).",
            rich_help_panel=FIGURE_PANEL,
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            autocompletion=complete_metric,
            help="A metric, a tag, or a pattern: '*loss' is of the metric's own name, 'train/gradients/*', with a "
            "slash, of run and tag. Repeatable.",
            rich_help_panel=FIGURE_PANEL,
        ),
    ] = None,
    x: Annotated[
        str | None,
        typer.Option("--x", metavar="AXIS", help="step, epoch or time.", rich_help_panel=FIGURE_PANEL),
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(metavar="AXES", help="Logarithmic axes: x, y or xy.", rich_help_panel=FIGURE_PANEL),
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Mean and deviation over groups: seed groups runs alike in all but the seed; any other key, those of "
            "one value. Without a run, of all.",
            rich_help_panel=FIGURE_PANEL,
        ),
    ] = None,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="In place of the run's name.", rich_help_panel=FIGURE_PANEL)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write here; .png, .svg or .pdf.", rich_help_panel=OUTPUT_PANEL),
    ] = None,
    open_: Annotated[
        bool, typer.Option("--open", help="Show it in the system's viewer.", rich_help_panel=OUTPUT_PANEL)
    ] = False,
    as_json: Json = False,
    terminal: Annotated[
        bool, typer.Option("--terminal", help="Draw with characters, here.", rich_help_panel=TERMINAL_PANEL)
    ] = False,
    watching: Annotated[
        bool,
        typer.Option("--watch", help="The same, again and again while a run trains.", rich_help_panel=TERMINAL_PANEL),
    ] = False,
    verify: Verify = False,
    no_cache: NoCache = False,
) -> None:
    """Plot the history of runs, what a model confuses, or the scalars of any log directory.

    A path leads to a log directory, whoever wrote it; its metrics are called as there. Validation is drawn with the
    training it belongs to.
    """
    config = common.settle()
    from tbcli.cli.curves import grouped, make_request, show_figure, show_in_terminal
    from tbcli.figures import chosen_kinds
    from tbcli.runs import RunStore

    kinds, output, patterns = chosen_kinds(kind or ()), common.output, tuple(metric or ())
    in_terminal = terminal or watching
    if in_terminal and (out or open_ or as_json):
        raise ConfigError("--terminal writes no file", hint="leave out --out, --open and --json, or --terminal")
    if common.verbose:
        _show_library_logs()
    places = _places(RunStore(config.paths, config.direction), runs or [], output, all_runs=bool(group_by))
    from_events = bool(in_terminal or x or log or group_by)
    own = None if from_events else _with_history(places, kinds, patterns)
    if own is not None:
        result = _drawn(own, kinds, kind or (), config, patterns, out, title or "")
        _show(result, output, as_json=as_json)
        paths = [picture.path for picture in result.pictures]
    else:
        _require_history_alone(kinds, places)
        request = make_request(patterns, x=x, log=log, smooth=config.plot.smooth, verify=verify, cache=not no_cache)
        request = grouped(request, places, group_by) if group_by else request
        if in_terminal:
            show_in_terminal(places, request, output, watching=watching)
            return
        root = config.paths.plots
        paths = [
            show_figure(
                places, request, config.plot, output, plots_root=root, out=out, title=title or "", as_json=as_json
            )
        ]
    for path in paths if open_ else ():
        if not _shown_in_viewer(path):
            output.warn(f"no viewer could be started for {printable(str(path))!r}")


def _places(store: RunStore, references: list[str], output: Output, *, all_runs: bool) -> Sequence[Run | LogDirectory]:
    """Return what is to be drawn: what was named, else the latest run or all of them."""
    found = list_runs(store, output) if all_runs and not references else []
    places = found or find_places(store, references or ["latest"], output)
    warn_of_records(output, places)
    return places


def _with_history(
    places: Sequence[Run | LogDirectory], kinds: Sequence[str], patterns: Sequence[str]
) -> Sequence[Run] | None:
    """Return the runs where all are ours and their histories hold what was asked for; None where event files must."""
    from tbcli.figures.curves import pick_panels
    from tbcli.runs import Run
    from tbcli.runs.history import read_history

    own = [place for place in places if isinstance(place, Run)]
    if len(own) < len(places):
        return None
    if tuple(kinds) != (HISTORY,) or not any(_may_be_a_tag(word) for word in patterns):
        return own
    columns = [column for run in own for column in read_history(run.history_file).columns]
    try:
        pick_panels(columns, patterns)
    except NotFound:
        return own if not columns else None
    return own


def _may_be_a_tag(word: str) -> bool:
    """Say whether more than metrics is meant: tags lie below a slash, or are written within the epochs."""
    return word.startswith("batch_") or any(sign in word for sign in "/*?[")


def _require_history_alone(kinds: Sequence[str], places: Sequence[Run | LogDirectory]) -> None:
    from tbcli.runs import LogDirectory

    if tuple(kinds) == (HISTORY,):
        return
    foreign = next((place for place in places if isinstance(place, LogDirectory)), None)
    if foreign is not None:
        raise NotFound(
            f"{str(foreign.logs)!r} is a log directory, but no run of tbcli's: it holds scalars alone to plot",
            hint="leave out --kind, or name a run; `tbcli runs` lists them",
        )
    raise ConfigError(
        "--kind draws what training left behind; the other options draw curves", hint="`--kind` alone, or without it"
    )


def _drawn(
    own: Sequence[Run],
    kinds: Sequence[str],
    said: Sequence[str],
    config: Config,
    patterns: Sequence[str],
    out: Path | None,
    title: str,
) -> PlotResult:
    from tbcli.figures import plot_kinds, skips_missing

    return plot_kinds(
        own,
        kinds,
        config.plot,
        plots_root=config.paths.plots,
        metrics=patterns,
        out=out,
        title=title,
        skip_missing=skips_missing(said),
    )


def _show(result: PlotResult, output: Output, *, as_json: bool) -> None:
    """Write the paths, and to stderr what is missing."""
    pictures = result.pictures
    left_out = [*result.missing, *(sentence for picture in pictures for sentence in picture.left_out)]
    for sentence in left_out:
        output.warn(sentence)
    paths = [printable(str(picture.path)) for picture in pictures]
    if not as_json:
        output.results(paths)
        return
    document = {
        "schema": schemas.METRICS,
        "paths": paths,
        "kinds": [picture.kind for picture in pictures],
        "runs": list(dict.fromkeys(run.id for picture in pictures for run in picture.runs)),
        "metrics": [metric for picture in pictures for metric in picture.metrics],
        "left_out": left_out,
    }
    output.document(document)


def _show_library_logs() -> None:
    import logging

    logging.getLogger("matplotlib").setLevel(logging.INFO)
    logging.basicConfig(level=logging.INFO)


def _shown_in_viewer(path: Path) -> bool:
    """Hand a file to the desktop; what the viewer prints goes nowhere."""
    import subprocess
    import sys

    command = "open" if sys.platform == "darwin" else "xdg-open"
    quiet = subprocess.DEVNULL
    try:
        viewer = subprocess.Popen(  # noqa: S603 - a fixed program, without a shell
            [command, path.resolve()], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
        )
        return viewer.wait(timeout=1) == 0
    except subprocess.TimeoutExpired:
        return True  # it stays with the picture
    except OSError:
        return False
