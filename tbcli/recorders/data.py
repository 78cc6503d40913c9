"""Data: what is to be learnt of each split, and statistics of the input values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tbcli.figures.png.values import draw_values
from tbcli.naming import tags
from tbcli.recorders.base import Recorder, Snapshot, Writer
from tbcli.recorders.input_values import describe_columns, describe_values, measure_columns, measure_values
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
        markdown, picture = _tell_inputs(snapshot.dataset, splits)
        writer.text(tags.DATA_STATISTICS, markdown, 0, where="")
        writer.image(tags.DATA_PIXELS, *picture, 0, where="train")


def _tell_inputs(dataset: Dataset, splits: Mapping[str, Split]) -> tuple[str, tuple[bytes, tuple[int, int]]]:
    """Return a text and a picture of the inputs; of a table they are of its columns."""
    if dataset.columns:
        title = "how often each value of a column occurs in training rows"
        values = measure_columns(dataset.columns, dataset.train)
        return describe_columns(dataset.columns, splits), draw_values(values, title, is_log=False)
    values = {name: measure_values(split) for name, split in splits.items()}
    sizes = {name: len(split) for name, split in splits.items()}
    return describe_values(values, sizes), draw_values(values)


def splits_of(dataset: Dataset) -> dict[str, Split]:
    """Return the splits that there are, by name."""
    splits = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    return {name: split for name, split in splits.items() if split is not None}
