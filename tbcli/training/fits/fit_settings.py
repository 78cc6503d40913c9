"""What is known of somebody's own `fit`: where it runs, and its optimizer, rate and batch size, not our defaults."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from tbcli.config import Config
from tbcli.models import precision_of
from tbcli.training.facts import git_state, package_versions
from tbcli.training.fits.compiled import Compiled
from tbcli.training.taps.fit import own_optimizers

UNKNOWN = "n/a"
Settings = dict[str, dict[str, Any]]
_OURS = ("record", "plot", "direction", "charts", "paths")
"""Sections that hold for recording, whoever trains."""


def known_settings(config: Config, model: Any, *, epochs: int | None) -> Settings:
    """Return ``{section: {name: value}}`` with what is the user's, and nothing of what nobody knows.

    Args:
        config: What was asked of recording.
        model: The compiled model.
        epochs: Number of the last epoch that the fit was asked for.
    """
    plain = config.as_dict()
    train = {
        "name": config.train.name,
        "note": config.train.note,
        "epochs": epochs,
        **_of_optimizers(model),
        "precision": precision_of(model),
        "steps_per_execution": _as_number(getattr(model, "steps_per_execution", None)),
    }
    return {
        "model": {"name": model_name(model)},
        "train": {name: value for name, value in train.items() if value is not None},
        **{section: plain[section] for section in _OURS if section in plain},
    }


def fit_facts(compiled: Compiled, model: Any) -> dict[str, Any]:
    """Return what the record of the run says from its beginning on.

    Args:
        compiled: What the model was compiled for.
        model: It, built.
    """
    facts = {
        "versions": package_versions(keras.config.backend()),
        "git": git_state(Path.cwd()),
        "backend": keras.config.backend(),
        "device": device_name(),
        "precision": precision_of(model),
        "parameters": count_parameters(model),
        "model": model_name(model),
        "data": UNKNOWN,
        "loss": ",".join(compiled.losses) or UNKNOWN,
    }
    return {**facts, "task": compiled.task.name} if compiled.task else facts


def device_name() -> str:
    """Return what the run says of its device."""
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        return "CPU" if not gpus else "GPU" if len(gpus) == 1 else f"{len(gpus)} x GPU"
    try:
        devices = keras.distribution.list_devices()
    except (AttributeError, NotImplementedError):  # Keras on PyTorch lists none
        return UNKNOWN
    return str(next(iter(devices), UNKNOWN)).partition(":")[0].upper()


def _of_optimizers(model: Any) -> dict[str, Any]:
    """Return what `settings_of_optimizer` does; of a model with optimizers of its own, which those are."""
    if own := own_optimizers(model):
        return {"optimizer": ",".join(f"{name}={type(each).__name__.lower()}" for name, each in own.items())}
    return settings_of_optimizer(model.optimizer)


def settings_of_optimizer(optimizer: Any) -> dict[str, Any]:
    """Return name, rate, schedule, momentum and weight decay of a Keras optimizer, None where they are not known."""
    if optimizer is None:
        return {}
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    try:
        config: Mapping[str, Any] = inner.get_config()
    except Exception:  # noqa: BLE001 - an optimizer of the user's own may not describe itself
        config = {}
    rate = config.get("learning_rate")
    is_schedule = isinstance(rate, Mapping)
    described = (rate.get("config") or {}) if isinstance(rate, Mapping) else {}
    return {
        "optimizer": type(inner).__name__.lower(),
        "learning_rate": _as_number(described.get("initial_learning_rate") if is_schedule else rate),
        "schedule": snake_name(str(rate.get("class_name"))) if isinstance(rate, Mapping) else None,
        "momentum": _as_number(config.get("momentum")),
        "weight_decay": _as_number(config.get("weight_decay")),
    }


def snake_name(name: str) -> str:
    """Return ``my_net`` of ``MyNet``, as Keras names what was given no name."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)).lower()


def model_name(model: Any) -> str:
    """Return what a model is called, without the number that Keras gives each further one of a process."""
    name = str(model.name)
    given = "functional" if type(model).__name__ == "Functional" else snake_name(type(model).__name__)
    return given if re.fullmatch(rf"{re.escape(given)}_\d+", name) else name


def rate_now(model: Any) -> float:
    """Return the learning rate of the next step; NaN where there is no single one."""
    try:
        return math.nan if own_optimizers(model) else float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
    except Exception:  # noqa: BLE001 - an optimizer of the user's own need not have one
        return math.nan


def count_parameters(model: Any) -> int:
    """Return the number of weights that a model has by now."""
    return sum(math.prod(weight.shape) for weight in model.weights)


def _as_number(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.7g}")  # all that float32 tells
    return value if isinstance(value, int) and not isinstance(value, bool) else None
