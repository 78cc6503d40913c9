"""The confusion matrix in TensorBoard is that of scikit-learn on the same predictions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from tbcli.figures.png.confusion import draw_confusions
from tbcli.recorders import confusion
from tbcli.recorders.base import Evidence, Snapshot
from tbcli.recorders.confusion import ConfusionRecorder
from tests.recorders.memory import MemoryWriter
from tests.recorders.pictures import drawn, moment


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, str]]:
    """Counts and title of everything that is drawn; it is drawn for real, too."""
    found: list[tuple[np.ndarray, str]] = []

    def remember(counts: np.ndarray, tell: Any, names: Any, title: str) -> Any:
        found.append((counts, title))
        return draw_confusions(counts, tell, names, title)

    monkeypatch.setattr(confusion, "draw_confusions", remember)
    return found


def expected(evidence: Evidence | None, now: Snapshot) -> np.ndarray:
    assert evidence is not None
    guesses = evidence.probabilities.argmax(axis=1)
    matrix: np.ndarray = confusion_matrix(evidence.labels, guesses, labels=range(len(now.dataset.class_names)))
    return matrix


@pytest.mark.parametrize("classes", [2, 10, 200])
@pytest.mark.parametrize("samples", [1, 500])
def test_counts_are_those_of_scikit_learn(classes: int, samples: int, seen: list[tuple[np.ndarray, str]]) -> None:
    now = moment(samples, names=[f"class {number} | <b>" for number in range(classes)], epoch=3)
    writer = MemoryWriter()
    ConfusionRecorder().on_epoch(now, writer)
    assert set(writer.written) == {("validation", "confusion/counts"), ("validation", "confusion/normalised")}
    for counts, _ in seen:
        assert np.array_equal(counts, expected(now.validation, now))
    right = int(np.trace(expected(now.validation, now)))
    assert seen[0][1] == f"validation, epoch 3: {right:,} of {samples:,} right"
    for tag in ("confusion/counts", "confusion/normalised"):
        assert drawn(writer, "validation", tag).any()


def test_the_test_set_comes_once_at_the_end(seen: list[tuple[np.ndarray, str]]) -> None:
    now, writer = moment(50, has_test=True, epoch=5), MemoryWriter()
    ConfusionRecorder().on_end(now, writer)
    assert set(writer.written) == {("", "confusion/test_counts"), ("", "confusion/test_normalised")}
    assert [step for written in writer.written.values() for step, _ in written] == [5, 5]
    assert np.array_equal(seen[0][0], expected(now.test, now))


def test_a_class_without_samples_keeps_its_row(seen: list[tuple[np.ndarray, str]]) -> None:
    now = moment(60)
    assert now.validation is not None
    without = now.validation.labels.copy()
    without[without == 1] = 2
    ConfusionRecorder().on_epoch(replace(now, validation=replace(now.validation, labels=without)), MemoryWriter())
    assert seen[0][0][1].tolist() == [0, 0, 0]
    assert seen[0][0].sum() == 60


@pytest.mark.parametrize(
    ("has_validation", "has_test", "is_suitable"), [(True, False, True), (False, True, True), (False, False, False)]
)
def test_it_needs_samples_that_were_held_out(has_validation: bool, has_test: bool, is_suitable: bool) -> None:
    now, writer = moment(has_validation=has_validation, has_test=has_test), MemoryWriter()
    assert (ConfusionRecorder().unsuitable(now) is None) == is_suitable
    ConfusionRecorder().on_epoch(now, writer)
    assert bool(writer.written) == has_validation
