"""The words ``KEY=VALUES`` of ``tbcli sweep``: what varies, and what is fixed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tbcli.config.said import Said, merged
from tbcli.config.setting import Setting
from tbcli.errors import ConfigError
from tbcli.sweeps.space import (
    ARGUMENTS,
    Dimension,
    Read,
    Value,
    is_varied,
    is_whole_range,
    read_argument,
    read_dimension,
    reader_of,
)
from tbcli.usercode import converted

if TYPE_CHECKING:
    from tbcli.scripts.accepted import Accepting
    from tbcli.sweeps.definition import Script
    from tbcli.sweeps.parameters import KindOf

VARIABLE = ("data", "model", "train")
"""The sections whose settings can differ from trial to trial."""
_LISTS = {"model_arg": "model.args", "data_arg": "data.args"}
_FIXED_ONLY = ("train.name", "train.note", "train.ray")


@dataclass(frozen=True, slots=True)
class Words:
    """What words say.

    Args:
        dimensions: What varies.
        fixed: Settings with a single value, as flags would say them.
    """

    dimensions: tuple[Dimension, ...]
    fixed: Mapping[str, Said]


def without_arguments(words: Sequence[str]) -> list[str]:
    """Return the words that say no arguments of the model or of data: by them it is known which function these are."""
    pairs = ((word, *word.partition("=")) for word in words)
    return [word for word, typed, _, text in pairs if _argument_of(typed.strip(), text) is None]


def _unknown_kind(setting: str, name: str) -> type | None:
    return None


def read_words(words: Sequence[str], options: Sequence[str], kind_of: KindOf = _unknown_kind) -> Words:
    """Return what is varied and what is set by words.

    Args:
        words: As typed.
        options: The spellings of the command's options, for advice.
        kind_of: Tells the types of arguments.

    Raises:
        ConfigError: A word is none, its setting is unknown, or a value is not allowed.
    """
    dimensions: dict[str, Dimension] = {}
    fixed: list[tuple[str, Said]] = []
    for word in words:
        typed, equals, text = word.partition("=")
        typed = typed.strip()
        if argument := _argument_of(typed, text):
            _add_argument(argument, dimensions, fixed, kind_of(argument.setting, argument.name))
            continue
        setting = _setting_of(typed, text if equals else None, options)
        if not _can_vary(setting) or not is_varied(text, is_text=setting.kind in (str, bool)):
            value = reader_of(setting, typed)(text) if setting.kind is tuple else text
            fixed.append((setting.key, Said(value, typed)))
            continue
        if setting.key in dimensions:
            raise ConfigError(f"{typed} varies twice", hint=f"all values in one word: `{typed}=A,B,C`")
        dimensions[setting.key] = read_dimension(setting.key, typed, text, reader_of(setting, typed), setting.kind)
    layer = merged(fixed)
    for key in dimensions:
        if key in layer:
            raise ConfigError(f"{key} both varies and is set to {layer[key].value!r}", hint="leave out one of them")
    return Words(tuple(dimensions.values()), layer)


class _Argument(NamedTuple):
    """A word that says an argument of the model, or of the data.

    Args:
        setting: The list that it is part of.
        name: Its name.
        typed: How the user is told of it.
        text: Its values.
    """

    setting: str
    name: str
    typed: str
    text: str


def _argument_of(typed: str, text: str) -> _Argument | None:
    """Return the argument that a word means: ``model_arg.units=4,16``, or as behind the flag ``model-arg=units=4,16``.

    Raises:
        ConfigError: The word says several.
    """
    head, dot, name = typed.removeprefix("--").partition(".")
    list_of = _LISTS.get(head.replace("-", "_"))
    if typed.startswith(("model.args.", "data.args.")):
        head, _, name = typed.partition(".args.")
        list_of, dot, head = f"{head}.args", ".", f"{head}_arg"
    if list_of is None:
        return None
    said = f"{head.replace('-', '_')}.{name}"
    if dot:
        if not name.isidentifier():
            raise ConfigError(f"{typed!r} names no argument", hint=f"`{head}.units=4,16` varies an argument `units`")
        return _Argument(list_of, name, said, text)
    name, equals, values = (part.strip() for part in text.partition("="))
    if not equals or not name.isidentifier():
        return None  # told as of the option
    words = [part.strip() for part in values.split(",")]
    others = [one for one in words if re.match(r"[^\W\d]\w*\s*=", one) and one.partition("=")[0].strip() != name]
    if others:
        raise ConfigError(
            f"{typed}={text} says several arguments",
            hint=f"a word for each: `{said}{name}=... {said}{others[0].partition('=')[0].strip()}=...`",
        )
    own = [one.partition("=")[2].strip() if one.startswith(f"{name}=") else one for one in words]
    return _Argument(list_of, name, f"{said}{name}", ",".join(own))


def _add_argument(
    argument: _Argument, dimensions: dict[str, Dimension], fixed: list[tuple[str, Said]], kind: type | None
) -> None:
    """Take up an argument: it varies, or is one of the list that holds for every trial."""
    setting, name, typed, text = argument
    key = f"{setting}.{name}"
    pairs = next((said for listed, said in fixed if listed == setting), None)
    earlier = tuple(pairs.value) if pairs and isinstance(pairs.value, tuple) else ()
    if key in dimensions or any(pair.partition("=")[0] == name for pair in earlier):
        raise ConfigError(f"{typed} is there twice", hint=f"all values in one word: `{typed}=A,B,C`")
    if is_varied(text, is_text=kind in (str, bool)):

        def read(each: str) -> Value:
            value = converted(name, each, kind)
            return value if isinstance(value, bool) and kind is bool else read_argument(each, kind)

        known = kind if kind in (int, float, bool, str) else None
        dimensions[key] = read_dimension(key, typed, text, read, known)
        return
    fixed[:] = [(listed, said) for listed, said in fixed if listed != setting]
    fixed.append((setting, Said((*earlier, f"{name}={text}"), typed)))


def guesses_of(words: Sequence[str], kind_of: KindOf) -> list[str]:
    """Return a sentence for each range of an argument that is taken as one of whole numbers by its ends alone."""
    arguments = (_argument_of(word.partition("=")[0].strip(), word.partition("=")[2]) for word in words)
    return [
        _guessed_whole(each.typed, each.text)
        for each in arguments
        if each and is_whole_range(each.text) and kind_of(each.setting, each.name) is None
    ]


def guesses_of_script(words: Sequence[str], file: str) -> list[str]:
    """Return the same of what a script takes."""
    from tbcli.scripts.accepted import Accepting

    accepting = Accepting(file)
    pairs = ((name.removeprefix("--"), text) for name, _, text in (word.partition("=") for word in words))
    return [_guessed_whole(name, text) for name, text in pairs if is_whole_range(text) and accepting.kind(name) is None]


def _guessed_whole(typed: str, text: str) -> str:
    low, _, rest = text.partition("..")
    high, *parts = rest.split(":")
    as_float = ":".join([f"{float(low):.1f}..{float(high):.1f}", *parts])
    return f"{typed}={text} has whole numbers alone, by its ends: nothing tells its type; others: `{typed}={as_float}`"


def with_arguments(words: Words, flags: Mapping[str, Said]) -> Mapping[str, Said]:
    """Return what words set and flags say; arguments that both name a part of are one list.

    Raises:
        ConfigError: A setting or an argument is said twice.
    """
    said = dict(words.fixed)
    for setting in ARGUMENTS:
        by_flag = flags.get(setting)
        given = list(_pairs_of(by_flag)) if by_flag else []
        for pair in given:
            name = pair.partition("=")[0].strip()
            own = {each.partition("=")[0] for each in _pairs_of(said[setting])} if setting in said else set()
            if f"{setting}.{name}" in {each.key for each in words.dimensions} or name in own:
                raise ConfigError(
                    f"argument {name} is said twice", hint=f"leave out `{by_flag and by_flag.typed} {pair}`"
                )
        if given and setting in said:
            said[setting] = Said((*_pairs_of(said[setting]), *given), said[setting].typed)
    return merged(
        [*said.items(), *((key, one) for key, one in flags.items() if key not in ARGUMENTS or key not in said)]
    )


def _pairs_of(said: Said) -> Sequence[str]:
    return [str(each) for each in said.value] if isinstance(said.value, (tuple, list)) else [str(said.value)]


def _setting_of(typed: str, text: str | None, options: Sequence[str]) -> Setting:
    """Return the setting that a word means: by its flag's name, an alias, its own name or its key."""
    from tbcli.config import SETTINGS

    word = typed.replace("_", "-").removeprefix("--")
    if text is not None:
        if "." in typed:
            from tbcli.config import declared

            return declared(typed)
        by_flag = [each for each in SETTINGS.values() if each.flag == f"--{word}" and each.flag in options]
        named = [each for each in SETTINGS.values() if word == each.name.replace("_", "-") or word in each.aliases]
        own = [each for each in named if each.key.partition(".")[0] in VARIABLE]
        found = by_flag or own or named
        if len(found) == 1 or by_flag:
            return found[0]
        if found:
            keys = " or ".join(f"{each.key}=..." for each in found)
            raise ConfigError(f"{typed!r} is a setting of several sections", hint=f"`{keys}`")
        if f"--{word}" in options:
            raise ConfigError(f"{typed!r} is an option, and no setting", hint=f"`--{word}`")
    from tbcli.cli.advice import unknown_word

    error = unknown_word(typed, text, "sweep", options)
    if text is not None and typed.isidentifier():
        error.hint += f"; an argument of the model is `model_arg.{typed}={text}`"
    raise error


