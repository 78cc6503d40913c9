"""Samples along the two directions in which the features of a layer differ most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from tbcli.figures.numbers import PlainNumbers, percent
from tbcli.figures.titles import counted

_NOISE = 1e-12  # of the largest variance: what rounding leaves in a direction that the features do not have


def principal_components(features: np.ndarray, count: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples' places along the directions of largest variance, and the share of it that each explains.

    Principal component analysis: the right singular vectors of the centred features. A direction points to where its
    largest weight is positive, so that the picture does not flip from run to run.

    Args:
        features: ``[n, width]``, finite, n at least 1.
        count: Directions; those that the features do not have are zero.

    Returns:
        Places ``[n, count]`` and shares ``[count]`` from 0 to 1.
    """
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    directions, variances = _decomposed(centred)
    found = min(count, len(directions))
    directions = directions[:found]
    largest = directions[np.arange(found), np.abs(directions).argmax(axis=1)]
    places, shares = np.zeros((len(features), count)), np.zeros(count)
    places[:, :found] = centred @ (directions * np.where(largest < 0, -1.0, 1.0)[:, None]).T
    total = variances.sum()
    shares[:found] = variances[:found] / total if total > 0 else 0.0
    return places, shares


def _decomposed(centred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return unit directions ``[k, width]`` and squared singular values ``[k]``, the largest first.

    They are the eigenvectors and eigenvalues of the smaller of the two matrices of products, which takes a fifth of the
    time of the decomposition itself; what that loses in precision is lost in the last directions, not in the first.
    """
    is_tall = centred.shape[0] > centred.shape[1]
    squares, vectors = np.linalg.eigh(centred.T @ centred if is_tall else centred @ centred.T)
    squares, vectors = np.maximum(squares[::-1], 0.0), vectors[:, ::-1]
    directions = vectors.T if is_tall else vectors.T @ centred / np.sqrt(np.maximum(squares, 1e-300))[:, None]
    is_noise = squares <= squares[0] * _NOISE
    return np.where(is_noise[:, None], 0.0, directions), np.where(is_noise, 0.0, squares)


@dataclass(frozen=True, slots=True)
class Components:
    """The samples whose features are finite.

    Args:
        places: Along the two components ``[n, 2]``.
        shares: Of the variance ``[2]``.
        finite: Which of all samples they are ``[all]``.
    """

    places: np.ndarray
    shares: np.ndarray
    finite: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> Components:
        """Return the samples with features ``[all, ...]``."""
        flat = features.reshape(len(features), -1)
        finite = np.isfinite(flat).all(axis=1)
        places, shares = principal_components(flat[finite]) if finite.any() else (np.zeros((0, 2)), np.zeros(2))
        return cls(places, shares, finite)

    def tell(self, wrong: str) -> str:
        """Return how many there are, what is wrong with some, and how many are not shown."""
        left_out = int((~self.finite).sum())
        told = (counted(len(self.places), "validation sample"), wrong)
        return ", ".join([*filter(None, told), *([f"{left_out:,} not finite left out"] if left_out else [])])

    def name_axes(self, axes: Axes, width: float) -> None:
        """Write what the axes are, so many inches wide."""
        axes.set_xlabel(f"component 1 ({percent(self.shares[0])} of the variance)")
        axes.set_ylabel(f"component 2 ({percent(self.shares[1])} of the variance)")
        axes.yaxis.set_label_coords(-0.62 / width, 0.5)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PlainNumbers())

    @property
    def size(self) -> float:
        """Of a marker."""
        return float(np.clip(12_000 / max(1, len(self.places)), 6, 30))
