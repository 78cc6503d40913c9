"""On what the steps of a training are taken: one device, several of this machine, or workers. The one door to them.

Each device computes its share of every batch. Gradients are summed over all before anybody sees them, the optimizer
and taps included, and the outputs of all are put together again: loss and metrics are those of the whole batch, as on
one device.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import cache
from typing import Any

import keras
import tensorflow as tf

from tbcli.config import Config, TrainConfig
from tbcli.config.checks import LOGICAL_CPUS
from tbcli.data.dataset import Split
from tbcli.errors import ConfigError, DoesNotFit, TrainingFailed
from tbcli.recorders.kernels import walk_layers
from tbcli.training.agreement import Disagreement
from tbcli.training.cluster import place_of_process
from tbcli.training.hardware import name_of_device
from tbcli.training.objective import Objective
from tbcli.training.shared_step import (
    SharedStep,
    make_variables_of,
    moments_of_all,
    own_draws,
    put_back,
    require_shareable,
)


class Strategy:
    """One device: nothing stands in the way."""

    def __init__(self, device: str = "") -> None:
        self.device = device or name_of_device(tf.config.list_physical_devices("GPU")[:1])
        """What the run says of it."""
        self.shares = 1
        """Into how many a batch is cut."""
        self.stop: Callable[[], None] = lambda: None
        """Called where another process of the training was asked to stop."""
        self.difference: Disagreement | None = None
        """Between the weights of several processes, as far as is known."""

    def scope(self) -> AbstractContextManager[Any]:
        """Make the variables of model and optimizer within it; never those of metrics, nor of what is saved."""
        return nullcontext()

    def spread(self, model: keras.Model, objective: Objective, split: Split, batch_size: int) -> None:
        """Let a compiled model take its steps on all devices; before it is tapped.

        Args:
            model: Compiled.
            objective: What it is compiled with, known to work.
            split: What it learns from.
            batch_size: Of a whole batch.

        Raises:
            DoesNotFit: Its steps cannot be shared.
        """

    def leading(
        self, config: Config, split: Split, saved: Mapping[str, Any] | None = None
    ) -> AbstractContextManager[None]:
        """Tell the other processes what to train, and in the end that it is over.

        Args:
            config: The settings.
            split: What is learnt from.
            saved: The state that the training goes on from, if it does.
        """
        return nullcontext()

    def ready(self, model: keras.Model, facts: Mapping[str, Any]) -> None:
        """Wait until all other processes can begin, and are known to train the same.

        Args:
            model: Compiled.
            facts: What the record says of it.
        """

    def announce(self, epoch: int, position: int, steps: int) -> None:
        """Tell the other processes, before an execution, which steps come: so many after these of an epoch, from 1."""

    def finish(self) -> None:
        """Find out after the last step, or after an error, whether all processes have the same weights."""

    def lost(self, error: Exception) -> TrainingFailed | None:
        """Return what to say of an error that comes of another process' end; None of any other."""
        return None


def open_strategy(config: TrainConfig) -> Strategy:
    """Return what was asked for; to be called before TensorFlow computes anything.

    Raises:
        ConfigError: This machine has no such devices.
    """
    if place_of_process():
        from tbcli.training.workers import open_workers

        return open_workers()
    return _opened(config.devices)


@cache  # TensorFlow can be told only once what its devices are
def _opened(devices: str) -> Strategy:
    return Mirrored(_devices_of(devices)) if devices != "1" and len(_devices_of(devices)) > 1 else Strategy()


def _devices_of(asked: str) -> list[Any]:
    """Return the devices that were asked for: GPUs, or logical CPUs, which stand for them.

    Raises:
        ConfigError: There are not so many.
    """
    if asked.startswith(LOGICAL_CPUS):
        return _logical_cpus(int(asked.removeprefix(LOGICAL_CPUS)))
    gpus = tf.config.list_physical_devices("GPU")
    if asked == "auto":
        return list(gpus)
    if int(asked) > max(1, len(gpus)):
        there = f"{len(gpus)} GPUs" if len(gpus) > 1 else f"{name_of_device(gpus)} alone"
        raise ConfigError(
            f"--devices {asked}: TensorFlow finds {there}",
            hint=f"`--devices auto` takes all GPUs; `--devices {LOGICAL_CPUS}{asked}` cuts the CPU, to try it out",
        )
    return list(gpus[: int(asked)])


