"""Runs in, files out: what can fail without matplotlib fails before it is loaded."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tbcli.config import FIGURE_FORMATS, PlotConfig
from tbcli.errors import ConfigError, NotFound, Refused
from tbcli.figures.curves import Panel, RunHistory, pick_panels
from tbcli.figures.kinds import HISTORY, KINDS
from tbcli.loading import load_object
from tbcli.naming.matching import did_you_mean
from tbcli.runs import Run
from tbcli.runs.history import read_history

_HISTORY_STEM = "training_history"
_LONGEST_NAME = 120  # of a directory; file systems take 255 bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure on disk.

    Args:
        kind: What it is: one of `tbcli.figures.kinds.NAMES`.
        path: The file.
        runs: What it shows.
        metrics: Its panels, where it is a history.
        left_out: Sentences about what it does not show though it was asked for.
    """

    kind: str
    path: Path
    runs: tuple[Run, ...]
    metrics: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlotResult:
    """Figures on disk.

    Args:
        pictures: At least one.
        missing: What could not be drawn and why, a sentence for each reason.
    """

    pictures: tuple[Picture, ...]
    missing: tuple[str, ...] = ()


def plot_kinds(
    runs: Sequence[Run],
    kinds: Sequence[str],
    plot: PlotConfig,
    *,
    plots_root: Path,
    metrics: Sequence[str] = (),
    out: Path | None = None,
    title: str = "",
    skip_missing: bool = False,
) -> PlotResult:
    """Draw figures of runs: one history of all of them, every other kind for each run.

    Args:
        runs: At least one; one that is named twice is drawn once.
        kinds: At least one of `tbcli.figures.kinds.NAMES`.
        plot: Format, resolution, smoothing.
        plots_root: Where a history of several runs gets its directory.
        metrics: Panels of the history; see `plot_runs`.
        out: The file to write, if not below the roots; for a single figure.
        title: In place of the run's name.
        skip_missing: Draw what there is, rather than nothing where a run lacks something.

    Raises:
        NotFound: A run lacks what a figure is drawn from or, with ``skip_missing``, there is nothing to draw at all.
        ConfigError: The format is unknown, a file cannot be written, or an option does not suit the kinds.
        Refused: The directory a figure belongs to is a link.
    """
    chosen = _each_once(runs)
    own = [(run, kind) for run in chosen for kind in kinds if kind != HISTORY]
    _check_options(len(own) + (HISTORY in kinds), has_history=HISTORY in kinds, metrics=metrics, out=out)
    ready, missing = _read_all(own)
    if missing and not skip_missing:
        raise missing[0][1]
    pictures = []
    if HISTORY in kinds:
        try:
            pictures.append(plot_runs(chosen, plot, plots_root=plots_root, metrics=metrics, out=out, title=title))
        except NotFound as error:
            if metrics or not skip_missing:
                raise
            missing.insert(0, (HISTORY, error))
    pictures += [_plot_one(run, kind, found, plot, out, title) for run, kind, found in ready]
    if not pictures:
        raise missing[0][1]
    return PlotResult(tuple(pictures), _sentences(missing))


def _check_options(figures: int, *, has_history: bool, metrics: Sequence[str], out: Path | None) -> None:
    if out and figures > 1:
        raise ConfigError(
            f"--out names one file, but these are {figures} figures",
            hint="`--plots-dir DIR` for all of them, or one `--kind` of one run",
        )
    if metrics and not has_history:
        raise ConfigError("--metric chooses panels of the history alone", hint="leave it out, or `--kind history`")


def _read_all(own: Sequence[tuple[Run, str]]) -> tuple[list[tuple[Run, str, Any]], list[tuple[str, NotFound]]]:
    """Return what there is to draw, and of which kinds there is nothing and why."""
    ready, missing = [], []
    for run, kind in own:
        try:
            ready.append((run, kind, load_object(KINDS[kind].read)(run)))
        except NotFound as error:
            missing.append((kind, error))
    return ready, missing


def _sentences(missing: Sequence[tuple[str, NotFound]]) -> tuple[str, ...]:
    kinds: dict[str, list[str]] = {}
    for kind, error in missing:
        kinds.setdefault(error.message, []).append(kind)
    return tuple(f"no {', '.join(without)}: {message}" for message, without in kinds.items())


def _plot_one(run: Run, kind: str, found: Any, plot: PlotConfig, out: Path | None, title: str) -> Picture:
    path = checked_format(out) if out else _own_place([run], run.plots.parent) / f"{KINDS[kind].stem}.{plot.format}"
    start_matplotlib()
    from tbcli.figures.lettering import missing_fonts
    from tbcli.figures.style import Look, save_figure

    look = Look.of(plot)
    figure = load_object(KINDS[kind].draw)(run, found, title=title, look=look)
    save_figure(figure, path, plot.dpi, is_named=out is not None, theme=look.theme)
    names = getattr(found, "predictions", found)
    note = missing_fonts([title or run.name, *getattr(names, "class_names", ())])
    return Picture(kind, path, (run,), left_out=(*getattr(found, "damage", ()), *filter(None, [note])))


