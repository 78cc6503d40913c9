"""Runs in, files out: what can fail without matplotlib fails before it is loaded."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbcli.config import PlotConfig
from tbcli.errors import ConfigError, NotFound, TbcliError
from tbcli.figures.curves import Request, Scene
from tbcli.figures.kinds import DIFFERENCE, HISTORY, KINDS, Kind
from tbcli.figures.placing import Spot, checked_format, own_directory, spot_for_curves
from tbcli.loading import load_object
from tbcli.runs import LogDirectory, Run

if TYPE_CHECKING:
    from tbcli.tasks import Task

SCALARS = "scalars"  # curves of a log directory that is not a run of ours


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure on disk.

    Args:
        kind: What it is: one of `tbcli.figures.kinds.NAMES`.
        path: The file.
        runs: What it shows.
        metrics: Its panels, where it is a history.
        left_out: Sentences about what it does not show though it was asked for.
        scene: What it shows, where it is of curves.
        note: Why it does not lie where one would look for it first.
        ids: Of the runs, where these are anybody's.
    """

    kind: str
    path: Path
    runs: tuple[Run, ...]
    metrics: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    scene: Scene | None = None
    note: str = ""
    ids: tuple[str, ...] = ()

    @property
    def run_names(self) -> list[str]:
        """What scripts call the runs or groups: ids of runs of ours, else the name inside the log directory."""
        own = {run.id for run in self.runs}
        if self.scene is None:
            return list(self.ids) or [run.id for run in self.runs]
        return [entry.id if entry.id in own else entry.label for entry in self.scene.entries]


@dataclass(frozen=True, slots=True)
class PlotResult:
    """Figures on disk.

    Args:
        pictures: At least one.
        missing: What could not be drawn and why, one sentence per reason.
        fonts: Which characters of the names no font here has, and what to install; empty where nothing is missing.
    """

    pictures: tuple[Picture, ...]
    missing: tuple[str, ...] = ()
    fonts: str = ""

    @property
    def left_out(self) -> list[str]:
        """All that is not shown as it was asked for, each sentence once."""
        shown = [sentence for picture in self.pictures for sentence in picture.left_out]
        return list(dict.fromkeys([*self.missing, *shown, *filter(None, [self.fonts])]))


def plot_kinds(
    places: Sequence[Run | LogDirectory],
    kinds: Sequence[str],
    plot: PlotConfig,
    *,
    plots_root: Path,
    request: Request | None = None,
    out: Path | None = None,
    title: str = "",
    skip_missing: bool = False,
    sweep: str = "",
) -> PlotResult:
    """Draw figures: one of the curves of all runs, every other kind for each run; confusions of two runs subtracted.

    Args:
        places: Runs, and for curves alone also log directories; at least one. One that is named twice is drawn once.
        kinds: At least one of `tbcli.figures.kinds.NAMES`.
        plot: Format, resolution, smoothing.
        plots_root: Where a history of several runs gets its directory.
        request: What to draw of the curves; see `plot_curves`.
        out: The file to write, if not below the roots; for a single figure.
        title: In place of the run's name.
        skip_missing: Draw the other figures when a run has no data for one of them.
        sweep: The sweep whose runs these are, all of them.

    Raises:
        NotFound: A run lacks what a figure is drawn from or, with ``skip_missing``, there is nothing to draw at all.
        ConfigError: The format is unknown, a file cannot be written, or an option does not suit the kinds.
        Refused: The directory a figure belongs to is a link.
    """
    request = request or Request(smooth=plot.smooth)
    chosen, metrics = _each_once(places), request.metrics
    alone = _runs_alone(chosen, kinds)
    tasks = _tasks_of(alone, kinds)
    own = _subjects(alone, kinds, tasks)
    if skip_missing:  # what a task has no such figure of is not missing
        own = [(runs, kind) for runs, kind in own if KINDS[kind].suits(tasks[runs[0].id])]
    _check_options(len(own) + (HISTORY in kinds), has_history=HISTORY in kinds, metrics=metrics, out=out)
    ready, missing = _read_all(own, tasks)
    if missing and not skip_missing:
        raise missing[0][1]
    pictures = []
    if HISTORY in kinds:
        try:
            pictures.append(
                plot_curves(chosen, request, plot, plots_root=plots_root, out=out, title=title, sweep=sweep)
            )
        except NotFound as error:
            if metrics or not skip_missing:
                raise
            missing.insert(0, (HISTORY, error))
    for runs, kind, found in ready:
        draw = _kind_of(runs, kind).drawer(tasks[runs[0].id])
        pictures.append(_plot_one(runs, kind, found, draw, plot, plots_root, out, title))
    if not pictures:
        raise missing[0][1]
    names = [name for _, _, found in ready for name in _class_names_of(found)]
    for scene in (picture.scene for picture in pictures if picture.scene):
        names += [scene.heading.name, *(entry.label for entry in scene.entries), *scene.metrics]
    return PlotResult(tuple(pictures), _sentences(missing), _fonts([title, *names], chosen))


