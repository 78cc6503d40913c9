"""Functions in files and packages of the user's: found by a text, called with what they ask for by name."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tbcli.errors import ConfigError, DoesNotFit, NotFound, TbcliError, describe_error, plain_lines

_OURS = str(Path(__file__).parent)
_INSTALLED = ("site-packages", "dist-packages", "<frozen")
_MOST_LINES = 6  # of what an exception says: Keras adds the values of all arguments
_WORDS = {"true": True, "false": False, "none": None}
_EXAMPLES: Mapping[type, str] = {bool: "true", int: "1", float: "0.5"}
_TYPES = {kind.__name__: kind for kind in (bool, int, float, str, tuple, list)}


def is_reference(text: str) -> bool:
    """Return whether a text names a function: ``file.py:function`` or ``package.module:function``."""
    place, colon, name = text.rpartition(":")
    return bool(colon and name.isidentifier() and (place.endswith(".py") or _is_module(place)))


def _is_module(place: str) -> bool:
    return all(part.isidentifier() for part in place.split("."))


def load_user_object(reference: str, *, what: str, signature: str) -> Any:
    """Import the user's file or package and return one of its names.

    Args:
        reference: ``file.py:function`` or ``package.module:function``.
        what: What it is for, in errors: ``data function``.
        signature: How such a function looks, shown as the hint.

    Raises:
        NotFound: There is no such file or package.
        DoesNotFit: It does not import, or has no such function; with the user's own traceback.
    """
    place, _, name = reference.rpartition(":")
    module = _module_of_file(Path(place), what) if place.endswith(".py") else _module_of_package(place, what)
    if not hasattr(module, name):
        found = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        own = [key for key in found if getattr(getattr(module, key), "__module__", "") == module.__name__]
        raise DoesNotFit(
            f"{place!r} has no {what} {name!r}; it has {', '.join(map(repr, own)) or 'no functions'}",
            hint=f"the function looks like `{signature}`",
        )
    return getattr(module, name)


def _module_of_file(path: Path, what: str) -> Any:
    """Import a file once, under its own name; its directory is where its imports are looked up first."""
    path = path.resolve()
    if not path.is_file():
        beside = sorted(each.name for each in path.parent.glob("*.py"))[:5] if path.parent.is_dir() else []
        raise NotFound(
            f"no {what}: no file {str(path)!r}",
            hint=f"{str(path.parent)!r} has {', '.join(beside)}" if beside else "the path is relative to where you are",
        )
    known = next((module for module in list(sys.modules.values()) if _file_of(module) == str(path)), None)
    if known is not None:
        return known
    name = path.stem if path.stem not in sys.modules else f"{path.stem}_of_{path.parent.name}"
    _look_first(str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None  # a suffix of .py has one
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # also a script that ends itself
        del sys.modules[name]
        raise _import_failed(f"{what} {str(path)!r}", error) from error
    return module


def _file_of(module: Any) -> str | None:
    return getattr(module, "__file__", None)


def _module_of_package(name: str, what: str) -> Any:
    _look_first(str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise NotFound(
                f"no {what}: no module {name!r}", hint="FILE.py:FUNCTION, or PACKAGE.MODULE:FUNCTION of a package here"
            ) from error
        raise _import_failed(f"{what} {name!r}", error) from error
    except Exception as error:
        raise _import_failed(f"{what} {name!r}", error) from error


def _look_first(directory: str) -> None:
    if directory not in sys.path:
        sys.path.insert(0, directory)


def _import_failed(what: str, error: BaseException) -> DoesNotFit:
    return with_trace(
        DoesNotFit(f"{what} does not import: {describe_error(error)}", hint="the traceback above is of your own code"),
        error,
    )


def call_by_name(
    function: Callable[..., Any], offered: Mapping[str, Any], args: Sequence[str], *, what: str, signature: str
) -> Any:
    """Call a function of the user's with what it asks for.

    Args:
        function: Takes any of ``offered`` by name, and arguments of its own.
        offered: What it may ask for.
        args: Further arguments, ``key=value``.
        what: What the function is for, in errors: ``data function``.
        signature: How such a function looks.

    Raises:
        ConfigError: An argument is of no parameter's name, or does not suit its type.
        DoesNotFit: A parameter is left without a value, or the function fails; with the user's own traceback.
    """
    arguments = _bound(function, offered, args, what=what, signature=signature)
    try:
        return function(**arguments)
    except TbcliError:
        raise
    except Exception as error:
        failed = DoesNotFit(
            f"the {what} {_named(function)} fails: {describe_error(error)}", hint=f"it is called as `{signature}`"
        )
        raise with_trace(failed, error) from error


def _bound(
    function: Callable[..., Any], offered: Mapping[str, Any], args: Sequence[str], *, what: str, signature: str
) -> dict[str, Any]:
    """Return the keyword arguments."""
    if not callable(function):
        raise DoesNotFit(
            f"the {what} is no function but a {type(function).__name__}", hint=f"it looks like `{signature}`"
        )
    parameters = inspect.signature(function).parameters
    takes_all = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    by_name = {
        name: each for name, each in parameters.items() if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    }
    arguments = {name: offered[name] for name in by_name if name in offered}
    for pair in args:
        name, _, text = pair.partition("=")
        name = name.strip()
        if name not in by_name and not takes_all:
            own = [each for each in by_name if each not in offered]
            raise ConfigError(
                f"{_named(function)} takes no argument {name!r}",
                hint=f"it takes {', '.join(own)}" if own else "it takes no arguments of its own",
            )
        arguments[name] = converted(name, text, _type_of(by_name.get(name)))
    missing = [name for name, each in by_name.items() if each.default is each.empty and name not in arguments]
    if missing:
        raise DoesNotFit(
            f"the {what} {_named(function)} asks for {', '.join(map(repr, missing))}, which nothing gives",
            hint=f"it is called as `{signature}`; other arguments are given as KEY=VALUE",
        )
    return arguments


def written_parameters(reference: str) -> Mapping[str, type | None] | None:
    """Return the parameters of a function, each with its type where that is known, by the text of its file.

    Nothing is imported. None where the text does not tell: there is no such file or function, or the function takes any
    argument.
    """
    place, _, name = reference.rpartition(":")
    path = Path(place) if place.endswith(".py") else Path(_OURS, *place.split(".")[1:]).with_suffix(".py")
    try:
        body = ast.parse(path.read_bytes()).body
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None
    found = [each for each in body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each.name == name]
    if len(found) != 1 or found[0].args.kwarg or found[0].decorator_list:
        return None
    given = found[0].args
    positional = [*given.posonlyargs, *given.args]
    defaults = [*[None] * (len(positional) - len(given.defaults)), *given.defaults, *given.kw_defaults]
    pairs = [*zip([*positional, *given.kwonlyargs], defaults, strict=True)][len(given.posonlyargs) :]
    return {each.arg: written_type(each.annotation, default) for each, default in pairs}


def written_type(annotation: ast.expr | None, default: ast.expr | None) -> type | None:
    """Return the type of a parameter: by its annotation, else by its default; None where neither tells."""
    names = _type_names(annotation)
    if len(names) > 1:
        return None
    try:
        value = ast.literal_eval(default) if default else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        value = None
    return _TYPES.get(names[0] if names else "") or _TYPES.get(type(value).__name__)


def _type_names(annotation: ast.expr | None) -> list[str]:
    """Return the names of the types that an annotation allows, but for None."""
    match annotation:
        case ast.Constant(value=str(text)):
            return _type_names(_expression(text))
        case ast.BinOp(left=left, right=right):
            return [*_type_names(left), *_type_names(right)]
        case ast.Subscript(value=ast.Name(id="Optional") | ast.Attribute(attr="Optional"), slice=inner):
            return _type_names(inner)
        case ast.Subscript(value=ast.Name(id="Union") | ast.Attribute(attr="Union"), slice=ast.Tuple(elts=inner)):
            return [name for each in inner for name in _type_names(each)]
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=ast.Tuple(elts=[first, *_])):
            return _type_names(first) if name == "Annotated" else [name]
        case ast.Subscript(value=inner):
            return _type_names(inner)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return [name]
        case _:
            return []


def _expression(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except (ValueError, SyntaxError, RecursionError):
        return None


def _named(function: Any) -> str:
    return repr(getattr(function, "__name__", type(function).__name__))


def named_values(pairs: Sequence[str]) -> dict[str, Any]:
    """Return arguments ``key=value`` by name, each as the Python value it spells."""
    split = (pair.partition("=") for pair in pairs)
    return {name.strip(): literal(text) for name, _, text in split}


def literal(text: str) -> Any:
    """Return a text as the Python value it spells, else the text itself."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def converted(name: str, text: str, wanted: type | None) -> Any:
    """Return a text as the type of its parameter, None where that is not known.

    Raises:
        ConfigError: It is none of that type.
    """
    if wanted is str:
        return text
    value = literal(text)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if wanted in (tuple, list):
        return wanted(value) if isinstance(value, (tuple, list)) else wanted([value])
    if wanted is not None and wanted in _EXAMPLES and type(value) is not wanted and value is not None:
        raise ConfigError(
            f"argument {name} must be {wanted.__name__}, got {text!r}", hint=f"such as `{name}={_EXAMPLES[wanted]}`"
        )
    return value


def _type_of(parameter: inspect.Parameter | None) -> type | None:
    if parameter is None:
        return None
    annotation = "" if parameter.annotation is parameter.empty else parameter.annotation
    written = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    known = written_type(_expression(written), None)
    if known is None and len(_type_names(_expression(written))) < 2:
        known = _TYPES.get(type(parameter.default).__name__)
    return known


def with_trace(failed: DoesNotFit, error: BaseException) -> DoesNotFit:
    """Return an error with the user's own part of a traceback, which is shown above it."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_OURS) and not any(part in frame.filename for part in _INSTALLED)
    ]
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames)] if frames else []
    said = plain_lines("".join(traceback.format_exception_only(error)))
    shown = [*said[:_MOST_LINES], *(["..."] if len(said) > _MOST_LINES else [])]
    failed.trace = "".join([*lines, *(f"{line}\n" for line in shown)])
    return failed
