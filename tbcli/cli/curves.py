"""What ``tbcli plot`` asks of curves, and how it shows them in the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tbcli.cli.output import Output, is_terminal, printable, styled
from tbcli.cli.places import warn_of_damage, warn_of_settings
from tbcli.cli.watching import require_window, watch
from tbcli.errors import ConfigError, NotFound
from tbcli.naming.matching import did_you_mean

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.figures.curves import Request, Scene
    from tbcli.figures.paint.terminal import Window
    from tbcli.runs import LogDirectory, Run
    from tbcli.runs.summary import Summary

MOST_LINES = 12  # in one panel of characters
_LINES_PER_PANEL = 11
_WITHOUT_BRAILLE = ("dumb", "linux")  # a bare console has no such characters


def make_request(
    metrics: Sequence[str], config: Config, *, x: str | None, log: str | None, verify: bool, cache: bool
) -> Request:
    """Return what is to be drawn.

    Raises:
        ConfigError: There is no such axis.
    """
    from tbcli.figures.curves import AXES, LOGS, Request

    for option, said, known in (("--x", x, AXES), ("--log", log, LOGS)):
        if said is not None and said not in known:
            raise ConfigError(f"unknown {option} {said!r}", hint=did_you_mean(said, known))
    return Request(
        metrics=tuple(metrics),
        x=x or "",
        log=log or "",
        smooth=config.plot.smooth,
        directions=config.direction,
        verify=verify,
        cache=cache,
    )


def grouped(request: Request, places: Sequence[Run | LogDirectory], key: str, output: Output) -> Request:
    """Return the request with the runs in groups by a setting, a fact, or a hyperparameter.

    Raises:
        NotFound: No run has such a key.
    """
    from tbcli.grouping import group_runs, notes_on_groups

    told: set[str] = set()
    summaries = [summary for place in places for summary in _summaries(place, output, told)]
    sides = group_runs(summaries, key)
    groups = {member.id: side.label for side in sides for member in side.members}
    return replace(request, groups=groups, remarks=tuple(notes_on_groups(sides, key)))


def _summaries(place: Run | LogDirectory, output: Output, told: set[str]) -> list[Summary]:
    """Return the run, or the runs inside a log directory with the hyperparameters that they recorded."""
    from tbcli.runs import Run
    from tbcli.runs.summary import Summary, summary_of

    if isinstance(place, Run):
        return [summary_of(place)]
    from tbcli.figures.traces import foreign_id
    from tbcli.readers.logged_runs import read_runs

    logged = read_runs(place)
    logged.tell_unread = lambda unread: warn_of_settings(output, unread, place, told)
    with_scalars = {identity.run for identity in logged.named.identities}
    return [
        Summary(run, foreign_id(place, run), {}, read_settings=partial(logged.settings, run))
        for run in logged.names
        if run in with_scalars
    ]


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