def _class_names_of(found: Any) -> Sequence[str]:
    """Return the class names of what was read for a figure; none where it has no classes."""
    names: Sequence[str] = getattr(getattr(found, "predictions", None) or found, "class_names", ())
    return names


def _fonts(texts: Sequence[str], places: Sequence[Run | LogDirectory]) -> str:
    """Return one sentence, for all figures, about names that no font can draw; empty where all can be drawn."""
    written = [*texts, *(place.name for place in places)]
    if all(text.isascii() for text in written):
        return ""
    from tbcli.figures.lettering import missing_fonts

    return missing_fonts(written)


def _runs_alone(places: Sequence[Run | LogDirectory], kinds: Sequence[str]) -> list[Run]:
    """Return the runs of ours; with anything but curves to draw, a log directory is refused."""
    foreign = next((place for place in places if isinstance(place, LogDirectory)), None)
    if foreign is not None and tuple(kinds) != (HISTORY,):
        raise NotFound(
            f"{str(foreign.logs)!r} is not a tbcli run: only its scalars can be plotted",
            hint="leave out --kind, or name a run; `tbcli runs` lists them",
        )
    return [place for place in places if isinstance(place, Run)]


def _check_options(figures: int, *, has_history: bool, metrics: Sequence[str], out: Path | None) -> None:
    if out and figures > 1:
        raise ConfigError(
            f"--out names one file, but these are {figures} figures",
            hint="`--plots-dir DIR` for all of them, or one `--kind` of one run",
        )
    if metrics and not has_history:
        raise ConfigError("--metric only applies to the history", hint="leave it out, or `--kind history`")


def _tasks_of(runs: Sequence[Run], kinds: Sequence[str]) -> dict[str, Task | None]:
    """Return what each run learnt, by id; curves need not know."""
    if tuple(kinds) == (HISTORY,):
        return {}
    from tbcli.runs.evidence import read_task

    return {run.id: read_task(run) for run in runs}


def _subjects(
    runs: Sequence[Run], kinds: Sequence[str], tasks: Mapping[str, Task | None]
) -> list[tuple[tuple[Run, ...], str]]:
    """Return the runs of each figure but that of the curves, and its kind; confusions of classes are subtracted."""
    subjects = []
    are_of_classes = all(task is None or task.has_classes for task in tasks.values())
    for kind in kinds:
        if kind == "confusion" and len(runs) == 2 and are_of_classes:
            subjects.append((tuple(runs), kind))
        elif kind != HISTORY:
            subjects += [((run,), kind) for run in runs]
    return subjects


def _kind_of(runs: Sequence[Run], kind: str) -> Kind:
    return KINDS[kind] if len(runs) == 1 else DIFFERENCE


def _read_all(
    subjects: Sequence[tuple[tuple[Run, ...], str]], tasks: Mapping[str, Task | None]
) -> tuple[list[tuple[tuple[Run, ...], str, Any]], list[tuple[str, TbcliError]]]:
    """Return what can be drawn, and which kinds cannot and why."""
    ready: list[tuple[tuple[Run, ...], str, Any]] = []
    missing: list[tuple[str, TbcliError]] = []
    for runs, kind in subjects:
        try:
            _require_suitable(runs[0], kind, tasks[runs[0].id])
            ready.append((runs, kind, load_object(_kind_of(runs, kind).read)(*runs)))
        except (NotFound, ConfigError) as error:
            missing.append((kind, error))
    return ready, missing


