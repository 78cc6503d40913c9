"""Classification: each sample belongs to one class, of two or many."""

from __future__ import annotations

import numpy as np

from tbcli.naming.judges import MEASURED
from tbcli.naming.tags import MACRO_F1
from tbcli.tasks.class_report import report_classes
from tbcli.tasks.task import Task, sigmoid, softmax


class Classification(Task):
    """Labels are class numbers ``[n]``, int64; outputs are probabilities ``[n, classes]``."""

    name = "classification"
    metrics = MEASURED["classification"]
    final_metrics = (MACRO_F1,)
    labels_are = "class numbers [n]"
    outputs_are = "probabilities"
    names_are = "classes"
    has_classes = True

    def loss(self, outputs: int) -> str:
        """Return the cross-entropy with class numbers, or the binary one of a single output."""
        return "binary_crossentropy" if outputs == 1 else "sparse_categorical_crossentropy"

    def activation(self) -> str:
        """Return the softmax: one output per class, also of two."""
        return "softmax"

    def takes_outputs(self, outputs: int, classes: int) -> bool:
        """Return whether there is one output per class, or one in all for two classes."""
        return outputs == classes or (outputs == 1 and classes == 2)

    def read(self, raw: np.ndarray, *, from_logits: bool = False) -> np.ndarray:
        """Return probabilities ``[n, classes]``; a single output is the probability of the second class."""
        values = np.asarray(raw, np.float32)
        if values.shape[-1] > 1:
            return softmax(values) if from_logits else values
        second = sigmoid(values) if from_logits else values
        return np.concatenate([1 - second, second], axis=-1)

    def predictions(self, outputs: np.ndarray) -> np.ndarray:
        """Return the most probable class of each sample ``[n]``."""
        predictions: np.ndarray = outputs.argmax(axis=-1)
        return predictions

    def errors(self, labels: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Return the confidence of each wrong answer."""
        return np.where(self.predictions(outputs) == labels, np.float32(0), outputs.max(axis=-1))

    def measure(self, labels: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Return the macro F1."""
        return {MACRO_F1: report_classes(labels, self.predictions(outputs), outputs.shape[-1]).macro_f1}

    def fits(self, labels: np.ndarray, outputs: np.ndarray, classes: int) -> bool:
        """Return whether labels ``[n]`` are numbers of classes, and outputs ``[n, classes]``."""
        is_shaped = labels.ndim == 1 and outputs.shape == (len(labels), classes) and len(labels) > 0
        return bool(is_shaped and labels.min() >= 0 and labels.max() < classes)
