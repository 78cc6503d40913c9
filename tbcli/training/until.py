"""``--until``: a condition on the metrics of an epoch that ends a training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tbcli.gates import Gate, all_hold
from tbcli.naming.direction import NO_OVERRIDES, Overrides, best_position
from tbcli.runs.history import as_kept
from tbcli.runs.summary import Metric, Summary

COUNTED = ("epoch", "epochs", "seconds")
"""What a condition can use besides metrics; the seconds are those since the first step."""


class Until:
    """Judges each epoch of a training, by the values that the history keeps: `tbcli check` then judges alike.

    Args:
        gates: All of them must hold; none never do.
        directions: The user's ``[direction]`` section.
    """

    def __init__(self, gates: Sequence[Gate], directions: Overrides = NO_OVERRIDES) -> None:
        self._gates = gates
        self._directions = directions
        self._metrics: dict[str, Metric] = {}

    def state(self) -> Mapping[str, Any]:
        """Return the metrics so far."""
        return {"metrics": {name: [one.best, one.best_epoch, one.last] for name, one in self._metrics.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with the metrics of earlier epochs."""
        self._metrics = {name: Metric(*values) for name, values in state["metrics"].items()}

    def update(self, row: Mapping[str, float]) -> bool:
        """Take an epoch's row of the history; return whether training should stop."""
        counts = {"epoch": row["epoch"], "epochs": row["epoch"], "seconds": row["seconds"]}
        for name in row.keys() - counts:
            self._metrics[name] = self._followed(name, int(row["epoch"]), as_kept(row[name]))
        return bool(self._gates) and all_hold(self._gates, summarize_epoch(self._metrics, counts, self._directions))

    def _followed(self, name: str, epoch: int, value: float) -> Metric:
        old = self._metrics.get(name, Metric(math.nan, None, math.nan))
        is_better = best_position(name, (old.best, value), self._directions, asked=True) == 1
        return Metric(value, epoch, value) if is_better else Metric(old.best, old.best_epoch, value)


def summarize_epoch(metrics: Mapping[str, Metric], counts: Mapping[str, float], directions: Overrides) -> Summary:
    """Return what a condition can ask of a training after an epoch.

    Args:
        metrics: Those of the epoch.
        counts: The values of `COUNTED`.
        directions: The user's ``[direction]`` section.
    """
    return Summary("this training", "", metrics, read_fact=counts.get, directions=directions)
