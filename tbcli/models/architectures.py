"""What ``--model`` may name, checked and chosen without Keras."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tbcli.config import ModelConfig
from tbcli.config.paths import expanded
from tbcli.errors import ConfigError, NotFound
from tbcli.naming.matching import did_you_mean, listed
from tbcli.naming.slugs import slug_of
from tbcli.usercode import is_reference

if TYPE_CHECKING:
    from tbcli.data.dataset import Dataset

AUTO = "auto"
FEATURES = "features"
"""The name of the layer that our heads stand on."""
FILE_SUFFIXES = (".keras", ".h5", ".hdf5")
_IMAGE_AXES = 3


class Architecture(NamedTuple):
    """One of our networks.

    Args:
        body: ``module:function`` from prepared inputs to the features that the head stands on.
        is_for_images: Whether it takes ``[height, width, channels]`` rather than one row of numbers.
    """

    body: str
    is_for_images: bool


ARCHITECTURES = {
    "cnn": Architecture("tbcli.models.cnn:cnn", True),
    "resnet": Architecture("tbcli.models.resnet:resnet", True),
    "vit": Architecture("tbcli.models.vit:vit", True),
    "mlp": Architecture("tbcli.models.dense:mlp", False),
    "linear": Architecture("tbcli.models.dense:linear", False),
}
MODELS = (AUTO, *ARCHITECTURES)
"""The names that shells complete; a path of the same name needs a slash."""


def require_model(config: ModelConfig) -> None:
    """Check that a model of this name can be looked for, without importing anything.

    Raises:
        ConfigError: It is neither one of ours, nor of `keras.applications`, nor a function or a file.
        NotFound: There is no such file.
    """
    name = config.name
    if is_file(name):
        require_file(name, "model file")
    elif not (name in MODELS or is_reference(name) or is_application(name)):
        raise ConfigError(f"unknown model {name!r}", hint=_what_else(name))
    if config.weights:
        require_file(config.weights, "file of weights")


def _what_else(name: str) -> str:
    if name.endswith(".py"):
        return f"name its function too: `--model {name}:FUNCTION`"
    guess = did_you_mean(name, (*MODELS, *application_names()))
    if guess.startswith("did"):
        return guess
    return f"known: {', '.join(MODELS)}; also FILE.py:FUNCTION, FILE.keras; `tbcli models` lists all"


def is_file(name: str) -> bool:
    """Return whether a name is that of a saved model's file."""
    return name.endswith(FILE_SUFFIXES)


def require_file(name: str, what: str) -> Path:
    """Return the absolute path of a file.

    Raises:
        NotFound: There is none.
    """
    path = expanded(name).absolute()
    if not path.is_file():
        beside = sorted(each.name for each in path.parent.iterdir()) if path.parent.is_dir() else []
        there = f"{str(path.parent)!r} has {listed(beside)}" if beside else f"there is no {str(path.parent)!r}"
        raise NotFound(f"no {what} {str(path)!r}", hint=there)
    return path


@cache
def application_names() -> tuple[str, ...]:
    """Return the models of `keras.applications`, read from its list of names rather than by importing it."""
    spec = find_spec("keras")
    places = (spec and spec.submodule_search_locations) or ()
    lists = [Path(place) / "applications" / "__init__.py" for place in places]
    text = "".join(each.read_text("utf-8") for each in lists if each.is_file())
    return tuple(sorted(re.findall(r"\bas ([A-Z]\w+)", text)))


def is_application(name: str) -> bool:
    """Return whether `keras.applications` has a model of this name."""
    return name in application_names()


def choose_model(name: str, dataset: Dataset) -> str:
    """Return the name of the model to build: what was asked for, or with ``auto`` what suits the data."""
    if name != AUTO:
        return name
    return "cnn" if holds_images(dataset) else "mlp"


def holds_images(dataset: Dataset) -> bool:
    """Return whether samples are images: height, width and channels; without channels if they are bytes."""
    axes = len(dataset.input_shape)
    return axes == _IMAGE_AXES or (axes == _IMAGE_AXES - 1 and dataset.train.inputs.dtype == "uint8")


def describe_samples(dataset: Dataset) -> str:
    """Return what samples are, as ``images of 28x28x1``."""
    if dataset.columns:
        return f"a table of {len(dataset.columns)} columns"
    size = "x".join(map(str, dataset.input_shape))
    return f"images of {size}" if holds_images(dataset) else f"samples of {size} numbers"


def short_name(name: str) -> str:
    """Return what the record of a run and the file of its model call it: ``nets.py:build`` is ``nets-build``."""
    place, _, function = name.rpartition(":")
    if is_file(name):
        return slug_of(Path(name).stem) or "model"
    return slug_of(f"{Path(place).stem if place.endswith('.py') else place} {function}") or "model"
