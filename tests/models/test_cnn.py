"""The network takes raw pixels, names its penultimate layer and keeps its head exact in every precision."""

from __future__ import annotations

import numpy as np
import pytest

from tbcli.config import DataConfig, ModelConfig
from tbcli.data.dataset import Dataset, cut_splits
from tbcli.errors import ConfigError, DoesNotFit
from tbcli.models import ARCHITECTURES, FEATURES, build_model, require_architecture


def samples_of(*shape: int, classes: int = 10) -> Dataset:
    inputs = np.random.Generator(np.random.PCG64(0)).integers(0, 256, (20, *shape)).astype(np.uint8)
    labels = np.arange(20, dtype=np.int64) % classes
    return cut_splits("noise", (inputs, labels), None, tuple(map(str, range(classes))), DataConfig())


def test_an_unknown_architecture_is_an_error_without_loading_any() -> None:
    with pytest.raises(ConfigError, match="no model 'rsnet'") as caught:
        require_architecture("rsnet")
    assert "cnn" in caught.value.hint


@pytest.mark.tf
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_returns_probabilities_in_float32(name: str) -> None:
    dataset = samples_of(28, 28, 1)
    for precision in ("float32", "mixed_bfloat16", "mixed_float16"):
        model = build_model(ModelConfig(name=name), dataset, precision)
        found = model(dataset.train.inputs)
        assert found.dtype == "float32"
        assert found.shape == (20, 10)
        assert np.allclose(np.asarray(found).sum(axis=1), 1, atol=1e-5)
        assert model.get_layer(FEATURES).compute_dtype == precision.removeprefix("mixed_")


@pytest.mark.tf
def test_the_usual_precision_is_given_back() -> None:
    import keras

    build_model(ModelConfig(), samples_of(28, 28, 1), "mixed_bfloat16")
    assert keras.config.dtype_policy().name == "float32"
    with pytest.raises(DoesNotFit):
        build_model(ModelConfig(), samples_of(3), "mixed_bfloat16")
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.tf
def test_pixels_go_in_raw_and_are_scaled_inside() -> None:
    model = build_model(ModelConfig(), samples_of(28, 28, 1), "float32")
    scaled = model.get_layer("scaling")(np.array([0, 51, 255], np.uint8))
    assert np.allclose(scaled, [0, 0.2, 1])


@pytest.mark.tf
def test_features_are_the_layer_before_the_head() -> None:
    model = build_model(ModelConfig(), samples_of(28, 28, 1), "float32")
    names = [layer.name for layer in model.layers if layer.weights]
    assert names[-2:] == [FEATURES, "probabilities"]


@pytest.mark.tf
def test_other_images_and_class_counts_fit() -> None:
    dataset = samples_of(32, 48, 3, classes=4)
    assert build_model(ModelConfig(), dataset, "float32")(dataset.train.inputs).shape == (20, 4)


@pytest.mark.tf
def test_dropout_is_the_one_that_was_asked_for() -> None:
    model = build_model(ModelConfig(dropout=0.5), samples_of(28, 28, 1), "float32")
    assert model.get_layer("dropout").rate == 0.5


@pytest.mark.tf
@pytest.mark.parametrize("shape", [(784,), (28, 28), (4, 4, 1), (5, 5, 3), (2, 3, 28, 28)])
def test_samples_of_another_shape_do_not_fit_and_the_shape_is_told(shape: tuple[int, ...]) -> None:
    with pytest.raises(DoesNotFit, match=r"model 'cnn' cannot take samples of shape \(") as caught:
        build_model(ModelConfig(), samples_of(*shape), "float32")
    assert "\n" not in caught.value.message
