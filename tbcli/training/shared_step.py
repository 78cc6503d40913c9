"""One step of a training, of which each device does a part: how a batch is cut, and what is summed over all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf
from keras.src.losses import loss as keras_loss  # Keras has no other door

from tbcli.data.dataset import Split
from tbcli.errors import DoesNotFit
from tbcli.training.objective import Objective

_TRIED = 8  # samples, to see whether a loss is a mean
_SAME = 1e-4


class Sharers(Protocol):
    """Those that take a step together."""

    tf: tf.distribute.Strategy
    shares: int

    def apply(self, model: keras.Model, gradients: list[Any]) -> None:
        """Let the optimizer take a step by the gradients of the whole batch; None of a variable without one."""


class SharedStep:
    """A training step of which each device does a part.

    Args:
        model: Compiled.
        strategy: Of the devices.
        batch_size: Of a whole batch; the last may be smaller.
    """

    def __init__(self, model: keras.Model, strategy: Sharers, batch_size: int) -> None:
        self._model, self._strategy, self._batch_size = model, strategy, batch_size
        self.loss: Any = None
        """Of the whole batch, in the graph of the step."""

    def __call__(self, data: tuple[Any, ...]) -> Any:
        """Take a step by a batch, and return the running metrics."""
        model = self._model
        inputs, labels, weights = (*data, None)[:3]
        outputs, self.loss = self._learn(inputs, labels, weights)
        (tracker,) = [metric for metric in model.metrics if metric.name == "loss"]
        tracker.update_state(self.loss, sample_weight=tf.shape(labels)[0])
        # Of all and once, where nobody else shares: as on one device, whatever the metric.
        return model.compute_metrics(inputs, labels, outputs, weights)

    def _learn(self, inputs: Any, labels: Any, weights: Any) -> tuple[Any, Any]:
        """Take the step, and return outputs and loss of the whole batch."""
        model, shared = self._model, self._strategy
        whole = (inputs, labels) if weights is None else (inputs, labels, weights)
        places: list[Any] = []

        def learn() -> list[Any]:
            number = tf.distribute.get_replica_context().replica_id_in_sync_group
            places[:], outputs, loss = self._part(number, whole)
            reduced = _sum_of_all([outputs, loss, *(gradient for gradient in places if gradient is not None)])
            with tf.control_dependencies(reduced):  # a step is taken as a whole, or not at all
                return [tf.identity(each) for each in reduced]

        outputs, loss, *known = shared.tf.run(learn)
        shared.apply(model, put_back(known, places))
        outputs, loss = (shared.tf.experimental_local_results(each)[0] for each in (outputs, loss))
        return outputs[: tf.shape(labels)[0]], loss

    def _part(self, number: Any, whole: tuple[Any, ...]) -> tuple[list[Any], Any, Any]:
        """Return what a share adds to gradients and loss, and its outputs in their place among those of the others."""
        model, shares = self._model, self._strategy.shares
        size = tf.shape(whole[1])[0]
        # Fewer samples than shares are not cut: each looks at all of them, for the mean of none is no number.
        is_cut = size >= shares
        begin, end = tf.where(is_cut, size * number // shares, 0), tf.where(is_cut, size * (number + 1) // shares, size)
        inputs, labels, *weights = (values[begin:end] for values in whole)
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=True)
            with _undivided_losses():
                loss = model.compute_loss(inputs, labels, outputs, *weights, training=True)
            share = tf.where(is_cut, tf.cast((end - begin) / size, loss.dtype), 1 / shares)
            scaled = model.optimizer.scale_loss(loss * share)
        gradients = tape.gradient(scaled, [variable.value for variable in model.trainable_variables])
        dense = [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients]
        kept = tf.where(is_cut | (number == 0), end - begin, 0)
        # What is summed must have one shape in all steps.
        before_and_after = [[begin, self._batch_size - begin - kept], *([0, 0] for _ in outputs.shape[1:])]
        padded = tf.pad(outputs[:kept], before_and_after)
        return dense, tf.ensure_shape(padded, (self._batch_size, *outputs.shape[1:])), loss * share


def make_variables_of(optimizer: keras.optimizers.Optimizer, variables: list[Any]) -> None:
    """Make an optimizer's variables, unless it has them: one that scales the loss would make them twice."""
    if not optimizer.built:
        with keras.name_scope(optimizer.name, caller=optimizer):  # as in a first step of Keras' own
            optimizer.build(variables)


