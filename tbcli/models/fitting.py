"""Whether a model that somebody else made fits the data and the task; what can be mended is mended and said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tbcli.data.dataset import Dataset
from tbcli.errors import DoesNotFit, describe_error
from tbcli.models import count_outputs, is_compiled
from tbcli.models.freezing import named_layers
from tbcli.models.last_activation import last_activation
from tbcli.usercode import with_trace

Say = Callable[[str], None]
_SAMPLES = 32  # that a model is tried on
_SQUASHING = ("softmax", "sigmoid")


def require_fit(model: Any, name: str, dataset: Dataset, say: Say) -> Any:
    """Return a model that is built and fits, with probabilities where it gave logits.

    Raises:
        DoesNotFit: It is no model, takes other samples, or has other outputs than the task asks for.
    """
    import keras

    if not isinstance(model, keras.Model):
        found = type(model).__name__
        raise DoesNotFit(f"{name!r} gives no keras.Model, but {found}", hint="return the model: `return model`")
    _require_inputs(model, name, dataset)
    raw = _tried(model, name, dataset)
    _require_outputs(raw, name, dataset)
    _make_exact(model)
    if is_compiled(model):
        return model
    _require_activation(model, name, dataset)
    return _with_probabilities(model, raw, name, dataset, say)


def _require_inputs(model: Any, name: str, dataset: Dataset) -> None:
    import keras

    if isinstance(model, keras.Sequential) and not model.built:
        try:
            model.build((None, *dataset.input_shape))
        except Exception as error:
            raise _fails(name, dataset, error) from error
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) > 1:
        names = ", ".join(each.name for each in inputs)
        raise DoesNotFit(
            f"{name!r} has {len(inputs)} inputs ({names}), but {dataset.name!r} has one",
            hint="a model of one input, or a training script of your own with `tbcli run`",
        )
    if inputs and not _same(tuple(inputs[0].shape[1:]), dataset.input_shape):
        raise DoesNotFit(
            f"{name!r} takes samples of shape {_spoken(inputs[0].shape[1:])}, "
            f"but those of {dataset.name!r} have {_spoken(dataset.input_shape)}",
            hint="take `input_shape` as a parameter of the function, or use other data",
        )


def _same(wanted: tuple[Any, ...], found: tuple[int, ...]) -> bool:
    return len(wanted) == len(found) and all(one in (None, other) for one, other in zip(wanted, found, strict=True))


def _spoken(shape: Any) -> str:
    return "x".join("any" if side is None else str(side) for side in shape) or "()"


def _tried(model: Any, name: str, dataset: Dataset) -> np.ndarray:
    """Return what a model says of some samples ``[n, outputs]``; one that is not built yet is built by that."""
    samples, _ = dataset.train.batch(slice(_SAMPLES))
    try:
        raw = model(samples, training=False)
    except Exception as error:
        raise _fails(name, dataset, error) from error
    if isinstance(raw, dict | list | tuple):
        raise DoesNotFit(f"{name!r} has {len(raw)} outputs, but one is wanted", hint="return one tensor")
    values = np.asarray(raw, np.float32) if hasattr(raw, "shape") else np.zeros(0)
    if values.ndim != 2 or len(values) != len(samples):
        wanted = f"(samples, {dataset.task.outputs(len(dataset.class_names))})"
        raise DoesNotFit(
            f"the output of {name!r} for {len(samples)} samples has the shape {values.shape}, expected {wanted}",
            hint="flatten or pool before the last layer",
        )
    return values


def _fails(name: str, dataset: Dataset, error: Exception) -> DoesNotFit:
    failed = DoesNotFit(
        f"{name!r} fails on samples of shape {_spoken(dataset.input_shape)}: {describe_error(error)}",
        hint=f"samples come as they are in the data, as {dataset.train.inputs.dtype}; "
        "`keras.ops.cast(x, 'float32')` converts them",
    )
    return with_trace(failed, error)


def _require_outputs(raw: np.ndarray, name: str, dataset: Dataset) -> None:
    task, classes, width = dataset.task, len(dataset.class_names), raw.shape[1]
    if not task.takes_outputs(width, classes):
        wanted = {"classification": "classes", "multi-label": "labels"}.get(task.name, "target values")
        raise DoesNotFit(
            f"{name!r} has {width} output{'s' * (width != 1)}, but {dataset.name!r} has {classes} {wanted}",
            hint=f"a last layer of {task.outputs(classes)} units with activation {task.activation()!r}; "
            "take `outputs` and `activation` as parameters of the function",
        )


def _require_activation(model: Any, name: str, dataset: Dataset) -> None:
    """Check that the last activation is not one of another task."""
    found, wanted = last_activation(model), dataset.task.activation()
    labels = dataset.train.labels
    is_wrong = found in _SQUASHING and found != wanted
    if found == "sigmoid":
        width = count_outputs(model, dataset)
        is_share = wanted == "linear" and labels.size and labels.min() >= 0 and labels.max() <= 1
        is_wrong = is_wrong and not is_share and not (wanted == "softmax" and width == 1)
    if is_wrong:
        raise DoesNotFit(
            f"{name!r} ends with {found!r}, but {dataset.task.name} needs {wanted!r}",
            hint=f"use activation {wanted!r} in the last layer, or `--task` if {dataset.task.name} is not meant",
        )


def _make_exact(model: Any) -> None:
    """Let the last layer that learns, and what comes behind it, compute in float32 whatever the policy."""
    layers = [layer for _, layer in named_layers(model) if not getattr(layer, "layers", None)]
    last = max((place for place, layer in enumerate(layers) if layer.weights), default=len(layers))
    for layer in layers[last:]:
        layer.dtype_policy = "float32"


def _with_probabilities(model: Any, raw: np.ndarray, name: str, dataset: Dataset, say: Say) -> Any:
    """Return the model with an activation behind it where its outputs are logits."""
    if dataset.task.activation() == "linear" or not _are_logits(model, raw, dataset):
        return model
    import keras

    activation = "sigmoid" if raw.shape[1] == 1 else dataset.task.activation()
    if not type(model).train_step.__module__.startswith("keras."):  # which a model around it would not have
        raise DoesNotFit(
            f"{name!r} has a train_step of its own and gives logits",
            hint=f"end with activation {activation!r}, or compile it with a loss that has from_logits=True",
        )
    say(f"the outputs of {name!r} are logits; {activation} is added")
    if getattr(model, "outputs", None):
        inputs, logits = model.inputs[0], model.outputs[0]
    else:
        inputs = keras.Input(dataset.input_shape, dtype=str(dataset.train.inputs.dtype))
        logits = model(inputs)
    outputs = keras.layers.Activation(activation, dtype="float32")(logits)
    return keras.Model(inputs, outputs, name=model.name)


def _are_logits(model: Any, raw: np.ndarray, dataset: Dataset) -> bool:
    activation = last_activation(model)
    if activation in _SQUASHING or activation == "linear":
        return activation == "linear"
    if raw.min() < 0 or raw.max() > 1 + 1e-3:
        return True
    is_distribution = dataset.task.has_classes and raw.shape[1] > 1
    return is_distribution and not np.allclose(raw.sum(axis=1), 1, atol=0.02)
