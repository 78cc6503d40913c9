"""Histograms and Distributions: weights and gradients of every layer, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tbcli.naming import tags
from tbcli.recorders.base import Recorder, Snapshot, Writer, variable_path

BUCKETS = 30  # as many as TensorBoard's own summaries have
_CHUNK = 32_768  # values counted together: what they become fits into a processor's cache


class HistogramsRecorder(Recorder):
    """Writes ``weights/<layer>/<variable>`` and ``gradients/<layer>/<variable>`` to ``train``."""

    is_spaced = True
    needs_backward = True

    def leaves_out(self, snapshot: Snapshot) -> Mapping[str, str]:
        """The backward pass is not measured everywhere."""
        return {tags.GRADIENTS: snapshot.no_backward} if snapshot.no_backward else {}

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the freshly initialised weights at x = 0."""
        self.on_epoch(snapshot, writer)

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the distribution of every trainable variable, and of its gradient in a recent step."""
        for variable in snapshot.model.trainable_variables:
            path = variable_path(snapshot.model, variable)
            buckets = count_buckets(variable.numpy())
            writer.histogram(tags.WEIGHTS + path, buckets, snapshot.epoch, where="train")
        for path, gradient in snapshot.gradients.items():
            writer.histogram(tags.GRADIENTS + path, count_buckets(gradient), snapshot.epoch, where="train")


def count_buckets(values: np.ndarray, buckets: int = BUCKETS) -> np.ndarray:
    """Count values into buckets of equal width ``[buckets, 3]``: left edge, right edge, count.

    Agrees with `tf.summary.histogram`: of a single distinct value all edges are equal and only the last bucket counts;
    of no value all is zero. Values that are not finite have no place on the axis and are left out.
    """
    flat = np.ravel(values)
    if not flat.size or not np.isfinite([flat.min(), flat.max()]).all():  # NaN makes both NaN
        flat = flat[np.isfinite(flat)]
    if flat.size == 0:
        return np.zeros((buckets, 3))
    low, high = float(flat.min()), float(flat.max())
    if low == high:
        counts = np.zeros(buckets)
        counts[-1] = flat.size
        return np.column_stack([np.full(buckets, low), np.full(buckets, low), counts])
    width = (high - low) / buckets
    counts = np.zeros(buckets, np.int64)
    for first in range(0, flat.size, _CHUNK):
        places = (flat[first : first + _CHUNK].astype(np.float64) - low) / width
        counts += np.bincount(np.minimum(places, buckets - 1).astype(np.int64), minlength=buckets)
    edges = np.linspace(low, high, buckets + 1)
    return np.column_stack([edges[:-1], edges[1:], counts])
