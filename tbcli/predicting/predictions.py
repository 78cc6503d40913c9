"""What a model says of a sample, in words and numbers: a label with its confidence, labels, or values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tbcli.predicting.inputs import Inputs
from tbcli.predicting.saved import SavedModel


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one sample.

    Args:
        name: Of the sample.
        best: Names of classes, labels or values with what was said of each: of classes the most probable first, of
            labels those that are predicted first, of values all in their order.
        decided: How many of these are the answer.
    """

    name: str
    best: tuple[tuple[str, float], ...]
    decided: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "input": self.name,
            "answer": [name for name, _ in self.best[: self.decided]],
            "values": dict(self.best),
        }


def predict_all(saved: SavedModel, inputs: Inputs, *, top: int) -> Iterator[list[Prediction]]:
    """Yield an answer for each sample that could be read, those of a batch at a time.

    Args:
        saved: The model.
        inputs: The samples.
        top: Classes or labels to name, at most.
    """
    for names, batch in inputs.batches:
        outputs = saved.outputs(batch)
        yield [_prediction(saved, name, row, top) for name, row in zip(names, outputs, strict=True)]


def _prediction(saved: SavedModel, name: str, row: np.ndarray, top: int) -> Prediction:
    values = [float(value) for value in row.astype(str)]  # the shortest digits that give the same float32 back
    named = list(zip(saved.class_names, values, strict=True))
    if saved.task.outputs_are == "values":
        return Prediction(name, tuple(named), len(named))
    order = np.argsort(-row, kind="stable")
    decided = 1 if saved.task.has_classes else int(saved.task.predictions(row[np.newaxis]).sum())
    shown: Sequence[int] = order[: max(top, decided) if saved.task.has_classes else None].tolist()
    return Prediction(name, tuple(named[number] for number in shown), decided)