def _can_vary(setting: Setting) -> bool:
    """Say whether a setting has a part in what a trial reaches; of any other a comma is part of the value."""
    return setting.key.partition(".")[0] in VARIABLE and setting.key not in _FIXED_ONLY


def require_single(flags: Mapping[str, Said]) -> None:
    """Check that no option was given several values, which only words can have.

    Raises:
        ConfigError: One was.
    """
    from tbcli.config import SETTINGS

    for key, said in flags.items():
        setting = SETTINGS.get(key)
        if setting is None or not isinstance(said.value, str) or not _can_vary(setting):
            continue
        if is_varied(said.value, is_text=setting.kind in (str, bool)):
            try:
                setting.settle(said.value, said.typed)
            except ConfigError as error:
                word = f"{said.typed.lstrip('-').replace('-', '_')}={said.value}"
                raise ConfigError(error.message, hint=f"an option has one value; the word `{word}` varies") from None


def read_script_words(words: Sequence[str], file: str, *, has_seeds: bool) -> tuple[tuple[Dimension, ...], Script]:
    """Return what varies in a script's runs, and the script with what is fixed.

    Args:
        words: As typed.
        file: The script.
        has_seeds: Whether trials differ in a seed, too.

    Raises:
        ConfigError: A word is none, or the script has neither an option nor a constant of its name.
        NotFound: There is no such script.
    """
    from tbcli.scripts.accepted import Accepting
    from tbcli.sweeps.definition import SEED_ARGUMENTS, Script

    accepting = Accepting(file)
    options: dict[str, str] = {}
    fixed: dict[str, str] = {}
    dimensions: list[Dimension] = []
    for word in words:
        name, equals, text = word.partition("=")
        name = name.removeprefix("--")
        if not equals or not name:
            raise ConfigError(
                f"unexpected word {word!r}", hint=f"`tbcli sweep --script {shlex.quote(file)} lr=0.1,0.01`"
            )
        if name in options:
            raise ConfigError(f"{name} is there twice", hint=f"all values in one word: `{name}=A,B,C`")
        options[name] = accepting.option(name)
        read = _argument_reader(accepting, name, options[name])
        if is_varied(text):
            kind = accepting.kind(name)
            dimensions.append(read_dimension(f"arguments.{name}", name, text, read, kind))
        else:
            read(text)
            fixed[name] = text
    if has_seeds:
        if {*SEED_ARGUMENTS} & {*options}:
            raise ConfigError("--seeds and seed=... exclude each other", hint="one of them")
        options |= _seed_of(accepting)
    return tuple(dimensions), Script(file=file, options=options, fixed=fixed)


def _seed_of(accepting: Accepting) -> dict[str, str]:
    """Return how a script takes its seed, by the name of that.

    Raises:
        ConfigError: It takes none.
    """
    from tbcli.sweeps.definition import SEED_ARGUMENTS

    for name in SEED_ARGUMENTS:
        with suppress(ConfigError):
            return {name: accepting.option(name)}
    raise ConfigError(
        f"--seeds: {accepting.file!r} has neither an option --seed nor a constant SEED",
        hint="give it one of them, such as `SEED = 0` at its top level with `keras.utils.set_random_seed(SEED)`",
    )


def _argument_reader(accepting: Accepting, name: str, option: str) -> Read:
    """Return what reads a value for an option, or checks one for a constant."""
    from tbcli.config.setting import TRUE
    from tbcli.scripts.accepted import CONSTANT
    from tbcli.scripts.written import SWITCH

    def read(text: str) -> Value:
        if option != CONSTANT:
            accepting.check(name, text)
            return text.lower() in TRUE if option.startswith(SWITCH) else read_argument(text, accepting.kind(name))
        settled = accepting.constant(name, text)
        return settled if isinstance(settled, (bool, int, float, str)) else text

    return read
