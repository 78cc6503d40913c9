"""Custom Scalars: charts that belong together, train against validation in one, each with something to show."""

from __future__ import annotations

import re
from collections.abc import Set

import numpy as np
from tensorboard.plugins.custom_scalar import layout_pb2, metadata

from tbcli.naming import tags
from tbcli.recorders.base import Recorder, Snapshot, Writer

CATEGORIES = {
    "Training": {
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

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the layout of what has been recorded by now."""
        self._write(snapshot, writer)

    def on_end(self, snapshot: Snapshot, writer: Writer) -> None:
        """Arrange what came after the last epoch, or all of it where training ended before its first."""
        self._write(snapshot, writer)

    def _write(self, snapshot: Snapshot, writer: Writer) -> None:
        tags_so_far = writer.scalar_tags
        if len(tags_so_far) == self._arranged:
            return
        self._arranged = len(tags_so_far)
        layout = arrange_charts(tags_so_far)
        if not layout.category:
            return
        content = layout.SerializeToString()
        if content != self._written:
            described = metadata.create_summary_metadata()
            value = np.array(content, dtype=object)
            writer.tensor(metadata.CONFIG_SUMMARY_TAG, value, described, snapshot.epoch, where="")
            self._written = content


def arrange_charts(written: Set[str]) -> layout_pb2.Layout:
    """Return the categories and charts for which there is a tag, in TensorBoard's own form."""
    layout = layout_pb2.Layout()
    for title, charts in CATEGORIES.items():
        shown = {name: pattern for name, pattern in charts.items() if any(re.match(pattern, tag) for tag in written)}
        if shown:
            category = layout.category.add(title=title)
            for name, pattern in shown.items():
                category.chart.add(title=name, multiline=layout_pb2.MultilineChartContent(tag=[pattern]))
    return layout
