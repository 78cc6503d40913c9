"""Data: what is to be learnt of each split, and statistics of the input values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbcli.figures.png.values import draw_values
from tbcli.naming import tags
from tbcli.recorders.base import Recorder, Snapshot, Writer
from tbcli.recorders.input_values import describe_values, measure_values
from tbcli.recorders.labels import tell_targets

if TYPE_CHECKING:
    from tbcli.data.dataset import Dataset, Split


class DataRecorder(Recorder):
    """Writes texts to the run's own directory and pictures to ``train``, once.

    Both are of the classes, ``data/class_balance``, the labels, ``data/label_balance`` and ``data/labels_per_sample``,
    or the target values, ``data/targets``. Of the inputs ``data/statistics`` is the text, ``data/pixels`` the picture.
    """

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Look at all splits; none of it changes in training."""
        names = snapshot.dataset.class_names
        splits = splits_of(snapshot.dataset)
        labels = {name: split.labels[split.positions] for name, split in splits.items()}
        for tag, (markdown, picture) in tell_targets(snapshot.dataset.task, labels, names).items():
            writer.text(tag, markdown, 0, where="")
            writer.image(tag, *picture, 0, where="train")
        values = {name: measure_values(split) for name, split in splits.items()}
        sizes = {name: len(split) for name, split in splits.items()}
        writer.text(tags.DATA_STATISTICS, describe_values(values, sizes), 0, where="")
        writer.image(tags.DATA_PIXELS, *draw_values(values), 0, where="train")


def splits_of(dataset: Dataset) -> dict[str, Split]:
    """Return the splits that there are, by name."""
    splits = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    return {name: split for name, split in splits.items() if split is not None}