def _each_once(runs: Sequence[Run]) -> list[Run]:
    return list({run.logs.resolve(): run for run in runs}.values())


def plot_runs(
    runs: Sequence[Run],
    plot: PlotConfig,
    *,
    plots_root: Path,
    metrics: Sequence[str] = (),
    out: Path | None = None,
    title: str = "",
) -> Picture:
    """Draw the training history of one run, or of several over one another.

    Args:
        runs: At least one; one that is named twice is drawn once.
        plot: Format, resolution, smoothing.
        plots_root: Where the figure of several runs gets its directory.
        metrics: Names or patterns; nothing means accuracy and loss.
        out: The file to write, if not below ``plots_root``.
        title: In place of the run's name.

    Raises:
        NotFound: No run has an epoch yet, or a metric is in none of them.
        ConfigError: The format is unknown, or the file cannot be written.
        Refused: The directory the figure belongs to is a link.
    """
    chosen = _each_once(runs)
    path = checked_format(out) if out else _own_place(chosen, plots_root) / f"{_HISTORY_STEM}.{plot.format}"
    told, left_out = _with_epochs(chosen)
    panels = pick_panels((column for one in told for column in one.history.columns), metrics)
    shown, without = _with_panels(told, panels)
    start_matplotlib()
    from tbcli.figures.history import draw_history
    from tbcli.figures.style import save_figure

    figure = draw_history(shown, panels, smooth=plot.smooth, title=title)
    save_figure(figure, path, plot.dpi, is_named=out is not None)
    names = tuple(panel.name for panel in panels)
    return Picture(HISTORY, path, tuple(one.run for one in shown), names, (*left_out, *without))


def comparison_name(ids: Sequence[str]) -> str:
    """Return the name of the directory for a figure of several runs: the same for the same runs, and never too long."""
    ordered = sorted(ids)
    whole = "compare-" + "+".join(ordered)
    if len(whole.encode()) <= _LONGEST_NAME:
        return whole
    digest = hashlib.blake2b("\n".join(ordered).encode(errors="surrogatepass"), digest_size=4).hexdigest()
    return f"compare-{ordered[0][:40]}+{len(ordered) - 1}-more-{digest}"


def checked_format(out: Path) -> Path:
    """Return the path of a figure whose suffix says its format.

    Raises:
        ConfigError: It says none that is known.
    """
    form = out.suffix.lower().removeprefix(".")
    if form in FIGURE_FORMATS:
        return out
    suffixes = [f".{known}" for known in FIGURE_FORMATS]
    hint = did_you_mean(out.suffix, suffixes) if form else f"a file name that ends in {', '.join(suffixes)}"
    raise ConfigError(f"cannot tell a figure format from the name {str(out)!r}", hint=hint)


def _own_place(runs: Sequence[Run], plots_root: Path) -> Path:
    directory = runs[0].plots if len(runs) == 1 else plots_root / comparison_name([run.id for run in runs])
    if directory.is_symlink():
        raise Refused(
            f"{str(directory)!r} is a link, and links below the plots are not followed",
            hint="`--out FILE.png` elsewhere",
        )
    return directory


def _with_epochs(runs: Sequence[Run]) -> tuple[list[RunHistory], list[str]]:
    told = [RunHistory(run, read_history(run.history_file)) for run in runs]
    full = [one for one in told if one.history.epochs]
    left_out = [f"{one.run.label} has no epoch yet: left out" for one in told if not one.history.epochs]
    if full:
        return full, left_out
    first = runs[0]
    others = f" nor have the {len(runs) - 1} others" if len(runs) > 1 else ""
    if first.is_live():
        raise NotFound(
            f"run {first.label} has no finished epoch yet{others}", hint="its first row comes at the end of epoch 1"
        )
    status = first.status()
    raise NotFound(
        f"run {first.label} has no epoch to plot{others}; it is {status}", hint="`tbcli runs` lists what there is"
    )


def _with_panels(told: Sequence[RunHistory], panels: Sequence[Panel]) -> tuple[list[RunHistory], list[str]]:
    shown = [one for one in told if any(panel.shows(one) for panel in panels)]
    missing = ", ".join(panel.name for panel in panels)
    return shown, [f"{one.run.label} has no {missing}: left out" for one in told if one not in shown]


def start_matplotlib() -> None:
    """Load it without its remarks on font caches and directories, unless somebody asked for the libraries' logs.

    Raises:
        ConfigError: It does not start.
    """
    logger = logging.getLogger("matplotlib")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.ERROR)
    try:
        import matplotlib.figure  # noqa: F401 - the room that draws imports it by its names
    except ValueError as error:
        what = str(error).partition(";")[0]
        raise ConfigError(
            f"matplotlib does not start: {what}", hint="look at MPLBACKEND and at matplotlibrc"
        ) from error
