"""Images: a grid of sample predictions with true label, predicted label and confidence."""

from __future__ import annotations

from tbcli.figures.png.samples import draw_samples
from tbcli.naming import tags
from tbcli.recorders.base import Recorder, Snapshot, Writer


class SamplesRecorder(Recorder):
    """Writes ``samples/predictions`` to ``validation`` (``train`` where nothing was held out)."""

    is_spaced = True

    def unsuitable(self, snapshot: Snapshot) -> str | None:
        """Samples that are no images cannot be shown."""
        return why_no_images(snapshot.dataset.input_shape)

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Draw what the model says now of the same samples as in every other epoch."""
        if snapshot.probe is None:
            return
        seen = snapshot.probe.first(snapshot.config.record.samples)
        images, _ = snapshot.dataset.probe.batch(slice(len(seen.labels)))
        right = int((seen.predictions == seen.labels).sum())
        where = "validation" if snapshot.dataset.validation else "train"
        png, size = draw_samples(
            images,
            seen.labels,
            seen.probabilities,
            snapshot.dataset.class_names,
            seen.indices,
            f"{where}, epoch {snapshot.epoch}: {right} of {len(seen.labels)} right",
        )
        writer.image(tags.SAMPLE_PREDICTIONS, png, size, snapshot.epoch, where=where)


def why_no_images(shape: tuple[int, ...]) -> str | None:
    """Say why samples of a shape cannot be shown; None of grey and of RGB images ``(height, width, 1 or 3)``."""
    if len(shape) != 3 or shape[-1] not in (1, 3):
        return f"samples of shape {shape} are no images"
    return None
