"""Scalars of gradient health: norms, update ratios, and dead units."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from tbcli.naming import tags
from tbcli.recorders.base import Recorder, Snapshot, Steps, Writer


class GradientsRecorder(Recorder):
    """Writes ``gradients/*``, ``updates/*`` and ``dead_units/*`` to ``train``: the mean of an epoch's measured steps.

    With ``--log-every N`` also ``batch_gradients/*`` and ``batch_updates/*``: the mean of the last N steps.
    """

    needs_backward = True

    def __init__(self) -> None:
        self._log_every = 0
        self._epoch: dict[str, list[float]] = {}
        self._group: dict[str, list[float]] = {}

    def leaves_out(self, snapshot: Snapshot) -> Mapping[str, str]:
        """Units are dead after a ReLU only; the backward pass is not measured everywhere."""
        missing = dict.fromkeys((tags.GLOBAL_NORM, tags.UPDATES), snapshot.no_backward) if snapshot.no_backward else {}
        if snapshot.activations is None and snapshot.epoch:
            missing[tags.DEAD_UNITS] = snapshot.no_evidence or "no samples were at hand to look at the layers with"
        elif snapshot.activations is not None and not snapshot.activations.peaks:
            missing[tags.DEAD_UNITS] = "the model has no ReLU layer"
        return missing

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Learn how many steps make a point."""
        self._log_every = snapshot.config.record.log_every

    def on_steps(self, steps: Steps, writer: Writer) -> None:
        """Collect what was measured; write a point for every N steps that are complete."""
        columns = {name: values for name, values in steps.values.items() if "/" in name}
        every = self._log_every or steps.last + 1
        ends = range(steps.first + -steps.first % every, steps.last + 1, every)  # the steps that complete a group
        for begin, end in pairwise([steps.first - 1, *ends, steps.last]):
            self._collect(columns, slice(begin - steps.first + 1, end - steps.first + 1))
            if self._log_every and end > begin and end % every == 0:
                means = {tags.BATCH + name: value for name, value in _means(self._group).items()}
                writer.scalars(means, end, where="train")
                self._group = {}

    def _collect(self, columns: Mapping[str, np.ndarray], part: slice) -> None:
        for name, values in columns.items():
            measured = values[part][~np.isnan(values[part])].tolist()
            for known in (self._epoch, self._group) if self._log_every else (self._epoch,):
                if measured:
                    known.setdefault(name, []).extend(measured)

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the epoch's means, and the share of units that were zero for every probe sample."""
        values = _means(self._epoch)
        self._epoch = {}
        peaks = snapshot.activations.peaks if snapshot.activations else {}
        values |= {tags.DEAD_UNITS + layer: share_of_dead(units) for layer, units in peaks.items()}
        writer.scalars(values, snapshot.epoch, where="train")


def _means(columns: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: float(np.mean(values)) for name, values in columns.items()}


def share_of_dead(peaks: np.ndarray) -> float:
    """Return the share of units, from 0 to 1, whose largest output ``[units]`` is not above zero."""
    return float(np.mean(peaks <= 0))
