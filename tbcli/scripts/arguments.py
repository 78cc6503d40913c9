"""What a script parses from its arguments, heard from the parser itself: argparse, click, typer or absl.

None of these is imported for it; a parser is heard if it parses what the script was given, called by the script's own
files, so that the flags of libraries stay out.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FrameType, ModuleType
from typing import Any

Plain = bool | int | float | str | list[Any] | None
MOST, LONGEST = 200, 500  # arguments; characters of a value
MASKED = "***"
_SECRET = re.compile(r"(?:^|[_.-])(?:password|passwd|pwd|secret|secrets|token|credentials?|api_?key|(?:access|private|auth|secret)_?key)(?:$|[_.-])")  # fmt: skip  # noqa: E501


def plain_arguments(names: Mapping[str, Any]) -> dict[str, Plain]:
    """Return arguments as a flat document: what is nested with dots, secrets masked, functions left out."""
    found: dict[str, Plain] = {}
    for name, value in _flat(names, ""):
        if len(found) < MOST and _is_shown(value):
            found[name] = _masked(name, _plain(value))
    return found


def _flat(names: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in names.items():
        whole = f"{prefix}{name}"
        nested = value if isinstance(value, Mapping) else _namespace(value)
        if nested is not None:
            yield from _flat(nested, f"{whole}.") if len(whole) < LONGEST else ()
        else:
            yield whole, value


def _namespace(value: Any) -> Mapping[str, Any] | None:
    """Return what is inside a namespace, as parsers nest them."""
    return vars(value) if type(value).__name__.endswith("Namespace") and hasattr(value, "__dict__") else None


def _is_shown(value: Any) -> bool:
    """Say whether a value is one, and no function, class, or object that says nothing of itself."""
    kind: Any = type(value)
    return not callable(value) and not (kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__)


def _plain(value: Any) -> Plain:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return str(value)[:LONGEST]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in list(value)[:MOST]]
    if hasattr(value, "item") and getattr(value, "size", 0) == 1:  # a number of NumPy's
        return _plain(value.item())
    inside = getattr(value, "value", None) if "Enum" in {each.__name__ for each in type(value).__mro__} else None
    name = getattr(value, "name", None) if hasattr(value, "read") or hasattr(value, "write") else None
    return _plain(inside) if inside is not None else str(name or value)[:LONGEST]


def _masked(name: str, value: Plain) -> Plain:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    is_text = isinstance(value, str) or (isinstance(value, list) and any(isinstance(each, str) for each in value))
    return MASKED if value and is_text and _SECRET.search(words) else value


class ArgumentEar:
    """Hears what the parsers of a script find.

    Args:
        given: The script's arguments.
        owns: Says whether a file is the script's own.
    """

    def __init__(self, given: Iterable[str], owns: Callable[[object], bool]) -> None:
        self.heard: dict[str, Any] = {}
        self._given = list(given)
        self._owns = owns

    def parsers(self) -> dict[str, Callable[[ModuleType], None]]:
        """Return what to do when a module with a parser has been imported."""
        return {
            "argparse": self._hear_argparse,
            "click.core": lambda module: self._hear_click(module.Command),
            "typer.core": lambda module: self._hear_click(_click_command(module)),
            "absl.flags": self._hear_absl,
        }

    def _hear_argparse(self, module: Any) -> None:
        for name in ("parse_known_args", "parse_known_intermixed_args"):  # all others end in one of these
            parse = getattr(module.ArgumentParser, name)
            setattr(module.ArgumentParser, name, self._hearing_namespace(parse))

    def _hearing_namespace(self, parse: Any) -> Any:
        @functools.wraps(parse)
        def hearing(parser: Any, args: Any = None, namespace: Any = None) -> Any:
            is_ours = self._is_given(args)
            found = parse(parser, args, namespace)
            if is_ours:
                self._hear(vars(found[0]))
            return found

        return hearing

    def _hear_click(self, command: Any) -> None:
        make = command.make_context
        if hasattr(make, "__wrapped__"):
            return

        @functools.wraps(make)
        def hearing(self_: Any, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
            is_ours = self._is_given(list(args)) if parent is None else parent.meta.get(__name__, False)
            context = make(self_, info_name, args, parent, **extra)
            context.meta[__name__] = is_ours  # of a group and its commands alike
            if is_ours and not context.resilient_parsing:
                self._hear(context.params)
            return context

        command.make_context = hearing

    def _hear_absl(self, module: Any) -> None:
        parse = module.FlagValues.__call__

        @functools.wraps(parse)
        def hearing(flags: Any, argv: Any, *args: Any, **extra: Any) -> Any:
            is_ours = self._is_given(list(argv)[1:])
            rest = parse(flags, argv, *args, **extra)
            if is_ours:
                self._hear({flag.name: flag.value for flag in self._own_flags(flags)})
            return rest

        module.FlagValues.__call__ = hearing

    def _own_flags(self, flags: Any) -> Iterator[Any]:
        """Yield the flags that the script's own files define; every library adds its own to the same list."""
        for name, defined in flags.flags_by_module_dict().items():
            if name == sys.argv[0] or self._owns(getattr(sys.modules.get(name), "__file__", None)):
                yield from defined

    def _is_given(self, args: Any) -> bool:
        """Say whether these are the script's arguments, or some of them, parsed for the script."""
        if args is not None:
            words = [str(word) for word in args]
            remaining = iter(self._given)
            if (not words and self._given) or not all(word in remaining for word in words):
                return False
        return self._is_called_by_script()

    def _is_called_by_script(self) -> bool:
        """Say whether the script stands nearest in the stack, with no import of a library between."""
        frame: FrameType | None = sys._getframe(3)
        while frame is not None:
            file = frame.f_code.co_filename
            if self._owns(file):
                return True
            if file.startswith("<frozen importlib"):
                return False
            frame = frame.f_back
        return False

    def _hear(self, names: Mapping[str, Any]) -> None:
        try:
            self.heard.update(plain_arguments(names))
        except Exception as error:  # noqa: BLE001 - somebody's objects may do anything; their script goes on
            print(f"tbcli: some arguments were not recorded: {error!r}", file=sys.__stderr__)


def _click_command(module: Any) -> Any:
    """Return the command class that typer builds upon: that of click, or of its own copy."""
    return next(each for each in module.TyperCommand.__mro__ if each.__name__ == "Command")
