"""A function of the user's as data: it returns arrays, or tf.data datasets, which become arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tbcli.config import DataConfig
from tbcli.data.array_keys import sort_keys
from tbcli.data.arrays import dataset_of_arrays
from tbcli.data.dataset import Dataset
from tbcli.data.streams import gather_stream, is_stream
from tbcli.errors import DoesNotFit
from tbcli.naming.slugs import slug_of
from tbcli.usercode import call_by_name, load_user_object

SIGNATURE = "def load(...): return (x_train, y_train), (x_test, y_test)"
"""The usual form of a data function; `tbcli help data` has all of them."""
_WHAT = "data function"
_PAIRS = {1: ("",), 2: ("train", "test"), 3: ("train", "validation", "test")}
_STREAMS = {1: ("train",), 2: ("train", "validation"), 3: ("train", "validation", "test")}

Parts = dict[str, tuple[Any, Any]]


def load_function(config: DataConfig) -> Dataset:
    """Return what ``file.py:function`` or ``package.module:function`` gives.

    Raises:
        ConfigError: An argument is not one of the function's.
        NotFound: There is no such file or module.
        DoesNotFit: It fails, or returns something else than data.
    """
    function = load_user_object(config.source, what=_WHAT, signature=SIGNATURE)
    returned = call_by_name(function, {}, config.args, what=_WHAT, signature=SIGNATURE)
    parts, class_names, notes = read_returned(returned)
    place, _, name = config.source.rpartition(":")
    stem = Path(place).stem if place.endswith(".py") else place.rpartition(".")[2]
    return dataset_of_arrays(slug_of(f"{stem}-{name}") or "data", parts, config, class_names=class_names, notes=notes)


def read_returned(returned: Any) -> tuple[Parts, tuple[str, ...], list[str]]:
    """Return inputs and targets by split, class names, and what was done to them.

    Args:
        returned: Inputs and targets, pairs of them, a dict of them, or tf.data datasets; behind them, perhaps, names
            of classes.

    Raises:
        DoesNotFit: It is nothing of this.
    """
    if isinstance(returned, Mapping):
        parts, class_names = _read_mapping({str(key): value for key, value in returned.items()})
    else:
        values, class_names = _without_names((returned,) if is_stream(returned) else returned)
        parts = _read_values(values)
    notes: list[str] = []
    ready = {
        split: _gathered(split, part, notes) if is_stream(part) else _arrays(part) for split, part in parts.items()
    }
    return ready, class_names, notes


def _without_names(returned: Any) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """Return what stands before class names, and the names."""
    if not isinstance(returned, (tuple, list)) or not returned:
        raise _unexpected(returned)
    *values, last = returned
    is_behind = len(values) > 1 or (values and (is_stream(values[0]) or _is_pair(values[0])))
    if is_behind and _are_names(last):
        nested = len(values) == 1 and not is_stream(values[0])
        return tuple(values[0]) if nested else tuple(values), tuple(map(str, last))
    return tuple(returned), ()


def _read_values(values: tuple[Any, ...]) -> dict[str, Any]:
    """Return a pair or a stream by split."""
    if len(values) in _STREAMS and all(map(is_stream, values)):
        return dict(zip(_STREAMS[len(values)], values, strict=True))
    if len(values) in _PAIRS and all(map(_is_pair, values)):
        return dict(zip(_PAIRS[len(values)], values, strict=True))
    if len(values) == 2 and not any(is_stream(value) or isinstance(value, Mapping) for value in values):
        return {"": values}
    raise _unexpected(values)


def _read_mapping(returned: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a pair or a stream by split, and class names, of a dict with the keys of an ``.npz`` file."""
    streams = {key: value for key, value in returned.items() if is_stream(value) or _is_pair(value)}
    names: tuple[str, ...] = ()
    if streams:
        known = {
            "train": "train",
            "val": "validation",
            "valid": "validation",
            "validation": "validation",
            "test": "test",
        }
        unknown = [key for key in streams if key not in known]
        if unknown or "train" not in streams:
            raise DoesNotFit(
                f"the {_WHAT} returns a dict with {', '.join(map(repr, returned))}",
                hint="a dict of datasets has the keys train, validation and test",
            )
        names = tuple(map(str, returned.get("class_names", ())))
        return {known[key]: value for key, value in streams.items()}, names
    values = {key: as_array(value) for key, value in returned.items()}
    shapes = {key: value.shape for key, value in values.items()}
    keys = sort_keys("the returned dict", shapes, {key: value.dtype.kind for key, value in values.items()})
    if key := keys.pop("class_names", {}).get("names"):
        names = tuple(map(str, values[key].tolist()))
    return {split: (values[pair["x"]], values[pair["y"]]) for split, pair in keys.items()}, names


def _gathered(split: str, stream: Any, notes: list[str]) -> tuple[Any, np.ndarray]:
    inputs, targets, where = gather_stream(stream, split)
    notes.append(f"{split}: {len(targets):,} samples from tf.data, read once and kept {where}")
    return inputs, targets


def _arrays(pair: Any) -> tuple[np.ndarray, np.ndarray]:
    return as_array(pair[0]), as_array(pair[1])


def as_array(value: Any) -> np.ndarray:
    """Return whatever holds numbers or words in rows as an array.

    Raises:
        DoesNotFit: It cannot be one.
    """
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "toarray") and hasattr(value, "nnz"):
        raise DoesNotFit(f"the {_WHAT} returns a sparse matrix", hint="return matrix.toarray()")
    try:
        array = np.asarray(value.to_numpy() if hasattr(value, "to_numpy") else value)
    except (ValueError, TypeError, RuntimeError) as error:
        said = str(error).partition("\n")[0]
        raise DoesNotFit(
            f"a {type(value).__name__} returned by the {_WHAT} cannot be converted to an array: {said}", hint=_FORMS
        ) from error
    if array.ndim == 0:
        raise DoesNotFit(f"the {_WHAT} returns a value of type {type(value).__name__} instead of an array", hint=_FORMS)
    return array


_FORMS = f"return (x, y), (train, test) as such pairs, a dict with x_train, y_train, ..., or tf.data: `{SIGNATURE}`"


def _is_pair(value: Any) -> bool:
    """Say whether a value is inputs and targets, and no list of numbers."""
    return isinstance(value, (tuple, list)) and len(value) == 2 and all(_has_rows(each) for each in value)


def _has_rows(value: Any) -> bool:
    return hasattr(value, "shape") or (isinstance(value, (list, tuple)) and len(value) > 0)


def _are_names(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(each, str) for each in value)


def _unexpected(returned: Any) -> DoesNotFit:
    if isinstance(returned, (tuple, list)):
        kinds = ", ".join(type(each).__name__ for each in list(returned)[:6])
        what = f"{len(returned)} values ({kinds})" if returned else "nothing"
    else:
        what = "None" if returned is None else f"a value of type {type(returned).__name__}"
    return DoesNotFit(f"the {_WHAT} returns {what} instead of data", hint=_FORMS)
