"""How a script takes a value by name: as an option of its command line, or as a constant at its top level."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from tbcli.errors import ConfigError, DoesNotFit
from tbcli.scripts.constants import Literal, constants_of, settle_constants
from tbcli.scripts.program import SCRIPT, find_program

CONSTANT = ""
SWITCH = "switch:"
"""What stands before an option that takes no value."""


class Accepting:
    """What a script can be given by name.

    Args:
        file: The script.

    Raises:
        NotFound: There is none.
        ConfigError: It cannot be read, or is a directory or an archive.
        DoesNotFit: It does not parse.
    """

    def __init__(self, file: str) -> None:
        program = find_program(file)
        if program.kind != SCRIPT:
            raise ConfigError(f"--script takes one Python file, got {file!r}", hint="`--script train.py`")
        self.file = file
        self._source = program.source()
        try:
            self._tree = ast.parse(self._source, file)
        except (SyntaxError, ValueError) as error:
            raise DoesNotFit(f"{file!r} does not parse: {error}", hint=f"`python {file}` says more") from None
        self._constants = constants_of(self._tree)
        self._options = dict(self._written_options())
        self._parameters = set(_parameters(self._tree))

    def option(self, name: str) -> str:
        """Return the option that takes a value, `SWITCH` before one that takes none; `CONSTANT` where it is one.

        Raises:
            ConfigError: The script has neither.
        """
        for spelling in (name, name.replace("_", "-"), name.replace("-", "_")):
            if spelling in self._options:
                return self._options[spelling]
        if name in self._constants:
            return CONSTANT
        parameter = name.replace("-", "_")
        if parameter in self._parameters:  # of a function or a class from which a library makes the options
            return f"--{name.replace('_', '-') if self._imports('typer') else name}"
        from tbcli.naming.matching import did_you_mean

        known = [*self._options, *self._constants]
        raise ConfigError(
            f"{self.file!r} has neither an option --{name} nor a constant {name!r}",
            hint=did_you_mean(name, known)
            if known
            else "it parses no arguments, and has no constants at its top level",
        )

    def constant(self, name: str, text: str) -> Literal:
        """Return the value that a text is for a constant.

        Raises:
            ConfigError: It is none.
        """
        return settle_constants([f"{name}={text}"], self._source, self.file)[name]

    def _written_options(self) -> Iterator[tuple[str, str]]:
        """Yield the options that stand in the script, by their names."""
        for node in ast.walk(self._tree):
            if not isinstance(node, ast.Call):
                continue
            texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called.startswith("DEFINE_") and texts:  # absl
                yield texts[0], f"{SWITCH if called.endswith('bool') else ''}--{texts[0]}"
            for text in texts:
                if text.startswith("--") and len(text) > 2:
                    first = text.partition("/")[0].strip()
                    yield first[2:], (SWITCH if _is_switch(node) else "") + first

    def _imports(self, library: str) -> bool:
        names = [each.name for node in ast.walk(self._tree) if isinstance(node, ast.Import) for each in node.names]
        names += [str(node.module) for node in ast.walk(self._tree) if isinstance(node, ast.ImportFrom)]
        return any(name.partition(".")[0] == library for name in names)


def _is_switch(call: ast.Call) -> bool:
    said: Mapping[str | None, object] = {
        each.arg: each.value.value for each in call.keywords if isinstance(each.value, ast.Constant)
    }
    return said.get("action") == "store_true" or said.get("is_flag") is True


def _parameters(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from (each.arg for each in (*node.args.args, *node.args.kwonlyargs))
        elif isinstance(node, ast.ClassDef):
            fields = (each.target for each in node.body if isinstance(each, ast.AnnAssign))
            yield from (each.id for each in fields if isinstance(each, ast.Name))


def script_words(options: Mapping[str, str], values: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Return the arguments of a script, and the pairs ``NAME=VALUE`` of its constants.

    Args:
        options: What `Accepting.option` says of each name.
        values: Names with their texts.
    """
    arguments: list[str] = []
    constants: list[str] = []
    for name, text in values:
        option = options[name]
        if option == CONSTANT:
            constants.append(f"{name}={text}")
        elif option.startswith(SWITCH):
            arguments += [option.removeprefix(SWITCH)] if text.lower() in ("true", "1", "yes", "on") else []
        else:
            arguments.append(f"{option}={text}")
    return arguments, constants
