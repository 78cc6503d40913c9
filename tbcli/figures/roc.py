"""True against false positive rate as a figure: an ROC curve per class, each class against all the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from tbcli.errors import NotFound
from tbcli.figures.confusions import finite_rows, memberships
from tbcli.figures.one_vs_rest import MOST_POINTS, Axis, draw_one_vs_rest, read_scored
from tbcli.figures.style import USUAL, Look
from tbcli.runs import Run
from tbcli.runs.evidence import Predictions


@dataclass(frozen=True, slots=True)
class RocCurve:
    """True against false positive rate of one class, from the highest threshold to the lowest.

    Args:
        false: False positive rates ``[n]``, from 0 to 1, never falling.
        true: True positive rates ``[n]``, from 0 to 1, never falling.
    """

    false: np.ndarray
    true: np.ndarray

    @property
    def area(self) -> float:
        """Area under the curve, by trapezoids; agrees with scikit-learn's ``roc_auc_score``."""
        return float(np.trapezoid(self.true, self.false))

    @property
    def closest(self) -> float:
        """The largest smaller one of the two rates of what is right, of positives and of negatives."""
        return float(np.minimum(self.true, 1 - self.false).max())

    def at(self, places: np.ndarray) -> np.ndarray:
        """Return the true positive rates at false positive rates ``[m]``."""
        last = np.append(np.flatnonzero(np.diff(self.false)), len(self.false) - 1)  # the top of a vertical piece
        heights: np.ndarray = np.interp(places, self.false[last], self.true[last])
        return heights

    def drawn(self) -> np.ndarray:
        """Return the corners of the curve ``[m, 2]``; evenly chosen ones of a long curve."""
        across, up = np.diff(self.false), np.diff(self.true)
        turns = 1 + np.flatnonzero(np.abs(across[:-1] * up[1:] - across[1:] * up[:-1]) > 0)
        kept = np.concatenate([[0], turns, [len(self.false) - 1]]).astype(int)
        corners = np.column_stack([self.false[kept], self.true[kept]])
        if len(corners) > MOST_POINTS:
            corners = corners[np.linspace(0, len(corners) - 1, MOST_POINTS).astype(int)]
        return corners


def roc_curve_of(positives: np.ndarray, scores: np.ndarray) -> RocCurve | None:
    """Return the curve of one class against the others; None where all samples, or none, are of the class.

    Every different score is a threshold, so samples with equal scores enter together, as in scikit-learn's
    ``roc_curve``.

    Args:
        positives: Whether each sample is of the class ``[n]``.
        scores: The probability the model gave to the class ``[n]``.
    """
    total = int(positives.sum())
    if not 0 < total < len(positives):
        return None
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last_of_equals = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    true = np.cumsum(positives[order])[last_of_equals]
    false = last_of_equals + 1 - true
    start = np.zeros(1)
    return RocCurve(np.concatenate([start, false / (len(positives) - total)]), np.concatenate([start, true / total]))


_AXIS = Axis(
    kind="ROC curves",
    measure="AUC",
    across="false positive rate",
    up="true positive rate",
    good_right=False,
    lacking="positives or negatives",
    average=lambda places, heights: RocCurve(np.append(0.0, places), np.append(0.0, heights)),
)


def read_ranked(run: Run) -> Predictions:
    """Return the predictions of a run, if they have samples of two classes.

    Raises:
        NotFound: They have not, or the run keeps none.
    """
    predictions = read_scored(run)
    members = memberships(predictions.labels[finite_rows(predictions.outputs)], predictions.outputs.shape[1])
    if not (members.any(axis=0) & ~members.all(axis=0)).any():
        kinds = "samples of one class, and ROC curves need two"
        if not predictions.task.has_classes:
            kinds = "samples that all have the same labels, and ROC curves need differences"
        raise NotFound(
            f"run {run.label} was evaluated on {kinds}", hint="train with more samples, such as `--limit-samples 0`"
        )
    return predictions


def draw_roc(run: Run, predictions: Predictions, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure of one run.

    Args:
        run: Whose.
        predictions: Of the split that the run is judged by, with samples of two classes at least.
        title: In place of the run's name.
        look: Its colours and size.
    """
    return draw_one_vs_rest(run, predictions, roc_curve_of, _AXIS, title, look)
