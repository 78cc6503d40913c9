"""Images: the confusion matrix, as counts and as shares of each true class."""

from __future__ import annotations

from tbcli.figures.confusions import count_confusions
from tbcli.figures.png.confusion import count_text, draw_confusions, percent_text
from tbcli.naming import tags
from tbcli.recorders.base import Evidence, Recorder, Snapshot, Writer


class ConfusionRecorder(Recorder):
    """Writes ``confusion/counts`` and ``confusion/normalised`` to ``validation``, every epoch.

    And once, at the end, ``confusion/test_counts`` and ``confusion/test_normalised`` to the run's own directory.
    """

    is_spaced = True

    def unsuitable(self, snapshot: Snapshot) -> str | None:
        """Without samples held out there is nothing to be confused about."""
        if snapshot.dataset.validation is None and snapshot.dataset.test is None:
            return "there are no validation or test samples"
        return None

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Draw the confusion matrix of the validation split."""
        if snapshot.validation is not None:
            title = f"validation, epoch {snapshot.epoch}"
            _write(snapshot, snapshot.validation, writer, title, tags.CONFUSION, where="validation")

    def on_end(self, snapshot: Snapshot, writer: Writer) -> None:
        """Draw the confusion matrix of the saved model on the test set."""
        if snapshot.test is not None:
            _write(snapshot, snapshot.test, writer, "test, saved model", tags.CONFUSION_OF_TEST, where="")


def _write(snapshot: Snapshot, seen: Evidence, writer: Writer, title: str, tag: str, *, where: str) -> None:
    names = snapshot.dataset.class_names
    counts = count_confusions(seen.labels, seen.predictions, len(names))
    right, total = int(counts.trace()), len(seen.labels)
    pictures = {
        tags.COUNTS: draw_confusions(counts, count_text, names, f"{title}: {right:,} of {total:,} right"),
        tags.NORMALISED: draw_confusions(counts, percent_text, names, f"{title}: percent of each true class"),
    }
    for kind, (png, size) in pictures.items():
        writer.image(f"{tag}{kind}", png, size, snapshot.epoch, where=where)
