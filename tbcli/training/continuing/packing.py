"""From values of Python and NumPy to JSON and back: what JSON has no form for is an object with the one key ``~``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np


class CannotKeep(TypeError):  # noqa: N818
    """A value is of a kind that a state cannot hold."""


def to_plain(value: Any, arrays: list[np.ndarray]) -> Any:
    """Return a value as JSON has it; the arrays in it are added to a list, and referred to by their places there.

    Raises:
        CannotKeep: It is of a kind that has no form.
    """
    if value is None or isinstance(value, (bool, str)) or type(value) is int:
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"~": ["float", str(value)]}
    if type(value) is list:
        return [to_plain(item, arrays) for item in value]
    if isinstance(value, np.ndarray) and value.dtype.kind not in "OUSMm" and value.dtype.names is None:
        arrays.append(np.array(value, order="C"))  # a copy: the training goes on
        return {"~": ["array", len(arrays) - 1]}
    return {"~": _tagged(value, arrays)}


def _tagged(value: Any, arrays: list[np.ndarray]) -> list[Any]:
    if isinstance(value, Mapping):
        if all(type(key) is str for key in value):
            return ["dict", {key: to_plain(item, arrays) for key, item in value.items()}]
        return ["pairs", [[to_plain(key, arrays), to_plain(item, arrays)] for key, item in value.items()]]
    if type(value) is tuple:
        return ["tuple", [to_plain(item, arrays) for item in value]]
    if isinstance(value, Set):
        kind = "frozenset" if isinstance(value, frozenset) else "set"
        return [kind, [to_plain(item, arrays) for item in sorted(value, key=repr)]]
    if isinstance(value, (bytes, bytearray)):
        return ["bytes", bytes(value).hex()]
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return ["number", value.dtype.str, value.item() if math.isfinite(value) else str(value)]
    if isinstance(value, Path):
        return ["path", str(value)]
    raise CannotKeep(f"{type(value).__module__}.{type(value).__qualname__} cannot be kept")


def revived(value: Any, arrays: Sequence[np.ndarray]) -> Any:
    """Return the value that `to_plain` was given, type for type."""
    if isinstance(value, list):
        return [revived(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    kind, *content = value["~"]
    return _REVIVED[kind](arrays, *content)


_REVIVED: Mapping[str, Callable[..., Any]] = {
    "float": lambda arrays, text: float(text),
    "array": lambda arrays, number: arrays[number],
    "dict": lambda arrays, items: {key: revived(item, arrays) for key, item in items.items()},
    "pairs": lambda arrays, items: {revived(key, arrays): revived(item, arrays) for key, item in items},
    "tuple": lambda arrays, items: tuple(revived(items, arrays)),
    "set": lambda arrays, items: set(revived(items, arrays)),
    "frozenset": lambda arrays, items: frozenset(revived(items, arrays)),
    "bytes": lambda arrays, text: bytes.fromhex(text),
    "number": lambda arrays, dtype, item: np.dtype(dtype).type(item),
    "path": lambda arrays, text: Path(text),
}


def described(array: np.ndarray) -> list[Any]:
    """Return type and shape of an array as JSON has them."""
    # bfloat16 and its kin are NumPy's guests: they have a name alone.
    return [array.dtype.name if array.dtype.kind == "V" else array.dtype.str, list(array.shape)]


def read_arrays(descriptions: Sequence[Any], content: bytes, start: int) -> list[np.ndarray]:
    """Return the arrays of a file, by their descriptions and where the first of them starts."""
    return list(_each_array(descriptions, content, start))


def _each_array(descriptions: Sequence[Any], content: bytes, start: int) -> Iterator[np.ndarray]:
    for name, shape in descriptions:
        dtype = _dtype(name)
        count = math.prod(shape)
        array = np.frombuffer(content, dtype, count, start).reshape(shape)
        start += count * dtype.itemsize
        yield array.copy()


def _dtype(name: str) -> np.dtype:
    try:
        dtype = np.dtype(name)
    except TypeError:
        import ml_dtypes

        dtype = np.dtype(getattr(ml_dtypes, str(name)))
    if dtype.hasobject:
        raise ValueError(name)
    return dtype
