"""What there is to choose from: each of our networks with its arguments and its size for some data."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from tbcli.config import ModelConfig
from tbcli.data.dataset import Dataset
from tbcli.errors import DoesNotFit
from tbcli.loading import load_object
from tbcli.models import build_model
from tbcli.models.architectures import ARCHITECTURES, AUTO, choose_model


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One network.

    Args:
        name: What ``--model`` calls it.
        about: What it is, in a sentence.
        suits: What it takes: ``images`` or ``anything``.
        arguments: What ``--model-arg`` changes, with the defaults.
        parameters: How many it has for the data; None where it does not take them.
        reason: Why it does not.
        is_default: Whether ``auto`` chooses it for the data.
    """

    name: str
    about: str
    suits: str
    arguments: dict[str, Any]
    parameters: int | None
    reason: str
    is_default: bool


def list_models(dataset: Dataset) -> list[ModelFacts]:
    """Return our networks, each built once for the data."""
    return [_entry(name, dataset) for name in ARCHITECTURES]


def _entry(name: str, dataset: Dataset) -> ModelFacts:
    architecture = ARCHITECTURES[name]
    body = load_object(architecture.body)
    parameters, reason = None, ""
    try:
        parameters = build_model(ModelConfig(name=name), dataset, "float32").count_params()
    except DoesNotFit as error:
        reason = error.message
    own = list(inspect.signature(body).parameters.values())[1:]
    return ModelFacts(
        name=name,
        about=(inspect.getdoc(body) or "").partition("\n")[0],
        suits="images" if architecture.is_for_images else "anything",
        arguments={each.name: each.default for each in own},
        parameters=parameters,
        reason=reason,
        is_default=choose_model(AUTO, dataset) == name,
    )
