"""Every optimizer and schedule compiles and steps, and the rate that is recorded is the one that was used."""

from __future__ import annotations

import re
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tbcli.config import OPTIMIZERS, SCHEDULES, Config, TrainConfig
from tbcli.sweeps.definition import flat_settings
from tbcli.tasks import CLASSIFICATION
from tbcli.training.hardware import choose_precision, choose_threads, cpu_flags, threads_in_use
from tbcli.training.objective import usual_objective
from tbcli.training.optimizing import (
    StepPlan,
    build_optimizer,
    choose_optimizer,
    choose_steps_per_execution,
    compile_model,
    rate_of_step,
    without_effect,
)

pytestmark = pytest.mark.tf


def small_model() -> keras.Model:
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="softmax")])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_optimizer_learns_under_every_schedule(optimizer: str, schedule: str) -> None:
    model = small_model()
    # A warm-up begins at a rate of zero: the first of its steps changes nothing.
    config = TrainConfig(optimizer=optimizer, schedule=schedule, learning_rate=0.01, warmup=0.0)
    compile_model(model, config, StepPlan(4), 1, usual_objective(CLASSIFICATION, 4))
    before = model.get_weights()[0]
    inputs, labels = np.eye(4, 3, dtype=np.float32), np.arange(4)
    losses = [model.train_on_batch(inputs, labels, return_dict=True)["loss"] for _ in range(3)]
    assert not np.array_equal(before, model.get_weights()[0])
    assert losses[2] < losses[0]
    assert type(model.optimizer).__name__.lower() == optimizer


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_the_fused_one_takes_the_same_steps_with_the_same_state(optimizer: str) -> None:
    config = TrainConfig(optimizer=optimizer, learning_rate=0.05, warmup=0.0)
    inputs = np.random.default_rng(4).normal(size=(64, 3)).astype(np.float32)
    models = []
    for fused in (False, True):
        keras.utils.set_random_seed(2)
        models.append(small_model())
        compile_model(models[-1], config, StepPlan(20), 1, usual_objective(CLASSIFICATION, 4), fused=fused)
        for _ in range(20):
            models[-1].train_on_batch(inputs, np.arange(64) % 4)
    for plain, ours in zip(models[0].variables, models[1].variables, strict=True):
        assert ours.numpy() == pytest.approx(plain.numpy(), abs=1e-5)
    for plain, ours in zip(models[0].optimizer.variables, models[1].optimizer.variables, strict=True):
        assert re.sub(r"_\d+", "", ours.path) == re.sub(r"_\d+", "", plain.path)
        assert ours.numpy() == pytest.approx(plain.numpy(), abs=1e-5)


def test_the_fused_one_leaves_sparse_gradients_to_keras() -> None:
    models = []
    for fused in (False, True):
        keras.utils.set_random_seed(2)
        layers = [keras.Input((2,)), keras.layers.Embedding(9, 5), keras.layers.Flatten(), keras.layers.Dense(4)]
        models.append(keras.Sequential([*layers, keras.layers.Softmax()]))
        compile_model(
            models[-1], TrainConfig(warmup=0.0), StepPlan(20), 1, usual_objective(CLASSIFICATION, 4), fused=fused
        )
        for _ in range(5):
            models[-1].train_on_batch(np.arange(8).reshape(4, 2), np.arange(4))
    for plain, ours in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        assert ours == pytest.approx(plain, abs=1e-5)


SAID = [
    ({}, "RMSprop", 0.5),
    ({"learning_rate": 0.002}, "RMSprop", 0.002),
    ({"optimizer": "adam"}, "Adam", 0.0),  # the default schedule warms up
    ({"optimizer": "adam", "schedule": "constant"}, "Adam", 0.002),
    ({"schedule": "constant"}, "RMSprop", 0.5),
    ({"warmup": 0.05}, "RMSprop", 0.0),
]


@pytest.mark.parametrize(("said", "kind", "rate"), SAID)
def test_what_is_said_replaces_that_of_a_compiled_model_even_by_the_default(
    said: dict[str, Any], kind: str, rate: float
) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.RMSprop(0.5), "mse")
    config = Config().updated({f"train.{name}": value for name, value in said.items()})
    for settled in (config, Config().updated(flat_settings(config.as_dict()))):  # as it is kept, and sent to a worker
        chosen = choose_optimizer(model, settled.train, StepPlan(100))
        assert (type(chosen).__name__, float(chosen.learning_rate)) == (kind, pytest.approx(rate))


def test_what_an_optimizer_of_a_compiled_model_does_not_have_is_known() -> None:
    config = Config().updated({"train.momentum": 0.9, "train.schedule": "cosine"})
    assert without_effect(keras.optimizers.Adam(), config.train) == ["momentum"]
    assert without_effect(keras.optimizers.SGD(), config.train) == []


