"""From a setting and the data to a Keras model. Importing the room is cheap; building a model brings Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tbcli.config import ModelConfig
from tbcli.errors import DoesNotFit, telling_line
from tbcli.models.architectures import (
    ARCHITECTURES,
    AUTO,
    FEATURES,
    MODELS,
    choose_model,
    describe_samples,
    require_model,
    short_name,
)

if TYPE_CHECKING:
    from tbcli.data.dataset import Dataset

__all__ = [
    "ARCHITECTURES",
    "AUTO",
    "FEATURES",
    "MODELS",
    "build_model",
    "choose_model",
    "count_outputs",
    "describe_samples",
    "is_compiled",
    "precision_of",
    "require_model",
    "short_name",
]


def build_model(
    config: ModelConfig,
    dataset: Dataset,
    precision: str,
    say: Callable[[str], None] = lambda _: None,
    *,
    for_training: bool = False,
) -> Any:
    """Return a `keras.Model` whose layers compute in a precision policy; compiled only if a user's function did that.

    It takes raw values ``[batch, *dataset.input_shape]`` and returns float32: what the task's outputs are.

    Args:
        config: What to build; with ``auto`` the data choose.
        dataset: What is learnt.
        precision: Keras' name of the policy; a model from a file keeps its own.
        say: Receives what was changed for the model to fit.
        for_training: Whether one of our networks has the layers that only change training images. They have no weights,
            and a model without them does not change images of whoever calls it without ``training=False``.

    Raises:
        ConfigError: An argument or a glob of the settings fits nothing.
        NotFound: There is no such file.
        DoesNotFit: The model cannot take the data, has other outputs than the task, or does not load.
    """
    import keras

    from tbcli.models.building import build

    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        return build(config, dataset, say, for_training=for_training)
    except ValueError as error:
        raise DoesNotFit(
            f"model {config.name!r} cannot take samples of shape {dataset.input_shape}: {telling_line(error)}",
            hint="another `--model`, or data of another shape",
        ) from error
    finally:
        keras.config.set_dtype_policy(usual)


def count_outputs(model: Any, dataset: Dataset) -> int:
    """Return how many values a model says of one sample."""
    if getattr(model, "outputs", None):
        return int(model.outputs[0].shape[-1])
    return int(model(dataset.train.batch(slice(1))[0], training=False).shape[-1])  # a subclassed model only shows it


def is_compiled(model: Any) -> bool:
    """Return whether a model came with its own loss, optimizer and metrics."""
    return bool(getattr(model, "compiled", False)) and getattr(model, "loss", None) is not None


def precision_of(model: Any) -> str:
    """Return the policy that a model computes in: a model from a file has its own, and the last layer is float32."""
    waiting, policies = [model], list[str]()
    while waiting:
        layer = waiting.pop()
        waiting.extend(getattr(layer, "layers", ()))
        policies += [layer.dtype_policy.name] if layer.weights and not getattr(layer, "layers", None) else []
    if not policies:  # it has not seen a sample yet
        return str(model.dtype_policy.name)
    return next((name for name in policies if name != "float32"), "float32")
