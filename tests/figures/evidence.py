"""What a model might have said, kept as a training keeps it, without a training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tbcli.figures.confusions import most_confident_mistakes
from tbcli.readers.evidence import Predictions
from tbcli.runs import Run


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
    rows = most_confident_mistakes(told.labels, told.probabilities, 24)
    arrays = {
        "class_names": np.array(told.class_names),
        f"{told.split}_indices": told.indices,
        f"{told.split}_labels": told.labels,
        f"{told.split}_probabilities": told.probabilities,
        f"{told.split}_mistakes_indices": told.indices[rows],
    }
    if pictures is not None:
        arrays[f"{told.split}_mistakes_thumbnails"] = pictures[rows]
    if features is not None:
        count = len(features)
        arrays |= {
            "projector_features": features,
            "projector_labels": told.labels[:count],
            "projector_probabilities": told.probabilities[:count],
        }
    np.savez(run.evidence_file, **{name: array for name, array in arrays.items() if name not in without})
