"""What ``tbcli plot`` draws out of event files: as a figure, or with characters in the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tbcli.cli.output import Output, is_terminal, printable, styled
from tbcli.cli.places import warn_of_damage
from tbcli.cli.watching import require_window, watch
from tbcli.config import PlotConfig
from tbcli.errors import ConfigError, NotFound
from tbcli.naming import schemas
from tbcli.naming.matching import did_you_mean

if TYPE_CHECKING:
    from tbcli.figures.series import Gathered
    from tbcli.figures.sources import Request
    from tbcli.figures.terminal import Look
    from tbcli.runs import LogDirectory, Run
    from tbcli.runs.summary import Summary

X_AXES, LOGS = ("step", "epoch", "time"), ("x", "y", "xy")
MOST_LINES = 12  # in one chart of characters
_LINES_A_CHART = 11
_WITHOUT_BRAILLE = ("dumb", "linux")  # a bare console has no such letters


def make_request(
    metrics: Sequence[str], *, x: str | None, log: str | None, smooth: float, verify: bool, cache: bool
) -> Request:
    """Return what is to be drawn.

    Raises:
        ConfigError: There is no such axis.
    """
    for option, said, known in (("--x", x, X_AXES), ("--log", log, LOGS)):
        if said is not None and said not in known:
            raise ConfigError(f"{option} knows no {said!r}", hint=did_you_mean(said, known))
    from tbcli.figures.sources import Request

    return Request(metrics=tuple(metrics), x=x or "", log=log or "", smooth=smooth, verify=verify, cache=cache)


def grouped(request: Request, places: Sequence[Run | LogDirectory], key: str) -> Request:
    """Return the request with the runs put into groups by a setting, a fact, or a hyperparameter.

    Raises:
        NotFound: No run has such a key.
    """
    from tbcli.comparison import group_runs

    sides = group_runs([summary for place in places for summary in _summaries(place)], key)
    return replace(request, groups={member.id: side.label for side in sides for member in side.members})


def _summaries(place: Run | LogDirectory) -> list[Summary]:
    """Return the run, or the runs inside a log directory with the hyperparameters that they recorded."""
    from tbcli.runs import Run
    from tbcli.runs.summary import Summary, summary_of

    if isinstance(place, Run):
        return [summary_of(place)]
    from tbcli.figures.sources import foreign_id
    from tbcli.readers import open_logdir

    recorded = open_logdir(place.logs).documents().hparams
    return [
        Summary(run, foreign_id(place, run), {}, read_settings=partial(dict, hparams.values))
        for run, hparams in recorded.items()
    ]


def show_figure(
    places: Sequence[Run | LogDirectory],
    request: Request,
    plot: PlotConfig,
    output: Output,
    *,
    plots_root: Path,
    out: Path | None,
    title: str,
    as_json: bool,
) -> Path:
    """Draw a figure, and write its path."""
    from tbcli.figures.scalars import plot_scalars

    picture = plot_scalars(places, request, plot, plots_root=plots_root, out=out, title=title)
    gathered = picture.gathered
    _warn(gathered, output)
    if picture.note:
        output.say(picture.note)
    path = printable(str(picture.path))
    if not as_json:
        output.result(path)
        return picture.path
    from tbcli.runs import Run

    ids = {place.name or place.id: place.id for place in places if isinstance(place, Run)}
    output.document(
        {
            "schema": schemas.METRICS,
            "paths": [path],
            "kinds": ["scalars"],
            "runs": [ids.get(run, run) for run in gathered.runs],
            "metrics": [chart.metric for chart in gathered.charts],
            "curves": [curve.name for chart in gathered.charts for curve in chart.curves],
            "left_out": list(gathered.left_out),
        }
    )
    return picture.path


def show_in_terminal(
    places: Sequence[Run | LogDirectory], request: Request, output: Output, *, watching: bool = False
) -> None:
    """Draw with characters, once or again and again until the runs have ended."""
    if watching:
        require_window()
        _watch(places, request, output)
        return
    from tbcli.figures.series import gather
    from tbcli.figures.terminal import draw_charts

    look = _look(request)
    gathered = gather(places, _for_window(request, look))
    output.results(draw_charts(gathered.charts, look))
    _warn(gathered, output)


def _watch(places: Sequence[Run | LogDirectory], request: Request, output: Output) -> None:
    from tbcli.figures.series import gather
    from tbcli.figures.terminal import draw_charts
    from tbcli.runs import Run

    last: list[Gathered] = []

    def draw() -> list[str]:
        look = _look(request)
        try:
            gathered = gather(places, _for_window(request, look))
        except NotFound as error:  # it may have just begun
            return [styled(printable(f"{error.message}; waiting"), "dim", sys.stdout)]
        last[:] = [gathered]
        return draw_charts(gathered.charts, look)

    def is_over() -> bool:
        runs = [place for place in places if isinstance(place, Run)]
        for run in runs:
            run.reload()
        # Nobody can tell whether somebody else's log directory is still written to.
        return len(runs) == len(places) and not any(run.is_live() for run in runs)

    watch(draw, is_over)
    for gathered in last:
        _warn(gathered, output)


def _warn(gathered: Gathered, output: Output) -> None:
    for sentence in gathered.left_out:
        output.warn(sentence)
    warn_of_damage(output, gathered.damage)


def _look(request: Request) -> Look:
    from tbcli.figures.terminal import Look

    window = shutil.get_terminal_size()
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    braille = encoding.startswith("utf") and os.environ.get("TERM") not in _WITHOUT_BRAILLE
    return Look(
        width=window.columns,
        height=max(0, window.lines - 1) if is_terminal(sys.stdout) else 0,
        braille=braille,
        paint=lambda text, style: styled(text, style, sys.stdout),
        log=request.log,
        smooth=request.smooth,
    )


def _for_window(request: Request, look: Look) -> Request:
    """Return the request for as many charts as fit, with as many points as can be told apart."""
    from tbcli.figures.terminal import most_side_by_side

    rows = max(1, look.height // _LINES_A_CHART) if look.height else 3
    panels = min(6, rows * most_side_by_side(look.width))
    return replace(request, most_panels=panels, most_curves=MOST_LINES, stretches=max(200, 2 * look.width))
