"""Figures of what mattered over many runs: summaries in, files out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tbcli.config import PlotConfig
from tbcli.effects.inquiry import inquire, selected
from tbcli.errors import ConfigError, NotFound
from tbcli.figures.kinds import ACROSS
from tbcli.figures.pictures import Picture, PlotResult, start_matplotlib
from tbcli.figures.placing import across_directory, checked_format
from tbcli.loading import load_object
from tbcli.naming.slugs import slug_of
from tbcli.runs.summary import Summary


def plot_across(
    summaries: Sequence[Summary],
    kinds: Sequence[str],
    metrics: Sequence[str],
    plot: PlotConfig,
    *,
    plots_root: Path,
    out: Path | None = None,
    title: str = "",
    sweep: str = "",
) -> PlotResult:
    """Draw what the settings of many runs do to a metric.

    Args:
        summaries: The runs.
        kinds: At least one of `tbcli.figures.kinds.ACROSS`.
        metrics: One, as ``val_loss`` (its last value) or ``val_loss.best``.
        plot: Format, resolution, size, theme.
        plots_root: Where the figure gets its directory.
        out: The file to write, if not below ``plots_root``; for a single kind.
        title: In place of the metric's name.
        sweep: The sweep whose runs these are, all of them.

    Raises:
        NotFound: No run has the metric, or no setting varies.
        ConfigError: Not one metric is named, one file for several figures, the format is unknown, the size too small,
            or the file cannot be written.
    """
    if len(metrics) != 1:
        raise ConfigError(
            f"--kind {kinds[0]} needs one --metric, not {len(metrics)}",
            hint=f"`tbcli plot --kind {kinds[0]} --metric val_loss`",
        )
    if out and len(kinds) > 1:
        raise ConfigError(
            f"--out names one file, but these are {len(kinds)} figures", hint="`--plots-dir DIR` for all of them"
        )
    inquiry = inquire(summaries, *selected(metrics[0]))
    if not inquiry.effects.settings:
        count = inquiry.effects.runs
        raise NotFound(
            f"no setting varies over {count} run{'' if count == 1 else 's'}",
            hint="name runs with different settings, or none for all; `tbcli compare` shows what differs",
        )
    ids = tuple(summary.id for summary in inquiry.summaries)
    directory = across_directory(ids, plots_root, sweep)
    start_matplotlib()
    from tbcli.figures.style import Look, save_figure

    look, pictures = Look.of(plot), []
    for name in kinds:
        kind = ACROSS[name]
        path = checked_format(out) if out else directory / f"{kind.stem}_{slug_of(inquiry.asked)}.{plot.format}"
        figure = load_object(kind.draw)(inquiry, title=title, look=look)
        save_figure(figure, path, plot.dpi, is_named=out is not None, theme=look.theme)
        pictures.append(Picture(name, path, (), (inquiry.asked,), _left_out(inquiry.left_out, inquiry.notes), ids=ids))
    return PlotResult(tuple(pictures))


def _left_out(counts: Mapping[str, int], notes: Sequence[str]) -> tuple[str, ...]:
    told = [f"not shown: {count} run{'' if count == 1 else 's'} {why}" for why, count in counts.items()]
    return (*told, *notes)
