"""The mistakes a run keeps pictures of, so that they can be drawn when the data are far away."""

from __future__ import annotations

import numpy as np

from tbcli.data.dataset import Split
from tbcli.figures.confusions import most_confident_mistakes
from tbcli.figures.png.thumbnails import as_thumbnails
from tbcli.recorders.base import Evidence

MOST_KEPT = 24
_LONGEST_SIDE = 96  # pixels of a thumbnail


def mistakes_to_keep(name: str, split: Split, evidence: Evidence) -> dict[str, np.ndarray]:
    """Return the arrays that show the most confident mistakes of a split without its data.

    Args:
        name: How the arrays' names begin.
        split: Where the samples are.
        evidence: What the model said of all of them, in the order of the split.
    """
    rows = most_confident_mistakes(evidence.labels, evidence.probabilities, MOST_KEPT)
    arrays = {f"{name}_mistakes_indices": evidence.indices[rows]}
    samples, _ = split.batch(rows)
    if samples.ndim == 4 and samples.shape[-1] in (1, 3):
        arrays[f"{name}_mistakes_thumbnails"] = as_thumbnails(samples, _LONGEST_SIDE)
    return arrays
