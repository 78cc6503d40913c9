"""Curves in the terminal, once or again and again."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tbcli.cli.output import Output, is_terminal, printable, styled
from tbcli.cli.render.damage import warn_of_damage
from tbcli.cli.render.watching import require_window, watch
from tbcli.errors import NotFound

if TYPE_CHECKING:
    from tbcli.figures.curves import Request, Scene
    from tbcli.figures.paint.terminal import Window
    from tbcli.runs import LogDirectory, Run

MOST_LINES = 12  # in one panel of characters
_LINES_PER_PANEL = 11
_WITHOUT_BRAILLE = ("dumb", "linux")  # a bare console has no such characters


def show_in_terminal(
    places: Sequence[Run | LogDirectory], request: Request, output: Output, *, watching: bool = False
) -> None:
    """Draw with characters, once or again and again until the runs have ended."""
    if watching:
        require_window()
        _watch(places, request, output)
        return
    from tbcli.figures.composing import compose
    from tbcli.figures.paint.terminal import draw_scene

    window = _window()
    scene = compose(places, _for_window(request, window))
    output.results(draw_scene(scene, window))
    _warn(scene, output)


def _watch(places: Sequence[Run | LogDirectory], request: Request, output: Output) -> None:
    from tbcli.figures.composing import compose
    from tbcli.figures.paint.terminal import draw_scene
    from tbcli.runs import Run

    last: list[Scene] = []

    def draw() -> list[str]:
        window = _window()
        try:
            scene = compose(places, _for_window(request, window))
        except NotFound as error:
            if not _may_come(places):
                raise
            return [styled(printable(f"{error.message}; waiting"), "dim", sys.stdout)]
        last[:] = [scene]
        return draw_scene(scene, window)

    def is_over() -> bool:
        runs = [place for place in places if isinstance(place, Run)]
        for run in runs:
            run.reload()
        # Nobody can tell whether somebody else's log directory is still written to.
        return len(runs) == len(places) and not any(run.is_live() for run in runs)

    watch(draw, is_over)
    for scene in last:
        _warn(scene, output)


def _may_come(places: Sequence[Run | LogDirectory]) -> bool:
    """Say whether what is missing may still be written: by a run before its first epoch, or by another program."""
    from tbcli.runs import LogDirectory
    from tbcli.runs.history import read_history

    return any(
        isinstance(place, LogDirectory) or (place.is_live() and not read_history(place.history_file).epochs)
        for place in places
    )


def _warn(scene: Scene, output: Output) -> None:
    for sentence in scene.left_out:
        output.warn(sentence)
    warn_of_damage(output, scene.damage)


def _window() -> Window:
    from tbcli.figures.paint.terminal import Window

    size = shutil.get_terminal_size()
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    braille = encoding.startswith("utf") and os.environ.get("TERM") not in _WITHOUT_BRAILLE
    return Window(
        width=size.columns,
        height=max(0, size.lines - 1) if is_terminal(sys.stdout) else 0,
        braille=braille,
        paint=lambda text, style: styled(text, style, sys.stdout),
    )


def _for_window(request: Request, window: Window) -> Request:
    """Return the request for as many panels as fit, with as many points as can be told apart."""
    from tbcli.figures.paint.terminal import most_side_by_side

    rows = max(1, window.height // _LINES_PER_PANEL) if window.height else 3
    panels = min(6, rows * most_side_by_side(window.width))
    return replace(request, most_panels=panels, most_curves=MOST_LINES, stretches=max(200, 2 * window.width))
