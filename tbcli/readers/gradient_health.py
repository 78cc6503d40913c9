"""Gradient health, layer by layer, as written by the gradients recorder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tbcli.errors import NotFound
from tbcli.events.damage import TORN, located
from tbcli.naming import tags
from tbcli.readers.events import read_scalars
from tbcli.readers.series import Series
from tbcli.runs import Run
from tbcli.runs.evidence import read_layers


@dataclass(frozen=True, slots=True)
class GradientHealth:
    """Curves by layer; x is the epoch.

    Args:
        layers: All that have a curve, in the order of the model where the run tells it.
        whole: Norm of the gradient of all layers; None where it is not recorded.
        norms: Norm of the gradient of each layer.
        updates: What a step changes, as a share of the weights.
        dead: Share of the units that never answer.
        damage: Sentences about what could not be read.
    """

    layers: tuple[str, ...]
    whole: Series | None
    norms: Mapping[str, Series]
    updates: Mapping[str, Series]
    dead: Mapping[str, Series]
    damage: tuple[str, ...] = ()


def read_gradients(run: Run) -> GradientHealth:
    """Return the gradient health of a run.

    Raises:
        NotFound: It has recorded none, or not yet.
    """
    directory = run.logs / "train"
    patterns = [f"{prefix}*" for prefix in (tags.GRADIENTS, tags.UPDATES, tags.DEAD_UNITS)]
    found = read_scalars(directory, tags=patterns, runs=["."]) if directory.is_dir() else None
    if not found:
        when = "after its first epoch" if run.is_live() else "with `--record gradients`, or a level above light"
        raise NotFound(f"run {run.label} has recorded no gradients", hint=f"a training writes them {when}")
    curves = {series.tag: series for series in found}
    whole = curves.pop(tags.GLOBAL_NORM, None)
    layers = in_model_order({tag.partition("/")[2] for tag in curves}, read_layers(run))

    def by_layer(prefix: str) -> dict[str, Series]:
        return {layer: curves[prefix + layer] for layer in layers if prefix + layer in curves}

    is_live = run.is_live()  # then a last record that is cut short is one that is being written
    damage = tuple(
        str(one) for one in located(found.damage, directory) if one.is_loss and not (is_live and one.kind == TORN)
    )
    return GradientHealth(
        tuple(layers), whole, by_layer(tags.GRADIENTS), by_layer(tags.UPDATES), by_layer(tags.DEAD_UNITS), damage
    )


def in_model_order(names: set[str], layers: Sequence[str]) -> list[str]:
    """Return names of layers, or of what is nested in them, from the input on; those not known last, 2 before 10."""
    places = {layer: place for place, layer in enumerate(layers)}

    def place(name: str) -> tuple[int, list[tuple[int, str]]]:
        found = places.get(name, places.get(name.partition("/")[0], len(layers)))
        words = re.findall(r"\d+|\D+", name)
        return found, [(int(word), "") if word.isdecimal() else (-1, word) for word in words]

    return sorted(names, key=place)
