"""Fingerprints of splits: two runs were evaluated on the same data where these are equal."""

from __future__ import annotations

import hashlib

import numpy as np

from tbcli.data.dataset import Dataset, Split

_SAMPLES = 64  # of the inputs, evenly spread; of the labels all


def fingerprints(dataset: Dataset) -> dict[str, str]:
    """Return a fingerprint of each split that there is, by name: of task, classes, labels and some of the inputs."""
    meaning = repr((dataset.task.name, dataset.class_names)).encode()
    return {name: _fingerprint(split, meaning) for name, split in dataset.splits.items()}


def _fingerprint(split: Split, meaning: bytes) -> str:
    rows = np.unique(np.linspace(0, len(split) - 1, _SAMPLES).astype(np.int64))
    inputs, _ = split.batch(rows)
    return fingerprint_samples(meaning, inputs, split.labels[split.positions])


def fingerprint_samples(meaning: bytes, inputs: np.ndarray, labels: np.ndarray) -> str:
    """Return a fingerprint of some samples.

    Args:
        meaning: What the labels mean.
        inputs: Of some of the samples.
        labels: Of all of them.
    """
    digest = hashlib.blake2b(meaning, digest_size=8)
    for array in (inputs, labels):
        digest.update(repr((array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
