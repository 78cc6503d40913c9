"""From settings to a compiled model: optimizer, learning rate schedule, loss and metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import keras

from tbcli.config import TrainConfig
from tbcli.models import is_compiled
from tbcli.training import fused_adam as our
from tbcli.training.objective import Objective

_STEPS = 16  # 64 and 211 were no faster
_LARGEST_EXECUTION = 64_000_000  # bytes of samples
LONGEST_EXECUTION = 1.0
"""Seconds: so soon a signal is answered, where nobody has said how many steps an execution has."""


class StepPlan(NamedTuple):
    """How long a training is to be, which decides the schedule.

    Args:
        steps: Of the whole training.
        restarts: The steps after which the schedule begins anew: where a run was at its end, and was given more epochs.
    """

    steps: int
    restarts: tuple[int, ...] = ()

    def extended(self, steps: int) -> StepPlan:
        """Return the plan of the same training with another number of steps."""
        if steps > self.steps:
            return StepPlan(steps, (*self.restarts, self.steps))
        return StepPlan(steps, tuple(restart for restart in self.restarts if restart < steps))


def learning_rate(config: TrainConfig, plan: StepPlan) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the constant rate, or a cosine from the peak to zero after a linear warm-up, anew after each restart.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017.
    """
    if config.schedule == "constant":
        return config.learning_rate
    bounds = (0, *plan.restarts, plan.steps)
    spans = [_cosine(config, end - begin) for begin, end in pairwise(bounds)]
    return Restarted(spans, plan.restarts) if plan.restarts else spans[0]


class Restarted(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc] # Keras has no types
    """One schedule after the other.

    Args:
        schedules: Each counts its steps from 0.
        restarts: The steps after which the second and the others begin.
    """

    def __init__(
        self, schedules: Sequence[keras.optimizers.schedules.LearningRateSchedule], restarts: Sequence[int]
    ) -> None:
        self._schedules, self._restarts = schedules, restarts

    def __call__(self, step: Any) -> Any:
        """Return the rate of a step, counted from 0."""
        rate = self._schedules[0](step)
        for schedule, begin in zip(self._schedules[1:], self._restarts, strict=True):
            rate = keras.ops.where(step >= begin, schedule(keras.ops.maximum(step - begin, 0)), rate)
        return rate


