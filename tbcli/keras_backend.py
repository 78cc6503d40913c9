"""Keras on TensorFlow, whatever the environment or ``~/.keras/keras.json`` ask for."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tbcli.errors import ConfigError, TrainingFailed, telling_line
from tbcli.loading import hidden

BACKEND = "KERAS_BACKEND"  # Keras' own variable; it wins over the file


def require_backend() -> None:
    """Check that Keras, where this process has loaded it, computes as tbcli needs it.

    Raises:
        ConfigError: It does not.
    """
    if "keras" not in sys.modules:
        return
    config = importlib.import_module("keras").config
    settings = {
        "backend": (config.backend(), "tensorflow"),
        "image data format": (config.image_data_format(), "channels_last"),
        "float type": (config.floatx(), "float32"),
    }
    for name, (found, needed) in settings.items():
        if found != needed:
            raise ConfigError(
                f"tbcli trains with the {name} {needed!r}, but this process has loaded Keras with {found!r}",
                hint="train in a process of its own (`tbcli train`), or configure Keras before it is imported",
            )


def load_keras(*absent: str) -> None:
    """Import Keras on TensorFlow, with images as ``[height, width, channels]`` and weights in float32.

    Args:
        absent: Packages that are to look as if they were not installed.

    Raises:
        ConfigError: This process has loaded it otherwise.
        TrainingFailed: It cannot be loaded: broken, or larger than the memory that the process may take.
    """
    is_ours = "keras" not in sys.modules
    try:
        with hidden(*absent), _backend_said("tensorflow"):
            keras = importlib.import_module("keras")
    except ImportError as error:
        raise TrainingFailed(
            f"TensorFlow cannot be loaded: {telling_line(error)}",
            hint="`tbcli doctor --deep` looks at the installation; `ulimit -v` shows a limit of memory",
        ) from error
    if is_ours:  # else they are somebody's choice, which stays
        keras.config.set_image_data_format("channels_last")
        keras.config.set_floatx("float32")
    require_backend()


@contextmanager
def _backend_said(backend: str) -> Iterator[None]:
    """Say a backend for as long as it takes to import Keras; a process that is started later is not to inherit it."""
    before = os.environ.get(BACKEND)
    os.environ[BACKEND] = backend
    try:
        yield
    finally:
        if before is None:
            del os.environ[BACKEND]
        else:
            os.environ[BACKEND] = before
