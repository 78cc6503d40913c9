"""On what the steps of a training are taken: one device, several of this machine, or workers. The one door to them.

Each device computes its share of every batch. Gradients are summed over all before anybody sees them, the optimizer
and taps included, and the outputs of all are put together again: loss and metrics are those of the whole batch, as on
one device.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import cache
from typing import Any

import keras
import tensorflow as tf

from tbcli.config import Config, TrainConfig
from tbcli.config.checks import LOGICAL_CPUS
from tbcli.errors import ConfigError, DoesNotFit, TrainingFailed
from tbcli.recorders.kernels import walk_layers
from tbcli.training.cluster import place_of_process
from tbcli.training.hardware import name_of_device
from tbcli.training.objective import Objective


class Strategy:
    """One device: nothing stands in the way."""

    def __init__(self, device: str = "") -> None:
        self.device = device or name_of_device(tf.config.list_physical_devices("GPU")[:1])
        """What the run says of it."""
        self.shares = 1
        """Into how many a batch is cut."""
        self.stop: Callable[[], None] = lambda: None
        """Called where another process of the training was asked to stop."""
        self.all_equal = True
        """Whether all have the same weights, known in the end."""

    def scope(self) -> AbstractContextManager[Any]:
        """Make the variables of model and optimizer within it; never those of metrics, nor of what is saved."""
        return nullcontext()

    def spread(self, model: keras.Model, objective: Objective, batch_size: int) -> None:
        """Let a compiled model take its steps on all devices; before it is tapped.

        Raises:
            DoesNotFit: Its steps cannot be shared.
        """

    def leading(self, config: Config) -> AbstractContextManager[None]:
        """Tell the other processes what to train, and in the end that it is over."""
        return nullcontext()

    def ready(self) -> None:
        """Wait until all other processes can begin."""

    def announce(self, epoch: int, position: int) -> None:
        """Tell the other processes, before an execution, which steps come: after these of an epoch, from 1."""

    def dismiss(self) -> None:
        """Let the other processes end."""

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

        if config.devices != "1":
            raise ConfigError(
                f"--devices {config.devices} cannot be had with several workers: each takes one GPU",
                hint="start a worker for each GPU",
            )
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


class Shared(Strategy):
    """Several devices, each with its share of every batch.

    Args:
        strategy: TensorFlow's.
        device: See `Strategy`.
    """

    def __init__(self, strategy: tf.distribute.Strategy, device: str) -> None:
        super().__init__(device)
        self.tf = strategy
        self.shares = strategy.num_replicas_in_sync

    def spread(self, model: keras.Model, objective: Objective, batch_size: int) -> None:
        """Replace the model's step."""
        _require_shareable(model, objective)
        for layer in walk_layers(model):
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True  # else its moments were those of a share
            for value in vars(layer).values():
                if isinstance(value, keras.random.SeedGenerator):
                    value.next = _own_draws(value.next)
        with self.scope(), keras.name_scope(model.optimizer.name, caller=model.optimizer):
            model.optimizer.build(model.trainable_variables)
        model.train_step = SharedStep(model, self, batch_size)

    def apply(self, model: keras.Model, gradients: list[Any]) -> list[Any]:
        """Let the optimizer take a step, called on each device, by gradients that are the same on all."""
        raise NotImplementedError

    def afterwards(self, model: keras.Model, gradients: list[Any]) -> None:
        """Let the optimizer take a step, called once for all devices of this process."""


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

    def spread(self, model: keras.Model, objective: Objective, batch_size: int) -> None:
        """Replace the model's step, and have the optimizer not sum up what is summed up already."""
        super().spread(model, objective, batch_size)
        optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        optimizer._all_reduce_sum_gradients = lambda pairs: pairs

    def apply(self, model: keras.Model, gradients: list[Any]) -> list[Any]:
        """Take it at once."""
        model.optimizer.apply(gradients, model.trainable_variables)
        return []


def _updatable(create: Any, **arguments: Any) -> Any:
    """Let a layer update its own variables, of which all copies are the same: moving means, seeds."""
    if arguments.get("aggregation") in (None, tf.VariableAggregation.NONE):
        arguments["aggregation"] = tf.VariableAggregation.ONLY_FIRST_REPLICA
    return create(**arguments)


