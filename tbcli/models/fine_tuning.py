"""A model from a file, to go on with: it runs no code of the file, and gets a new head where the task needs one."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import keras

from tbcli.data.dataset import Dataset
from tbcli.errors import DoesNotFit, telling_line
from tbcli.models import count_outputs
from tbcli.models.architectures import require_file
from tbcli.models.fitting import Say
from tbcli.models.freezing import named_layers
from tbcli.models.last_activation import last_activation
from tbcli.models.output_head import add_head
from tbcli.models.table_model import is_of_columns, without_raw_columns

_FUNCTION = "write a function that returns the model, `--model FILE.py:FUNCTION`"


def load_saved(name: str, dataset: Dataset, say: Say) -> Any:
    """Return the model of a ``.keras`` or ``.h5`` file, not compiled.

    Its own optimizer is left behind: a schedule that is at its end would learn nothing.

    Raises:
        NotFound: There is no such file.
        DoesNotFit: It is no model, or needs code that is not in it.
    """
    model = read_saved(require_file(name, "model file"), say)
    if dataset.columns and is_of_columns(model):
        try:
            model = without_raw_columns(model, dataset.columns)
        except ValueError as error:
            raise DoesNotFit(f"{name!r} does not fit the table: {error}", hint="train on the same columns") from error
    return model if _fits(model, dataset) else _with_new_head(model, name, dataset, say)


def read_saved(path: Path, say: Say) -> Any:
    """Return the model in a file as it was saved, not compiled.

    Raises:
        DoesNotFit: It is no model, or needs code that is not in it.
    """
    if path.suffix != ".keras":
        say(f"{path.name}: an HDF5 file may contain code that runs when it is loaded; .keras files do not")
    elif not zipfile.is_zipfile(path):
        raise DoesNotFit(f"{str(path)!r} is not a Keras model: not a zip file", hint="save it with `model.save(path)`")
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DoesNotFit:
    text = str(error)
    if "safe_mode" in text or "unsafe deserialization" in text:
        return DoesNotFit(f"{str(path)!r} has a Lambda layer, whose code is not run from a file", hint=_FUNCTION)
    missing = re.search(r"Could not locate (?:class|function) '([^']+)'|Unknown layer: '?(\w+)", text)
    if missing:
        name = missing[1] or missing[2]
        return DoesNotFit(f"{str(path)!r} needs {name!r}, whose code is not in the file", hint=_FUNCTION)
    return DoesNotFit(
        f"{str(path)!r} does not load: {telling_line(error)}", hint="save it again with this version of Keras"
    )


def _fits(model: Any, dataset: Dataset) -> bool:
    """Return whether the head of a model is one for this task."""
    width, wanted, found = count_outputs(model, dataset), dataset.task.activation(), last_activation(model)
    is_head = found == wanted or (found == "sigmoid" and width == 1) or found not in ("softmax", "sigmoid", "linear")
    return is_head and dataset.task.takes_outputs(width, len(dataset.class_names))


def _with_new_head(model: Any, name: str, dataset: Dataset, say: Say) -> Any:
    """Return the model with another last layer, whose weights are new."""
    weighted = [layer for layer in model.layers if layer.weights]
    if not getattr(model, "inputs", None) or not weighted or getattr(weighted[-1], "layers", None):
        raise DoesNotFit(
            f"{name!r} has no last layer that could be replaced by one for {dataset.task.name}",
            hint=_FUNCTION,
        )
    old, classes = count_outputs(model, dataset), len(dataset.class_names)
    say(
        f"{Path(name).name}: the last layer, {weighted[-1].name!r} of {old} outputs, is replaced by a new one for "
        f"{dataset.task.name} of {classes}"
    )
    kept = [path for path, _ in named_layers(model)]
    return keras.Model(model.inputs[0], add_head(weighted[-1].input, dataset, kept), name=model.name)
