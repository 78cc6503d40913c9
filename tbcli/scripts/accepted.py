"""How a script takes a value by name: as an option of its command line, or as a constant at its top level."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from tbcli.config.setting import TRUE
from tbcli.errors import ConfigError, DoesNotFit
from tbcli.scripts.constants import Literal, constants_of, settle_constants
from tbcli.scripts.program import SCRIPT, find_program
from tbcli.scripts.written import SWITCH, Written, made_of_parameters, written_options

CONSTANT = ""


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
        self._options = dict(written_options(self._tree))
        self._parameters = made_of_parameters(self._tree)

    def option(self, name: str) -> str:
        """Return the option that takes a value, `SWITCH` before one that takes none; `CONSTANT` where it is one.

        Raises:
            ConfigError: The script has neither.
        """
        written = self._written(name)
        if written:
            return written.spelling
        if name in self._constants:
            return CONSTANT
        parameter = name.replace("-", "_")
        if parameter in self._parameters:  # of a function or a class from which a library makes the options
            return self._parameters[parameter].spelling
        from tbcli.naming.matching import did_you_mean

        known = [*self._options, *self._constants]
        raise ConfigError(
            f"{self.file!r} has neither an option --{name} nor a constant {name!r}",
            hint=did_you_mean(name, known)
            if known
            else "it parses no arguments, and has no constants at its top level",
        )

    def _written(self, name: str) -> Written | None:
        spellings = (name, name.replace("_", "-"), name.replace("-", "_"))
        return next((self._options[each] for each in spellings if each in self._options), None)

    def check(self, name: str, text: str) -> None:
        """Raise a `ConfigError` unless an option takes a value, as far as the script's text tells."""
        written = self._written(name) or self._parameters.get(name.replace("-", "_"))
        if written:
            written.check(name, text)

    def kind(self, name: str) -> type[int] | type[float] | None:
        """Return what kind of number an option or a constant is, None where it is none, or that is not known."""
        written = self._written(name) or (
            None if name in self._constants else self._parameters.get(name.replace("-", "_"))
        )
        if written:
            return written.kind
        values = [each.value for each in self._constants.get(name, ())]
        return float if values and isinstance(values[0], float) else None  # 3 may be given 0.5

    def constant(self, name: str, text: str) -> Literal:
        """Return the value that a text is for a constant.

        Raises:
            ConfigError: It is none.
        """
        return settle_constants([f"{name}={text}"], self._source, self.file)[name]


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
            yes, _, no = option.removeprefix(SWITCH).partition("/")
            arguments += filter(None, [yes if text.lower() in TRUE else no])
        else:
            arguments.append(f"{option}={text}")
    return arguments, constants