def test_settings_of_one_optimizer_reach_it() -> None:
    assert build_optimizer(TrainConfig(optimizer="sgd", momentum=0.5), StepPlan(10)).momentum == 0.5  # type: ignore[attr-defined]
    assert build_optimizer(TrainConfig(optimizer="adamw", weight_decay=0.25), StepPlan(10)).weight_decay == 0.25


@pytest.mark.parametrize(
    ("schedule", "warmup", "steps"),
    [("constant", 0.05, 20), ("cosine", 0.0, 20), ("cosine", 0.25, 20), ("cosine", 1.0, 20), ("cosine", 0.05, 1)],
)
def test_the_rate_of_a_step_is_the_one_keras_uses(schedule: str, warmup: float, steps: int) -> None:
    config = TrainConfig(schedule=schedule, warmup=warmup, learning_rate=0.5, optimizer="sgd")
    optimizer = build_optimizer(config, StepPlan(steps))
    variable = keras.Variable(np.zeros(1, np.float32))
    optimizer.build([variable])
    rate = rate_of_step(config, StepPlan(steps))
    for step in range(1, steps + 1):
        assert rate(step) == pytest.approx(float(optimizer.learning_rate), abs=1e-9)
        optimizer.apply_gradients([(np.zeros(1, np.float32), variable)])


def test_a_cosine_rises_to_its_peak_and_falls_to_nothing() -> None:
    rate = rate_of_step(TrainConfig(schedule="cosine", warmup=0.1, learning_rate=0.5), StepPlan(100))
    rates = [rate(step) for step in range(1, 101)]
    assert rates.index(max(rates)) == 10
    assert max(rates) == pytest.approx(0.5)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.001


@pytest.mark.parametrize(
    ("asked", "profile", "steps_per_epoch", "size"),
    [
        (0, None, 422, 16),
        (4, None, 422, 4),
        (0, (20, 30), 422, 10),
        (0, (16, 32), 422, 16),
        (0, (7, 9), 422, 1),
        (4, (20, 30), 422, 2),
        (0, (430, 440), 422, 2),  # steps 8 and 18 of the second epoch
        (0, (422, 844), 422, 16),  # the ends of epochs, where an execution ends anyway
    ],
)
def test_a_trace_begins_and_ends_between_two_executions(
    asked: int, profile: tuple[int, int] | None, steps_per_epoch: int, size: int
) -> None:
    assert choose_steps_per_execution(TrainConfig(steps_per_execution=asked), profile, steps_per_epoch) == size


@pytest.mark.parametrize(
    ("batch_bytes", "asked", "size"),
    [(100_352, 0, 16), (19_267_584, 0, 3), (100_000_000, 0, 1), (100_000_000, 16, 16)],
)
def test_large_samples_make_short_executions_unless_told_otherwise(batch_bytes: int, asked: int, size: int) -> None:
    config = TrainConfig(steps_per_execution=asked)
    assert choose_steps_per_execution(config, None, 422, batch_bytes) == size


@pytest.mark.parametrize(
    ("flags", "precision"),
    [({"sse2", "avx512f"}, "float32"), ({"avx512_bf16"}, "mixed_bfloat16"), ({"amx_bf16"}, "mixed_bfloat16")],
)
def test_auto_takes_bfloat16_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, flags: set[str], precision: str
) -> None:
    monkeypatch.setattr("tbcli.training.hardware.cpu_flags", lambda: flags)
    assert choose_precision("auto") == precision


@pytest.mark.parametrize("asked", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_a_precision_that_is_named_is_taken(asked: str) -> None:
    assert choose_precision(asked) == asked


@pytest.mark.parametrize(
    ("cores", "values", "threads"),
    [(1, 100_352, 1), (2, 100_352, 1), (2, 200_000, 1), (2, 19_267_584, 0), (3, 100_352, 0), (64, 784, 0)],
)
def test_small_kernels_are_not_split_where_cores_are_few(
    monkeypatch: pytest.MonkeyPatch, cores: int, values: int, threads: int
) -> None:
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    monkeypatch.setattr(tf.config.threading, "get_intra_op_parallelism_threads", lambda: 0)  # whoever trained before
    assert choose_threads(values, cores) == threads
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "2")
    assert choose_threads(values, cores) == 0
    assert threads_in_use() == 2


def test_flags_are_read_from_the_file_that_the_system_has(tmp_path: object) -> None:
    from pathlib import Path

    file = Path(str(tmp_path)) / "cpuinfo"
    file.write_text("processor : 0\nflags\t\t: fpu avx512_bf16 sse\n\nprocessor : 1\nflags : fpu\n")
    assert cpu_flags(file) == {"fpu", "avx512_bf16", "sse"}
    file.write_text("processor : 0\nFeatures : asimd\n")
    assert cpu_flags(file) == set()
    assert cpu_flags(file.with_name("none")) == set()
