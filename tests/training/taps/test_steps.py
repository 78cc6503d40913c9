"""The tape has each step's own values, however many steps run between two looks."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tbcli.config import Config, DataConfig, ModelConfig, TrainConfig
from tbcli.data.dataset import Dataset, cut_splits
from tbcli.models import build_model
from tbcli.recorders.base import Snapshot, Steps
from tbcli.recorders.scalars import ScalarsRecorder
from tbcli.tasks import CLASSIFICATION
from tbcli.training.feed import TrainingFeed
from tbcli.training.objective import usual_objective
from tbcli.training.optimizing import StepPlan, compile_model, rate_of_step
from tbcli.training.steps import run_epochs
from tbcli.training.taps.steps import StepTape
from tests.training.keras_fit import Moments

pytestmark = pytest.mark.tf

SEED, BATCH, EPOCHS = 5, 8, 2
TRAIN = TrainConfig(batch_size=BATCH, epochs=EPOCHS, seed=SEED)


def noise() -> Dataset:
    inputs = np.random.Generator(np.random.PCG64(1)).integers(0, 256, (60, 12, 12, 1)).astype(np.uint8)
    labels = np.arange(60, dtype=np.int64) % 3
    return cut_splits("noise", (inputs, labels), None, ("a", "b", "c"), DataConfig(validation_split=0.0))


def fresh_model(dataset: Dataset, steps: int, steps_per_execution: int, precision: str = "float32") -> keras.Model:
    keras.utils.set_random_seed(SEED)
    model = build_model(ModelConfig(name="cnn", dropout=0.0), dataset, precision)
    compile_model(model, TRAIN, StepPlan(steps * EPOCHS), steps_per_execution, usual_objective(CLASSIFICATION, 10))
    return model


class Reading(Moments):
    """Reads the tape after each execution."""

    def __init__(self, feed: TrainingFeed, tape: StepTape) -> None:
        super().__init__(feed)
        self.tape = tape
        self.done = 0
        self.sizes: list[int] = []
        self.values: dict[str, list[float]] = {}

    def after_steps(self, steps_done: int, logs: Any) -> None:
        first, self.done = self.done + 1, steps_done
        self.sizes.append(self.done - first + 1)
        for name, values in self.tape.read(first, self.done).items():
            assert len(values) == self.sizes[-1]
            self.values.setdefault(name, []).extend(values.tolist())


def taped(dataset: Dataset, steps_per_execution: int, precision: str = "float32") -> Reading:
    feed = TrainingFeed(dataset.train, BATCH, 0, SEED)
    model = fresh_model(dataset, feed.steps, steps_per_execution, precision)
    reading = Reading(feed, StepTape(model, steps_per_execution))
    run_epochs(model, feed, reading, EPOCHS)  # type: ignore[arg-type] # it has the moments
    return reading


def one_at_a_time(dataset: Dataset) -> dict[str, list[float]]:
    """Return loss, accuracy and rate of every step of a plain loop that looks after each."""
    feed = TrainingFeed(dataset.train, BATCH, 0, SEED)
    model = fresh_model(dataset, feed.steps, 1)
    found: dict[str, list[float]] = {"loss": [], "accuracy": [], "learning_rate": []}
    for epoch in range(1, EPOCHS + 1):
        feed.begin_epoch(epoch)
        for inputs, labels in feed.executions(1):
            found["learning_rate"].append(float(model.optimizer.learning_rate))
            model.reset_metrics()
            logs = model.train_on_batch(inputs, labels, return_dict=True)
            for name in ("loss", "accuracy"):
                found[name].append(float(logs[name]))
    return found


def test_the_tape_equals_a_plain_loop_value_for_value() -> None:
    dataset = noise()
    expected = one_at_a_time(dataset)
    reading = taped(dataset, steps_per_execution=4)
    assert reading.sizes == [4, 4, 4, 4]  # eight steps an epoch
    assert set(reading.values) == set(expected)
    for name, values in expected.items():
        assert np.allclose(reading.values[name], values, rtol=1e-4, atol=1e-5), name
    assert len(set(reading.values["loss"])) == 16
    rate = rate_of_step(TRAIN, StepPlan(16))
    assert np.allclose(reading.values["learning_rate"], [rate(step) for step in range(1, 17)])


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_executions_that_do_not_divide_an_epoch_lose_no_step(precision: str) -> None:
    reading = taped(noise(), steps_per_execution=5, precision=precision)
    assert reading.sizes == [5, 3, 5, 3]
    assert np.isfinite(reading.values["loss"]).all()
    assert len(reading.values["loss"]) == 16
    assert set(np.round(np.array(reading.values["accuracy"][:7]) * 8, 3) % 1) == {0.0}  # whole samples of a batch


def test_a_tape_gives_the_model_its_own_methods_back() -> None:
    model = fresh_model(noise(), 8, 1)
    before = model.train_step, model.compute_loss
    tape = StepTape(model, 1)
    assert model.train_step != before[0]
    tape.remove()
    assert (model.train_step, model.compute_loss) == before


class Kept:
    """A writer that remembers scalars."""

    def __init__(self) -> None:
        self.points: list[tuple[int, dict[str, float]]] = []

    def scalars(self, values: dict[str, float], step: int, *, where: str) -> None:
        assert where == "train"
        self.points.append((step, dict(values)))


@pytest.mark.parametrize("every", [1, 3, 7, 25, 1000])
@pytest.mark.parametrize("execution", [1, 4, 16])
def test_every_nth_step_gets_the_mean_of_the_last_n(every: int, execution: int) -> None:
    total, writer, recorder = 53, Kept(), ScalarsRecorder()
    losses = np.random.Generator(np.random.PCG64(every)).random(total)
    recorder._every = every
    for first in range(1, total + 1, execution):
        last = min(total, first + execution - 1)
        recorder.on_steps(Steps(first, last, {"loss": losses[first - 1 : last]}), writer)  # type: ignore[arg-type]
    assert [step for step, _ in writer.points] == list(range(every, total + 1, every))
    for step, values in writer.points:
        assert values["batch_loss"] == pytest.approx(losses[step - every : step].mean())


def test_without_log_every_no_step_is_written() -> None:
    writer, recorder = Kept(), ScalarsRecorder()
    snapshot = Snapshot(config=Config(), dataset=noise(), model=None, epoch=0, step=0, logs={})
    recorder.on_begin(snapshot, writer)  # type: ignore[arg-type]
    recorder.on_steps(Steps(1, 4, {}), writer)  # type: ignore[arg-type]
    assert writer.points == []
