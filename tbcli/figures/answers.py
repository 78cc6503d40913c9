"""What stands below a sample: what was predicted, what is true, and how sure or how far off the answer is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION, Task

NO_LABEL = "none"


@dataclass(frozen=True, slots=True)
class SampleText:
    """One sample in words.

    Args:
        predicted: A class, labels, or a value.
        true: The same.
        note: The confidence, how many labels are wrong, or the error.
        is_wrong: Whether it is to be marked; a value is never right or wrong.
    """

    predicted: str
    true: str
    note: str
    is_wrong: bool


def describe_answers(
    task: Task,
    labels: np.ndarray,
    outputs: np.ndarray,
    names: Sequence[str],
    share: Callable[[float], str] = "{:.1%}".format,
) -> list[SampleText]:
    """Return each sample's answer.

    Args:
        task: What was learnt.
        labels: What is true of the samples ``[n, ...]``.
        outputs: What the model says of them ``[n, m]``.
        names: Of the classes, labels or values, as they are to be written.
        share: How a confidence is written.
    """
    return _ANSWERS[task.name](labels, outputs, names, share)


def _of_class(
    labels: np.ndarray, outputs: np.ndarray, names: Sequence[str], share: Callable[[float], str]
) -> list[SampleText]:
    guesses = outputs.argmax(axis=-1).tolist()
    return [
        SampleText(names[guess], names[label], share(float(chances[guess])), guess != label)
        for guess, label, chances in zip(guesses, labels.tolist(), outputs, strict=True)
    ]


def _of_labels(
    labels: np.ndarray, outputs: np.ndarray, names: Sequence[str], share: Callable[[float], str]
) -> list[SampleText]:
    """Name the labels that are wrong first: what does not fit is cut at the end."""
    predictions = MULTI_LABEL.predictions(outputs)
    answers = []
    for label, predicted in zip(labels, predictions, strict=True):
        wrong = label != predicted
        count = int(wrong.sum())
        note = f"{count} wrong" if count else "right"
        answers.append(SampleText(_listed(predicted, wrong, names), _listed(label, wrong, names), note, count > 0))
    return answers


def _listed(chosen: np.ndarray, first: np.ndarray, names: Sequence[str]) -> str:
    there = np.flatnonzero(chosen)
    ordered = [*there[first[there]].tolist(), *there[~first[there]].tolist()]
    return ", ".join(names[number] for number in ordered) or NO_LABEL


def _of_value(
    labels: np.ndarray, outputs: np.ndarray, names: Sequence[str], share: Callable[[float], str]
) -> list[SampleText]:
    """Tell of several values the one that is farthest off."""
    errors = outputs.astype(np.float64) - labels
    farthest = np.nan_to_num(np.abs(errors), nan=-1.0).argmax(axis=-1).tolist()
    return [
        SampleText(
            f"{predicted[value]:.4g} {names[value]}" if len(names) > 1 else f"{predicted[value]:.4g}",
            f"{label[value]:.4g}",
            f"{error[value]:+.3g}",
            is_wrong=False,
        )
        for value, predicted, label, error in zip(farthest, outputs, labels, errors, strict=True)
    ]


_ANSWERS = {CLASSIFICATION.name: _of_class, MULTI_LABEL.name: _of_labels, REGRESSION.name: _of_value}
