"""Save the trained model in formats that load without tbcli; each file is loaded back and compared."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import FunctionType
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tbcli.data.dataset import Column
from tbcli.errors import ConfigError, TrainingFailed, telling_line
from tbcli.models.table_model import raw_rows, with_raw_columns
from tbcli.recorders.kernels import walk_layers
from tbcli.runs.disk import disk_words, is_of_disk
from tbcli.runs.files import atomic_file, sync, sync_tree
from tbcli.training.failures import is_out_of_memory
from tbcli.training.rescue import keep_weights, prove_room, save_weights

_NOT_LOADED = (TypeError, ValueError, NotImplementedError, AttributeError)  # what a class of the user's may do
_HELPERS = (keras.initializers.Initializer, keras.regularizers.Regularizer, keras.constraints.Constraint)
_LEAVE_OUT = "leave this `--save-format` out: .keras is written anyway"
_REBUILD = "build the model again and give it the weights: `model.load_weights(FILE)`"
_LIBRARIES = ("keras", "tensorflow")
_TOLERANCE = 1e-4  # of a probability or of the largest value, float32 against float32: other kernels round differently


def require_formats(model: keras.Model, formats: Sequence[str], columns: Sequence[Column]) -> None:
    """Check before training that what is trained can be saved as asked.

    Raises:
        ConfigError: A format does not hold such a model.
    """
    operations = [each for each in getattr(model, "operations", ()) if not isinstance(each, keras.layers.Layer)]
    if "h5" in formats and (columns or operations):
        what = "the model of a table" if columns else f"a model with the operation {operations[0].name!r}"
        raise ConfigError(f"--save-format h5 does not hold {what}", hint="leave it out: .keras is written anyway")


class FormatFailed(TrainingFailed):
    """The model is saved in Keras' own format, and not in another one that was asked for."""


def save_model(
    model: keras.Model,
    directory: Path,
    stem: str,
    formats: Sequence[str],
    samples: np.ndarray,
    columns: Sequence[Column] = (),
    warn: Callable[[str], None] = lambda _: None,
    *,
    elsewhere: Sequence[Path] = (),
    check: Callable[[], None] = lambda: None,
) -> list[Path]:
    """Write the model in each format, load each back, and compare its predictions.

    The model of a table is saved as one of its raw columns; only as TFLite, which has no strings, it takes the numbers
    and codes that it was trained on.

    Args:
        model: In float32.
        directory: Made if need be.
        stem: File name without suffix, as ``mnist_cnn_model``.
        formats: Names from `tbcli.config.SAVE_FORMATS`; ``keras`` is always written, as the first one.
        samples: Inputs ``[n, ...]`` for the comparison.
        columns: Those of a table; empty for anything else.
        warn: Receives what somebody must know who loads a file.
        elsewhere: Directories of which the first with room gets the weights, if Keras' own format cannot be written;
            what went there before goes once it is.
        check: Called before each further format; may raise to stop.

    Returns:
        The files and directories written.

    Raises:
        TrainingFailed: A file could not be written, or its predictions differ from the model's; a `FormatFailed` once
            all other formats are written.
    """
    answers = _Answers(model, samples, columns)
    own = own_code(model)
    written = [_save_first(answers, directory, stem, elsewhere, warn if own else None)]
    failed: list[TrainingFailed] = []
    for name in dict.fromkeys(formats):
        if name == "keras":
            continue
        check()
        path = directory / f"{stem}{_FORMATS[name][0]}"
        try:
            answers.save(path, name)
        except TrainingFailed as error:
            failed.append(error)
        except Exception as error:  # noqa: BLE001 - a converter's may be of any kind; what was learnt is saved
            if own and isinstance(error, _NOT_LOADED):
                written.append(save_weights(model, directory / f"{stem}.weights.h5"))
                warn(f"{path.name} does not load: {telling_line(error)}; {written[-1].name} holds the weights")
            else:
                failed.append(_unsaved(path, error))
        else:
            written.append(path)
    if own:
        warn(f"the saved model loads only with your code: {', '.join(own)}")
    _forget_rescued(elsewhere, stem, written)
    if failed:
        raise FormatFailed(f"{failed[0].message}; {str(written[0])!r} is whole", hint=failed[0].hint)
    return list(dict.fromkeys(written))


def _forget_rescued(directories: Iterable[Path], stem: str, written: Iterable[Path]) -> None:
    """Remove the weights that an earlier end of this training left, now that the model is saved."""
    for directory in directories:
        path = directory / f"{stem}.weights.h5"
        if path not in written and not directory.is_symlink():
            with suppress(OSError):
                path.unlink()
                directory.rmdir()  # goes only where nothing else is in it: in the system's temporary directory


def _save_first(
    answers: _Answers, directory: Path, stem: str, elsewhere: Sequence[Path], warn: Callable[[str], None] | None
) -> Path:
    """Save in Keras' own format, whatever it takes.

    Args:
        answers: Those of the model.
        directory: Where it belongs.
        stem: File name without suffix.
        elsewhere: Where the weights go if that takes nothing.
        warn: Given where the model has code of the user's, which may not load.

    Raises:
        TrainingFailed: It is somewhere else, or nowhere, or not as it was.
    """
    path = directory / f"{stem}.keras"
    try:
        answers.save(path, "keras")
    except TrainingFailed:
        raise
    except Exception as error:
        if warn and isinstance(error, _NOT_LOADED):
            weights = save_weights(answers.model, directory / f"{stem}.weights.h5")
            warn(f"{path.name} does not load: {telling_line(error)}; {weights.name} holds the weights")
            return weights
        place = keep_weights(answers.model, elsewhere, stem)
        raise _unsaved(path, error, place) from error
    return path


