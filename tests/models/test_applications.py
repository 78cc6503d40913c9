"""Networks of `keras.applications` take raw images of any size, grey ones too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tbcli.config import ModelConfig
from tbcli.errors import DoesNotFit
from tbcli.models import build_model
from tests.models.data_sets import noise

pytestmark = [pytest.mark.tf, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]


@pytest.mark.slow
def test_small_grey_images_are_enlarged_and_scaled_inside_and_it_is_said(tmp_path: Path) -> None:
    import keras

    dataset, said = noise(28, 28, 1, classes=3), list[str]()
    model = build_model(ModelConfig(name="MobileNetV2"), dataset, "mixed_bfloat16", said.append)
    assert said == ["MobileNetV2 does not take images of 28x28x1: inside the model they are brought to 32x32x3"]
    samples, _ = dataset.train.batch(slice(4))
    found = np.asarray(model(samples, training=False))
    enlarged = keras.layers.Resizing(32, 32)(np.repeat(samples, 3, axis=-1).astype(np.float32))
    base, head = model.layers[-2:]
    assert np.allclose(found, head(base(enlarged / 127.5 - 1, training=False)), atol=0.01)
    assert found.dtype == "float32"
    base.save_weights(tmp_path / "base.weights.h5")
    config = ModelConfig(name="MobileNetV2", weights=str(tmp_path / "base.weights.h5"))
    again = build_model(config, dataset, "mixed_bfloat16").layers[-2]
    assert all(np.array_equal(one, other) for one, other in zip(base.weights, again.weights, strict=True))
    model.save(tmp_path / "model.keras")
    assert np.array_equal(keras.models.load_model(tmp_path / "model.keras")(samples, training=False), found)


def test_weights_of_another_network_do_not_fit(tmp_path: Path) -> None:
    other = build_model(ModelConfig(name="linear"), noise(12), "float32")
    other.save_weights(tmp_path / "other.weights.h5")
    config = ModelConfig(name="MobileNetV3Small", weights=str(tmp_path / "other.weights.h5"))
    with pytest.raises(DoesNotFit, match="holds no weights of MobileNetV3Small"):
        build_model(config, noise(32, 32, 3), "float32")


@pytest.mark.parametrize("shape", [(12,), (32, 32, 2)])
def test_what_is_no_picture_does_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(DoesNotFit, match="'MobileNetV2' cannot take samples"):
        build_model(ModelConfig(name="MobileNetV2"), noise(*shape), "float32")
