"""``tbcli plot``: curves of runs and of any log directory, and figures of what a run recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.completing import complete_kind, complete_metric
from tbcli.cli.options import OUTPUT_PANEL, Common, Json, RunsArgument, with_options
from tbcli.cli.output import Output, printable
from tbcli.cli.places import NoCache, OfSweep, Verify, find_places, list_own_runs, store_of
from tbcli.errors import ConfigError
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.figures import Picture, PlotResult
    from tbcli.runs import LogDirectory, Run, RunStore

FIGURE_PANEL = "Figure"
TERMINAL_PANEL = "Terminal"
HISTORY = "history"


@with_options("plot.smooth", "plot.dpi", "plot.size", "plot.theme", last=True)
def plot(
    common: Common,
    runs: RunsArgument = None,
    sweep: OfSweep = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LIST",
            autocompletion=complete_kind,
            help="Figures: history, summary, confusion (of two runs: their difference), pr, roc, calibration, "
            "gradients, embedding, mistakes or all; of many runs and one --metric: effects, parallel, slice. "
            "Repeatable.",
            show_default="history",
            rich_help_panel=FIGURE_PANEL,
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            autocompletion=complete_metric,
            help="Metric, tag or glob. Without '/' a glob matches metric names; with '/' it matches run/tag. "
            "Repeatable.",
            rich_help_panel=FIGURE_PANEL,
        ),
    ] = None,
    x: Annotated[
        str | None,
        typer.Option(
            "--x",
            metavar="AXIS",
            help="X axis: step, epoch or time.",
            show_default="what the series count",
            rich_help_panel=FIGURE_PANEL,
        ),
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(metavar="AXES", help="Logarithmic axes: x, y or xy.", rich_help_panel=FIGURE_PANEL),
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Plot mean and std per group. `seed` groups runs that differ only in their seed; any other key "
            "groups by value. Defaults to all runs.",
            rich_help_panel=FIGURE_PANEL,
        ),
    ] = None,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Title instead of the run's name.", rich_help_panel=FIGURE_PANEL)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Output file: .png, .svg or .pdf.", rich_help_panel=OUTPUT_PANEL),
    ] = None,
    open_: Annotated[
        bool, typer.Option("--open", help="Open the figure in the system's viewer.", rich_help_panel=OUTPUT_PANEL)
    ] = False,
    as_json: Json = False,
    terminal: Annotated[
        bool, typer.Option("--terminal", help="Draw in the terminal instead of a file.", rich_help_panel=TERMINAL_PANEL)
    ] = False,
    watching: Annotated[
        bool,
        typer.Option("--watch", help="Redraw in the terminal while a run trains.", rich_help_panel=TERMINAL_PANEL),
    ] = False,
    verify: Verify = False,
    no_cache: NoCache = False,
) -> None:
    """Plot curves of runs or of any log directory, or what a model confuses.

    --kind effects, parallel and slice show what the settings of many runs (all, unless named) do to a --metric. A path
    is a log directory, whoever wrote it; one that contains several runs shows all of them. The curves of
    training and validation share a panel.
    """
    config = common.settle()
    from tbcli.cli.curves import grouped, make_request
    from tbcli.cli.render.terminal_curves import show_in_terminal
    from tbcli.figures import chosen_kinds, plot_kinds, skips_missing
    from tbcli.figures.kinds import ACROSS

    kinds, output = chosen_kinds(kind or ()), common.output
    in_terminal = terminal or watching
    if in_terminal and (out or open_ or as_json):
        raise ConfigError(
            "--terminal cannot be combined with --out, --open or --json", hint="leave those out, or --terminal"
        )
    if tuple(kinds) != (HISTORY,) and (in_terminal or x or log or group_by):
        raise ConfigError(
            "--kind cannot be combined with --x, --log, --group-by or --terminal",
            hint="`--kind` alone, or without it",
        )
    if common.verbose:
        _show_library_logs()
    if kinds[0] in ACROSS:
        _plot_across(kinds, store_of(config, sweep), runs or [], metric or [], config, output, out, title or "",
                     as_json=as_json, verify=verify, cache=not no_cache)  # fmt: skip
        return
    store = store_of(config, sweep)
    request = make_request(metric or (), config, x=x, log=log, verify=verify, cache=not no_cache)
    places = _places(store, runs or [], output, all_runs=bool(group_by) or sweep is not None)
    if group_by:
        request, places = grouped(request, places, group_by, output)
    if in_terminal:
        show_in_terminal(places, request, output, watching=watching)
        return
    result = plot_kinds(
        places,
        kinds,
        config.plot,
        plots_root=config.paths.plots,
        request=request,
        out=out,
        title=title or "",
        skip_missing=skips_missing(kind or ()),
        sweep="" if runs else store.sweep,
    )
    _show(result, output, as_json=as_json)
    for picture in result.pictures if open_ else ():
        if not _shown_in_viewer(picture.path):
            output.warn(f"no viewer could be started for {printable(str(picture.path))!r}")


def _plot_across(
    kinds: Sequence[str],
    store: RunStore,
    references: list[str],
    metrics: list[str],
    config: Config,
    output: Output,
    out: Path | None,
    title: str,
    *,
    as_json: bool,
    verify: bool,
    cache: bool,
) -> None:
    """Draw what the settings of many runs do to one metric."""
    from tbcli.cli.effects import find_summaries
    from tbcli.figures.across import plot_across

    summaries = find_summaries(store, references, output, verify=verify, cache=cache)
    root = config.paths.plots
    whole = "" if references else store.sweep
    result = plot_across(summaries, kinds, metrics, config.plot, plots_root=root, out=out, title=title, sweep=whole)
    _show(result, output, as_json=as_json)


def _places(store: RunStore, references: list[str], output: Output, *, all_runs: bool) -> Sequence[Run | LogDirectory]:
    """Return what to draw: what was named, otherwise the latest run, or all of them."""
    from tbcli.cli.render.damage import warn_of_records

    found = list_own_runs(store, output) if all_runs and not references else []
    places = found or find_places(store, references or ["latest"], output)
    warn_of_records(output, places)
    return places


def _show(result: PlotResult, output: Output, *, as_json: bool) -> None:
    """Write the paths, and to stderr what is missing."""
    from tbcli.cli.render.damage import warn_of_damage

    pictures = result.pictures
    left_out = result.left_out
    for sentence in left_out:
        output.warn(sentence)
    for picture in pictures:
        warn_of_damage(output, picture.scene.damage if picture.scene else ())
        if picture.note:
            output.say(printable(picture.note))
    paths = [printable(str(picture.path)) for picture in pictures]
    if not as_json:
        output.results(paths)
        return
    document = {
        "schema": schemas.METRICS,
        "paths": paths,
        "kinds": [picture.kind for picture in pictures],
        "runs": list(dict.fromkeys(name for picture in pictures for name in picture.run_names)),
        "metrics": [metric for picture in pictures for metric in picture.metrics],
        "tags": {name: tags for picture in pictures if picture.scene for name, tags in picture.scene.tags().items()},
        "curves": [curve for picture in pictures for curve in _curves(picture)],
        "left_out": left_out,
    }
    output.document(document)


def _curves(picture: Picture) -> list[dict[str, object]]:
    """Return name, last and best value of each curve."""
    own = {run.id for run in picture.runs}
    curves = [curve for panel in picture.scene.panels for curve in panel.curves] if picture.scene else []
    return [
        {
            "run": curve.id if curve.id in own else curve.run,
            "name": curve.name,
            "last": curve.last,
            "best": curve.best.y if curve.best else None,
            "best_at": curve.best.at if curve.best else None,
            "n": curve.members,
        }
        for curve in curves
    ]


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
