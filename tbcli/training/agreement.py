"""Whether the processes of one training agree: on what they train before it, and on its weights while it goes on."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from tbcli.errors import DoesNotFit, TrainingFailed

_ROUNDING = 1e-3  # of the largest value: machines of several kinds round differently, which adds up over many steps
_ANY = 1e9  # where one of two is not finite
_PARTS = {
    "versions": "",
    "weights": "its weights are others, or of another shape",
    "precision": "it computes in another precision",
    "layers": "its layers have other code or arguments",
    "loss": "its loss has other code or arguments",
    "optimizer": "its optimizer has other arguments",
}


def parts_of(model: keras.Model, facts: Mapping[str, Any]) -> list[int]:
    """Return checksums of what each process makes for itself, and must be alike; 0 of what is not known.

    Args:
        model: Compiled, its optimizer built.
        facts: What a run's record would say of it.
    """
    code = facts.get("code") or {}
    shapes = [(tuple(each.shape), str(each.dtype)) for each in variables_of(model)]
    layers = [code.get("layers"), code.get("whole")] if code else None
    parts = {"versions": code.get("of"), "weights": shapes, "precision": facts.get("precision"), "layers": layers}
    parts |= {name: code.get(name) for name in ("loss", "optimizer")}
    return [zlib.crc32(repr(parts[name]).encode()) if parts[name] else 0 for name in _PARTS]


def require_same_parts(ours: Sequence[int], theirs: Sequence[int]) -> None:
    """Check what this process made against what the first one made.

    Raises:
        DoesNotFit: It trains something else.
    """
    is_of_one_version = ours[0] == theirs[0]  # else hashes of code say nothing
    for (name, what), own, other in list(zip(_PARTS.items(), ours, theirs, strict=True))[1:]:
        is_known = own and other and (is_of_one_version or name in ("weights", "precision"))
        if is_known and own != other:
            raise DoesNotFit(
                f"the model is not that of worker 0: {what}",
                hint="all workers need the same files; a model function must give the same in each process",
            )


def variables_of(model: keras.Model) -> list[Any]:
    """Return those of a model and its optimizer that are numbers."""
    return [each for each in (*model.variables, *model.optimizer.variables) if each.dtype != "string"]


def compared_variables(model: keras.Model, *, at_end: bool) -> list[Any]:
    """Return the variables that each process must come to have the same values of."""
    is_averaged = getattr(model.optimizer, "inner_optimizer", model.optimizer).use_ema
    all_of_them = model.optimizer.variables if at_end and is_averaged else variables_of(model)  # the first has averaged
    return [each for each in all_of_them if each.dtype not in ("uint32", "string")]  # no seeds


def checksum_of(variables: Sequence[Any]) -> int:
    """Return a checksum of values, whose square is a whole number in a float64, and so are sums of both."""
    checksum = 0
    for each in variables:
        checksum = zlib.crc32(np.ascontiguousarray(each.numpy()).tobytes(), checksum)
    return checksum & 0xFFFFFF


def differences(variables: Sequence[Any], first: Sequence[Any]) -> list[float]:
    """Return how far each variable is from that of the first process, as a part of the largest value of that."""
    pairs = zip(variables, first, strict=True)
    return [_difference(np.asarray(mine.numpy(), np.float64), np.asarray(its)) for mine, its in pairs]


def _difference(mine: np.ndarray, its: np.ndarray) -> float:
    if np.array_equal(mine, its, equal_nan=True):
        return 0.0
    with np.errstate(all="ignore"):
        part = float(np.abs(mine - its).max() / max(np.abs(its).max(), np.finfo(np.float32).tiny))
    return min(part, _ANY) if part == part else _ANY


class Disagreement(NamedTuple):
    """Between the processes.

    Args:
        what: The variable that differs most, and by how much.
        is_of_weights: Whether what is trained differs by more than rounding.
        is_of_states: Else: whether it is what a layer keeps by itself, of the samples that it has seen.
    """

    what: str
    is_of_weights: bool
    is_of_states: bool


def largest_difference(model: keras.Model, variables: Sequence[Any], parts: Sequence[float]) -> Disagreement:
    """Return the disagreement that matters most.

    Args:
        model: Tells which variables are trained.
        variables: All that were compared.
        parts: How far each is from that of the first process; see `differences`.
    """
    kept = {id(each) for each in model.non_trainable_variables}
    is_more = [part > _ROUNDING for part in parts]
    is_trained = [id(each) not in kept for each in variables]
    worst = max(range(len(parts)), key=lambda at: (is_more[at], is_more[at] and is_trained[at], parts[at]))
    what = f"{variables[worst].path!r} differs by {parts[worst]:.1e} of its largest value"
    return Disagreement(what, is_more[worst] and is_trained[worst], is_more[worst] and not is_trained[worst])


def others_differ(difference: Disagreement) -> TrainingFailed:
    """Return the failure of a training whose processes came to different weights."""
    return TrainingFailed(
        f"the workers do not have the same weights: {difference.what}; what is kept is of the first one",
        hint="do all run the same code with the same files? `tbcli train --config RUN` begins anew, "
        "`tbcli train --resume RUN` goes on with the weights of the first one",
    )