def _own_draws(draw: Any) -> Any:
    """Return a source of seeds that gives each share of a batch others, and the first the usual ones."""

    def drawn(*args: Any, **kwargs: Any) -> Any:
        seed = draw(*args, **kwargs)
        context = tf.distribute.get_replica_context()
        number = context.replica_id_in_sync_group if context else 0
        return seed + tf.stack([tf.cast(number, seed.dtype) * 1_000_003, tf.zeros((), seed.dtype)])

    return drawn


class SharedStep:
    """A training step of which each device does a part.

    Args:
        model: Compiled.
        strategy: Of the devices.
        batch_size: Of a whole batch; the last may be smaller.
    """

    def __init__(self, model: keras.Model, strategy: Shared, batch_size: int) -> None:
        self._model, self._strategy, self._batch_size = model, strategy, batch_size

    def __call__(self, data: tuple[Any, ...]) -> Any:
        """Take a step by a batch, and return the running metrics."""
        model = self._model
        inputs, labels, weights = (*data, None)[:3]
        outputs = self._learn(inputs, labels, weights)
        # Once more and of all, where nobody else shares: as on one device, whatever the metric.
        loss = model.compute_loss(inputs, labels, outputs, weights, training=True)
        (tracker,) = [metric for metric in model.metrics if metric.name == "loss"]
        tracker.update_state(loss, sample_weight=tf.shape(labels)[0])
        return model.compute_metrics(inputs, labels, outputs, weights)

    def _learn(self, inputs: Any, labels: Any, weights: Any) -> Any:
        """Take the step, and return the outputs for the whole batch."""
        model, shared = self._model, self._strategy
        whole = (inputs, labels) if weights is None else (inputs, labels, weights)

        def learn() -> tuple[Any, list[Any]]:
            context = tf.distribute.get_replica_context()
            gradients, outputs = self._gradients(context.replica_id_in_sync_group, whole)
            known = [gradient for gradient in gradients if gradient is not None]
            reduced = context.all_reduce(tf.distribute.ReduceOp.SUM, [*known, outputs])
            with tf.control_dependencies(reduced):  # a step is taken as a whole, or not at all
                *summed, outputs = [tf.identity(each) for each in reduced]
            left = iter(summed)
            gradients = [None if gradient is None else next(left) for gradient in gradients]
            return outputs, shared.apply(model, gradients)

        outputs, gradients = shared.tf.run(learn)
        shared.afterwards(model, gradients)
        return shared.tf.experimental_local_results(outputs)[0][: tf.shape(labels)[0]]

    def _gradients(self, number: Any, whole: tuple[Any, ...]) -> tuple[list[Any], Any]:
        """Return what a share adds to the gradients, and its outputs in their place among those of the others."""
        model, shares = self._model, self._strategy.shares
        size = tf.shape(whole[1])[0]
        begin, end = size * number // shares, size * (number + 1) // shares
        # A share without samples looks at one that does not count: the mean of none is no number.
        first = tf.minimum(begin, size - 1)
        inputs, labels, *weights = (values[first : tf.maximum(end, first + 1)] for values in whole)
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=True)
            loss = model.compute_loss(inputs, labels, outputs, *weights, training=True)
            # Keras divides by the number of shares, as if all were of one size.
            part = tf.cast((end - begin) * shares, loss.dtype) / tf.cast(size, loss.dtype)
            scaled = model.optimizer.scale_loss(loss * part)
        gradients = tape.gradient(scaled, [variable.value for variable in model.trainable_variables])
        dense = [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients]
        # What is summed must have one shape in all steps.
        before_and_after = [[begin, self._batch_size - end], *([0, 0] for _ in outputs.shape[1:])]
        padded = tf.pad(outputs[: end - begin], before_and_after)
        return dense, tf.ensure_shape(padded, (self._batch_size, *outputs.shape[1:]))


def _require_shareable(model: keras.Model, objective: Objective) -> None:
    """Check that the step of a model is the sum of its parts.

    Raises:
        DoesNotFit: It is not.
    """
    hint = "train on one device"
    kind = type(model)
    for name in ("train_step", "compute_loss"):
        if getattr(kind, name) is not getattr(keras.Model, name):
            raise DoesNotFit(f"a model with a {name} of its own cannot be trained on several devices", hint=hint)
    reduction = getattr(objective.loss, "reduction", "mean")
    if reduction not in ("mean", "sum_over_batch_size"):
        raise DoesNotFit(
            f"the loss {objective.loss_name!r} is no mean over samples (its reduction is {reduction!r}): "
            "several devices cannot share it",
            hint=hint,
        )
