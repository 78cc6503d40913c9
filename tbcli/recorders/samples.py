"""What the model says of single samples: a grid of pictures, or a table of what are no images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tbcli.figures.answers import describe_answers
from tbcli.figures.png.samples import draw_samples
from tbcli.naming import tags
from tbcli.recorders.base import Evidence, Recorder, Snapshot, Writer
from tbcli.recorders.markdown import table
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION

_NOTES = {CLASSIFICATION.name: "confidence", MULTI_LABEL.name: "labels", REGRESSION.name: "error"}
"""What stands in the last column of a table."""


class SamplesRecorder(Recorder):
    """Writes ``samples/predictions`` to ``validation`` (``train`` where nothing was held out).

    A picture of images; of anything else a text.
    """

    is_spaced = True

    def leaves_out(self, snapshot: Snapshot) -> Mapping[str, str]:
        """Samples that are no images stand in a table instead."""
        reason = why_no_images(snapshot.dataset.input_shape)
        return {tags.SAMPLES: f"{reason}: they are listed in the Text dashboard"} if reason else {}

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Show what the model says now of the same samples as in every other epoch."""
        if snapshot.probe is None:
            return
        seen = snapshot.probe.first(snapshot.config.record.samples)
        where = "validation" if snapshot.dataset.validation else "train"
        title = f"{where}, epoch {snapshot.epoch}: {_told(seen)}"
        if why_no_images(snapshot.dataset.input_shape):
            markdown = f"{title}\n\n{list_answers(seen, snapshot.dataset.class_names)}"
            writer.text(tags.SAMPLE_PREDICTIONS, markdown, snapshot.epoch, where=where)
            return
        images, _ = snapshot.dataset.probe.batch(slice(len(seen.labels)))
        names = snapshot.dataset.class_names
        png, size = draw_samples(images, seen.labels, seen.outputs, names, seen.indices, title, seen.task)
        writer.image(tags.SAMPLE_PREDICTIONS, png, size, snapshot.epoch, where=where)


def _told(seen: Evidence) -> str:
    count = len(seen.labels)
    if seen.task.outputs_are == "values":
        return f"{count} samples, MAE {np.abs(seen.outputs - seen.labels).mean():.3g}"
    right = int((seen.task.errors(seen.labels, seen.outputs) == 0).sum())
    return f"{right} of {count} right"


def list_answers(seen: Evidence, names: tuple[str, ...], rows: np.ndarray | None = None) -> str:
    """Return a table of samples: index, what was predicted, what is true, how sure or how far off.

    Args:
        seen: What the model says of them.
        names: Of the classes, labels or values.
        rows: Which of them, in this order; None for all.
    """
    rows = np.arange(len(seen.labels)) if rows is None else rows
    answers = describe_answers(seen.task, seen.labels[rows], seen.outputs[rows], names)
    cells = [
        (index, answer.predicted, answer.true, answer.note)
        for index, answer in zip(seen.indices[rows].tolist(), answers, strict=True)
    ]
    return table(("index", "predicted", "true", _NOTES[seen.task.name]), cells)


def why_no_images(shape: tuple[int, ...]) -> str | None:
    """Say why samples of a shape cannot be shown; None of grey and of RGB images ``(height, width, 1 or 3)``."""
    if len(shape) != 3 or shape[-1] not in (1, 3):
        return f"samples of shape {shape} are no images"
    return None
