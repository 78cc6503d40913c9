"""Scalars of runs and of any log directory, out of their event files: one figure on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tbcli.config import FIGURE_FORMATS, PlotConfig
from tbcli.errors import Refused
from tbcli.figures.pictures import checked_format, comparison_name, start_matplotlib
from tbcli.figures.series import Gathered, gather
from tbcli.figures.sources import Request
from tbcli.figures.titles import heading_of, subheading_of
from tbcli.runs import LogDirectory, Run

_STEM = "scalars"
_MOST_PANELS = 12
_LONGEST_NAME = 60  # characters, of up to four bytes, of a directory


@dataclass(frozen=True, slots=True)
class ScalarPicture:
    """A figure on disk.

    Args:
        path: The file.
        gathered: What it shows.
        note: Why it does not lie where one would look for it first, or ``""``.
    """

    path: Path
    gathered: Gathered
    note: str = ""


def plot_scalars(
    places: Sequence[Run | LogDirectory],
    request: Request,
    plot: PlotConfig,
    *,
    plots_root: Path,
    out: Path | None = None,
    title: str = "",
) -> ScalarPicture:
    """Draw scalars: a panel a metric, all runs over one another.

    Args:
        places: At least one.
        request: Which scalars, and how.
        plot: Format, resolution.
        plots_root: Where the figure gets its directory.
        out: The file to write, if not below ``plots_root``.
        title: In place of the first line above the figure.

    Raises:
        NotFound: There is nothing to draw.
        ConfigError: The format is unknown, or the file cannot be written.
        Refused: The directory the figure belongs to is a link.
    """
    mark = _mark(places, plots_root)
    directory, note = (Path(), "") if out else _own_place(places, plots_root, mark)
    path = checked_format(out) if out else directory / f"{_STEM}.{plot.format}"
    gathered = _at_most(_MOST_PANELS, gather(places, request))
    start_matplotlib()
    from tbcli.figures.charts import draw_series
    from tbcli.figures.style import save_figure

    heading, subheading = _headings(places, gathered)
    figure = draw_series(
        gathered, heading=title or heading, subheading=subheading, smooth=request.smooth, log=request.log
    )
    save_figure(figure, path, plot.dpi, is_named=out is not None, mark=mark)
    return ScalarPicture(path, gathered, note)


def _at_most(panels: int, gathered: Gathered) -> Gathered:
    hidden = len(gathered.charts) - panels
    if hidden <= 0:
        return gathered
    said = f"{panels} of {len(gathered.charts)} metrics are shown; `--metric NAME` chooses"
    return replace(gathered, charts=gathered.charts[:panels], left_out=(*gathered.left_out, said))


def _mark(places: Sequence[Run | LogDirectory], plots_root: Path) -> str:
    """Return the word by which a figure of these places is known again, also where the workspace has moved."""
    root = plots_root.resolve()
    paths = "\n".join(sorted(os.path.relpath(place.logs.resolve(), root) for place in places))
    return "tbcli-" + hashlib.blake2b(paths.encode(errors="surrogatepass"), digest_size=8).hexdigest()


def _own_place(places: Sequence[Run | LogDirectory], plots_root: Path, mark: str) -> tuple[Path, str]:
    """Return the directory for the figure, by the shortest name where none of other places lies; and a note if longer.

    Raises:
        Refused: A directory below the plots is a link.
    """
    note = ""
    for name in _names(places, mark):
        directory = plots_root / name
        if directory.is_symlink():
            raise Refused(
                f"{str(directory)!r} is a link, and links below the plots are not followed",
                hint="`--out FILE.png` elsewhere",
            )
        if all(isinstance(place, Run) for place in places) or _is_free(directory, mark):
            break
        note = note or f"the figure in {str(directory)!r} is of another log directory, and stays"
    return directory, note


def _names(places: Sequence[Run | LogDirectory], mark: str) -> Iterator[str]:
    """Yield names of a directory, ever longer: of a foreign log directory its name, ``<parent>-<name>``, and so on."""
    deepest = max(len(place.logs.resolve().parts) - 1 for place in places)
    for depth in range(1, max(deepest, 2)):
        names = [_name(place, depth) for place in places]
        yield names[0] if len(names) == 1 else comparison_name(names)
    yield mark


def _name(place: Run | LogDirectory, depth: int) -> str:
    if isinstance(place, Run):
        return place.id
    above = place.logs.resolve().parts[1:][-depth:-1]
    name = place.name or "logs"
    return "-".join((*above, name))[-_LONGEST_NAME:] if above else name


def _is_free(directory: Path, mark: str) -> bool:
    """Say whether no figure lies there but of the same places."""
    for form in FIGURE_FORMATS:
        try:
            drawn = (directory / f"{_STEM}.{form}").read_bytes()
        except OSError:
            continue  # nothing there; or else the writing says what is wrong
        if mark.encode() not in drawn:
            return False
    return True


def _headings(places: Sequence[Run | LogDirectory], gathered: Gathered) -> tuple[str, str]:
    """Return the two lines above the figure."""
    count = len(gathered.runs)
    members = max(curve.members for chart in gathered.charts for curve in chart.curves)
    if members > 1:
        return f"{count} groups of runs" if count > 1 else gathered.runs[0], f"up to {members} runs each"
    if len(places) > 1:
        return f"{count} runs compared" if count > 1 else gathered.runs[0], ""
    (place,) = places
    if isinstance(place, Run):
        return heading_of(place), subheading_of(place)
    return place.name or str(place.logs), f"{count:,} runs" if count > 1 else ""
