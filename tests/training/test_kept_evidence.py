"""A real training leaves what its figures are drawn from, and the figures agree with what it measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from tbcli.config import PlotConfig
from tbcli.data import load_dataset
from tbcli.data.dataset import Split
from tbcli.figures import plot_kinds
from tbcli.figures.kinds import KINDS, NAMES
from tbcli.readers.gradient_health import read_gradients
from tbcli.runs.evidence import Predictions, read_features, read_layers, read_mistakes, read_predictions
from tbcli.tasks import CLASSIFICATION
from tbcli.training.final_evaluation import MOST_KEPT, mistakes_of
from tests.tiny import Tiny

pytestmark = pytest.mark.tf


def test_predictions_give_the_test_accuracy_of_the_record(tiny: Tiny) -> None:
    told = read_predictions(tiny.run)
    assert told.split == "test"
    assert accuracy_score(told.labels, told.guesses) == pytest.approx(tiny.run.metric("test_accuracy"), abs=1e-6)
    assert told.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_pictures_of_mistakes_are_those_of_the_test_set(tiny: Tiny) -> None:
    found = read_mistakes(tiny.run)
    assert found.thumbnails is not None
    assert len(found.rows) == min(found.count, MOST_KEPT)
    test = load_dataset(tiny.config.data).test
    assert test is not None
    samples, labels = test.batch(found.rows)
    assert np.array_equal(found.thumbnails, samples)
    assert np.array_equal(found.predictions.labels[found.rows], labels)


def test_features_and_layers_are_the_models(tiny: Tiny) -> None:
    features = read_features(tiny.run)
    assert features.features.shape == (60, 128)
    layers = read_layers(tiny.run)
    assert layers.index("conv1") < layers.index("relu1") < layers.index("conv2") < layers.index("features")
    assert read_gradients(tiny.run).layers == ("conv1", "relu1", "conv2", "relu2", "features", "probabilities")


def test_history_confusion_mistakes_and_embedding_are_left_behind_and_the_rest_can_be_drawn(
    tiny: Tiny, tmp_path: Path
) -> None:
    left = {path.name for path in tiny.run.plots.iterdir()}
    assert left >= {"training_history.png", "summary.png", "confusion_matrix.png", "mistakes.png", "embedding_pca.png"}
    for kind in (name for name in NAMES if name not in KINDS or KINDS[name].suits(CLASSIFICATION)):
        out = tmp_path / f"{kind}.png"  # not over the figures of a run that others look at too
        result = plot_kinds([tiny.run], [kind], PlotConfig(dpi=40), plots_root=tmp_path, out=out)
        assert [picture.path for picture in result.pictures] == [out]


def test_samples_that_are_no_images_are_kept_by_index_alone() -> None:
    inputs, labels = np.arange(40, dtype=np.float32).reshape(10, 4), np.arange(10) % 2
    split = Split(inputs, labels.astype(np.int64), np.arange(10))
    chances = np.full((10, 2), [0.9, 0.1], np.float32)
    kept = mistakes_of(Predictions("test", split.positions, split.labels, chances, ("a", "b")), split)
    assert kept.rows.tolist() == [1, 3, 5, 7, 9]
    assert kept.thumbnails is None


@pytest.mark.parametrize("side", [8, 200])
def test_a_model_without_a_mistake_keeps_an_empty_list(side: int) -> None:
    split = Split(np.zeros((3, side, side, 1), np.uint8), np.zeros(3, np.int64), np.arange(3))
    chances = np.eye(2, dtype=np.float32)[[0, 0, 0]]
    kept = mistakes_of(Predictions("test", split.positions, split.labels, chances, ("a", "b")), split)
    assert kept.thumbnails is not None
    assert len(kept.rows) == len(kept.thumbnails) == 0