def _logical_cpus(count: int) -> list[Any]:
    (cpu, *_) = tf.config.list_physical_devices("CPU")
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    except RuntimeError as error:
        raise ConfigError(
            f"cannot cut the CPU into {count}: TensorFlow has begun to compute", hint="do it in a process of its own"
        ) from error
    return list(tf.config.list_logical_devices("CPU"))


class Shared(Strategy, ABC):
    """Several devices, each with its share of every batch.

    Args:
        strategy: TensorFlow's.
        device: See `Strategy`.
    """

    def __init__(self, strategy: tf.distribute.Strategy, device: str) -> None:
        super().__init__(device)
        self.tf = strategy
        self.shares = strategy.num_replicas_in_sync

    def spread(self, model: keras.Model, objective: Objective, split: Split, batch_size: int) -> None:
        """Replace the model's step."""
        require_shareable(model, objective, split)
        for layer in walk_layers(model):
            if isinstance(layer, keras.layers.BatchNormalization):
                layer._moments = moments_of_all(layer)  # else they were those of a share
            for value in vars(layer).values():
                if isinstance(value, keras.random.SeedGenerator):
                    value.next = own_draws(value.next)
        variables = model.trainable_variables
        with self.scope():
            make_variables_of(getattr(model.optimizer, "inner_optimizer", model.optimizer), variables)
        make_variables_of(model.optimizer, variables)  # outside: a scale of the loss changes where devices cannot meet
        model.train_step = SharedStep(model, self, batch_size)

    @abstractmethod
    def apply(self, model: keras.Model, gradients: list[Any]) -> None:
        """Let the optimizer take a step by the gradients of the whole batch; None of a variable without one."""


class Mirrored(Shared):
    """Several devices of this process, with copies of model and optimizer on each.

    Args:
        devices: At least two.
    """

    def __init__(self, devices: list[Any]) -> None:
        names = [f"{device.device_type}:{number}" for number, device in enumerate(devices)]
        what = name_of_device(devices) if devices[0].device_type == "GPU" else f"{len(devices)} x logical CPU"
        super().__init__(tf.distribute.MirroredStrategy(names), what)

    def scope(self) -> AbstractContextManager[Any]:
        """Make mirrored variables."""
        stack = ExitStack()
        stack.enter_context(self.tf.scope())
        stack.enter_context(tf.variable_creator_scope(_updatable))
        return stack

    def spread(self, model: keras.Model, objective: Objective, split: Split, batch_size: int) -> None:
        """Replace the model's step, and have the optimizer not sum up what is summed up already."""
        optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        if optimizer.gradient_accumulation_steps:
            raise DoesNotFit(
                "an optimizer that accumulates gradients cannot be shared by several devices of one process",
                hint="`--workers` shares it; or train on one device",
            )
        if _norms_batches(model) and _has_losses_of_calls(model, split):
            raise DoesNotFit(
                "layers that add losses beside batch normalization cannot be shared by several devices of one process",
                hint="`--workers` shares them; or train on one device",
            )
        super().spread(model, objective, split, batch_size)
        optimizer._all_reduce_sum_gradients = lambda pairs: pairs

    def apply(self, model: keras.Model, gradients: list[Any]) -> None:
        """Take it on each device."""

        def take(known: list[Any]) -> None:
            model.optimizer.apply(put_back(known, gradients), model.trainable_variables)

        self.tf.run(take, args=([gradient for gradient in gradients if gradient is not None],))


def _norms_batches(model: keras.Model) -> bool:
    return any(isinstance(layer, keras.layers.BatchNormalization) for layer in walk_layers(model))


def _has_losses_of_calls(model: keras.Model, split: Split) -> bool:
    """Return whether layers keep losses from a call to its end: where devices meet within one, they would mix them."""
    inputs, _ = split.batch(slice(1))
    model(tf.constant(inputs), training=False)
    return len(model.losses) > sum(variable.regularizer is not None for variable in model.trainable_variables)


def _updatable(create: Any, **arguments: Any) -> Any:
    """Let a layer update its own variables, of which all copies are the same: moving means, seeds."""
    if arguments.get("aggregation") in (None, tf.VariableAggregation.NONE):
        arguments["aggregation"] = tf.VariableAggregation.ONLY_FIRST_REPLICA
    return create(**arguments)
