"""Findings about single layers: units that are dead, gradients that vanish or explode."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from tbcli.doctor.course import Known
from tbcli.doctor.findings import Finding
from tbcli.doctor.trends import Values
from tbcli.naming.shortening import few

_DEAD = 0.9  # of the units of a layer
_VANISHED = 1e-5  # of the largest norm of any layer
_EXPLODED = 100.0  # times the usual norm of all gradients
_TOLD = 3


def findings_on_layers(
    dead: Mapping[str, Values], norms: Mapping[str, Values], whole: Values | None, known: Known
) -> Iterator[Finding]:
    """Yield what is wrong with the layers of a model.

    Args:
        dead: The share of units of each layer that are zero for every sample looked at, by layer.
        norms: The norm of the gradient of each layer, by layer.
        whole: That of all layers together; None where it is not known.
        known: What is known of the training.
    """
    yield from _dead_layers(dead, known)
    yield from _vanishing(norms, known)
    yield from _exploding(whole, known)


def _dead_layers(dead: Mapping[str, Values], known: Known) -> Iterator[Finding]:
    shares = {layer: float(values[-1]) for layer, values in dead.items() if len(values) and values[-1] >= _DEAD}
    if not shares:
        return
    told = _listed(f"{share:.0%} of {layer!r}" for layer, share in shares.items())
    rate = known.lower_rate
    yield Finding(
        level="warning",
        name="dead-layer",
        what=f"dead units, whose output is 0 for every sample: {told}",
        why="a dead unit gets no gradient, so it never recovers, and the layer learns less than it could",
        fix=known.again(f"--learning-rate {rate}", "use a smaller learning rate, or leaky_relu instead of relu"),
        where=f"layer {', '.join(list(shares)[:_TOLD])}",
    )


def _vanishing(norms: Mapping[str, Values], known: Known) -> Iterator[Finding]:
    """Yield layers that gradients hardly reach, at no time of the training."""
    finite = {layer: values[np.isfinite(values)] for layer, values in norms.items()}
    highest = {layer: float(values.max()) for layer, values in finite.items() if len(values)}
    largest = max(highest.values(), default=0.0)
    lost = {layer: norm for layer, norm in highest.items() if norm < _VANISHED * largest}
    if not lost:
        return
    told = _listed(f"{layer!r} {norm:.2g}" for layer, norm in lost.items())
    yield Finding(
        level="warning",
        name="vanishing-gradients",
        what=f"gradients hardly reach some layers: {told}, while the largest norm is {largest:.2g}",
        why="these layers stay at their initial weights",
        fix="use relu, normalisation or skip connections"
        + (f"; `tbcli plot {shlex.quote(known.run)} --kind gradients` shows how they change" if known.run else ""),
        where=f"layer {', '.join(list(lost)[:_TOLD])}",
    )


def _exploding(whole: Values | None, known: Known) -> Iterator[Finding]:
    """Yield a gradient that became not finite, or at the end is far beyond what it was before."""
    if whole is None or not len(whole):
        return
    bad = np.flatnonzero(~np.isfinite(whole))
    usual = float(np.median(whole[np.isfinite(whole)])) if len(bad) < len(whole) else 0.0
    is_huge = len(whole) > 3 and float(whole[-2:].min()) > _EXPLODED * max(usual, float(whole[0]))
    if not (len(bad) or is_huge):
        return
    told = f"is {whole[bad[0]]}" if len(bad) else f"is {whole[-1]:.2g}, where {usual:.2g} was usual"
    yield Finding(
        level="warning",
        name="exploding-gradients",
        what=f"the norm of the gradient {told}",
        why="one such step can undo what was learnt before",
        fix=known.again(f"--learning-rate {known.lower_rate}", "use a smaller learning rate, or clip gradients"),
        where="gradients",
    )


def _listed(texts: Iterable[str]) -> str:
    return few(list(texts), _TOLD)
