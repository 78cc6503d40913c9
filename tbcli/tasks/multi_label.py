"""Multi-label: each sample has any number of labels, none included."""

from __future__ import annotations

import numpy as np

from tbcli.naming.judges import MEASURED
from tbcli.naming.tags import MACRO_F1, MICRO_F1
from tbcli.tasks.class_report import report_labels
from tbcli.tasks.task import Task, sigmoid

THRESHOLD = 0.5
"""A label is predicted where its probability is above it."""


class MultiLabel(Task):
    """Labels are 0 or 1 ``[n, labels]``, uint8; outputs are the probability of each label ``[n, labels]``."""

    name = "multi-label"
    metrics = MEASURED["multi-label"]
    final_metrics = (MACRO_F1, MICRO_F1)
    labels_are = "0 and 1 [n, labels]"
    outputs_are = "probabilities"
    names_are = "labels"
    has_classes = False

    def loss(self, outputs: int) -> str:
        """Return the binary cross-entropy, over all labels."""
        return "binary_crossentropy"

    def activation(self) -> str:
        """Return the sigmoid: each label for itself."""
        return "sigmoid"

    def read(self, raw: np.ndarray, *, from_logits: bool = False) -> np.ndarray:
        """Return the probability of each label ``[n, labels]``."""
        values = np.asarray(raw, np.float32)
        return sigmoid(values) if from_logits else values

    def predictions(self, outputs: np.ndarray) -> np.ndarray:
        """Return 1 where a label is predicted ``[n, labels]``, uint8."""
        return (outputs > THRESHOLD).astype(np.uint8)

    def errors(self, labels: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Return the number of wrong labels ``[n]``, and as a fraction of one how far off all are."""
        wrong = (self.predictions(outputs) != labels).sum(axis=-1)
        how_far = np.abs(outputs - labels).mean(axis=-1)
        return np.where(wrong > 0, wrong + how_far, 0).astype(np.float32)

    def measure(self, labels: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Return macro and micro F1."""
        report = report_labels(labels, self.predictions(outputs))
        return {MACRO_F1: report.macro_f1, MICRO_F1: report.micro_f1}

    def fits(self, labels: np.ndarray, outputs: np.ndarray, classes: int) -> bool:
        """Return whether labels and outputs are both ``[n, labels]``."""
        return bool(labels.shape == outputs.shape == (len(labels), classes) and len(labels) > 0)