def _cosine(config: TrainConfig, total_steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    warmup = round(config.warmup * total_steps)
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(config.learning_rate, total_steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0, max(1, total_steps - warmup), warmup_target=config.learning_rate, warmup_steps=warmup
    )


def rate_of_step(config: TrainConfig, plan: StepPlan) -> Callable[[int], float]:
    """Return a function from a step, counted from 1, to the learning rate it is taken with."""
    rate = learning_rate(config, plan)
    return lambda step: rate if isinstance(rate, float) else float(rate(step - 1))


def build_optimizer(config: TrainConfig, plan: StepPlan, *, fused: bool = False) -> keras.optimizers.Optimizer:
    """Return the configured optimizer.

    Args:
        config: Which one, and its settings.
        plan: Of the whole training.
        fused: Whether it may be one of ours, which is faster; a model that is saved has Keras' own.
    """
    rate = learning_rate(config, plan)
    match config.optimizer:
        case "adamw" if fused:
            return our.AdamW(rate, weight_decay=config.weight_decay)
        case "adam" if fused:
            return our.Adam(rate)
        case "adamw":
            return keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
        case "sgd":
            return keras.optimizers.SGD(rate, momentum=config.momentum)
        case "rmsprop":
            return keras.optimizers.RMSprop(rate)
        case _:
            return keras.optimizers.Adam(rate)


def compile_model(
    model: keras.Model,
    config: TrainConfig,
    plan: StepPlan,
    steps_per_execution: int,
    objective: Objective,
    *,
    fused: bool = False,
    scope: AbstractContextManager[Any] | None = None,
) -> None:
    """Compile with an objective.

    Args:
        model: Built; of one that is compiled, see `choose_optimizer`.
        config: Optimizer and schedule.
        plan: Of the whole training; decides the schedule.
        steps_per_execution: See `choose_steps_per_execution`.
        objective: Loss and metrics.
        fused: See `build_optimizer`.
        scope: The optimizer's variables are made within it.
    """
    with scope or nullcontext():
        optimizer = choose_optimizer(model, config, plan, fused=fused)
    model.compile(
        optimizer=optimizer,
        loss=objective.loss,
        metrics=objective.metrics(),
        steps_per_execution=steps_per_execution,
        jit_compile=False,  # XLA made the default model 1.2 times slower on CPUs
    )


def choose_optimizer(
    model: keras.Model, config: TrainConfig, plan: StepPlan, *, fused: bool = False
) -> keras.optimizers.Optimizer:
    """Return the optimizer that a model was compiled with, unless the settings ask for another; else the configured."""
    own = model.optimizer if is_compiled(model) else None
    if own is None or isinstance(own, (our.Adam, our.AdamW)) or not keeps_own_optimizer(config):
        return build_optimizer(config, plan, fused=fused)
    settings, changed = own.get_config(), set(config.replaces)
    replaced: dict[str, Any] = {name: getattr(config, name) for name in changed & settings.keys()}
    if changed & {"schedule", "warmup"}:
        peak = config.learning_rate if "learning_rate" in changed else _peak(settings["learning_rate"])
        replaced["learning_rate"] = learning_rate(replace(config, learning_rate=peak), plan)
    return type(own).from_config({**settings, **replaced}) if replaced else own


def _peak(rate: Any) -> float:
    """Return the constant rate of an optimizer, or that which its schedule begins with."""
    if isinstance(rate, Mapping):
        return float(keras.optimizers.schedules.deserialize(rate)(0))
    return float(rate)


def keeps_own_optimizer(config: TrainConfig) -> bool:
    """Return whether a compiled model keeps its optimizer: no other was asked for."""
    return "optimizer" not in config.replaces


def replaces_rate(config: TrainConfig) -> bool:
    """Return whether the learning rate that a model was compiled with gives way to the configured one."""
    return bool({"optimizer", "learning_rate"} & {*config.replaces})


def without_effect(optimizer: keras.optimizers.Optimizer, config: TrainConfig) -> list[str]:
    """Return the settings that were said and that the optimizer of a compiled model does not have."""
    has = {*optimizer.get_config(), "schedule", "warmup"}
    return [name for name in config.replaces if name not in has]


def rate_of_optimizer(optimizer: keras.optimizers.Optimizer) -> Callable[[int], float]:
    """Return a function from a step, counted from 1, to the learning rate of somebody's optimizer."""
    rate = getattr(optimizer, "inner_optimizer", optimizer).get_config()["learning_rate"]
    if not isinstance(rate, Mapping):
        return lambda _: float(rate)
    schedule = keras.optimizers.schedules.deserialize(rate)
    return lambda step: float(schedule(step - 1))


def choose_steps_per_execution(
    config: TrainConfig, profile: tuple[int, int] | None, steps_per_epoch: int, batch_bytes: int = 0
) -> int:
    """Return how many optimizer steps run between two looks at signals and recorders.

    More steps save Python's share; fewer answer Ctrl-C and move the progress sooner. A trace starts and stops between
    two executions, and an execution ends with its epoch: its bounds must be multiples, counted within their epochs.

    Args:
        config: What was asked, if anything.
        profile: The steps between whose ends to trace.
        steps_per_epoch: Steps of a whole epoch.
        batch_bytes: Of the samples of one step: those of a whole execution are in memory at once.
    """
    wanted = config.steps_per_execution or max(1, min(_STEPS, _LARGEST_EXECUTION // max(1, batch_bytes)))
    if profile is None:
        return wanted
    bounds = [step % steps_per_epoch for step in profile]
    return max(size for size in range(1, wanted + 1) if all(bound % size == 0 for bound in bounds))