def _require_suitable(run: Run, kind: str, task: Task | None) -> None:
    """Refuse a figure that the task of a run has not.

    Raises:
        NotFound: It has not.
    """
    if task is not None and not KINDS[kind].suits(task):
        suitable = ", ".join([HISTORY, *(name for name, each in KINDS.items() if each.suits(task))])
        raise NotFound(f"--kind {kind} does not suit {run.label}: its task is {task.name}", hint=f"it has {suitable}")


def _sentences(missing: Sequence[tuple[str, TbcliError]]) -> tuple[str, ...]:
    kinds: dict[str, list[str]] = {}
    for kind, error in missing:
        kinds.setdefault(error.message, []).append(kind)
    return tuple(f"no {', '.join(without)}: {message}" for message, without in kinds.items())


def _plot_one(
    runs: tuple[Run, ...],
    kind: str,
    found: Any,
    draw: str,
    plot: PlotConfig,
    plots_root: Path,
    out: Path | None,
    title: str,
) -> Picture:
    what = _kind_of(runs, kind)
    path = checked_format(out) if out else own_directory(runs, plots_root) / f"{what.stem}.{plot.format}"
    start_matplotlib()
    from tbcli.figures.style import Look, save_figure

    look = Look.of(plot)
    subject = runs if len(runs) == 1 else ()
    figure = load_object(draw)(*subject, found, title=title, look=look)
    save_figure(figure, path, plot.dpi, is_named=out is not None, theme=look.theme)
    return Picture(kind, path, runs, left_out=tuple(getattr(found, "damage", ())))


def _each_once(places: Sequence[Run | LogDirectory]) -> list[Run | LogDirectory]:
    return list({(place.logs.resolve(), getattr(place, "run", "")): place for place in places}.values())


def plot_curves(
    places: Sequence[Run | LogDirectory],
    request: Request,
    plot: PlotConfig,
    *,
    plots_root: Path,
    out: Path | None = None,
    title: str = "",
    sweep: str = "",
) -> Picture:
    """Draw curves, one panel per metric, all runs over one another.

    Args:
        places: Runs and log directories, at least one; one that is named twice is drawn once.
        request: What to draw, over which axis, how smooth, in which groups.
        plot: Format, resolution, size, theme.
        plots_root: Where the figure of anything but a single run gets its directory.
        out: The file to write, if not below ``plots_root``.
        title: In place of the first line above the figure.
        sweep: The sweep whose runs these are, all of them.

    Raises:
        NotFound: There is nothing to draw, or a metric is in none of the places.
        ConfigError: The format is unknown, the size too small, or the file cannot be written.
        Refused: The directory the figure belongs to is a link.
    """
    chosen = _each_once(places)
    by = request.grouped_by
    spot = (
        Spot(checked_format(out))
        if out
        else spot_for_curves(chosen, plots_root, plot.format, sweep=sweep, grouped_by=by)
    )
    from tbcli.figures.composing import compose

    scene = compose(chosen, request)
    start_matplotlib()
    from tbcli.figures.paint.axes import draw_scene
    from tbcli.figures.style import Look, save_figure

    look = Look.of(plot)
    figure = draw_scene(scene, look, title=title)
    save_figure(figure, spot.path, plot.dpi, is_named=out is not None, mark=spot.mark, theme=look.theme)
    own = [place for place in chosen if isinstance(place, Run)]
    kind = HISTORY if len(own) == len(chosen) else SCALARS
    return Picture(kind, spot.path, _drawn(own, scene, request), scene.metrics, scene.left_out, scene, spot.note)


def _drawn(own: Sequence[Run], scene: Scene, request: Request) -> tuple[Run, ...]:
    """Return the runs of ours that a scene shows."""
    shown = {entry.id for entry in scene.entries}
    return tuple(run for run in own if request.groups.get(run.id, run.id) in shown)


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
