"""The saved model of a run, and what its inputs and outputs mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zipfile import BadZipFile, ZipFile

import keras
import numpy as np

from tbcli.config import Config, load_config
from tbcli.data.dataset import Column
from tbcli.errors import DoesNotFit, TbcliError
from tbcli.runs import Run
from tbcli.runs.files import open_regular
from tbcli.tasks import CLASSIFICATION, Task, find_task
from tbcli.usercode import is_reference, load_user_object

_OTHER_SCALE = 20.0  # times larger or smaller: bytes against fractions are 255, a dark image is not


@dataclass(frozen=True, slots=True)
class SavedModel:
    """A model that can be asked.

    Args:
        model: Takes arrays, of a table the encoded columns.
        task: What it has learnt.
        class_names: A name for each class, label or value.
        input_shape: Of a sample; of a table the number of its columns.
        columns: Those of a table, in the order of the inputs; empty for anything else.
        from_logits: Whether the model gives logits.
        has_own_loss: Whether it was trained with a loss that the settings do not name.
        scale: Type and largest value of the inputs in training; empty of runs that do not tell.
    """

    model: keras.Model
    task: Task
    class_names: tuple[str, ...]
    input_shape: tuple[int, ...]
    columns: tuple[Column, ...]
    from_logits: bool = False
    has_own_loss: bool = False
    scale: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_of_images(self) -> bool:
        """Whether a sample is an image."""
        return len(self.input_shape) == 3 and self.input_shape[-1] in (1, 3)

    def require_scale(self, inputs: np.ndarray) -> None:
        """Check that images and sequences are on the scale of those in training, where they are of another type.

        Raises:
            DoesNotFit: Bytes of 0 to 255 meet a model of fractions, or the other way round.
        """
        if len(self.input_shape) < 2 or not self.scale or np.dtype(self.scale["dtype"]).kind == inputs.dtype.kind:
            return
        trained, found = float(self.scale["largest"]), float(np.abs(inputs).max(initial=0))
        if trained and found and not 1 / _OTHER_SCALE < found / trained < _OTHER_SCALE:
            raise DoesNotFit(
                f"the inputs are {inputs.dtype} up to {found:g}; the model was trained on {self.scale['dtype']} "
                f"up to {trained:g}",
                hint="bring them to the scale of the training data, such as 0 to 255 instead of 0 to 1",
            )

    def outputs(self, inputs: Any) -> np.ndarray:
        """Return what the model says of a batch, as its task reads it ``[n, m]``.

        Raises:
            DoesNotFit: The inputs are on another scale than those in training.
        """
        self.require_scale(inputs)
        raw = keras.ops.convert_to_numpy(self.model(inputs, training=False))
        return self.task.read(raw.reshape(len(raw), -1), from_logits=self.from_logits)


def open_saved(run: Run) -> SavedModel:
    """Load the model that a run has saved; it is there.

    Raises:
        DoesNotFit: The file does not load.
    """
    config = load_config(file=str(run.config_file), environ={})
    model = _loaded(run, config)
    record = run.record
    task = find_task(str(record.get("task") or CLASSIFICATION.name))
    columns = tuple(
        Column(**{**column, "vocabulary": tuple(column["vocabulary"])}) for column in record.get("columns") or ()
    )
    if isinstance(getattr(model, "input", None), dict):  # of raw columns; inside is that of encoded ones
        model = next(layer for layer in reversed(model.layers) if isinstance(layer, keras.Model))
    shape = tuple(record.get("input_shape") or _shape_of(model))
    names = tuple(map(str, record.get("class_names") or _numbered(model, task)))
    told = {name: bool(record.get(name)) for name in ("from_logits", "has_own_loss")}
    return SavedModel(model, task, names, shape, columns, scale=record.get("inputs") or {}, **told)


def _loaded(run: Run, config: Config) -> keras.Model:
    """Return the model; a layer of the user's own is found in the code that built it."""
    try:
        with open_regular(run.saved_model) as handle, open(handle, "rb", closefd=False) as file, ZipFile(file):
            pass
    except BadZipFile as error:
        raise DoesNotFit(
            f"the model of run {run.label} is damaged: {str(run.saved_model)!r} is cut short, or no archive at all",
            hint=f"train it again: `tbcli train --config {run.id}`",
        ) from error
    except OSError as error:
        raise DoesNotFit(
            f"cannot read the model of run {run.label}: {error.strerror or error}: {str(run.saved_model)!r}",
            hint=f"train it again: `tbcli train --config {run.id}`",
        ) from error
    attempts: list[Callable[[], Any]] = [lambda: None]
    if is_reference(config.model.name):
        attempts.append(lambda: load_user_object(config.model.name, what="model function", signature="model()"))
    failed: Exception | None = None
    for prepare in attempts:
        try:
            return keras.models.load_model(run.saved_model, compile=False, custom_objects=_names_beside(prepare()))
        except TbcliError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever Keras says of a file
            failed = error
    said = str(failed).strip().splitlines()
    raise DoesNotFit(
        f"the model of run {run.label} does not load: {said[0] if said else type(failed).__name__}",
        hint=f"`keras.models.load_model({str(run.saved_model)!r})` shows all of it",
    ) from failed


def _names_beside(function: Any) -> dict[str, Any]:
    """Return the classes and functions of the module that a function stands in."""
    found = getattr(function, "__globals__", {})
    return {name: value for name, value in found.items() if callable(value) and not name.startswith("_")}


def _shape_of(model: keras.Model) -> tuple[int, ...]:
    shape = model.input_shape
    return tuple(shape[1:]) if isinstance(shape, tuple) and not isinstance(shape[0], tuple) else ()


def _numbered(model: keras.Model, task: Task) -> list[str]:
    """Return numbers for names, for runs from before names were recorded."""
    outputs = int(model.output_shape[-1])
    return [str(number) for number in range(2 if task.has_classes and outputs == 1 else outputs)]