def put_back(known: Sequence[Any], places: Sequence[Any]) -> list[Any]:
    """Return values with None wherever a place has it."""
    left = iter(known)
    return [None if place is None else next(left) for place in places]


def own_draws(draw: Any) -> Any:
    """Return a source of seeds that gives each share of a batch others, and the first the usual ones."""

    def drawn(*args: Any, **kwargs: Any) -> Any:
        seed = draw(*args, **kwargs)
        context = tf.distribute.get_replica_context()
        number = context.replica_id_in_sync_group if context else 0
        return seed + tf.stack([tf.cast(number, seed.dtype) * 1_000_003, tf.zeros((), seed.dtype)])

    return drawn


def moments_of_all(layer: keras.layers.BatchNormalization) -> Any:
    """Return what gives the mean and the variance of the whole batch, in two passes as on one device."""

    def moments(inputs: Any, mask: Any = None) -> tuple[Any, Any]:
        weights = tf.ones_like(inputs[..., :1]) if mask is None else tf.cast(mask, inputs.dtype)[..., None]
        counted, nearly_none = (
            tf.broadcast_to(weights, tf.shape(inputs)),
            0.0 if mask is None else keras.config.epsilon(),
        )
        count, total = _sum_of_all([_over(layer, counted), _over(layer, counted * inputs)])
        mean = total / (count + nearly_none)
        (squares,) = _sum_of_all([_over(layer, counted * tf.square(inputs - mean))])
        return tf.reshape(mean, (-1,)), tf.reshape(squares / (count + nearly_none), (-1,))

    return moments


def _over(layer: keras.layers.BatchNormalization, values: Any) -> Any:
    return tf.reduce_sum(values, layer._reduction_axes, keepdims=True)


def _sum_of_all(values: list[Any]) -> list[Any]:
    context = tf.distribute.get_replica_context()
    return list(context.all_reduce(tf.distribute.ReduceOp.SUM, values)) if context else values


@contextmanager
def _undivided_losses() -> Iterator[None]:
    """Have Keras not divide losses by the number of devices: it spares those that give one number for a batch."""
    divided = keras_loss.scale_loss_for_distribution
    keras_loss.scale_loss_for_distribution = lambda value: value
    try:
        yield
    finally:
        keras_loss.scale_loss_for_distribution = divided


def require_shareable(model: keras.Model, objective: Objective, split: Split) -> None:
    """Check that the step of a model is the sum of its parts.

    Raises:
        DoesNotFit: It is not.
    """
    hint = "train on one device"
    kind = type(model)
    for name in ("train_step", "compute_loss"):
        if getattr(kind, name) is not getattr(keras.Model, name):
            raise DoesNotFit(f"a model with a {name} of its own cannot be trained on several devices", hint=hint)
    if not objective.is_usual and (why := _why_no_mean(model, objective, split)):
        raise DoesNotFit(
            f"the loss {objective.loss_name!r} is no mean over samples ({why}): several devices cannot share it",
            hint=hint,
        )


def _why_no_mean(model: keras.Model, objective: Objective, split: Split) -> str:
    """Return what shows that a loss of a batch is not the mean over its samples; empty where nothing does."""
    reduction = getattr(objective.loss, "reduction", "mean")
    if reduction not in ("mean", "sum_over_batch_size"):
        return f"its reduction is {reduction!r}"
    inputs, labels = (tf.constant(values) for values in split.batch(slice(_TRIED)))
    # Not as they are: those of an untrained model are so alike that nothing would show.
    outputs = np.asarray(model(inputs, training=False))
    outputs = tf.constant(
        outputs * (10 ** np.random.default_rng(0).uniform(-2, 0, outputs.shape)).astype(outputs.dtype)
    )

    def loss(part: slice) -> float:
        return float(model.compute_loss(inputs[part], labels[part], outputs[part], training=False))

    size = len(labels)
    whole = loss(slice(size))
    for cut in range(1, size):
        parts = (loss(slice(cut)) * cut + loss(slice(cut, size)) * (size - cut)) / size
        if abs(whole - parts) > _SAME * max(abs(whole), abs(parts)):
            return f"{whole:.4g} of {size} samples, {parts:.4g} as a mean of its parts"
    return ""
