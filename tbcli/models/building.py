"""One way to a model for each kind of name, in the order in which they are looked for."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from tbcli.config import ModelConfig
from tbcli.data.dataset import Dataset
from tbcli.errors import ConfigError, DoesNotFit, telling_line
from tbcli.loading import load_object
from tbcli.models.applications import build_application
from tbcli.models.architectures import ARCHITECTURES, choose_model, is_application, is_file, require_file, short_name
from tbcli.models.fine_tuning import load_saved
from tbcli.models.fitting import Say, require_fit
from tbcli.models.freezing import freeze
from tbcli.models.output_head import add_head
from tbcli.models.preparing import as_image, prepare_inputs
from tbcli.usercode import call_by_name, is_reference, load_user_object

SHIFT = "shift"  # the argument and the layer of networks that change training images
SIGNATURE = "def model(input_shape, classes): ... return keras.Model"


def build(config: ModelConfig, dataset: Dataset, say: Say, *, for_training: bool) -> Any:
    """Return the model that the settings name, under the current policy, with its layers frozen as asked.

    Raises:
        ConfigError: An argument or a glob fits nothing.
        NotFound: There is no such file.
        DoesNotFit: The model does not take the data, or is no model.
    """
    config = replace(config, name=choose_model(config.name, dataset))
    model = _made(config, dataset, say, for_training)
    if config.weights and not is_application(config.name):
        _load_weights(model, require_file(config.weights, "file of weights"), config.name)
    freeze(model, config.freeze)
    return model


def _made(config: ModelConfig, dataset: Dataset, say: Say, for_training: bool) -> Any:
    name = config.name
    if name in ARCHITECTURES:
        return build_architecture(config, dataset, say, for_training=for_training)
    if config.dropout not in (0, ModelConfig().dropout):
        say(f"model.dropout {config.dropout:g} has no effect: {short_name(name)} is no network of tbcli's")
    if is_reference(name):
        return require_fit(_from_function(config, dataset), name, dataset, say)
    if config.args:
        raise ConfigError(f"model {name!r} takes no arguments, got {config.args[0]!r}", hint="leave out `--model-arg`")
    if is_file(name):
        return require_fit(load_saved(name, dataset, say), name, dataset, say)
    return build_application(name, dataset, config.weights, say)


def build_architecture(config: ModelConfig, dataset: Dataset, say: Say, *, for_training: bool) -> Any:
    """Return one of our networks: prepared inputs, its body, the head of the task."""
    entry = ARCHITECTURES[config.name]
    inputs, x = prepare_inputs(dataset)
    body = load_object(entry.body)
    takes_dropout = "dropout" in body.__annotations__
    if not takes_dropout and config.dropout not in (0, ModelConfig().dropout):
        raise ConfigError(
            f"model {config.name!r} has no dropout, got model.dropout={config.dropout:g}", hint="remove the setting"
        )
    args = (f"dropout={config.dropout}", *config.args) if takes_dropout else config.args
    if not for_training and SHIFT in body.__annotations__:
        args = (*args, f"{SHIFT}=0")
    x = as_image(x) if entry.is_for_images else x
    x = call_by_name(body, {"x": x}, args, what="model", signature=f"--model {config.name}")
    model = keras.Model(inputs, add_head(x, dataset, starts_at_zero=config.name == "linear"), name=config.name)
    if any(layer.name == SHIFT for layer in model.layers):
        say(f"{config.name} shifts training images at random; `--model-arg {SHIFT}=0` does not")
    return model


def _from_function(config: ModelConfig, dataset: Dataset) -> Any:
    function = load_user_object(config.name, what="model function", signature=SIGNATURE)
    task, classes = dataset.task, len(dataset.class_names)
    offered = {
        "input_shape": dataset.input_shape,
        "classes": classes,
        "class_names": dataset.class_names,
        "outputs": task.outputs(classes),
        "activation": task.activation(),
        "loss": task.loss(task.outputs(classes)),
        "task": task.name,
        "dataset": dataset,
    }
    return call_by_name(function, offered, config.args, what="model function", signature=SIGNATURE)


def _load_weights(model: Any, path: Path, name: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what does not fit is an error already
            model.load_weights(path)
    except Exception as error:
        raise DoesNotFit(
            f"{str(path)!r} holds no weights of model {name!r}: {telling_line(error)}",
            hint="a file that `model.save_weights` wrote of the same network",
        ) from error
