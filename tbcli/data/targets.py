"""What the targets of samples mean: which task, which classes; the same rules for arrays, tables and functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tbcli.errors import DoesNotFit
from tbcli.naming.matching import listed
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION, Task

MOST_CLASSES = 100  # different whole numbers of an array of integers, beyond which they are values
FEW_CLASSES = 20  # the same of numbers that could as well be fractions, or stand in a table
_SAMPLES_OF_TEXT = 100  # different words, beyond which half of the rows must share theirs with others


@dataclass(frozen=True, slots=True)
class Targets:
    """Targets as a task wants them.

    Args:
        task: What is learnt.
        labels: Class numbers ``[m]``, int64; labels ``[m, k]``, uint8; or values ``[m, k]``, float32.
        names: A name for each class, label or value.
        notes: What was guessed, a sentence each.
    """

    task: Task
    labels: np.ndarray
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_targets(
    values: np.ndarray, task: str = "auto", *, names: Sequence[str] = (), few: int = MOST_CLASSES, what: str = "targets"
) -> Targets:
    """Return what targets mean.

    Args:
        values: One row per sample: numbers, words or truth values ``[m]``, or several of them ``[m, k]``.
        task: The name of a task, or ``auto``, with which the values tell.
        names: Names of the classes, labels or values where the source has them.
        few: So many different whole numbers at most are classes.
        what: What messages call the targets.

    Raises:
        DoesNotFit: They are no targets, or not those of the task.
    """
    values = _plain(values, what)
    if values.ndim == 2:
        return _read_rows(values, task, names, what)
    if values.dtype.kind == "U":
        return _read_words(values, task, names, what)
    return _read_numbers(values, task, names, few, what)


def _plain(values: np.ndarray, what: str) -> np.ndarray:
    """Return values ``[m]`` or ``[m, k]`` of a kind that is known: words, truth values, whole numbers or floats."""
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    elif values.dtype == object:
        values = _unboxed(values, what)
    if values.ndim == 0 or (values.ndim > 2 and values[0].size > 1) or not values.size:
        raise DoesNotFit(
            f"the {what} have shape {list(values.shape)}", hint="one row per sample: [n], or [n, k] for several values"
        )
    if values.dtype.kind not in "UbiufT":
        raise DoesNotFit(f"the {what} are of type {values.dtype}", hint="targets must be numbers, strings or booleans")
    if values.dtype.kind == "T":
        values = values.astype(str)
    if len(values) == 1:
        raise DoesNotFit("there is only one sample", hint="training needs at least two, and more to evaluate on")
    values = values.reshape(len(values), -1)
    if values.dtype.kind == "f":
        _require_finite(values, what)
    return values[:, 0] if values.shape[1] == 1 else values


def _unboxed(values: np.ndarray, what: str) -> np.ndarray:
    """Return an array of objects as one of words or of numbers."""
    if all(isinstance(each, (str, bytes)) for each in values.flat):
        words = [each.decode("utf-8", "replace") if isinstance(each, bytes) else each for each in values.flat]
        return np.array(words).reshape(values.shape)
    if all(isinstance(each, (bool, int, float, np.number, np.bool_)) for each in values.flat):
        return np.array(values.tolist())
    kinds = sorted({type(each).__name__ for each in values.flat})
    raise DoesNotFit(f"the {what} are objects: {listed(kinds)}", hint="targets must be numbers, strings or booleans")


def _require_finite(values: np.ndarray, what: str) -> None:
    odd = ~np.isfinite(values).all(axis=1)
    if odd.any():
        first = int(np.flatnonzero(odd)[0])
        kind = "NaN" if np.isnan(values[first]).any() else "infinite"
        raise DoesNotFit(
            f"{int(odd.sum()):,} of {len(values):,} {what} are NaN or infinite; the first is {kind}, of sample {first}",
            hint="remove those samples, or give them a value",
        )


def _read_words(values: np.ndarray, task: str, names: Sequence[str], what: str) -> Targets:
    if task not in ("auto", CLASSIFICATION.name):
        raise DoesNotFit(
            f"the {what} are strings such as {str(values[0])!r}, which {task} cannot predict",
            hint="`--task classification`, or numbers as targets",
        )
    words, labels = np.unique(values, return_inverse=True)
    if len(words) > _SAMPLES_OF_TEXT and len(words) > len(values) / 2 and task == "auto":
        raise DoesNotFit(
            f"the {what} are {len(words):,} distinct strings in {len(values):,} samples: too many to be classes",
            hint="use another target; `--task classification` accepts them anyway",
        )
    order = _in_order(words)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    found = tuple(str(word) for word in words[order])
    if names and set(found) <= set(names):  # the source gives them an order
        place = {name: i for i, name in enumerate(names)}
        rank, found = np.array([place[str(word)] for word in words], np.int64), tuple(names)
    return Targets(CLASSIFICATION, rank[labels.reshape(-1)], found)


def _in_order(words: np.ndarray) -> np.ndarray:
    """Return the order of words: numbers by their size, else by the alphabet."""
    try:
        return np.argsort([int(word) for word in words], kind="stable")
    except ValueError:
        return np.arange(len(words))


def _read_numbers(values: np.ndarray, task: str, names: Sequence[str], few: int, what: str) -> Targets:
    if task == REGRESSION.name:
        return _values(values[:, np.newaxis], names)
    if task == MULTI_LABEL.name:
        if ((values == 0) | (values == 1)).all():
            return Targets(MULTI_LABEL, values.astype(np.uint8)[:, np.newaxis], tuple(names) or ("0",))
        raise DoesNotFit(
            f"the {what} are one number per sample, which {task} cannot predict",
            hint="multi-label needs 0 or 1 for each label: [n, labels]",
        )
    if values.dtype.kind == "b":
        return Targets(CLASSIFICATION, values.astype(np.int64), tuple(names) or ("false", "true"))
    is_whole = values.dtype.kind in "iu" or bool((values == np.rint(values)).all())
    found = np.unique(values)
    if task == "auto" and not _are_classes(found, values, is_whole=is_whole, few=few, named=len(names)):
        note = f"the {what} are {len(found):,} distinct numbers: treated as values (regression)"
        return replace(_values(values[:, np.newaxis], names), notes=(note,) if is_whole else ())
    if not is_whole and len(found) > MOST_CLASSES:
        raise DoesNotFit(
            f"the {what} are {len(found):,} distinct fractional numbers: too many to be classes",
            hint="`--task regression`",
        )
    targets = _classes(values, found, names, what)
    if task == "auto":
        counts_up = bool(found[0] == 0 and found[-1] == len(found) - 1 and len(found) <= FEW_CLASSES)
        is_guess = values.dtype.kind == "f" or few == FEW_CLASSES or not (counts_up or names)
        note = f"the {what} are {len(found)} distinct integers: treated as classes, not values (`--task regression`)"
        targets = replace(targets, notes=(note,) if is_guess else ())
    return targets


def _are_classes(found: np.ndarray, values: np.ndarray, *, is_whole: bool, few: int, named: int) -> bool:
    """Say whether numbers are rather classes than values; two different ones always are, if they are whole."""
    if not is_whole:
        return False
    most = FEW_CLASSES if values.dtype.kind == "f" else few
    counts_up = int(found[0]) == 0 and int(found[-1]) == len(found) - 1 and most == MOST_CLASSES
    fits_names = found[0] >= 0 and found[-1] < named
    return len(found) <= 2 or fits_names or (len(found) <= len(values) / 2 and (counts_up or len(found) <= most))


def _classes(values: np.ndarray, found: np.ndarray, names: Sequence[str], what: str) -> Targets:
    """Return numbers as classes: those from 0 as they are, others in their order."""
    lowest, highest, count = found[0], found[-1], len(found)
    if lowest == -1 and count > 3 and highest == count - 2:
        raise DoesNotFit(
            f"{int((values == -1).sum()):,} of the {what} are -1, below the classes 0 to {int(highest)}",
            hint="-1 often marks samples without a label: remove them, or `--task regression`",
        )
    if names and lowest >= 0 and (found == np.rint(found)).all():
        if highest >= len(names):
            raise DoesNotFit(
                f"the {what} go up to {int(highest)}, but there are {len(names)} class names",
                hint="class numbers count from 0",
            )
        return Targets(CLASSIFICATION, values.astype(np.int64), tuple(names))
    labels = np.searchsorted(found, values).astype(np.int64)
    shown = tuple(f"{value:g}" if abs(value) < 1e6 else str(value) for value in found.tolist())
    if names and len(names) != count:
        raise DoesNotFit(
            f"the {what} have {count} distinct values, but there are {len(names)} class names",
            hint=f"the values are {listed(shown)}",
        )
    return Targets(CLASSIFICATION, labels, tuple(names) or shown)


def _read_rows(values: np.ndarray, task: str, names: Sequence[str], what: str) -> Targets:
    """Return targets ``[m, k]``: one-hot, labels, or values."""
    if values.dtype.kind == "U":
        raise DoesNotFit(
            f"the {what} have {values.shape[1]} strings per sample",
            hint="one string per sample, or 0 or 1 for each label",
        )
    if names and len(names) != values.shape[1]:
        raise DoesNotFit(
            f"the {what} have {values.shape[1]} columns, but {len(names)} names", hint=f"they are {listed(names)}"
        )
    numbers = tuple(names) or tuple(str(i) for i in range(values.shape[1]))
    is_binary = bool(((values == 0) | (values == 1)).all())
    sums = values.sum(axis=1)
    if is_binary and (sums == 1).all() and task in ("auto", CLASSIFICATION.name):
        return Targets(CLASSIFICATION, values.argmax(axis=1).astype(np.int64), numbers)
    if task == CLASSIFICATION.name:
        raise DoesNotFit(
            f"the {what} have {values.shape[1]} numbers per sample and are not one-hot",
            hint="one class number per sample, or exactly one 1 per row; else `--task multi-label` or regression",
        )
    if is_binary and task in ("auto", MULTI_LABEL.name):
        return Targets(MULTI_LABEL, values.astype(np.uint8), numbers)
    if task == MULTI_LABEL.name:
        odd = values[(values != 0) & (values != 1)][0]
        raise DoesNotFit(f"the {what} hold {odd:g}", hint="multi-label needs 0 or 1 for each label")
    note = ""
    if task == "auto" and (values >= 0).all() and np.allclose(sums, 1, atol=1e-4):
        note = f"each row of the {what} sums to 1, like class probabilities; they are treated as values (regression)"
    return replace(_values(values, names), notes=(note,) if note else ())


def _values(values: np.ndarray, names: Sequence[str]) -> Targets:
    with np.errstate(over="ignore"):
        labels = values.astype(np.float32)
    if not np.isfinite(labels).all():
        largest = float(np.abs(values).max())
        raise DoesNotFit(f"targets go up to {largest:g}, beyond the range of float32", hint="scale them down")
    count = values.shape[1]
    return Targets(REGRESSION, labels, tuple(names) or (("value",) if count == 1 else tuple(map(str, range(count)))))
