"""A saved model is gone on with: no code of the file runs, and it gets a new head where the task needs one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tbcli.config import ModelConfig
from tbcli.data.dataset import Dataset
from tbcli.errors import DoesNotFit
from tbcli.models import build_model
from tbcli.tasks import REGRESSION
from tests.models.data_sets import noise

pytestmark = [pytest.mark.tf, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]


@pytest.fixture(scope="module")
def cnn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    """A model of 10 classes, and its file."""
    model = build_model(ModelConfig(name="cnn", args=("units=8",)), noise(8, 8, 1), "float32")
    path = tmp_path_factory.mktemp("saved") / "mine.keras"
    model.save(path)
    return model, str(path)


def loaded(name: str, dataset: Dataset, **more: Any) -> tuple[Any, list[str]]:
    said: list[str] = []
    return build_model(ModelConfig(name=name, **more), dataset, "float32", said.append), said


def test_it_predicts_as_it_was_saved(cnn: tuple[Any, str]) -> None:
    dataset = noise(8, 8, 1)
    model, said = loaded(cnn[1], dataset)
    samples, _ = dataset.train.batch(slice(8))
    assert np.array_equal(model(samples), cnn[0](samples))
    assert said == []
    assert not model.compiled


@pytest.mark.parametrize("dataset", [noise(8, 8, 1, classes=4), noise(8, 8, 1, task=REGRESSION)])
def test_another_task_gets_a_new_head_and_it_is_said(cnn: tuple[Any, str], dataset: Dataset) -> None:
    model, said = loaded(cnn[1], dataset, freeze=("conv*", "features"))
    assert f"'probabilities' of 10 outputs, is replaced by a new one for {dataset.task.name}" in said[0]
    for name in ("conv1", "conv2", "features"):
        assert not model.get_layer(name).trainable
        old, new = cnn[0].get_layer(name).get_weights(), model.get_layer(name).get_weights()
        assert all(np.array_equal(one, other) for one, other in zip(old, new, strict=True))
    assert len(model.trainable_weights) == 2


def test_other_samples_do_not_fit(cnn: tuple[Any, str]) -> None:
    with pytest.raises(DoesNotFit, match=r"takes samples of shape 8x8x1.*12x12x1"):
        loaded(cnn[1], noise(12, 12, 1))


def test_arguments_are_for_functions(cnn: tuple[Any, str]) -> None:
    from tbcli.errors import ConfigError

    with pytest.raises(ConfigError, match="takes no arguments, got 'units=3'"):
        loaded(cnn[1], noise(8, 8, 1), args=("units=3",))


def test_what_is_no_model_or_needs_code_has_a_sentence_of_its_own(tmp_path: Path) -> None:
    import keras

    class Unknown(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs

    inputs = keras.Input((8, 8, 1))
    for name, layer in {"lambda": keras.layers.Lambda(lambda x: x * 2), "unknown": Unknown()}.items():
        outputs = keras.layers.Dense(10)(keras.layers.Flatten()(layer(inputs)))
        keras.Model(inputs, outputs).save(tmp_path / f"{name}.keras")
    (tmp_path / "text.keras").write_text("no zip")
    (tmp_path / "text.h5").write_text("no HDF5")
    sentences = {
        "lambda.keras": "has a Lambda layer, whose code is not run",
        "unknown.keras": "needs 'Unknown', whose code is not in the file",
        "text.keras": "not a zip file",
        "text.h5": "does not load",
    }
    for name, sentence in sentences.items():
        with pytest.raises(DoesNotFit, match=sentence) as caught:
            loaded(str(tmp_path / name), noise(8, 8, 1))
        assert "\n" not in caught.value.message


def test_an_hdf5_file_is_said_to_run_code(cnn: tuple[Any, str], tmp_path: Path) -> None:
    path = tmp_path / "mine.h5"
    cnn[0].save(path)
    _, said = loaded(str(path), noise(8, 8, 1))
    assert "may contain code that runs" in said[0]


def test_weights_come_from_a_file(cnn: tuple[Any, str], tmp_path: Path) -> None:
    path = tmp_path / "mine.weights.h5"
    cnn[0].save_weights(path)
    model, _ = loaded("cnn", noise(8, 8, 1), args=("units=8",), weights=str(path))
    assert np.array_equal(model.get_weights()[0], cnn[0].get_weights()[0])
    with pytest.raises(DoesNotFit, match="holds no weights of model 'mlp'"):
        loaded("mlp", noise(8, 8, 1), weights=str(path))
