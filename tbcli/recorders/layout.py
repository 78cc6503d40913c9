"""Custom Scalars: charts that belong together, train against validation in one, each with something to show."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence, Set

import numpy as np
from tensorboard.plugins.custom_scalar import layout_pb2, metadata

from tbcli.config.checks import margin_of
from tbcli.naming import tags
from tbcli.naming.direction import NOT_METRICS
from tbcli.naming.matching import listed
from tbcli.naming.series import AT_STEP, LEARNING_RATE, PREFIXES, resolve
from tbcli.naming.words import VALIDATION
from tbcli.recorders.base import Recorder, Snapshot, Writer

TRAINING, OWN = "Training", "Charts of your own"
_NO_METRICS = tuple(name for name in NOT_METRICS if name not in (LEARNING_RATE, tags.STEPS_PER_SECOND))
_ACRONYM_LENGTH = 5  # mae, rmse, r2, auc

CATEGORIES = {
    TRAINING: {
        "Loss: training and validation": rf"{tags.EPOCH}loss$",
        "Accuracy: training and validation": rf"{tags.EPOCH}accuracy$",
        "Learning rate": rf"{tags.EPOCH}{tags.LEARNING_RATE}$",
        "Loss by optimizer step": rf"{tags.BATCH}loss$",
    },
    "Gradient health": {
        "Norm of the whole gradient": rf"{tags.GLOBAL_NORM}$",
        "Norm of each layer's gradient": rf"{tags.GRADIENTS}(?!{tags.NORM_OF_ALL}$)",
        "Update as a share of the weights": tags.UPDATES,
        "Share of dead units": tags.DEAD_UNITS,
    },
    "System": {
        "Processor, percent of one core": rf"{tags.SYSTEM}{tags.CPU_PERCENT}$",
        "Memory, MB": rf"{tags.SYSTEM}(peak_)?{tags.MEMORY}$",
        "GPU memory, MB": rf"{tags.SYSTEM}{tags.GPU_MEMORY}$",
        "Steps per second": rf"{tags.EPOCH}{tags.STEPS_PER_SECOND}$",
    },
}
"""Category -> chart -> regular expression, which TensorBoard matches from the start of a tag, in every run."""


class LayoutRecorder(Recorder):
    """Writes the layout of the charts that have data to the run's own directory; again when more of them have.

    TensorBoard merges the layouts of all runs, category by category, and drops charts that are equal: so a chart is the
    same in every run or is not there. It comes last in the registry, behind those whose data it arranges.
    """

    def __init__(self) -> None:
        self._written = b""
        self._arranged = 0  # tags; they only become more
        self._names: dict[str, None] = {}  # of metrics, as the history has them

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the layout of what has been recorded by now."""
        self._write(snapshot, writer)

    def on_end(self, snapshot: Snapshot, writer: Writer) -> None:
        """Arrange what came after the last epoch, or all of it where training ended before its first."""
        self._write(snapshot, writer)

    def remarks(self, snapshot: Snapshot, writer: Writer) -> Sequence[str]:
        """Say which metrics of the user's charts there are not."""
        names, there = self._names, writer.scalar_tags
        missing = {
            title: [name for name in metrics_of_chart(metrics) if not tag_of(name, names, there)]
            for title, metrics in snapshot.config.charts.items()
        }
        return [
            f"chart {title!r}: no metric {', '.join(map(repr, lacking))}; there are {listed(sorted(names))}"
            for title, lacking in missing.items()
            if lacking and names
        ]

    def _write(self, snapshot: Snapshot, writer: Writer) -> None:
        self._names |= dict.fromkeys(name for name in snapshot.logs if name not in _NO_METRICS)
        tags_so_far = writer.scalar_tags
        if len(tags_so_far) == self._arranged:
            return
        self._arranged = len(tags_so_far)
        layout = arrange_charts(tags_so_far)
        add_own_charts(layout, snapshot.config.charts, self._names, tags_so_far)
        if not layout.category:
            return
        content = layout.SerializeToString()
        if content != self._written:
            write_layout(layout, writer, snapshot.epoch)
            self._written = content


