"""``tbcli plot``: the training history of runs as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.options import OUTPUT_PANEL, Common, Json, RunsArgument, with_common_options
from tbcli.cli.output import Output, printable
from tbcli.errors import NotFound

if TYPE_CHECKING:
    from tbcli.runs import Run, RunStore

FIGURE_PANEL = "Figure"
SCHEMA = 1


@with_common_options
def plot(
    common: Common,
    runs: RunsArgument = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A metric, or a pattern as '*loss'. Repeatable.", rich_help_panel=FIGURE_PANEL
        ),
    ] = None,
    smooth: Annotated[
        float | None,
        typer.Option(metavar="WEIGHT", help="TensorBoard's smoothing, 0 to below 1.", rich_help_panel=FIGURE_PANEL),
    ] = None,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="In place of the run's name.", rich_help_panel=FIGURE_PANEL)
    ] = None,
    dpi: Annotated[int | None, typer.Option(metavar="N", help="Pixels an inch.", rich_help_panel=FIGURE_PANEL)] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write here; .png, .svg or .pdf.", rich_help_panel=OUTPUT_PANEL),
    ] = None,
    open_: Annotated[
        bool, typer.Option("--open", help="Show it in the system's viewer.", rich_help_panel=OUTPUT_PANEL)
    ] = False,
    as_json: Json = False,
) -> None:
    """Plot accuracy and loss of a run, or of several over one another; without a run, of the latest."""
    config = common.settle({"plot.smooth": smooth, "plot.dpi": dpi})
    from tbcli.plots import plot_runs
    from tbcli.runs import RunStore

    if common.verbose:
        _show_library_logs()
    store = RunStore(config.paths)
    found = [_found(store, reference, common.output) for reference in runs or ["latest"]]
    picture = plot_runs(
        found, config.plot, plots_root=config.paths.plots, metrics=metric or (), out=out, title=title or ""
    )
    for sentence in picture.left_out:
        common.output.warn(sentence)
    path = printable(str(picture.path))
    if as_json:
        shown = {"runs": [run.id for run in picture.runs], "metrics": picture.metrics, "left_out": picture.left_out}
        common.output.document({"schema": SCHEMA, "paths": [path], **shown})
    else:
        common.output.result(path)
    if open_ and not _shown_in_viewer(picture.path):
        common.output.warn(f"no viewer could be started for {path!r}")


def _found(store: RunStore, reference: str, output: Output) -> Run:
    from tbcli.runs import LogDirectory

    found = store.find_any(reference, output.say)
    if isinstance(found, LogDirectory):
        raise NotFound(
            f"{reference!r} is a log directory, but holds no history of a run of tbcli's",
            hint="`tbcli runs` lists the runs",
        )
    return found


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