def _unsaved(path: Path, error: BaseException, place: Path | None = None) -> TrainingFailed:
    """Return what to say of a file that was not saved, and where the weights are instead."""
    what, hint = disk_words(error) if is_of_disk(error) else (telling_line(error), "")
    if is_out_of_memory(error):
        what, hint = "out of memory", "end other programs, then train again"
    instead = f"; the weights are in {str(place)!r}" if place else ""
    return TrainingFailed(
        f"cannot save the model as {str(path)!r}: {what}{instead}",
        hint=hint or (_REBUILD if path.suffix == ".keras" else _LEAVE_OUT),
    )


class _Answers:
    """What a model answers, to be compared with what its files do."""

    def __init__(self, model: keras.Model, samples: np.ndarray, columns: Sequence[Column]) -> None:
        self.model, self._samples, self._columns = model, samples, columns
        self._expected = np.asarray(model(samples, training=False))

    def save(self, path: Path, name: str) -> None:
        """Save in a format.

        Raises:
            TrainingFailed: The file answers otherwise.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        prove_room(self.model, path.parent)
        found, expected = _saved_and_asked(self.model, path, name, self._samples, self._columns), self._expected
        # NaN in both places is agreement; NaN in one is not.
        if not np.allclose(found, expected, atol=_TOLERANCE * _size_of(expected), equal_nan=True):
            difference = float(np.abs(found - expected).max())
            raise TrainingFailed(
                f"{str(path)!r} gives predictions that differ from the trained model's by up to {difference:.2g}",
                hint="use another `--save-format`; this one does not reproduce this model",
            )


def _saved_and_asked(
    model: keras.Model, path: Path, name: str, samples: np.ndarray, columns: Sequence[Column]
) -> np.ndarray:
    """Save a model in a format, and return what the file predicts."""
    _, save, predict = _FORMATS[name]
    with warnings.catch_warnings(), keras.saving.custom_object_scope(own_code(model)):
        warnings.simplefilter("ignore")  # the user asked for the old formats knowingly
        subject, inputs = _of_raw_columns(model, samples, columns, name) if columns else (model, samples)
        save(subject, path)
        return predict(path, inputs)


def own_code(model: keras.Model) -> dict[str, Any]:
    """Return classes and functions in a model that are not Keras', by name: a file does not hold their code."""
    parts = [part for layer in walk_layers(model) for part in (type(layer), *_parts_of(layer))]
    return {part.__name__: part for part in parts if str(part.__module__).partition(".")[0] not in _LIBRARIES}


def _parts_of(layer: keras.layers.Layer) -> Iterator[Any]:
    """Yield what a layer was given to work with: functions, as an activation, and classes, as of an initializer."""
    if isinstance(layer, keras.Model):
        return  # holds a loss, which is not saved
    for value in vars(layer).values():
        if isinstance(value, FunctionType):
            yield value
        elif isinstance(value, _HELPERS):
            yield type(value)


def _size_of(outputs: np.ndarray) -> float:
    """Return the largest of the outputs, 1 for those of probabilities."""
    return max(1.0, float(np.max(np.abs(outputs), where=np.isfinite(outputs), initial=0.0)))


def _of_raw_columns(
    model: keras.Model, samples: np.ndarray, columns: Sequence[Column], name: str
) -> tuple[keras.Model, Any]:
    """Return the model of a table as a format can hold it, and the samples as that one takes them."""
    if name == "tflite":
        return model, samples
    is_plain = name == "savedmodel"
    subject = with_raw_columns(model, columns, plain_names=is_plain)
    return subject, raw_rows(samples, columns, plain_names=is_plain)


def _save_file(model: keras.Model, path: Path) -> None:
    with atomic_file(path) as temporary:
        model.save(temporary)


def _save_directory(model: keras.Model, path: Path) -> None:
    temporary = path.with_name(f".{path.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        model.export(temporary, verbose=False)
        sync_tree(temporary)
        temporary.rename(path)
        sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _save_tflite(model: keras.Model, path: Path) -> None:
    content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def _predict_keras(path: Path, samples: Any) -> np.ndarray:
    return np.asarray(keras.models.load_model(path, compile=False)(samples, training=False))


def _predict_savedmodel(path: Path, samples: Any) -> np.ndarray:
    loaded = tf.saved_model.load(str(path))  # held: its function lives no longer than it
    return np.asarray(loaded.serve(samples if isinstance(samples, dict) else tf.cast(samples, tf.float32)))


def _predict_tflite(path: Path, samples: np.ndarray) -> np.ndarray:
    interpreter = tf.lite.Interpreter(str(path))
    place, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    interpreter.resize_tensor_input(place["index"], samples.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(place["index"], samples.astype(place["dtype"]))
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(result["index"]))


_Save = Callable[[keras.Model, Path], None]
_Predict = Callable[[Path, Any], np.ndarray]
_FORMATS: dict[str, tuple[str, _Save, _Predict]] = {
    "keras": (".keras", _save_file, _predict_keras),
    "h5": (".h5", _save_file, _predict_keras),
    "savedmodel": ("_savedmodel", _save_directory, _predict_savedmodel),
    "tflite": (".tflite", _save_tflite, _predict_tflite),
}
