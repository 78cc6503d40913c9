"""How learning went, layer by layer: what the gradients recorder of a run has written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tbcli.errors import NotFound
from tbcli.readers.scalars import Series, read_scalars
from tbcli.runs import Run

_NORMS, _UPDATES, _DEAD = "gradients/", "updates/", "dead_units/"
_GLOBAL = "global_norm"


@dataclass(frozen=True, slots=True)
class GradientHealth:
    """Curves by layer, in the order of the model; x is the epoch.

    Args:
        whole: Norm of the gradient of all layers; None where it is not recorded.
        norms: Norm of the gradient of each layer.
        updates: What a step changes, as a share of the weights.
        dead: Share of the units that never answer.
        damage: Sentences about what could not be read.
    """

    whole: Series | None
    norms: Mapping[str, Series]
    updates: Mapping[str, Series]
    dead: Mapping[str, Series]
    damage: tuple[str, ...] = ()


def read_gradients(run: Run) -> GradientHealth:
    """Return what a run tells of its gradients.

    Raises:
        NotFound: It has recorded none, or not yet.
    """
    found = read_scalars(run.logs / "train", (_NORMS, _UPDATES, _DEAD))
    if not found.series:
        when = "after its first epoch" if run.is_live() else "with `--record gradients`, or a level above light"
        raise NotFound(f"run {run.label} has recorded no gradients", hint=f"a training writes them {when}")

    def by_layer(prefix: str) -> dict[str, Series]:
        return {tag.removeprefix(prefix): series for tag, series in found.series.items() if tag.startswith(prefix)}

    norms = by_layer(_NORMS)
    return GradientHealth(norms.pop(_GLOBAL, None), norms, by_layer(_UPDATES), by_layer(_DEAD), found.damage)
