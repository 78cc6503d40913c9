"""Images: the most confident mistakes, each with its index, so that the sample can be looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbcli.figures.confusions import worst_mistakes
from tbcli.figures.png.samples import draw_samples
from tbcli.naming import tags
from tbcli.recorders.base import Evidence, Recorder, Snapshot, Writer
from tbcli.recorders.samples import why_no_images

if TYPE_CHECKING:
    from tbcli.data.dataset import Split

SHOWN = 16


class MistakesRecorder(Recorder):
    """Writes ``mistakes/validation`` to ``validation``, every epoch, and once ``mistakes/test`` to the run itself."""

    is_spaced = True

    def unsuitable(self, snapshot: Snapshot) -> str | None:
        """Mistakes are made with samples that were held out, and shown where these are images."""
        if snapshot.dataset.validation is None and snapshot.dataset.test is None:
            return "there are no validation or test samples"
        return why_no_images(snapshot.dataset.input_shape)

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Draw the current mistakes on the validation split."""
        if snapshot.validation is not None and snapshot.dataset.validation is not None:
            title = f"validation, epoch {snapshot.epoch}"
            png, size = _draw(snapshot, snapshot.validation, snapshot.dataset.validation, title)
            writer.image(tags.MISTAKES + "validation", png, size, snapshot.epoch, where="validation")

    def on_end(self, snapshot: Snapshot, writer: Writer) -> None:
        """Draw the mistakes of the saved model on the test set."""
        if snapshot.test is not None and snapshot.dataset.test is not None:
            png, size = _draw(snapshot, snapshot.test, snapshot.dataset.test, "test, saved model")
            writer.image(tags.MISTAKES + "test", png, size, snapshot.epoch, where="")


def _draw(snapshot: Snapshot, seen: Evidence, split: Split, title: str) -> tuple[bytes, tuple[int, int]]:
    seen = seen.first(len(split))  # of those whose samples are at hand
    rows = worst_mistakes(seen.task.errors(seen.labels, seen.outputs), SHOWN)
    wrong, total = int((seen.predictions != seen.labels).sum()), len(seen.labels)
    told = f"{title}: {wrong:,} of {total:,} wrong" if wrong else f"{title}: no mistakes in {total:,}"
    if wrong > len(rows):
        told += ", the surest:"
    images, _ = split.batch(rows)
    names = snapshot.dataset.class_names
    return draw_samples(images, seen.labels[rows], seen.probabilities[rows], names, seen.indices[rows], told)
