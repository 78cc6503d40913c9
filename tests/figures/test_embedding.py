"""The picture of the features is a principal component analysis, and says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tbcli.figures.components import principal_components
from tbcli.figures.curves import Heading
from tbcli.figures.embedding import draw_embedding
from tbcli.figures.style import save_figure
from tbcli.runs.evidence import Features

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize("shape", [(200, 16), (30, 90), (50, 50), (2, 3)])
def test_components_agree_with_scikit_learn(shape: tuple[int, int]) -> None:
    from sklearn.decomposition import PCA

    features = (RANDOM.normal(size=shape) * np.linspace(1, 3, shape[1]) + 7).astype(np.float32)
    places, shares = principal_components(features)
    reference = PCA(2, svd_solver="full").fit(features.astype(np.float64))
    expected = reference.transform(features.astype(np.float64))
    assert np.allclose(shares, reference.explained_variance_ratio_, atol=1e-6)
    scale = np.abs(expected).max()
    for column in range(2):
        signed = min(np.abs(places[:, column] - sign * expected[:, column]).max() for sign in (1, -1))
        assert signed < 1e-4 * scale


def test_a_turn_of_the_features_does_not_flip_the_picture() -> None:
    features = RANDOM.normal(size=(40, 5)) * [5, 3, 1, 1, 1]
    places, _ = principal_components(features)
    again, _ = principal_components(features[::-1])
    assert np.allclose(again[::-1], places)


@pytest.mark.parametrize("shape", [(1, 8), (4, 1), (3, 2)])
def test_directions_that_there_are_not_are_zero(shape: tuple[int, int]) -> None:
    places, shares = principal_components(np.ones(shape))
    assert not places.any()
    assert not shares.any()


def figure_of(labels: np.ndarray, features: np.ndarray, guesses: np.ndarray, names: tuple[str, ...]) -> Figure:
    seen = Features(labels, features, np.eye(len(names))[guesses], names)
    return draw_embedding(seen, Heading("a $run", "embedding", "cnn on mnist"))


def texts_of(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.texts)


def test_mistakes_are_ringed_in_the_colour_of_the_guess() -> None:
    labels = np.arange(30) % 3
    guesses = labels.copy()
    guesses[:4] = (labels[:4] + 1) % 3
    figure = figure_of(labels, RANDOM.normal(size=(30, 4)), guesses, ("cat", "dog", "ünïcode | <b>"))
    *clouds, rings = figure.axes[0].collections
    assert [len(cloud.get_offsets()) for cloud in clouds] == [10, 10, 10]
    assert len(rings.get_offsets()) == 4
    colours = [cloud.get_facecolor()[0][:3] for cloud in clouds]
    assert np.allclose(rings.get_edgecolor()[:, :3], [colours[guess] for guess in guesses[:4]])
    assert "30 validation samples, 4 mistakes" in texts_of(figure)
    assert "Rings mark mistakes" in texts_of(figure)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["cat", "dog", "ünïcode | <b>"]


def test_two_hundred_classes_all_look_different() -> None:
    labels = np.arange(400) % 200
    figure = figure_of(labels, RANDOM.normal(size=(400, 4)), labels, tuple(f"class {n}" for n in range(200)))
    (legend,) = figure.legends
    looks = {(handle.get_color(), handle.get_marker()) for handle in legend.legend_handles}  # type: ignore[union-attr]
    assert len(looks) == len(legend.get_texts()) == 200


def test_samples_that_are_not_finite_are_left_out_and_counted() -> None:
    features = RANDOM.normal(size=(10, 2, 2))
    features[3, 1, 1], features[7, 0, 0] = np.nan, np.inf
    figure = figure_of(np.zeros(10, np.int64), features, np.zeros(10, np.int64), ("a", "b"))
    assert len(figure.axes[0].collections[0].get_offsets()) == 8
    assert "8 validation samples, 0 mistakes, 2 not finite left out" in texts_of(figure)
    assert "ring" not in texts_of(figure)


@pytest.mark.parametrize("value", [1.0, np.nan])
def test_a_single_sample_and_none_are_still_a_figure(value: float, tmp_path: Path) -> None:
    figure = figure_of(np.array([1]), np.full((1, 6), value), np.array([0]), ("a", "b"))
    save_figure(figure, tmp_path / "embedding.png", 40)
    with Image.open(tmp_path / "embedding.png") as picture:
        assert min(picture.size) > 200
