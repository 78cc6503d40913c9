"""From a setting and the data's shape to a Keras model. Importing the room is cheap; an architecture brings Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tbcli.config import ModelConfig
from tbcli.errors import ConfigError, DoesNotFit
from tbcli.loading import load_object
from tbcli.naming.matching import did_you_mean

if TYPE_CHECKING:
    from tbcli.data.dataset import Dataset

ARCHITECTURES = {
    "cnn": "tbcli.models.cnn:build_cnn",
}
"""Name -> ``module:function`` from a `ModelConfig`, an input shape and a class count to a model; one file each."""

FEATURES = "features"
"""The name of the penultimate layer, whose output stands for a sample in the projector."""


def require_architecture(name: str) -> str:
    """Return where the builder of an architecture stands, without importing it.

    Raises:
        ConfigError: No architecture answers to the name.
    """
    if name not in ARCHITECTURES:
        raise ConfigError(f"no model {name!r}", hint=did_you_mean(name, ARCHITECTURES))
    return ARCHITECTURES[name]


def build_model(config: ModelConfig, dataset: Dataset, precision: str) -> Any:
    """Return a new, uncompiled `keras.Model` whose layers compute in a precision policy.

    It takes raw values ``[batch, *dataset.input_shape]`` and returns float32 probabilities ``[batch, classes]``, or
    ``[batch, 1]``, the probability of the second of two classes.

    Raises:
        DoesNotFit: The architecture cannot take samples of this shape, or has another number of outputs than classes.
    """
    import keras

    build = load_object(require_architecture(config.name))
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        model = build(config, dataset.input_shape, len(dataset.class_names))
        if not model.built:  # a subclassed model has no weights before it has seen a sample
            model(dataset.train.batch(slice(1))[0], training=False)
    except ValueError as error:
        first_line = str(error).splitlines()[0]
        raise DoesNotFit(
            f"model {config.name!r} cannot take samples of shape {dataset.input_shape}: {first_line}",
            hint="another `--model`, or data of another shape",
        ) from error
    finally:
        keras.config.set_dtype_policy(usual)
    _require_outputs(config, dataset, model)
    return model


def _require_outputs(config: ModelConfig, dataset: Dataset, model: Any) -> None:
    """Check that the model has the outputs that the task asks for.

    Raises:
        DoesNotFit: It has not.
    """
    width, classes, task = count_outputs(model, dataset), len(dataset.class_names), dataset.task
    if not task.takes_outputs(width, classes):
        wanted = "classes" if task.has_classes else "targets"
        raise DoesNotFit(
            f"model {config.name!r} has {width} outputs, but {dataset.name!r} has {classes} {wanted}",
            hint=f"a last layer of {task.outputs(classes)} units with activation {task.activation()!r}",
        )


def count_outputs(model: Any, dataset: Dataset) -> int:
    """Return how many values a model says of one sample."""
    if getattr(model, "outputs", None):
        return int(model.outputs[0].shape[-1])
    return int(model(dataset.train.batch(slice(1))[0], training=False).shape[-1])  # a subclassed model only shows it
