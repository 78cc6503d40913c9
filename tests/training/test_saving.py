"""Each format is loaded back and compared before a model counts as saved."""

from __future__ import annotations

import errno
from pathlib import Path

import keras
import numpy as np
import pytest

from tbcli.config import SAVE_FORMATS
from tbcli.errors import TrainingFailed
from tbcli.training import saving
from tbcli.training.saving import save_model

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
