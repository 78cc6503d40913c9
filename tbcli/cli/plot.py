"""``tbcli plot``: the history of runs, and what each run left to look at, as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.options import OUTPUT_PANEL, Common, Json, RunsArgument, with_common_options
from tbcli.cli.output import Output, printable
from tbcli.errors import NotFound

if TYPE_CHECKING:
    from tbcli.plots import Album
    from tbcli.runs import Run, RunStore

FIGURE_PANEL = "Figure"
SCHEMA = 1


@with_common_options
def plot(
    common: Common,
    runs: RunsArgument = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LIST",
            help="history, confusion, pr, gradients, embedding, mistakes or all; repeatable (history).",
            rich_help_panel=FIGURE_PANEL,
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Of the history: a metric, or a pattern as '*loss'. Repeatable.",
            rich_help_panel=FIGURE_PANEL,
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
    """Plot the history of a run, or of several over one another, and what a model confuses."""
    config = common.settle({"plot.smooth": smooth, "plot.dpi": dpi})
    from tbcli.plots import chosen_kinds, plot_kinds, wants_what_there_is
    from tbcli.runs import RunStore

    kinds = chosen_kinds(kind or ())
    if common.verbose:
        _show_library_logs()
    store = RunStore(config.paths)
    album = plot_kinds(
        [_found(store, reference, common.output) for reference in runs or ["latest"]],
        kinds,
        config.plot,
        plots_root=config.paths.plots,
        metrics=metric or (),
        out=out,
        title=title or "",
        what_there_is=wants_what_there_is(kind or ()),
    )
    _show(album, common.output, as_json=as_json)
    for picture in album.pictures if open_ else ():
        if not _shown_in_viewer(picture.path):
            common.output.warn(f"no viewer could be started for {printable(str(picture.path))!r}")


def _show(album: Album, output: Output, *, as_json: bool) -> None:
    """Write the paths, and to stderr what is missing."""
    pictures = album.pictures
    left_out = [*album.missing, *(sentence for picture in pictures for sentence in picture.left_out)]
    for sentence in left_out:
        output.warn(sentence)
    paths = [printable(str(picture.path)) for picture in pictures]
    if not as_json:
        output.results(paths)
        return
    document = {
        "schema": SCHEMA,
        "paths": paths,
        "kinds": [picture.kind for picture in pictures],
        "runs": list(dict.fromkeys(run.id for picture in pictures for run in picture.runs)),
        "metrics": [metric for picture in pictures for metric in picture.metrics],
        "left_out": left_out,
    }
    output.document(document)


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
