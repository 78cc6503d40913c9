"""The worst samples, each with its index, so that it can be looked up: pictures, or a table of what are no images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tbcli.figures.confusions import worst_mistakes
from tbcli.figures.png.samples import draw_samples
from tbcli.naming import tags
from tbcli.recorders.base import Evidence, Recorder, Snapshot, Writer
from tbcli.recorders.samples import list_answers, why_no_images

if TYPE_CHECKING:
    from tbcli.data.dataset import Split

SHOWN = 16


class MistakesRecorder(Recorder):
    """Writes ``mistakes/validation`` to ``validation``, every epoch, and once ``mistakes/test`` to the run itself.

    Pictures of images; of anything else texts.
    """

    is_spaced = True

    def unsuitable(self, snapshot: Snapshot) -> str | None:
        """Mistakes are made with samples that were held out."""
        if snapshot.dataset.validation is None and snapshot.dataset.test is None:
            return "there are no validation or test samples"
        return None

    def leaves_out(self, snapshot: Snapshot) -> Mapping[str, str]:
        """Samples that are no images stand in a table instead."""
        reason = why_no_images(snapshot.dataset.input_shape)
        listed = f"{reason}: they are listed in the Text dashboard"
        return {tags.MISTAKES + split: listed for split in ("validation", "test")} if reason else {}

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Show the current mistakes on the validation split."""
        if snapshot.validation is not None and snapshot.dataset.validation is not None:
            title = f"validation, epoch {snapshot.epoch}"
            split = snapshot.dataset.validation
            _write(snapshot, snapshot.validation, split, writer, title, "validation", where="validation")

    def on_end(self, snapshot: Snapshot, writer: Writer) -> None:
        """Show the mistakes of the saved model on the test set."""
        if snapshot.test is not None and snapshot.dataset.test is not None:
            _write(snapshot, snapshot.test, snapshot.dataset.test, writer, "test, saved model", "test", where="")


def _write(
    snapshot: Snapshot, seen: Evidence, split: Split, writer: Writer, title: str, name: str, *, where: str
) -> None:
    is_listed = why_no_images(snapshot.dataset.input_shape)
    seen = seen if is_listed else seen.first(len(split))  # of those whose samples are at hand
    errors = seen.task.errors(seen.labels, seen.outputs)
    rows, names = worst_mistakes(errors, SHOWN), snapshot.dataset.class_names
    told = f"{title}: {_told(seen, int((errors != 0).sum()), len(rows))}"
    if is_listed:
        markdown = f"{told}\n\n{list_answers(seen, names, rows)}" if len(rows) else told
        writer.text(tags.MISTAKES + name, markdown, snapshot.epoch, where=where)
        return
    images, _ = split.batch(rows)
    png, size = draw_samples(images, seen.labels[rows], seen.outputs[rows], names, seen.indices[rows], told, seen.task)
    writer.image(tags.MISTAKES + name, png, size, snapshot.epoch, where=where)


def _told(seen: Evidence, wrong: int, shown: int) -> str:
    total = len(seen.labels)
    if not wrong:
        return f"no mistakes in {total:,}"
    if seen.task.outputs_are == "values":
        return f"the largest errors of {total:,}"
    more = (", the surest:" if seen.task.has_classes else ", the worst:") if wrong > shown else ""
    return f"{wrong:,} of {total:,} wrong{more}"
