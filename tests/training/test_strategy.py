"""Several devices, for which a cut CPU stands, come to what one comes to: weights, curves, gradients, validation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tbcli.config import Config
from tbcli.config.checks import devices_problem
from tbcli.data.dataset import Split
from tbcli.errors import ConfigError, DoesNotFit
from tbcli.runs import Run, RunStore
from tests.training.continuing.outcome import scalars_of

SETTINGS = (
    *("--limit-samples", "300", "--batch-size", "50", "--schedule", "constant", "--no-plots"),
    *("--precision", "float32", "--log-every", "2", "--set", "model.dropout=0", "--set", "train.steps_per_execution=3"),
)
CLOSE = 1e-6


def train(workspace: Path, *words: str) -> Run:
    """Return the run that a process of its own leaves."""
    command = [sys.executable, "-m", "tbcli", "train", *words, "--workspace", str(workspace), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    run = run_in(workspace)
    assert done.stdout.split() == [run.id]
    return run


def run_in(workspace: Path) -> Run:
    """Return the only run of a workspace."""
    (run,) = RunStore(Config().updated({"paths.workspace": str(workspace)}).paths).list()
    return run


def weights(run: Run) -> list[np.ndarray]:
    import keras

    model = keras.models.load_model(run.saved_model, compile=False)
    return [weight.numpy() for weight in model.weights]


def require_close(one: Run, other: Run, within: float = CLOSE) -> None:
    for mine, theirs in zip(weights(one), weights(other), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=within)
    mine, theirs = scalars_of(one.logs), scalars_of(other.logs)
    assert mine.keys() == theirs.keys()
    assert any("batch_gradients/global_norm" in name for name in mine)
    for name in mine:
        np.testing.assert_allclose(mine[name], theirs[name], rtol=20 * within, atol=within, err_msg=name)


@pytest.mark.slow
@pytest.mark.tf
def test_two_devices_come_to_what_one_comes_to_and_one_goes_on_with_what_two_began(tmp_path: Path) -> None:
    alone = train(tmp_path / "alone", *SETTINGS, "--epochs", "2")
    both = train(tmp_path / "both", *SETTINGS, "--devices", "cpu:2", "--epochs", "1")
    assert both.record["device"] == "2 x logical CPU"
    assert both.record["recording"]["switched_off"] == {}
    train(tmp_path / "both", "--resume", both.id, "--epochs", "2", "--devices", "1")
    require_close(alone, run_in(tmp_path / "both"))


OWN = """
import keras
from keras import layers, ops

class Own(keras.Model):
    def __init__(self, norms):
        super().__init__()
        self.norms, self.flat, self.norm = norms, layers.Flatten(), layers.BatchNormalization() if norms else None
        activity = None if norms else "l2"
        self.dense = layers.Dense(8, activation="relu", kernel_regularizer="l2", activity_regularizer=activity)
        self.unused, self.out = layers.Dense(3), layers.Dense(10, activation="softmax")

    def call(self, inputs, training=False):
        values = self.dense(self.flat(inputs) / 255)
        self.unused(values)
        if self.norms:
            return self.out(self.norm(values, training=training))
        self.add_loss(ops.mean(ops.square(values)))
        return self.out(values)

def model(input_shape, classes, norms=True):
    model = Own(norms)
    model(ops.zeros((1, *input_shape)))
    return model

def loss(labels, outputs):
    return ops.mean(keras.losses.sparse_categorical_crossentropy(ops.reshape(labels, (-1,)), outputs))
"""


@pytest.mark.slow
@pytest.mark.tf
@pytest.mark.parametrize("norms", [True, False])
def test_small_batches_and_losses_of_layers_come_to_what_they_are_on_one_device(tmp_path: Path, norms: bool) -> None:
    own = tmp_path / "own.py"
    own.write_text(OWN)
    settings = (
        *(
            "--model",
            f"{own}:model",
            "--model-arg",
            f"norms={norms}",
            "--loss",
            f"{own}:loss",
            "--optimizer",
            "sgd",
            "--limit-samples",
            "9",
        ),
        *("--batch-size", "4", "--epochs", "2", "--no-plots", "--precision", "float32", "--log-every", "1"),
    )
    alone = train(tmp_path / "alone", *settings)
    mine, theirs = (scalars_of(run.logs) for run in (alone, train(tmp_path / "all", *settings, "--devices", "cpu:3")))
    assert mine.keys() == theirs.keys()
    for name in mine:
        np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.tf
def test_a_loss_that_is_no_mean_over_samples_is_told() -> None:
    import keras
    from keras import ops

    from tbcli.training.objective import Objective
    from tbcli.training.shared_step import require_shareable

    rng = np.random.default_rng(0)
    split = Split(rng.normal(size=(8, 5)).astype(np.float32), rng.integers(0, 10, 8), np.arange(8))
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(10, activation="softmax")])

    def of_batch(labels: object, outputs: object) -> object:
        return ops.log(ops.mean(ops.max(outputs, -1)))

    def of_samples(labels: object, outputs: object) -> object:
        return ops.mean(ops.log(ops.max(outputs, -1)))

    def check(loss: object) -> None:
        model.compile("sgd", loss=loss)
        require_shareable(model, Objective(loss, "own", list, ()), split)

    check(of_samples)
    with pytest.raises(DoesNotFit, match=r"'own' is no mean over samples .* as a mean of its parts"):
        check(of_batch)
    with pytest.raises(DoesNotFit, match="its reduction is 'sum'"):
        check(keras.losses.SparseCategoricalCrossentropy(reduction="sum"))


@pytest.mark.parametrize("text", ["0", "-1", "two", "cpu:", "cpu:0", "1.5", ""])
def test_what_is_no_number_of_devices_is_told(text: str) -> None:
    assert devices_problem(text)
    with pytest.raises(ConfigError, match="devices"):
        Config().updated({"train.devices": text})


@pytest.mark.parametrize("text", ["1", "8", "auto", "cpu:2"])
def test_devices_are_a_number_or_all_or_a_cut_cpu(text: str) -> None:
    assert devices_problem(text) is None


@pytest.mark.tf
def test_devices_that_are_not_there_are_told_with_what_is() -> None:
    from tbcli.training.strategy import open_strategy

    with pytest.raises(ConfigError, match="TensorFlow finds CPU alone"):
        open_strategy(Config().updated({"train.devices": "64"}).train)
