"""PR curves agree with scikit-learn and with TensorBoard's own summary, for any number of classes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score
from tensorboard.plugins.pr_curve import metadata

from tbcli.recorders.pr_curves import (
    MOST_CURVES,
    THRESHOLDS,
    PrCurvesRecorder,
    class_tags,
    count_curves,
    largest_classes,
)
from tests.recorders.memory import MemoryWriter, evidence, snapshot

RANDOM = np.random.Generator(np.random.PCG64(3))


def predicted(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return probabilities ``[n, classes]`` that lean towards the labels, as a model's do."""
    scores = np.exp(3 * RANDOM.normal(size=(len(labels), classes)) + 4 * np.eye(classes)[labels])
    return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_precision_and_recall_are_scikit_learns_at_every_threshold(classes: int) -> None:
    labels = RANDOM.integers(classes, size=300)
    seen = evidence(labels, predicted(labels, classes))
    curves = count_curves(seen, range(classes), 21)
    assert curves.shape == (classes, 6, 21)
    assert curves.dtype == np.float32
    for number in range(classes):
        truth = labels == number
        for place, threshold in enumerate(np.linspace(0, 1, 21)):
            guess = seen.probabilities[:, number] >= threshold
            assert curves[number, 4, place] == pytest.approx(precision_score(truth, guess, zero_division=0), abs=1e-6)
            assert curves[number, 5, place] == pytest.approx(recall_score(truth, guess, zero_division=0), abs=1e-6)
            assert curves[number, :4, place].tolist() == [
                (truth & guess).sum(),
                (~truth & guess).sum(),
                (~truth & ~guess).sum(),
                (truth & ~guess).sum(),
            ]


def test_probabilities_on_a_threshold_reach_it() -> None:
    chances = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    seen = evidence([0, 0, 0, 0, 1], np.column_stack([1 - chances, chances]))
    curve = count_curves(seen, [1], 5)[0]
    assert (curve[0] + curve[1]).tolist() == [5, 4, 3, 2, 1]


def test_what_is_not_a_number_is_never_taken_for_the_class() -> None:
    chances = np.array([[np.nan, np.nan], [0.3, 0.7], [np.inf, -np.inf]])
    curve = count_curves(evidence([1, 1, 1], chances), [1], 3)[0]
    assert curve[0].tolist() == [3, 1, 0]


@pytest.mark.tf
def test_the_curve_is_that_of_tensorboards_own_summary() -> None:
    from tensorboard.plugins.pr_curve import summary
    from tensorboard.util.tensor_util import make_ndarray

    labels = RANDOM.integers(3, size=200)
    seen = evidence(labels, predicted(labels, 3))
    curves = count_curves(seen, range(3), THRESHOLDS)
    for number in range(3):
        chances = seen.probabilities[:, number].astype(np.float64)
        expected = make_ndarray(summary.pb("x", labels == number, chances, THRESHOLDS).value[0].tensor)
        assert np.allclose(curves[number], expected, rtol=1e-6)


def test_each_class_with_samples_has_a_curve_an_epoch() -> None:
    writer, recorder = MemoryWriter(), PrCurvesRecorder()
    names = ("T-shirt/top", "none of these", "Ünïcode")
    seen = evidence([0, 2, 2], np.eye(3)[[0, 2, 0]])
    for epoch in (1, 2):
        recorder.on_epoch(snapshot(epoch, names=names, validation=seen), writer)  # type: ignore[arg-type]
    assert list(writer.written) == [("validation", "pr_curves/t-shirt_top"), ("validation", "pr_curves/ünïcode")]
    for points in writer.written.values():
        assert [(step, curve.shape) for step, curve in points] == [(1, (6, THRESHOLDS)), (2, (6, THRESHOLDS))]
    described = writer.metadata["validation", "pr_curves/t-shirt_top"]
    assert described.display_name == "T-shirt/top"
    assert "1 of 3 validation samples" in described.summary_description
    assert metadata.parse_plugin_metadata(described.plugin_data.content).num_thresholds == THRESHOLDS


def test_of_many_classes_the_largest_are_shown_and_the_text_says_so() -> None:
    labels = np.concatenate([np.arange(200), np.arange(150, 200)])
    writer = MemoryWriter()
    seen = evidence(labels, predicted(labels, 200))
    PrCurvesRecorder().on_epoch(snapshot(names=[str(n) for n in range(200)], validation=seen), writer)  # type: ignore[arg-type]
    assert [tag for _, tag in writer.written] == [f"pr_curves/{n}" for n in range(150, 150 + MOST_CURVES)]
    text = writer.metadata["validation", "pr_curves/150"].summary_description
    assert f"Shown are the {MOST_CURVES} most frequent of 200 classes" in text


def test_largest_classes_leave_out_the_empty_ones() -> None:
    assert largest_classes(np.array([3, 0, 5, 3]), 2) == [0, 2]
    assert largest_classes(np.array([0, 0, 1]), 5) == [2]


def test_a_single_validation_sample_is_enough() -> None:
    writer = MemoryWriter()
    PrCurvesRecorder().on_epoch(snapshot(validation=evidence([1], np.array([[0.4, 0.6]]))), writer)  # type: ignore[arg-type]
    ((_, curve),) = writer.written["validation", "pr_curves/dog"]
    assert curve[5, 0] == 1


def test_without_validation_it_says_why_it_is_silent() -> None:
    assert PrCurvesRecorder().unsuitable(snapshot(has_validation=False)) == "there are no validation samples"
    assert PrCurvesRecorder().unsuitable(snapshot()) is None


@pytest.mark.parametrize(
    ("names", "tags"),
    [
        (("0", "1"), ["0", "1"]),
        (("a b", "A/B", "a_b"), ["a_b", "a_b_1", "a_b_2"]),
        (("", "***"), ["class", "class_1"]),
        (("<script>", "x.y-z"), ["script", "x.y-z"]),
    ],
)
def test_a_class_has_a_tag_of_its_own_whatever_it_is_called(names: tuple[str, ...], tags: list[str]) -> None:
    assert class_tags(names) == tags
