"""What a task says of itself: training, recorders, figures and tables ask it, and not which one it is."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np


class Task(ABC):
    """What is learnt: what targets and outputs mean, how they are compared, and how well that went.

    Labels have one row per sample, as do outputs, which are float32 and as they are shown: probabilities, or values in
    the targets' own units.
    """

    name: str
    """What the settings and the record of a run call it."""
    metrics: tuple[str, ...]
    """What training measures besides the loss; the first is what tables lead with."""
    final_metrics: tuple[str, ...] = ()
    """What only a whole split is measured by, with the saved model: the names that `measure` returns."""
    outputs_are: str
    """What outputs are called: ``probabilities`` or ``values``."""
    names_are: str
    """What is named: ``classes``, ``labels`` or ``values``."""
    labels_are: str
    """What labels look like, in words."""
    has_classes: bool
    """Whether a sample belongs to exactly one class."""

    @property
    def judge(self) -> str:
        """The metric that tables lead with."""
        return self.metrics[0]

    @abstractmethod
    def loss(self, outputs: int) -> str:
        """Return Keras' name of the loss for a model with so many outputs."""

    @abstractmethod
    def activation(self) -> str:
        """Return Keras' name of the activation of a last layer of ours."""

    def outputs(self, classes: int) -> int:
        """Return how many units a last layer of ours has; ``classes`` counts classes, labels or values."""
        return classes

    def takes_outputs(self, outputs: int, classes: int) -> bool:
        """Return whether a model with so many outputs fits."""
        return outputs == classes

    @abstractmethod
    def read(self, raw: np.ndarray, *, from_logits: bool = False) -> np.ndarray:
        """Return what a model's raw outputs ``[n, m]`` mean, as float32.

        Args:
            raw: What the last layer gave.
            from_logits: Whether its activation is left to the loss.
        """

    @abstractmethod
    def predictions(self, outputs: np.ndarray) -> np.ndarray:
        """Return what the outputs decide, shaped as the labels."""

    @abstractmethod
    def errors(self, labels: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Return how wrong each sample is ``[n]``, float32: 0 where it is right, and the larger, the worse."""

    @abstractmethod
    def measure(self, labels: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Return what only a whole split can be measured by, besides what training measures."""

    @abstractmethod
    def fits(self, labels: np.ndarray, outputs: np.ndarray, classes: int) -> bool:
        """Return whether the arrays of one file belong together."""


def softmax(raw: np.ndarray) -> np.ndarray:
    """Return probabilities ``[n, classes]`` of logits."""
    powers = np.exp(raw - raw.max(axis=-1, keepdims=True))
    probabilities: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


def sigmoid(raw: np.ndarray) -> np.ndarray:
    """Return the probability of each logit; by the tangent, which does not overflow."""
    probabilities: np.ndarray = 0.5 * (1 + np.tanh(0.5 * raw))
    return probabilities
