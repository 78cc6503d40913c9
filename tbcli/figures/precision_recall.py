"""Precision against recall as a figure: a curve per class, each class against all the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from tbcli.figures.one_vs_rest import MOST_POINTS, Axis, draw_one_vs_rest
from tbcli.figures.style import USUAL, Look
from tbcli.runs import Run
from tbcli.runs.evidence import Predictions


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision against recall of one class, from the highest threshold to the lowest.

    Args:
        precision: ``[n]``, one for each different probability.
        recall: ``[n]``, never falling.
    """

    precision: np.ndarray
    recall: np.ndarray

    @property
    def area(self) -> float:
        """Average precision: the sum of the precisions, each weighted with the recall it adds."""
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))

    @property
    def closest(self) -> float:
        """Where precision and recall come closest: the smaller of the two."""
        return float(np.minimum(self.precision, self.recall).max())

    def at(self, recalls: np.ndarray) -> np.ndarray:
        """Return the precision with which each recall ``[m]`` is first reached, where it counts as in the average."""
        last = len(self.recall) - 1
        return self.precision[np.minimum(np.searchsorted(self.recall, recalls - 1e-12), last)]

    def drawn(self) -> np.ndarray:
        """Return the corners of its steps ``[m, 2]`` as recall and precision; of a long curve evenly chosen ones."""
        rising = np.flatnonzero(np.diff(self.recall, prepend=0.0) > 0)
        if len(rising) > MOST_POINTS:
            rising = rising[np.linspace(0, len(rising) - 1, MOST_POINTS).astype(int)]
        ends = self.recall[rising]
        starts = np.concatenate([[0.0], ends[:-1]])
        level = np.repeat(self.precision[rising], 2)
        return np.column_stack([np.column_stack([starts, ends]).ravel(), level])


def curve_of(positives: np.ndarray, scores: np.ndarray) -> Curve | None:
    """Return the curve of one class against the others; None of a class without a sample.

    Every different score is a threshold: what scores at least as much is called positive. So samples with equal scores
    enter together, as in scikit-learn's ``precision_recall_curve``.

    Args:
        positives: Whether each sample is of the class ``[n]``.
        scores: The probability the model gave to the class ``[n]``.
    """
    total = int(positives.sum())
    if not total:
        return None
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last_of_equals = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    true = np.cumsum(positives[order])[last_of_equals]
    return Curve(true / (last_of_equals + 1), true / total)


_AXIS = Axis(
    kind="precision and recall",
    measure="average precision",
    across="recall",
    up="precision",
    good_right=True,
    lacking="a sample",
    average=lambda recall, precision: Curve(precision, recall),
)


def draw_precision_recall(run: Run, predictions: Predictions, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure of one run.

    Args:
        run: Whose.
        predictions: Of the split that the run is judged by.
        title: In place of the run's name.
        look: Its colours and size.
    """
    return draw_one_vs_rest(run, predictions, curve_of, _AXIS, title, look)
