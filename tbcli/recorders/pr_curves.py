"""PR curves: precision against recall of each class against the rest, or of each label, epoch by epoch."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from tensorboard.plugins.pr_curve import metadata

from tbcli.figures.confusions import memberships
from tbcli.naming import tags
from tbcli.recorders.base import Evidence, Recorder, Snapshot, Writer
from tbcli.tasks import Task

THRESHOLDS = 201  # as many as TensorBoard's own summaries have
MOST_CURVES = 30  # of so many classes a person still looks at each; also bounds time and bytes


class PrCurvesRecorder(Recorder):
    """Writes ``pr_curves/<class>`` to ``validation``, for every class or label that has samples there.

    Of more than `MOST_CURVES` classes those with the most validation samples are shown, the same in every epoch.
    """

    is_spaced = True

    def unsuitable(self, snapshot: Snapshot) -> str | None:
        """Without validation samples there is nothing to be right or wrong about."""
        if snapshot.dataset.validation is None:
            return "there are no validation samples"
        return why_no_probabilities(snapshot.dataset.task)

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the curves of what the model says of the validation samples now."""
        if snapshot.validation is None:
            return
        names = snapshot.dataset.class_names
        seen = snapshot.validation
        support = memberships(seen.labels, len(names)).sum(axis=0)
        chosen = largest_classes(support, MOST_CURVES)
        curves = count_curves(seen, chosen, THRESHOLDS)
        ends = class_tags(names)
        for number, curve in zip(chosen, curves, strict=True):
            described = metadata.create_summary_metadata(
                display_name=names[number],
                description=_description(seen, int(support[number]), len(chosen), support),
                num_thresholds=THRESHOLDS,
            )
            writer.tensor(tags.PR_CURVES + ends[number], curve, described, snapshot.epoch, where="validation")


def why_no_probabilities(task: Task) -> str | None:
    """Say why a task has no curves; None where its outputs are probabilities, which a threshold can be applied to."""
    return None if task.outputs_are == "probabilities" else f"the task is {task.name}: its outputs are no probabilities"


def _description(seen: Evidence, positives: int, shown: int, support: np.ndarray) -> str:
    among = f"{positives} of {len(seen.labels)} validation samples"
    many = "classes" if seen.task.has_classes else "labels"
    text = f"{among} have this label."
    if seen.task.has_classes:
        text = f"One class against the rest: {among} are of this class."
    occurring = int(np.count_nonzero(support))
    return text if shown == occurring else f"{text} Shown are the {shown} most frequent of {occurring} {many}."


def class_tags(names: Sequence[str]) -> list[str]:
    """Return the last part of a tag for each class: lower-case, of word characters, dots and dashes, none twice."""
    ends: list[str] = []
    for number, name in enumerate(names):
        tag = re.sub(r"[^\w.-]+", "_", name.lower()).strip("_") or "class"
        ends.append(tag if tag not in ends else f"{tag}_{number}")
    return ends


def largest_classes(support: np.ndarray, most: int) -> list[int]:
    """Return the numbers of the classes with the most samples, in their own order; none without a sample.

    Args:
        support: Samples of each class ``[classes]``.
        most: Return at most so many; of equal ones the first.
    """
    by_size = np.argsort(-support, kind="stable")[:most]
    return sorted(int(number) for number in by_size if support[number])


def count_curves(evidence: Evidence, classes: Sequence[int], thresholds: int) -> np.ndarray:
    """Count what each threshold would do to each class, one against the rest.

    A sample is taken for a class when its probability is at least the threshold; the thresholds are evenly spaced from
    0 to 1. Agrees with `tensorboard.plugins.pr_curve.summary.pb`, whose rows these are; a quotient of nothing is 0.

    Args:
        evidence: Labels and probabilities ``[n, all classes]``; what is not a number counts as 0.
        classes: The numbers of the classes or labels to count, ``k`` of them.
        thresholds: How many.

    Returns:
        ``[k, 6, thresholds]`` float32: true and false positives, true and false negatives, precision, recall.
    """
    count = len(classes)
    # In float64 the product is exact, so that a sample falls on the right side of every threshold.
    chances = np.clip(np.nan_to_num(evidence.outputs[:, classes].astype(np.float64)), 0, 1)
    buckets = np.floor(chances * (thresholds - 1)).astype(np.int64)
    cells = buckets + np.arange(count) * thresholds
    is_class = memberships(evidence.labels, evidence.outputs.shape[1])[:, classes]
    everyone = np.bincount(cells.ravel(), minlength=count * thresholds)
    positives = np.bincount(cells[is_class], minlength=count * thresholds)
    # From the highest bucket down: who has reached a threshold is taken for the class.
    counted = np.stack([positives, everyone - positives]).reshape(2, count, thresholds)
    tp, fp = np.cumsum(counted[..., ::-1], axis=-1)[..., ::-1]
    tn, fn = fp[:, :1] - fp, tp[:, :1] - tp
    precision, recall = tp / np.maximum(tp + fp, 1), tp / np.maximum(tp + fn, 1)
    return np.stack([tp, fp, tn, fn, precision, recall], axis=1).astype(np.float32)
