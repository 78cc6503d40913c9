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
import tensorflow as tf

import tbcli
from tbcli.errors import ConfigError
from tbcli.runs import Run
from tbcli.runs.evidence import read_predictions
from tbcli.runs.history import read_history
from tbcli.training.fits.fit_run import FitRun
from tbcli.training.taps.backward import BackwardTap
from tbcli.training.taps.validation import ValidationTap

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


@pytest.mark.slow
def test_a_copy_is_a_new_callback_with_the_same_settings(record: Callable[..., Run], tmp_path: Path) -> None:
    callback = tbcli.Callback(name="first", workspace=tmp_path)
    assert record(compiled(), PICTURES, CLASSES, callback=callback).name == "first"
    for again in (copy.deepcopy(callback), pickle.loads(pickle.dumps(callback))):
        assert record(compiled(), PICTURES, CLASSES, callback=again).name == "first"
    assert len(tbcli.list_runs(tmp_path)) == 3


def weights(model: Any) -> bytes:
    return b"".join(weight.tobytes() for weight in model.get_weights())


WAYS: dict[str, dict[str, Any]] = {
    "a graph": {},
    "XLA": {"jit_compile": True, "steps_per_execution": 3},
    "eagerly": {"run_eagerly": True},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.slow
def test_the_result_is_the_same_to_the_bit_and_the_evidence_is_what_the_model_says(
    way: str, record: Callable[..., Run]
) -> None:
    bare, recorded = compiled(**WAYS[way]), compiled(**WAYS[way])
    keras.utils.set_random_seed(5)
    bare.fit(PICTURES, CLASSES, epochs=2, batch_size=16, verbose=0, validation_split=0.25)
    keras.utils.set_random_seed(5)
    run = record(recorded, PICTURES, CLASSES, validation_split=0.25)
    assert weights(bare) == weights(recorded)
    assert not failures(run)
    said = read_predictions(run).outputs
    assert said == pytest.approx(recorded.predict(PICTURES[72:], verbose=0), abs=1e-6)
    assert not {"test_step", "compute_loss", "compute_metrics"} & set(vars(recorded))
    assert "apply" not in vars(recorded.optimizer)


@pytest.mark.slow
def test_each_fit_makes_a_run_and_one_run_goes_on(record: Callable[..., Run], tmp_path: Path) -> None:
    model = compiled()
    model.fit(PICTURES, CLASSES, verbose=0)  # what it has traced knows nothing of us
    first, second = (record(model, PICTURES, CLASSES, validation_split=0.25) for _ in range(2))
    assert first.id != second.id
    with tbcli.Callback(workspace=tmp_path, one_run=True) as callback:
        record(model, PICTURES, CLASSES, epochs=1, callback=callback)
        run = record(model, PICTURES, CLASSES, callback=callback, validation_split=0.25)
        assert run.status() == "running"
    assert len(tbcli.list_runs(tmp_path)) == 3
    run.reload()
    history = read_history(run.history_file)
    assert run.status() == "finished"
    assert history.epochs == (1, 2, 3)
    assert list(history.columns["step"]) == [6, 11, 16]
    assert np.isnan(history.columns["val_loss"][0])
    assert np.isfinite(history.columns["val_loss"][1:]).all()


class Tags(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.flat, self.tags = L.Flatten(), L.Dense(3, activation="sigmoid")

    def call(self, inputs: Any) -> Any:
        return self.tags(self.flat(inputs))


def test_a_subclassed_model_that_is_not_built_and_has_no_validation(record: Callable[..., Run]) -> None:
    model = Tags()
    model.compile("sgd", "binary_crossentropy")
    run = record(model, PICTURES, np.eye(3)[CLASSES].astype(np.float32))
    assert run.status() == "finished"
    assert run.model_name == "tags"
    assert "task" not in run.record  # one class of two or several labels: nobody has seen how many outputs there are
    assert read_history(run.history_file).epochs == (1, 2)
    assert run.record["recording"]["switched_off"]["confusion"] == "there are no validation samples"
    assert run.record["no_evidence"] == "there are no validation samples"
    assert not failures(run)


def test_an_exception_in_the_block_ends_the_run_with_its_status(tmp_path: Path) -> None:
    class Stops(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), tbcli.Callback(workspace=tmp_path) as callback:
        compiled().fit(PICTURES, CLASSES, verbose=0, callbacks=[callback, Stops()])
    (run,) = tbcli.list_runs(tmp_path)
    assert run.status() == "interrupted"
    assert run.record["epochs"] == 1


def test_a_fault_of_ours_is_said_once_and_the_training_goes_on(
    record: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(FitRun, "end_epoch", broken)
    model = compiled()
    run = record(model, PICTURES, CLASSES, validation_split=0.25, epochs=3)
    assert model.optimizer.iterations.numpy() == 15
    assert capsys.readouterr().err.count("recording stopped, the training goes on: ZeroDivisionError: oops") == 1
    assert run.status() == "finished"
    assert run.record["reason"] == "recording stopped: ZeroDivisionError: oops"


@pytest.mark.slow
def test_a_fault_within_the_step_is_left_out(
    record: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(BackwardTap, "_keep", broken)
    monkeypatch.setattr(ValidationTap, "_hear", broken)
    run = record(compiled(), PICTURES, CLASSES, validation_split=0.25)
    assert run.status() == "finished"
    assert read_history(run.history_file).epochs == (1, 2)
    assert "a measurement failed and is left out: ZeroDivisionError: oops" in capsys.readouterr().err


def test_a_workspace_that_cannot_be_written_is_said_and_the_training_goes_on(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "file").touch()
    history = compiled().fit(
        PICTURES, CLASSES, verbose=0, callbacks=[tbcli.Callback(workspace=tmp_path / "file" / "inside")]
    )
    assert len(history.history["loss"]) == 1
    assert "cannot make a run in" in capsys.readouterr().err


class Draws(keras.layers.Layer):
    """Draws random numbers, of TensorFlow and of NumPy, whether it trains or not."""

    def call(self, inputs: Any) -> Any:
        return inputs + tf.random.normal(tf.shape(inputs)) + np.random.normal()


@pytest.mark.slow
def test_a_layer_that_draws_whenever_it_is_called_draws_as_if_nobody_looked(tmp_path: Path) -> None:
    def drawn(callbacks: list[Any]) -> tuple[Any, ...]:
        keras.utils.set_random_seed(3)
        layers = [L.Flatten(), L.Dense(4, activation="relu"), Draws(), L.Dense(3, activation="softmax")]
        model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(PICTURES, CLASSES, validation_split=0.25, verbose=0, callbacks=callbacks)
        return weights(model), tf.random.normal((3,)).numpy().tolist(), np.random.normal()

    assert drawn([tbcli.Callback(workspace=tmp_path, record="full")]) == drawn([])
    (run,) = tbcli.list_runs(tmp_path)
    assert not failures(run)
    assert run.record["recording"]["bytes"]["activations"] > 0