def arrange_charts(written: Set[str]) -> layout_pb2.Layout:
    """Return the categories and charts for which there is a tag, in TensorBoard's own form."""
    layout = layout_pb2.Layout()
    for title, charts in CATEGORIES.items():
        known = {**charts, **(_charts_of_metrics(written) if title == TRAINING else {})}
        shown = {name: pattern for name, pattern in known.items() if any(re.match(pattern, tag) for tag in written)}
        if shown:
            category = layout.category.add(title=title)
            for name, pattern in shown.items():
                category.chart.add(title=name, multiline=layout_pb2.MultilineChartContent(tag=[pattern]))
    return layout


def _charts_of_metrics(written: Set[str]) -> dict[str, str]:
    """Return a chart for each metric of the epochs that has none yet; what is measured once is no curve."""
    patterns = [pattern for charts in CATEGORIES.values() for pattern in charts.values()]
    names = [
        tag.removeprefix(tags.EPOCH)
        for tag in sorted(written)
        if tag.startswith(tags.EPOCH) and not any(re.match(pattern, tag) for pattern in patterns)
    ]
    return {
        f"{metric_title(name)}: training and validation": _exactly(tags.EPOCH + name)
        for name in names
        if name not in (tags.MACRO_F1, tags.MICRO_F1)
    }


def metric_title(name: str) -> str:
    """Return what the charts of a metric are called."""
    if len(name) < _ACRONYM_LENGTH and name != "loss":
        return name.upper()
    return name.replace("_", " ").capitalize() if name == name.lower() else name


def _exactly(tag: str) -> str:
    return f"{re.escape(tag)}$"


def add_own_charts(
    layout: layout_pb2.Layout, charts: Mapping[str, Sequence[str]], names: Collection[str], written: Set[str]
) -> None:
    """Add the user's charts, with those of their metrics that there are, as a category of their own.

    Args:
        layout: Is added to.
        charts: ``{title: metrics}``.
        names: Of metrics, as the history has them.
        written: The tags of all scalars.
    """
    shown = []
    for title, metrics in charts.items():
        found = {name: tag for name in metrics_of_chart(metrics) if (tag := tag_of(name, names, written))}
        margin = margin_of(metrics)
        if margin and len(found) == len(set(margin)):
            shown.append({"title": title, "margin": _margin_of(*(found[name] for name in margin))})
        elif found and not margin:
            patterns = [_exactly(tag) for tag in dict.fromkeys(found.values())]
            shown.append({"title": title, "multiline": layout_pb2.MultilineChartContent(tag=patterns)})
    if shown:
        category = layout.category.add(title=OWN)
        for chart in shown:
            category.chart.add(**chart)


def arrange_bands(title: str, bands: Mapping[str, tuple[str, str, str]]) -> layout_pb2.Layout:
    """Return a category of bands, in TensorBoard's own form.

    Args:
        title: Of the category.
        bands: ``{title of the chart: tags of the value and of its lower and upper end}``.
    """
    layout = layout_pb2.Layout()
    category = layout.category.add(title=title)
    for name, ends in bands.items():
        category.chart.add(title=name, margin=_margin_of(*ends))
    return layout


def write_layout(layout: layout_pb2.Layout, writer: Writer, step: int) -> None:
    """Write a layout to the run's own directory."""
    content = np.array(layout.SerializeToString(), dtype=object)
    writer.tensor(metadata.CONFIG_SUMMARY_TAG, content, metadata.create_summary_metadata(), step, where="")


def _margin_of(value: str, lower: str, upper: str) -> layout_pb2.MarginChartContent:
    series = layout_pb2.MarginChartContent.Series(value=value, lower=lower, upper=upper)
    return layout_pb2.MarginChartContent(series=[series])


def metrics_of_chart(metrics: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the metrics of a chart, of a band too."""
    return margin_of(metrics) or tuple(metrics)


def tag_of(name: str, names: Collection[str], written: Set[str]) -> str:
    """Return the tag of a metric that is named as everywhere, ``""`` where there is none.

    Args:
        name: ``loss``, ``val_loss``, ``loss@step``, ``test_loss``, or a tag.
        names: Of metrics, as the history has them.
        written: The tags of all scalars.
    """
    known = resolve(name, names, {})
    if known is not None:
        return tags.EPOCH + known.removeprefix(PREFIXES[VALIDATION])
    at_step = tags.BATCH + name.removesuffix(AT_STEP)
    if name.endswith(AT_STEP) and at_step in written:
        return at_step
    return name if name in written else ""
