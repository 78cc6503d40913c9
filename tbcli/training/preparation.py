"""From settings and data to a compiled model: all that can be wrong with the three together is found here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tbcli.config import OPTIMIZERS, Config
from tbcli.data.dataset import Dataset
from tbcli.errors import describe_error
from tbcli.models import build_model, count_outputs, is_compiled, precision_of, short_name
from tbcli.naming.matching import listed
from tbcli.training.continuing.code import code_facts
from tbcli.training.feed import TrainingFeed
from tbcli.training.fits.fit_settings import settings_of_optimizer
from tbcli.training.hardware import choose_precision, let_memory_grow, threads_in_use
from tbcli.training.health import Health
from tbcli.training.narration import Narrator
from tbcli.training.objective import Objective, choose_objective, try_objective
from tbcli.training.optimizing import (
    LONGEST_EXECUTION,
    StepPlan,
    choose_steps_per_execution,
    compile_model,
    keeps_own_optimizer,
    rate_of_optimizer,
    rate_of_step,
    replaces_rate,
    without_effect,
)
from tbcli.training.request import Expecting, check_metrics, expect, expected_summary, expects_anything
from tbcli.training.saving import require_formats
from tbcli.training.strategy import Strategy, open_strategy


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a training needs before its first step.

    Args:
        config: What was asked, with the optimizer that a model brought.
        dataset: The splits; streams are wrapped by ``health``.
        model: Compiled.
        objective: What it is fitted by and measured by.
        feed: Draws the samples.
        health: Checks samples and weights.
        rate_at: The learning rate of a step, counted from 1.
        class_weights: With ``--balance`` ``[classes]``, else None.
        plan: How long the training is to be, and where its schedule begins anew.
        facts: What the run's record says of all this.
        strategy: On what the steps are taken.
    """

    config: Config
    dataset: Dataset
    model: keras.Model
    objective: Objective
    feed: TrainingFeed
    health: Health
    rate_at: Callable[[int], float]
    class_weights: np.ndarray | None
    plan: StepPlan
    facts: Mapping[str, Any]
    strategy: Strategy


def prepare(
    config: Config,
    dataset: Dataset,
    narrator: Narrator,
    expecting: Expecting = expects_anything,
    before: StepPlan | None = None,
    check: Callable[[], None] = lambda: None,
) -> Prepared:
    """Build and compile the model, and check that it and what was asked fit the data.

    Args:
        config: What was asked.
        dataset: What is learnt.
        narrator: Told what was chosen.
        expecting: See `tbcli.training.train`.
        before: The plan that a resumed run had so far.
        check: Called now and then; may raise to stop.

    Raises:
        ConfigError: A loss or a metric is unknown, or what was asked is not measured.
        NotFound: A file of the user's is not there.
        DoesNotFit: Model, loss or metrics do not fit the data.
        Diverged: A sample is not finite.
    """
    train = config.train
    let_memory_grow()
    strategy, precision = open_strategy(train), choose_precision(train.precision)
    device = strategy.device
    keras.utils.set_random_seed(train.seed)
    if train.deterministic:
        tf.config.experimental.enable_op_determinism()
    health = Health(dataset, check)
    health.check_inputs()
    dataset = health.dataset
    with strategy.scope():
        model = build_model(config.model, dataset, precision, narrator.note, for_training=True)
    precision = precision_of(model)
    require_formats(model, train.save_formats, dataset.columns)
    narrator.note(
        f"{short_name(config.model.name)} with {model.count_params():,} parameters on {device} in {precision}"
    )
    objective = choose_objective(train, dataset, model, count_outputs(model, dataset))
    feed = TrainingFeed(dataset.train, train.batch_size, train.steps_per_epoch, train.seed)
    if not (train.steps_per_execution or config.record.profile_steps):
        feed.longest = LONGEST_EXECUTION
    is_compiled_by_user = is_compiled(model)
    plan = before.extended(feed.steps * train.epochs) if before else StepPlan(feed.steps * train.epochs)
    if train.scale_learning_rate and is_compiled_by_user and not replaces_rate(train):
        narrator.warn(
            "--scale-rate has no effect: the model's own optimizer keeps its rate, unless `--learning-rate` says one"
        )
    elif train.scale_learning_rate:
        train = replace(train, learning_rate=train.learning_rate * strategy.shares)
        narrator.note(f"learning rate {train.learning_rate:g}, for {strategy.shares} devices")
    _compile(replace(config, train=train), model, plan, objective, feed, strategy)
    if not objective.is_usual:
        names = try_objective(model, dataset)
        expected = replace(expect(config, dataset), of_epoch=("loss", *names), is_complete=True)
        check_metrics(config, expected, dataset.task)
        expecting(expected_summary(config, expected))
    strategy.spread(model, objective, dataset.train, train.batch_size)
    for note in objective.notes:
        narrator.note(note)
    facts = {"device": device, "precision": precision, "threads": threads_in_use()}
    facts |= {"loss": objective.loss_name, "parameters": model.count_params()}
    if strategy.shares > 1:
        facts |= {"shares": strategy.shares}
    if train.learning_rate != config.train.learning_rate:
        facts["scaled_learning_rate"] = train.learning_rate
    if objective.from_logits:
        facts["from_logits"] = True
    if is_compiled_by_user and not train.loss:
        facts["has_own_loss"] = True
    rate_at = rate_of_step(train, plan)
    if is_compiled_by_user and keeps_own_optimizer(train):
        own = settings_of_optimizer(model.optimizer)
        facts |= {name: own[name] for name in ("optimizer", "learning_rate") if own.get(name) is not None}
        narrator.note(f"optimizer of the model: {own['optimizer']}, learning rate {own['learning_rate']}")
        for name in without_effect(model.optimizer, train):
            narrator.warn(f"{name} has no effect: {own['optimizer']}, which the model was compiled with, has none")
        rate_at, config = rate_of_optimizer(model.optimizer), _with_optimizer(config, own)
    elif is_compiled_by_user:
        narrator.note(f"--optimizer {train.optimizer} replaces the model's own")
    own_optimizer = own if is_compiled_by_user and keeps_own_optimizer(train) else None
    try:
        facts["code"] = code_facts(model, objective.loss, objective.metrics(), own_optimizer)
    except Exception as error:  # noqa: BLE001 - of objects of the user's; the training does not depend on it
        narrator.note(f"a resumed run would not notice that its code was changed: {describe_error(error)}")
    class_weights = weigh_classes(dataset) if config.data.balance else None
    return Prepared(config, dataset, model, objective, feed, health, rate_at, class_weights, plan, facts, strategy)


