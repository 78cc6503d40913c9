"""Constants of a script: literal values at its top level, which can be set before it runs."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tbcli.errors import ConfigError
from tbcli.naming.shortening import few

SHOWN = 12
Literal = Any
"""A value that can be written down: a number, text, a truth value, None, or a collection of these."""


@dataclass(frozen=True, slots=True)
class Constant:
    """One assignment of a literal to a name at a script's top level."""

    name: str
    value: Literal
    line: int
    node: ast.Assign | ast.AnnAssign


def constants_of(tree: ast.Module) -> dict[str, list[Constant]]:
    """Return the constants by name, each with all its assignments; those inside functions and loops are none."""
    found: dict[str, list[Constant]] = {}
    for node in _statements(tree.body):
        names = _names(node)
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None or len(names) != 1:
            continue
        if isinstance(node, ast.Assign) and len(node.targets) > 1:
            continue  # setting one name would set the others
        try:
            value = ast.literal_eval(node.value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            continue
        found.setdefault(names[0], []).append(Constant(names[0], value, node.lineno, node))
    return found


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run once, at the top level: those of ``if``, ``try`` and ``with`` too."""
    for node in body:
        yield node
        match node:
            case ast.If():
                yield from _statements([*node.body, *node.orelse])
            case ast.Try():
                inside = [each for handler in node.handlers for each in handler.body]
                yield from _statements([*node.body, *inside, *node.orelse, *node.finalbody])
            case ast.With():
                yield from _statements(node.body)


def _names(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [each.id for each in targets if isinstance(each, ast.Name) and not each.id.startswith("__")]


def settle_constants(pairs: Iterable[str], source: str | bytes, file: str) -> dict[str, Literal]:
    """Return ``{name: value}`` of what was typed as ``name=value``.

    Args:
        pairs: As typed behind ``--set-constant``.
        source: The script's text.
        file: Its path, for messages.

    Raises:
        ConfigError: There is no such constant, or the value is no value for it.
        SyntaxError: The script does not parse.
    """
    tree = ast.parse(source, file)
    known, settled = constants_of(tree), {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        if not equals or not name:
            raise ConfigError(f"--set-constant takes NAME=VALUE, got {pair!r}", hint=_listed(known))
        if name not in known:
            raise _unknown(name, tree, known, file)
        if name in settled:
            raise ConfigError(f"--set-constant sets {name!r} twice", hint="leave out one of them")
        settled[name] = _value(name, text, known[name][0].value)
    return settled


def _value(name: str, text: str, old: Literal) -> Literal:
    """Return a typed value: a Python literal, else text; of the kind that the constant has."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        value = {"true": True, "false": False}.get(text.lower(), text) if isinstance(old, bool) else text
    if isinstance(old, str) and not isinstance(value, str) and value is not None:
        value = text
    kinds = {bool: "True or False", int: "a number", float: "a number"}
    wanted = kinds.get(type(old))
    if wanted and value is not None and not _is_like(value, old):
        raise ConfigError(f"{name} is {old!r} in the script, got {text!r}", hint=f"`{name}=...` with {wanted}")
    if isinstance(old, (bool, float)) and value is not None:
        value = type(old)(value)
    return value


def _is_like(value: Literal, old: Literal) -> bool:
    if isinstance(old, bool):
        return isinstance(value, bool) or value in (0, 1)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _unknown(name: str, tree: ast.Module, known: Mapping[str, list[Constant]], file: str) -> ConfigError:
    from tbcli.naming.matching import nearest

    computed = next((node.lineno for node in _statements(tree.body) if name in _names(node)), None)
    if computed is not None:
        return ConfigError(
            f"{name} has no literal value of its own in line {computed} of {file!r}", hint=_listed(known)
        )
    guess = nearest(name, known)
    mean = f"did you mean {guess}? " if guess else ""
    return ConfigError(f"no constant {name!r} at the top level of {file!r}", hint=mean + _listed(known))


def _listed(known: Mapping[str, list[Constant]]) -> str:
    """Return the constants with their values."""
    if not known:
        return "the script has no literal constants at its top level"
    pairs = [f"{name}={_shortened(found[0].value)}" for name, found in known.items()]
    return f"constants: {few(pairs, SHOWN)}"


def _shortened(value: Literal) -> str:
    text = repr(value)
    return text if len(text) <= 30 else text[:29] + "…"


def with_constants(source: str | bytes, file: str, values: Mapping[str, Literal]) -> ast.Module:
    """Return the script's tree with constants set; its lines stay where they are."""
    tree = ast.parse(source, file)
    known = constants_of(tree)
    for name, value in values.items():
        new = ast.parse(repr(value), mode="eval").body
        for constant in known.get(name, ()):
            old = constant.node.value
            assert old is not None
            constant.node.value = _placed(copy.deepcopy(new), old)
    return tree


def _placed(new: ast.expr, old: ast.expr) -> ast.expr:
    """Return an expression all of whose parts stand where another one stood."""
    for node in ast.walk(new):
        ast.copy_location(node, old)
    return new
