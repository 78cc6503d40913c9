"""The options that stand in a script's text, with what they take; of what is only made as it runs nothing is known."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tbcli.config.setting import FALSE, TRUE
from tbcli.errors import ConfigError
from tbcli.naming.matching import did_you_mean, listed
from tbcli.usercode import written_type

SWITCH = "switch:"
"""What stands before an option that takes no value, and behind a slash the one that says the opposite."""
_KINDS = {"int": int, "float": float, "DEFINE_integer": int, "DEFINE_float": float}
_MADE_FROM_PARAMETERS = ("typer", "tyro")
"""Libraries that make `--x/--no-x` of a truth value."""


class Written(NamedTuple):
    """An option.

    Args:
        spelling: As it is passed, `SWITCH` before one that takes no value.
        kind: What its value has to be, None where that is not known.
        choices: The values that it can have, empty where any.
        is_always_on: What a switch sets is what holds without it: nothing turns it off.
    """

    spelling: str
    kind: type[int] | type[float] | None = None
    choices: tuple[object, ...] = ()
    is_always_on: bool = False

    def check(self, name: str, text: str) -> None:
        """Raise a `ConfigError` unless the script takes a value, as far as its text tells."""
        if self.spelling.startswith(SWITCH):
            if text.lower() not in TRUE + FALSE:
                raise ConfigError(f"{name} is a switch of the script, got {text!r}", hint=f"`{name}=true,false`")
            if self.is_always_on and text.lower() in FALSE:
                raise ConfigError(
                    f"{name} of the script cannot be turned off: its default is what the switch sets",
                    hint="another default in the script, or an option that says the opposite",
                )
            return
        value: object = text
        if self.kind is not None:
            try:
                value = self.kind(text)
            except ValueError:
                wanted = "a whole number" if self.kind is int else "a number"
                raise ConfigError(
                    f"{name} of the script must be {wanted}, got {text!r}", hint="another value"
                ) from None
        if self.choices and value not in self.choices and text not in map(str, self.choices):
            words = [str(each) for each in self.choices]
            guess = did_you_mean(text, words)
            raise ConfigError(f"{name} of the script cannot be {text!r}", hint=guess or f"it can be {listed(words)}")


def written_options(tree: ast.Module) -> Iterator[tuple[str, Written]]:
    """Yield the options that stand in a script, by their names."""
    truths = {id(call) for each in _truths(tree) for call in ast.walk(each) if isinstance(call, ast.Call)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called.startswith("DEFINE_") and texts:  # absl
            choices = _literals(node.args[2]) if called == "DEFINE_enum" and len(node.args) > 2 else ()
            yield texts[0], Written(f"--{texts[0]}", _KINDS.get(called), choices)
        for text in texts:
            if text.startswith("--") and len(text) > 2:
                yield _written(node, text, called, is_truth=id(node) in truths)


def _written(call: ast.Call, text: str, called: str, *, is_truth: bool) -> tuple[str, Written]:
    first, _, second = (part.strip() for part in text.partition("/"))
    said = {each.arg: each.value for each in call.keywords}
    action = _word(said.get("action"))
    if action == "BooleanOptionalAction":
        second = f"--no-{first[2:]}"
    if second or is_truth or action in ("store_true", "store_false") or _value(said.get("is_flag")) is True:
        opposite = f"/{second}" if second.startswith("-") else ""
        default = _value(said["default"] if "default" in said else call.args[0])
        is_always_on = not opposite and default is (action != "store_false")
        return first[2:], Written(f"{SWITCH}{first}{opposite}", is_always_on=is_always_on)
    kind = _word(said.get("type"))
    if kind == "bool" and called == "add_argument":  # argparse takes any text but the empty one as true
        return first[2:], Written(f"{SWITCH}{first}=1/{first}=")
    default = type(_value(said.get("default"))).__name__ if called == "option" and "type" not in said else ""
    return first[2:], Written(first, _KINDS.get(kind or default), _choices(said))


def _choices(said: Mapping[str | None, ast.expr]) -> tuple[object, ...]:
    kind = said.get("type")
    if isinstance(kind, ast.Call) and _word(kind) == "Choice" and len(kind.args) == 1 and not kind.keywords:
        return _literals(kind.args[0])
    return _literals(said["choices"]) if "choices" in said else ()


def _literals(node: ast.expr) -> tuple[object, ...]:
    value = _value(node)
    return tuple(value) if isinstance(value, (list, tuple, set, dict)) else ()


def _value(node: ast.expr | None) -> object:
    try:
        return ast.literal_eval(node) if node else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _word(node: ast.expr | None) -> str:
    """Return the last name of what is named or called, or the text that stands there."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=called):
            return _word(called)
        case _:
            return ""


class _Parameter(NamedTuple):
    name: str
    annotation: ast.expr | None
    default: ast.expr | None


def made_of_parameters(tree: ast.Module) -> dict[str, Written]:
    """Return the options that libraries make of the parameters of functions and the fields of classes."""
    found: dict[str, Written] = {}
    has_dashes = _imports(tree, ("typer",))
    has_pairs = _imports(tree, _MADE_FROM_PARAMETERS)
    for each in _parameters(tree):
        name = each.name.replace("_", "-") if has_dashes else each.name
        is_pair = has_pairs and _is_truth(each)
        spelling = f"{SWITCH}--{name}/--no-{name}" if is_pair else f"--{name}"
        kind = None if is_pair else written_type(each.annotation, each.default)
        option = Written(spelling, kind if kind in (int, float) else None)
        if found.setdefault(each.name, option).kind != option.kind:
            found[each.name] = found[each.name]._replace(kind=None)
    return found


def _truths(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield what is said of parameters that are true or false: their annotations and defaults."""
    for each in _parameters(tree):
        if _is_truth(each):
            yield from filter(None, (each.annotation, each.default))


def _is_truth(parameter: _Parameter) -> bool:
    annotation, default = parameter.annotation, parameter.default
    if isinstance(annotation, ast.Subscript) and _word(annotation.value) == "Annotated":
        inner = annotation.slice
        annotation = inner.elts[0] if isinstance(inner, ast.Tuple) and inner.elts else inner
    return _word(annotation) == "bool" if annotation is not None else isinstance(_value(default), bool)


def _parameters(tree: ast.Module) -> Iterator[_Parameter]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            given = node.args
            missing: list[ast.expr | None] = [None] * (len(given.args) - len(given.defaults))
            pairs = [*zip(given.args, [*missing, *given.defaults], strict=False)]
            pairs += zip(given.kwonlyargs, given.kw_defaults, strict=True)
            yield from (_Parameter(each.arg, each.annotation, default) for each, default in pairs)
        elif isinstance(node, ast.ClassDef):
            fields = (each for each in node.body if isinstance(each, ast.AnnAssign))
            yield from (
                _Parameter(each.target.id, each.annotation, each.value)
                for each in fields
                if isinstance(each.target, ast.Name)
            )


def _imports(tree: ast.Module, libraries: tuple[str, ...]) -> bool:
    names = [each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names]
    names += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return any(name.partition(".")[0] in libraries for name in names)
