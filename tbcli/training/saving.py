"""Save the trained model in formats that load without tbcli; each file is loaded back and compared."""

from __future__ import annotations

import errno
import shutil
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tbcli.errors import TrainingFailed
from tbcli.runs.files import atomic_file

_TOLERANCE = 1e-4  # of a probability, float32 against float32; other kernels round differently


def save_model(
    model: keras.Model, directory: Path, stem: str, formats: Sequence[str], samples: np.ndarray
) -> list[Path]:
    """Write the model in each format, load each back, and compare its predictions.

    Args:
        model: In float32.
        directory: Made if need be.
        stem: File name without suffix, as ``mnist_cnn_model``.
        formats: Names from `tbcli.config.SAVE_FORMATS`; ``keras`` is always written.
        samples: Inputs ``[n, ...]`` for the comparison.

    Returns:
        The files and directories written.

    Raises:
        TrainingFailed: A file could not be written, or its predictions differ from the model's.
    """
    directory.mkdir(parents=True, exist_ok=True)
    expected = np.asarray(model(samples, training=False))
    written = []
    for name in dict.fromkeys(("keras", *formats)):
        suffix, save, predict = _FORMATS[name]
        path = directory / f"{stem}{suffix}"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the user asked for the old formats knowingly
                save(model, path)
                found = predict(path, samples)
        except (OSError, tf.errors.OpError) as error:
            full = getattr(error, "errno", None) == errno.ENOSPC or isinstance(error, tf.errors.ResourceExhaustedError)
            raise TrainingFailed(
                f"cannot save the model as {str(path)!r}: {'the disk is full' if full else error}",
                hint="free some space or use `--models-dir`, then train again",
            ) from error
        # NaN in both places is agreement; NaN in one is not.
        if not np.allclose(found, expected, atol=_TOLERANCE, equal_nan=True):
            difference = float(np.abs(found - expected).max())
            raise TrainingFailed(
                f"{str(path)!r} gives predictions that differ from the trained model's by up to {difference:.2g}",
                hint="use another `--save-format`; this one does not reproduce this model",
            )
        written.append(path)
    return written


def _save_file(model: keras.Model, path: Path) -> None:
    with atomic_file(path) as temporary:
        model.save(temporary)


def _save_directory(model: keras.Model, path: Path) -> None:
    temporary = path.with_name(f".{path.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        model.export(temporary, verbose=False)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _save_tflite(model: keras.Model, path: Path) -> None:
    content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def _predict_keras(path: Path, samples: np.ndarray) -> np.ndarray:
    return np.asarray(keras.models.load_model(path, compile=False)(samples, training=False))


def _predict_savedmodel(path: Path, samples: np.ndarray) -> np.ndarray:
    loaded = tf.saved_model.load(str(path))  # held: its function lives no longer than it
    return np.asarray(loaded.serve(tf.cast(samples, tf.float32)))


def _predict_tflite(path: Path, samples: np.ndarray) -> np.ndarray:
    interpreter = tf.lite.Interpreter(str(path))
    place, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    interpreter.resize_tensor_input(place["index"], samples.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(place["index"], samples.astype(place["dtype"]))
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(result["index"]))


_Save = Callable[[keras.Model, Path], None]
_Predict = Callable[[Path, np.ndarray], np.ndarray]
_FORMATS: dict[str, tuple[str, _Save, _Predict]] = {
    "keras": (".keras", _save_file, _predict_keras),
    "h5": (".h5", _save_file, _predict_keras),
    "savedmodel": ("_savedmodel", _save_directory, _predict_savedmodel),
    "tflite": (".tflite", _save_tflite, _predict_tflite),
}
