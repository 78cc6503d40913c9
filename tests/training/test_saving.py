"""Each format is loaded back and compared before a model counts as saved."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tbcli.config import SAVE_FORMATS, ModelConfig
from tbcli.errors import ConfigError, TrainingFailed
from tbcli.models import build_model
from tbcli.training import saving
from tbcli.training.saving import require_formats, save_model
from tests.faults.limits import files_limited
from tests.models.data_sets import COLUMNS, table

pytestmark = pytest.mark.tf

SAMPLES = np.random.Generator(np.random.PCG64(0)).integers(0, 256, (7, 6, 6, 1)).astype(np.uint8)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(2, 3), keras.layers.Flatten()]
    built = keras.Sequential([keras.Input((6, 6, 1)), *layers, keras.layers.Dense(3, activation="softmax")])
    built.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return built


def test_every_format_is_written_and_says_the_same(model: keras.Model, tmp_path: Path) -> None:
    written = save_model(model, tmp_path / "models" / "run", "m", SAVE_FORMATS, SAMPLES)
    assert [path.name for path in written] == ["m.keras", "m.h5", "m_savedmodel", "m.tflite"]
    assert sorted(path.name for path in (tmp_path / "models" / "run").iterdir()) == sorted(p.name for p in written)


def test_keras_is_always_written_and_nothing_twice(model: keras.Model, tmp_path: Path) -> None:
    assert [path.name for path in save_model(model, tmp_path, "m", (), SAMPLES)] == ["m.keras"]
    assert len(save_model(model, tmp_path, "m", ("keras", "keras"), SAMPLES)) == 1


@pytest.mark.parametrize("name", SAVE_FORMATS)
def test_a_file_that_predicts_otherwise_is_a_failure(
    model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    suffix, save, predict = saving._FORMATS[name]
    lying = (suffix, save, lambda path, samples: predict(path, samples) + 0.01)
    monkeypatch.setitem(saving._FORMATS, name, lying)
    with pytest.raises(TrainingFailed, match=r"differ from the trained model's by up to 0\.01"):
        save_model(model, tmp_path, "m", (name,), SAMPLES)


def test_a_model_of_nothing_but_nan_is_saved_as_it_is(model: keras.Model, tmp_path: Path) -> None:
    broken = keras.models.clone_model(model)
    broken.set_weights([np.full_like(weights, np.nan) for weights in broken.get_weights()])
    assert save_model(broken, tmp_path, "m", (), SAMPLES)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_file_that_cannot_be_written_is_a_failure_that_leaves_nothing(
    model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(path: Path, *_: object, **__: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(number, "no luck")

    monkeypatch.setattr(model, "save", fail)
    with pytest.raises(TrainingFailed, match="disk is full" if number == errno.ENOSPC else "no luck"):
        save_model(model, tmp_path, "m", (), SAMPLES)
    assert list(tmp_path.iterdir()) == []


def test_the_model_of_a_table_takes_its_raw_columns_in_every_format_that_can_hold_it(tmp_path: Path) -> None:
    dataset = table()
    built = build_model(ModelConfig(name="mlp"), dataset, "float32")
    samples, _ = dataset.train.batch(slice(7))
    written = save_model(built, tmp_path, "m", ("savedmodel", "tflite"), samples, COLUMNS)
    assert [path.name for path in written] == ["m.keras", "m_savedmodel", "m.tflite"]
    assert set(keras.models.load_model(written[0]).input) == {"age_years", "colour", "town"}


def test_a_format_that_cannot_hold_the_model_is_refused_beforehand(model: keras.Model) -> None:
    inputs = keras.Input((3,))
    with_operation = keras.Model(inputs, keras.ops.sin(inputs))
    require_formats(model, SAVE_FORMATS, ())
    require_formats(with_operation, ("keras", "tflite"), ())
    for built, columns in ((with_operation, ()), (model, COLUMNS)):
        with pytest.raises(ConfigError, match="--save-format h5 does not hold"):
            require_formats(built, SAVE_FORMATS, columns)


def test_values_of_any_size_are_compared_by_their_size(tmp_path: Path) -> None:
    inputs = keras.Input((3,))
    built = keras.Model(inputs, keras.layers.Rescaling(1e9, 3.0)(keras.layers.Dense(1)(inputs)))
    assert save_model(built, tmp_path, "m", ("tflite", "savedmodel"), np.random.default_rng(0).random((7, 3), "f"))


class Doubled(keras.layers.Layer):
    def call(self, inputs: Any) -> Any:
        return inputs * 2


class Opaque(keras.layers.Layer):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def call(self, inputs: Any) -> Any:
        return self.function(inputs)


def test_layers_of_the_users_own_are_found_and_named(tmp_path: Path) -> None:
    built = keras.Sequential([keras.Input((3,)), Doubled(), keras.layers.Dense(2)])
    warned: list[str] = []
    written = save_model(built, tmp_path, "m", (), np.ones((4, 3), "f"), warn=warned.append)
    assert [path.name for path in written] == ["m.keras"]
    assert warned == ["the saved model loads only with your code: Doubled"]


def bent(values: Any) -> Any:
    return keras.ops.tanh(values) * 1.1


class Halves(keras.initializers.Initializer):
    def __call__(self, shape: Any, dtype: Any = None, **_: Any) -> Any:
        return keras.ops.full(shape, 0.5, dtype)


@pytest.mark.parametrize(
    ("layer", "named", "files"),
    [
        (lambda: keras.layers.Dense(2, activation=bent), "bent", ["m.keras"]),
        (lambda: keras.layers.Activation(bent), "bent", ["m.keras"]),
        (lambda: keras.layers.Dense(2, kernel_initializer=Halves()), "Halves", ["m.keras"]),
        (lambda: keras.layers.Lambda(lambda x: x * 2), "<lambda>", ["m.weights.h5"]),
    ],
)
def test_functions_and_helpers_of_the_users_own_cost_no_training(
    tmp_path: Path, layer: Any, named: str, files: list[str]
) -> None:
    built = keras.Sequential([keras.Input((3,)), layer()])
    warned: list[str] = []
    written = save_model(built, tmp_path, "m", (), np.ones((4, 3), "f"), warn=warned.append)
    assert [path.name for path in written] == files
    assert warned[-1] == f"the saved model loads only with your code: {named}"


def test_of_a_model_that_does_not_load_the_weights_are_kept(tmp_path: Path) -> None:
    built = keras.Sequential([keras.Input((3,)), Opaque(lambda x: x + 1), keras.layers.Dense(2)])
    warned: list[str] = []
    written = save_model(built, tmp_path, "m", (), np.ones((4, 3), "f"), warn=warned.append)
    assert [path.name for path in written] == ["m.weights.h5"]
    assert "m.keras does not load" in warned[0]
    again = keras.models.clone_model(built, clone_function=lambda layer: layer)
    again.load_weights(written[0])
    assert len(list(tmp_path.iterdir())) == 1


def test_where_there_is_no_room_nothing_of_a_file_is_begun(
    model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HDF5 ends a process with a crash, even minutes later, if a file of its own met a full disk."""
    monkeypatch.setattr(model, "save", lambda *_, **__: pytest.fail("begun"))
    monkeypatch.setattr(model, "save_weights", lambda *_, **__: pytest.fail("begun"))
    with files_limited(10_000), pytest.raises(TrainingFailed, match="a file would be larger than is allowed"):
        save_model(model, tmp_path / "models", "m", (), SAMPLES, elsewhere=[tmp_path / "elsewhere"])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_weights_rescued_earlier_go_once_the_model_is_saved(model: keras.Model, tmp_path: Path) -> None:
    places = tmp_path / "models", tmp_path / "logs", tmp_path / "elsewhere"
    for place in places:
        place.mkdir()
        (place / "m.weights.h5").write_bytes(b"earlier")
    (places[1] / "history.csv").write_text("")
    save_model(model, places[0], "m", (), SAMPLES, elsewhere=places)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "logs", "logs/history.csv", "models", "models/m.keras",
    ]  # fmt: skip
