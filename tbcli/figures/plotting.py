"""Figures from Python: runs in, paths of image files out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from tbcli.config import Config
from tbcli.errors import NotFound
from tbcli.figures.curves import Request
from tbcli.figures.kinds import ACROSS, chosen_kinds, skips_missing
from tbcli.figures.pictures import plot_kinds
from tbcli.runs import Run


def plot(
    runs: Run | Iterable[Run],
    *,
    kind: str | Sequence[str] = "history",
    metrics: Sequence[str] = (),
    out: str | os.PathLike[str] | None = None,
    title: str = "",
    **settings: object,
) -> list[Path]:
    """Draw figures of runs, and return the files that were written.

    Several runs share one history; every other kind is one figure per run, but for the confusion matrices of two runs,
    which are subtracted.

    Args:
        runs: One run or several, as `tbcli.list_runs` and `tbcli.train` return them.
        kind: What to draw, one name or several: ``history``, ``confusion``, ``mistakes``, ... as ``tbcli plot --kind``;
            ``all`` draws whatever the runs have. ``effects``, ``parallel`` and ``slice`` are of many runs.
        metrics: Panels of the history, loss and accuracy unless given; the one metric of figures of many runs.
        out: The file to write, for a single figure; else each goes to the plots directory of its run.
        title: Heading, in place of the run's name.
        **settings: Settings of the section ``plot``: ``format="pdf"``, ``size="6.5x4"``, ``theme="dark"``.

    Raises:
        NotFound: There are no runs, or a run lacks what a figure is drawn from.
        ConfigError: A kind, a metric or a setting is unknown, or a file cannot be written.

    Example:
        >>> import tbcli
        >>> run = tbcli.list_runs()[-1]
        >>> [path.name for path in tbcli.plot(run)]
        ['training_history.png']
        >>> [path.name for path in tbcli.plot(run, kind="confusion", out="confusion.svg")]
        ['confusion.svg']
    """
    chosen = [runs] if isinstance(runs, Run) else list(runs)
    if not chosen:
        raise NotFound("no runs to plot", hint="`tbcli.list_runs()` returns the runs of a workspace")
    words = [kind] if isinstance(kind, str) else kind
    config = Config().updated({f"plot.{name}": value for name, value in settings.items()})
    kinds, file = chosen_kinds(words), None if out is None else Path(out)
    if kinds[0] in ACROSS:
        return _plot_across(chosen, kinds, metrics, config, file, title)
    result = plot_kinds(
        chosen,
        kinds,
        config.plot,
        plots_root=chosen[0].plots.parent,
        request=Request(metrics=tuple(metrics), smooth=config.plot.smooth),
        out=file,
        title=title,
        skip_missing=skips_missing(words),
    )
    return [picture.path for picture in result.pictures]


def _plot_across(
    runs: Sequence[Run], kinds: Sequence[str], metrics: Sequence[str], config: Config, out: Path | None, title: str
) -> list[Path]:
    from tbcli.figures.across import plot_across
    from tbcli.runs.run_summary import summary_of

    root = runs[0].plots.parent
    found = plot_across(list(map(summary_of, runs)), kinds, metrics, config.plot, plots_root=root, out=out, title=title)
    return [picture.path for picture in found.pictures]
