"""Images: which predictions are right. A confusion matrix, counts of each label, or predicted against true values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tbcli.figures.confusions import count_confusions, count_outcomes
from tbcli.figures.png.confusion import count_text, draw_confusions, percent_text
from tbcli.figures.png.predicted import draw_predicted, draw_residuals
from tbcli.figures.png.strips import MOST_LABELS, draw_strips
from tbcli.naming import tags
from tbcli.recorders.base import Evidence, Recorder, Snapshot, Writer
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION
from tbcli.tasks.class_report import report_labels

Picture = tuple[bytes, tuple[int, int]]
Draw = Callable[[Evidence, Sequence[str], str], Mapping[str, Picture]]
"""Returns pictures by the last part of their tags, given evidence, names of classes, labels or values, and a title."""


class ConfusionRecorder(Recorder):
    """Writes ``confusion/*``, of a regression ``regression/*``, to ``validation``, every epoch.

    And once, at the end, ``confusion/test_*`` or ``regression/test_*`` to the run's own directory.
    """

    is_spaced = True

    def unsuitable(self, snapshot: Snapshot) -> str | None:
        """Without samples held out there is nothing to be confused about."""
        if snapshot.dataset.validation is None and snapshot.dataset.test is None:
            return "there are no validation or test samples"
        return None

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Draw what the model makes of the validation split."""
        if snapshot.validation is not None:
            title = f"validation, epoch {snapshot.epoch}"
            _write(snapshot, snapshot.validation, writer, title, "", where="validation")

    def on_end(self, snapshot: Snapshot, writer: Writer) -> None:
        """Draw what the saved model makes of the test set."""
        if snapshot.test is not None:
            _write(snapshot, snapshot.test, writer, "test, saved model", tags.TEST, where="")


def _write(snapshot: Snapshot, seen: Evidence, writer: Writer, title: str, prefix: str, *, where: str) -> None:
    group, draw = _PICTURES[seen.task.name]
    for name, (png, size) in draw(seen, snapshot.dataset.class_names, title).items():
        writer.image(f"{group}{prefix}{name}", png, size, snapshot.epoch, where=where)


def _draw_matrices(seen: Evidence, names: Sequence[str], title: str) -> Mapping[str, Picture]:
    counts = count_confusions(seen.labels, seen.predictions, len(names))
    right, total = int(counts.trace()), len(seen.labels)
    return {
        tags.COUNTS: draw_confusions(counts, count_text, names, f"{title}: {right:,} of {total:,} right"),
        tags.NORMALISED: draw_confusions(counts, percent_text, names, f"{title}: percent of each true class"),
    }


def _draw_labels(seen: Evidence, names: Sequence[str], title: str) -> Mapping[str, Picture]:
    """Draw the labels in their order; of too many those with the lowest F1, the lowest first."""
    outcomes = count_outcomes(seen.labels, seen.predictions)
    right, total = int((seen.labels == seen.predictions).all(axis=1).sum()), len(seen.labels)
    shown, told = list(range(len(names))), f"{title}: {right:,} of {total:,} with all labels right"
    if len(shown) > MOST_LABELS:
        report = report_labels(seen.labels, seen.predictions)
        shown = np.argsort(report.f1, kind="stable")[:MOST_LABELS].tolist()
        told = f"{title}: the {MOST_LABELS} of {len(names)} labels with the lowest F1"
    return {tags.LABELS: draw_strips(outcomes, shown, names, told)}


def _draw_values(seen: Evidence, names: Sequence[str], title: str) -> Mapping[str, Picture]:
    lost = int((~np.isfinite(seen.outputs).all(axis=1)).sum())
    told = f"{title}: {len(seen.labels):,} samples" + (f", {lost:,} not finite" if lost else "")
    return {
        tags.PREDICTED_VS_TRUE: draw_predicted(seen.labels, seen.outputs, names, told),
        tags.RESIDUALS: draw_residuals(seen.labels, seen.outputs, names, f"{title}: predicted less true"),
    }


_PICTURES: Mapping[str, tuple[str, Draw]] = {
    CLASSIFICATION.name: (tags.CONFUSION, _draw_matrices),
    MULTI_LABEL.name: (tags.CONFUSION, _draw_labels),
    REGRESSION.name: (tags.REGRESSION, _draw_values),
}
"""Task -> beginning of the tags, and what draws the pictures."""