def _compile(
    config: Config,
    model: keras.Model,
    plan: StepPlan,
    objective: Objective,
    feed: TrainingFeed,
    strategy: Strategy,
) -> None:
    train, profile = config.train, config.record.profile_steps
    steps_per_execution = choose_steps_per_execution(train, profile, feed.steps, feed.batch_bytes)
    compile_model(model, train, plan, steps_per_execution, objective, fused=True, scope=strategy.scope())


def _with_optimizer(config: Config, own: Mapping[str, Any]) -> Config:
    """Return the settings with a model's own optimizer, as far as they have words for it."""
    if own["optimizer"] not in OPTIMIZERS or own.get("schedule"):
        return config
    names = ("optimizer", "learning_rate", "momentum", "weight_decay")
    said = {f"train.{name}": own[name] for name in names if own.get(name) is not None}
    return config.updated({**said, "train.schedule": "constant", "train.replaces": config.train.replaces})


def describe(ready: Prepared) -> tuple[str, ...]:
    """Return what would be trained, in lines."""
    dataset, train, feed = ready.dataset, ready.config.train, ready.feed
    sizes = ", ".join(f"{len(split):,} {name}" for name, split in dataset.splits.items())
    shape = "x".join(map(str, dataset.input_shape)) or "one number"
    what = {True: "classes"}.get(dataset.task.has_classes, dataset.task.outputs_are)
    return (
        f"data    {dataset.name}: {sizes}; each of shape {shape}",
        f"task    {dataset.task.name}, {len(dataset.class_names)} {what}: {listed(dataset.class_names)}",
        f"model   {short_name(ready.config.model.name)}, {ready.model.count_params():,} parameters",
        f"loss    {ready.objective.loss_name}; metrics: {', '.join(ready.objective.names)}",
        f"train   {train.epochs} epochs of {feed.steps} steps of {feed.batch_size} samples with {train.optimizer}",
    )


def weigh_classes(dataset: Dataset) -> np.ndarray:
    """Return the weight of each class ``[classes]``, float32: inverse to its number of training samples.

    The mean over all samples is 1, as with scikit-learn's ``class_weight="balanced"``.
    """
    counts = np.bincount(dataset.train.labels[dataset.train.positions], minlength=len(dataset.class_names))
    present = np.maximum(counts, 1)
    weights: np.ndarray = (len(dataset.train) / (np.count_nonzero(counts) * present)).astype(np.float32)
    return weights
