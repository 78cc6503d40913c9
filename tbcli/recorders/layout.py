"""Custom Scalars: charts that belong together, train against validation in one, each with something to show."""

from __future__ import annotations

import re
from collections.abc import Set

import numpy as np
from tensorboard.plugins.custom_scalar import layout_pb2, metadata

from tbcli.recorders.base import Recorder, Snapshot, Writer

CATEGORIES = {
    "Training": {
        "Loss: training and validation": r"epoch_loss$",
        "Accuracy: training and validation": r"epoch_accuracy$",
        "Learning rate": r"epoch_learning_rate$",
        "Loss by optimizer step": r"batch_loss$",
    },
    "Gradient health": {
        "Norm of the whole gradient": r"gradients/global_norm$",
        "Norm of each layer's gradient": r"gradients/(?!global_norm$)",
        "Update as a share of the weights": r"updates/",
        "Share of dead units": r"dead_units/",
    },
    "System": {
        "Processor, percent of one core": r"system/cpu_percent$",
        "Memory, MB": r"system/(peak_)?memory_mb$",
        "GPU memory, MB": r"system/gpu_memory_mb$",
        "Steps per second": r"epoch_steps_per_second$",
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

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the layout of what has been recorded by now."""
        self._write(snapshot, writer)

    def on_end(self, snapshot: Snapshot, writer: Writer) -> None:
        """Arrange what came after the last epoch, or all of it where training ended before its first."""
        self._write(snapshot, writer)

    def _write(self, snapshot: Snapshot, writer: Writer) -> None:
        layout = arrange_charts(writer.scalar_tags)
        if not layout.category:
            return
        content = layout.SerializeToString()
        if content != self._written:
            described = metadata.create_summary_metadata()
            value = np.array(content, dtype=object)
            writer.tensor(metadata.CONFIG_SUMMARY_TAG, value, described, snapshot.epoch, where="")
            self._written = content


def arrange_charts(tags: Set[str]) -> layout_pb2.Layout:
    """Return the categories and charts for which there is a tag, in TensorBoard's own form."""
    layout = layout_pb2.Layout()
    for title, charts in CATEGORIES.items():
        shown = {name: pattern for name, pattern in charts.items() if any(re.match(pattern, tag) for tag in tags)}
        if shown:
            category = layout.category.add(title=title)
            for name, pattern in shown.items():
                category.chart.add(title=name, multiline=layout_pb2.MultilineChartContent(tag=[pattern]))
    return layout
