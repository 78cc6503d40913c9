"""What a model might have said, kept as a training keeps it, without a training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tbcli.figures.confusions import worst_mistakes
from tbcli.runs import Run
from tbcli.runs.evidence import Features, Mistakes, Predictions, write_evidence


def predictions(labels: np.ndarray, classes: int, *, names: Sequence[str] = (), skill: float = 3.0) -> Predictions:
    """Return what a model of some skill says of samples with these labels; the same at every call."""
    random = np.random.default_rng(11)
    scores = random.gumbel(size=(len(labels), classes)) + skill * np.eye(classes)[labels]
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    names = names or [f"class {number}" for number in range(classes)]
    return Predictions("test", np.arange(len(labels)) * 3, labels, chances.astype(np.float32), tuple(names))


def keep_evidence(
    run: Run,
    told: Predictions,
    *,
    features: np.ndarray | None = None,
    pictures: np.ndarray | None = None,
    without: Sequence[str] = (),
) -> None:
    """Write the file that a training with these predictions leaves.

    Args:
        run: Whose.
        told: Of the split that it is judged by.
        features: Of its first samples ``[m, width]``.
        pictures: Of its samples ``[n, height, width, 1 or 3]``, uint8.
        without: Names of arrays to leave out.
    """
    rows = worst_mistakes(told.errors, 24)
    mistakes = Mistakes(told, rows, None if pictures is None else pictures[rows])
    count = 0 if features is None else len(features)
    shown = (
        None
        if features is None
        else Features(told.labels[:count], features, told.outputs[:count], told.class_names, told.task)
    )
    write_evidence(run, [told], mistakes=mistakes, features=shown)
    if without:
        with np.load(run.evidence_file) as arrays:
            kept = {name: arrays[name] for name in arrays if name not in without}
        np.savez(run.evidence_file, **kept)
