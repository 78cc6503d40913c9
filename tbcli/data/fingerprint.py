"""Fingerprints of splits, by which runs are known to be of equal data; and on which scale the inputs are."""

from __future__ import annotations

import hashlib

import numpy as np

from tbcli.data.dataset import Dataset, Split

_SAMPLES = 64  # of the inputs, evenly spread; of the labels all


def fingerprints(dataset: Dataset) -> dict[str, str]:
    """Return a fingerprint of each split that there is, by name: of task, classes, labels and some of the inputs."""
    meaning = repr((dataset.task.name, dataset.class_names)).encode()
    return {name: _fingerprint(split, meaning) for name, split in dataset.splits.items()}


def scale_of(dataset: Dataset) -> dict[str, object]:
    """Return the type of the inputs, and the largest size of a value in some training samples."""
    inputs = np.asarray(_some_inputs(dataset.train))
    return {"dtype": inputs.dtype.name, "largest": float(np.abs(inputs.astype(np.float64)).max(initial=0.0))}


def _some_inputs(split: Split) -> np.ndarray:
    rows = np.unique(np.linspace(0, len(split) - 1, _SAMPLES).astype(np.int64))
    return split.batch(rows)[0]


def _fingerprint(split: Split, meaning: bytes) -> str:
    inputs = _some_inputs(split)
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
