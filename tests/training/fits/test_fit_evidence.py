"""What is heard in a validation pass becomes evidence of the task, or a reason why it is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION, Task
from tbcli.training.fits.compiled import Compiled
from tbcli.training.fits.fit_evidence import Looked, fingerprint_heard, read_heard
from tbcli.training.taps.validation import Heard

pytestmark = pytest.mark.tf

OUTPUTS = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]], np.float32)
NUMBERS = np.array([0, 1, 1])


def look(task: Task | None, labels: Any, outputs: Any, *, from_logits: bool = False) -> Looked:
    heard = Heard(np.zeros((2, 4, 4, 1), np.float32), np.asarray(labels), np.asarray(outputs), 3)
    return read_heard(heard, Compiled(task, from_logits, ("loss",), (), "no task"), "theirs")


@pytest.mark.parametrize("labels", [NUMBERS, NUMBERS[:, None], NUMBERS.astype(np.float32), np.eye(3)[NUMBERS]])
def test_classes_are_told_by_number_or_by_a_one_in_a_row(labels: np.ndarray) -> None:
    looked = look(CLASSIFICATION, labels, OUTPUTS)
    assert looked.evidence is not None
    assert looked.evidence.labels.tolist() == [0, 1, 1]
    assert looked.evidence.labels.dtype == np.int64
    assert looked.dataset.class_names == ("0", "1", "2")
    assert looked.dataset.validation is not None
    assert (len(looked.dataset.validation), looked.dataset.input_shape) == (2, (4, 4, 1))


def test_one_output_and_logits_become_probabilities_of_two_classes() -> None:
    looked = look(CLASSIFICATION, [[1.0], [0.0], [1.0]], [[0.0], [-20.0], [20.0]], from_logits=True)
    assert looked.evidence is not None
    assert looked.evidence.outputs == pytest.approx(np.array([[0.5, 0.5], [1, 0], [0, 1]]), abs=1e-6)


def test_labels_and_values_have_a_row_per_sample() -> None:
    labelled = look(MULTI_LABEL, np.eye(3), OUTPUTS).evidence
    valued = look(REGRESSION, [1, 2, 3], [[1.5], [2.5], [3.5]]).evidence
    assert labelled is not None
    assert valued is not None
    assert (labelled.labels.dtype, labelled.task) == (np.uint8, MULTI_LABEL)
    assert (valued.labels.dtype, valued.labels.shape, valued.task) == (np.float32, (3, 1), REGRESSION)


REFUSED = {
    "no task": (None, NUMBERS, OUTPUTS),
    "each sample has an output of shape (2, 3), not one row": (CLASSIFICATION, NUMBERS, np.ones((3, 2, 3))),
    "no class numbers from 0 to 2": (CLASSIFICATION, [0, 1, 3], OUTPUTS),
    "no class numbers from 0 to 2 ": (CLASSIFICATION, [0, 1, -1], OUTPUTS),
    "no class numbers from 0 to 2  ": (CLASSIFICATION, [0, 1, 0.5], OUTPUTS),
    "no single class of each sample": (CLASSIFICATION, OUTPUTS, OUTPUTS),
    "2 values per sample, for 3 classes": (CLASSIFICATION, np.ones((3, 2)), OUTPUTS),
    "not 0 or 1": (MULTI_LABEL, OUTPUTS, OUTPUTS),
    "2 values per sample, the outputs 3": (REGRESSION, np.ones((3, 2)), OUTPUTS),
    "of type |S1": (CLASSIFICATION, np.array([b"a", b"b", b"c"]), OUTPUTS),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_no_evidence_says_why_and_leaves_the_samples(reason: str) -> None:
    looked = look(*REFUSED[reason])
    assert looked.evidence is None
    assert reason.strip() in looked.why_no_evidence
    assert looked.has_inputs


def test_a_fingerprint_tells_validation_samples_from_others() -> None:
    def print_of(labels: Any, outputs: Any = OUTPUTS, value: float = 0.0) -> str:
        heard = Heard(np.full((2, 4), value, np.float32), np.asarray(labels), np.asarray(outputs), 3)
        return fingerprint_heard(heard, read_heard(heard, Compiled(CLASSIFICATION, False, ("loss",), ()), "theirs"))

    assert print_of(NUMBERS) == print_of(np.eye(3)[NUMBERS], OUTPUTS[::-1])
    assert len({print_of(NUMBERS), print_of(NUMBERS[::-1]), print_of(NUMBERS, value=1.0)}) == 3
