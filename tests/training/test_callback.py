"""`tbcli.Callback` makes a run of somebody's own `fit`, whatever is given to it, and does not change its result."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import tbcli
from tbcli.errors import ConfigError
from tbcli.runs import Run
from tbcli.runs.evidence import read_predictions
from tbcli.runs.history import read_history

pytestmark = pytest.mark.tf

L = keras.layers
RANDOM = np.random.default_rng(1)
PICTURES = RANDOM.normal(size=(96, 8, 8, 1)).astype(np.float32)
CLASSES = (PICTURES.mean(axis=(1, 2, 3)) > 0).astype(np.int64) + (PICTURES[:, 0, 0, 0] > 1)


def build(units: int = 3, last: str | None = "softmax") -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            L.Conv2D(4, 3, activation="relu"),
            L.Flatten(),
            L.Dropout(0.2),
            L.Dense(units, activation=last),
        ]
    )


def compiled(
    loss: Any = "sparse_categorical_crossentropy", *, units: int = 3, last: str | None = "softmax", **more: Any
) -> Any:
    keras.utils.set_random_seed(3)
    model = build(units, last)
    model.compile("adam", loss, **{"metrics": ["accuracy"], **more})
    return model


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Run]:
    """Fit a model with the callback; return its latest run."""

    def fit(model: Any, *data: Any, callback: Any = None, **more: Any) -> Run:
        callback = callback or tbcli.Callback(workspace=tmp_path)
        settings = {"epochs": 2, "batch_size": 16, "verbose": 0, **more}
        if data and not isinstance(data[0], np.ndarray):
            settings.pop("batch_size")
        model.fit(*data, callbacks=[callback], **settings)
        return tbcli.list_runs(tmp_path)[-1]

    return fit


def failures(run: Run) -> Any:
    return run.record["recording"]["failed"]


def test_a_fit_leaves_a_whole_run_that_says_what_is_the_users(record: Callable[..., Run], capsys: Any) -> None:
    run = record(compiled(), PICTURES, CLASSES, validation_split=0.25)
    assert run.status() == "finished"
    assert not failures(run)
    assert (run.record["task"], run.record["loss"]) == ("classification", "sparse_categorical_crossentropy")
    train = run.read_config()["train"]
    assert {name: train[name] for name in ("epochs", "batch_size", "optimizer", "learning_rate")} == {
        "epochs": 2,
        "batch_size": 16,
        "optimizer": "adam",
        "learning_rate": 0.001,
    }
    assert "seed" not in train
    assert "data" not in run.read_config()
    history = read_history(run.history_file)
    assert history.epochs == (1, 2)
    assert list(history.columns["step"]) == [5, 10]
    predictions = read_predictions(run)
    assert (predictions.labels == CLASSES[72:]).all()
    accuracy = float(np.mean(predictions.guesses == predictions.labels))
    assert accuracy == pytest.approx(history.columns["val_accuracy"][-1])
    assert sorted(path.name for path in run.plots.iterdir())
    assert not run.heartbeat_file.exists()
    said = capsys.readouterr()
    assert not said.out
    assert f"tbcli: recording {run.id} in " in said.err


def test_wrong_arguments_are_refused_before_the_fit() -> None:
    with pytest.raises(ConfigError, match="unknown recorder 'scalar'"):
        tbcli.Callback(record="scalar")


def test_a_copy_is_a_new_callback_with_the_same_settings(record: Callable[..., Run], tmp_path: Path) -> None:
    callback = tbcli.Callback(name="first", workspace=tmp_path)
    assert record(compiled(), PICTURES, CLASSES, callback=callback).name == "first"
    for again in (copy.deepcopy(callback), pickle.loads(pickle.dumps(callback))):
        assert record(compiled(), PICTURES, CLASSES, callback=again).name == "first"
    assert len(tbcli.list_runs(tmp_path)) == 3
