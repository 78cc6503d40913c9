"""What a model, its loss and its metrics are made of, so that a resumed run notices that somebody changed the code.

Names that Keras numbers anew in each process, seeds, precision, docstrings and places in a file do not count.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import platform
import sys
from collections.abc import Mapping, Sequence
from types import CodeType, FunctionType, MethodType
from typing import Any

import keras

from tbcli.recorders.kernels import walk_layers
from tbcli.training.continuing.changes import Change

_SKIPPED = frozenset({"name", "seed", "dtype", "shared_object_id", "module", "registered_name"})
_INSTALLED = ("site-packages", "dist-packages")
_DIGITS = 8
_WHOLE = "whole"


def code_facts(model: keras.Model, loss: Any, metrics: Sequence[Any], optimizer: Any = None) -> dict[str, Any]:
    """Return what a run's record says of the code that it is trained by, as short hashes.

    Args:
        model: Each of its layers has a hash, and the whole.
        loss: As it was compiled.
        metrics: Objects of their own.
        optimizer: The settings of a model's own one.
    """
    layers = walk_layers(model)
    operations = [each for layer in layers for each in (layer, *getattr(layer, "operations", ()))]
    names = {name: f"#{number}" for number, name in enumerate(dict.fromkeys(each.name for each in operations))}
    inner = [layer for layer in layers if layer is not model]
    return {
        "of": [platform.python_version(), keras.__version__],
        "layers": [f"{type(layer).__name__} {_hash(layer, names)}" for layer in inner],
        _WHOLE: _hash(model, names),
        "loss": _hash(loss, names),
        "metrics": _hash(list(metrics), names),
        "optimizer": _hash(optimizer, names),
    }


def code_changes(record: Mapping[str, Any], facts: Mapping[str, Any]) -> list[Change]:
    """Return what differs between the code of a run so far and that of now; nothing between other versions of Keras."""
    before, after = record.get("code"), facts.get("code")
    if not isinstance(before, Mapping) or not isinstance(after, Mapping) or before.get("of") != after.get("of"):
        return []
    found = []
    if before.get(_WHOLE) != after[_WHOLE] or before.get("layers") != after["layers"]:
        found.append(Change("model", "those of the run", _other_layers(before.get("layers"), after["layers"])))
    others = [name for name in ("loss", "metrics", "optimizer") if before.get(name) != after[name]]
    found += [Change(name, "that of the run", "with other code or arguments") for name in others]
    return found


def _other_layers(before: Any, after: Sequence[str]) -> str:
    if not isinstance(before, list) or len(before) != len(after):
        return f"of {len(after)} layers"
    pairs = enumerate(zip(before, after, strict=True), 1)
    others = [f"{number} ({now.partition(' ')[0]})" for number, (old, now) in pairs if old != now]
    shown = ", ".join(others[:5]) + ", ..." * (len(others) > 5)
    return f"with other layers: {shown}" if others else "with its layers connected otherwise"


def _hash(thing: Any, names: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(_Description(names).of(thing)).encode()).hexdigest()[:_DIGITS]


class _Description:
    """Describes objects by plain values that are the same in every process."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names, self._seen = names, set[int]()

    def of(self, thing: Any) -> Any:
        """Return the description of anything."""
        if thing is None or isinstance(thing, (bool, int, float, complex, bytes)):
            return thing
        if isinstance(thing, str):
            return self._names.get(thing, thing)
        if isinstance(thing, CodeType):
            return self._code(thing, {}, None)
        if isinstance(thing, Mapping):
            if thing.get("class_name") == "__lambda__":  # marshalled, with its place in a file
                return "lambda"
            return sorted((str(key), repr(self.of(value))) for key, value in thing.items() if key not in _SKIPPED)
        if isinstance(thing, (list, tuple)):
            return [self.of(each) for each in thing]
        if isinstance(thing, (set, frozenset)):
            return sorted(repr(self.of(each)) for each in thing)
        if hasattr(thing, "tobytes"):
            return str(getattr(thing, "dtype", "")), hashlib.sha256(thing.tobytes()).hexdigest()
        if id(thing) in self._seen:
            return "again"
        self._seen.add(id(thing))
        return self._object(thing)

    def _object(self, thing: Any) -> Any:
        if isinstance(thing, functools.partial):
            return self.of(thing.func), self.of(thing.args), self.of(thing.keywords)
        if isinstance(thing, MethodType):
            return self.of(thing.__func__), self.of(type(thing.__self__))
        if isinstance(thing, FunctionType):
            return self._function(thing) if _is_users(thing) else _name_of(thing)
        if inspect.isclass(thing):
            members = sorted(vars(thing).items()) if _is_users(thing) else []
            return _name_of(thing).rpartition(".")[2], [
                (name, self.of(value)) for name, value in members if _is_code(name, value)
            ]
        if isinstance(thing, keras.layers.Lambda):
            return "Lambda", self.of(thing.function), self.of(thing.arguments)
        held = dict(vars(thing)) if _has(thing) else {}
        if isinstance(thing, keras.Model):
            held.pop("loss", None)  # as it was compiled: described apart
        own = [self.of(value) for _, value in sorted(held.items()) if _is_users_code(value)]
        return self.of(type(thing)), self.of(_config_of(thing)), own

    def _function(self, function: FunctionType) -> Any:
        cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        given = self.of(function.__defaults__), self.of(function.__kwdefaults__), self.of(cells)
        return self._code(function.__code__, function.__globals__, function.__doc__), given

    def _code(self, code: CodeType, around: Mapping[str, Any], doc: str | None) -> Any:
        constants = code.co_consts[1:] if doc is not None and code.co_consts[:1] == (doc,) else code.co_consts
        inner = [self._code(each, around, None) if isinstance(each, CodeType) else self.of(each) for each in constants]
        used = [around[name] for name in code.co_names if name in around]
        plain = (bool, int, float, str, tuple)
        others = [self.of(each) for each in used if isinstance(each, plain) or _is_users_code(each)]
        return code.co_code.hex(), code.co_names, inner, others


def _config_of(thing: Any) -> Any:
    """Return the arguments that an object of Keras was made with, None where it does not tell."""
    try:
        return thing.get_config()
    except Exception:  # noqa: BLE001 - a class of the user's, which tells its code all the same
        return None


def _is_code(name: str, value: Any) -> bool:
    is_own = not name.startswith("__") and isinstance(value, (bool, int, float, str))
    return is_own or isinstance(value, FunctionType)


def _is_users_code(value: Any) -> bool:
    return (isinstance(value, FunctionType) or inspect.isclass(value)) and _is_users(value)


def _is_users(thing: Any) -> bool:
    """Return whether a function or a class is neither of Python nor of an installed package."""
    module = str(getattr(thing, "__module__", ""))
    top = module.partition(".")[0]
    file = str(getattr(sys.modules.get(module), "__file__", None) or "")
    return top not in sys.stdlib_module_names and top != "tbcli" and not any(part in file for part in _INSTALLED)


def _name_of(thing: Any) -> str:
    return f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}"


def _has(thing: Any) -> bool:
    return hasattr(thing, "__dict__")


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False
