"""Scalars of runs and of any log directory, out of their event files: one figure on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tbcli.config import PlotConfig
from tbcli.errors import Refused
from tbcli.plots.pictures import checked_format, comparison_name, start_matplotlib
from tbcli.plots.series import Gathered, gather
from tbcli.plots.sources import Request
from tbcli.plots.titles import heading_of, subheading_of
from tbcli.runs import LogDirectory, Run

_STEM = "scalars"
_MOST_PANELS = 12


@dataclass(frozen=True, slots=True)
class ScalarPicture:
    """A figure on disk.

    Args:
        path: The file.
        gathered: What it shows.
    """

    path: Path
    gathered: Gathered


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
    path = checked_format(out) if out else _own_place(places, plots_root) / f"{_STEM}.{plot.format}"
    gathered = _at_most(_MOST_PANELS, gather(places, request))
    start_matplotlib()
    from tbcli.plots.charts import draw_series
    from tbcli.plots.figures import save_figure

    heading, subheading = _headings(places, gathered)
    figure = draw_series(
        gathered, heading=title or heading, subheading=subheading, smooth=request.smooth, log=request.log
    )
    save_figure(figure, path, plot.dpi)
    return ScalarPicture(path, gathered)


def _at_most(panels: int, gathered: Gathered) -> Gathered:
    hidden = len(gathered.charts) - panels
    if hidden <= 0:
        return gathered
    said = f"{panels} of {len(gathered.charts)} metrics are shown; `--metric NAME` chooses"
    return replace(gathered, charts=gathered.charts[:panels], left_out=(*gathered.left_out, said))


def _own_place(places: Sequence[Run | LogDirectory], plots_root: Path) -> Path:
    names = [place.id if isinstance(place, Run) else place.name or "logs" for place in places]
    directory = plots_root / (names[0] if len(names) == 1 else comparison_name(names))
    if directory.is_symlink():
        raise Refused(
            f"{str(directory)!r} is a link, and links below the plots are not followed",
            hint="`--out FILE.png` elsewhere",
        )
    return directory


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
