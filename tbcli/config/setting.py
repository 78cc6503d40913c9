"""One declaration per setting: default, allowed values, flag and help; all that is said of it derives from these."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, fields
from functools import cache
from typing import Any, NamedTuple, TypeVar

from tbcli.errors import ConfigError

T = TypeVar("T")
PANELS = ("Sweep", "Data", "Model", "Training", "Recording", "Figure", "Address", "TensorBoard", "Output", "Everywhere")
"""The groups of options in ``--help``, in their order."""
TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", tuple: "a list of words"}
_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", tuple: "array"}
_JSON_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


class Setting(NamedTuple):
    """A declared setting.

    Args:
        key: ``section.name``.
        default: Its value unless set; never None. Its type is the setting's type.
        help: What it is: a sentence that names the thing.
        meaning: What the default means, where the value does not tell.
        flag: The long option that sets it, without a second spelling; ``""`` where only ``--set`` does.
        aliases: Further spellings of the flag, without dashes, that work and are not listed.
        panel: Group of the flag in ``--help``.
        metavar: What ``--help`` calls the value.
        least: Smallest value.
        most: Largest value.
        above: The value must be larger than this.
        below: The value must be smaller than this.
        choices: The words it can be; an empty one where it can be none of them.
        words: Where the known words stand, as ``module:name``, for what is no fixed choice; only for completion.
        problem: Returns what is wrong with a value and what to try, or None.
        hyperparameter: Whether it is a column of TensorBoard's HParams table.
        locates: Whether it may be a path, or a function in a file: what it says is kept absolute.
        bare: What the flag without a value means; ``""`` where it needs one.
        secret: Whether its value is never written down.
    """

    key: str
    default: Any
    help: str
    meaning: str = ""
    flag: str = ""
    aliases: tuple[str, ...] = ()
    panel: str = ""
    metavar: str = ""
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    words: str = ""
    problem: Callable[[Any], tuple[str, str] | None] | None = None
    hyperparameter: bool = False
    locates: bool = False
    bare: str = ""
    secret: bool = False

    @property
    def name(self) -> str:
        """Its name within the section."""
        return self.key.partition(".")[2]

    @property
    def word(self) -> str:
        """Its name where no section is written: that of its flag, else its own."""
        return self.flag.removeprefix("--").replace("-", "_") or self.name

    @property
    def kind(self) -> type:
        """Type of its values: `bool`, `int`, `float`, `str` or `tuple`, of words."""
        return type(self.default)

    @property
    def described(self) -> str:
        """The help with the choices in it."""
        *first, last = self.named_choices or ("",)
        if not last:
            return self.help
        sentence, _, rest = self.help.partition(". ")
        listed = f"{', '.join(first)} or {last}" if first else last
        return f"{sentence.removesuffix('.')}: {listed}. {rest}".rstrip()

    @property
    def named_choices(self) -> tuple[str, ...]:
        """The choices that are words; an empty one stands for none of them."""
        return tuple(filter(None, self.choices))

    @property
    def allowed(self) -> str:
        """Which values it takes, in words; ``""`` where any of its type."""
        bounds = (("at least ", self.least), ("above ", self.above), ("below ", self.below), ("at most ", self.most))
        said = [f"{word}{spoken(bound)}" for word, bound in bounds if bound is not None]
        if self.least is not None and self.most is not None:
            return f"from {spoken(self.least)} to {spoken(self.most)}"
        return " and ".join(said) or ", ".join(self.named_choices)

    @property
    def comment(self) -> str:
        """The help, the choices and the bounds, in one line."""
        bounds = "" if self.choices or not self.allowed else f" ({self.allowed})"
        return self.described + bounds

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        words = {"enum": list(self.choices)} if self.choices else {}
        kind: dict[str, Any] = {"type": _JSON_TYPES[self.kind]} | (words if self.kind is not tuple else {})
        if self.kind is tuple:
            kind |= {"items": {"type": "string", **words}, "uniqueItems": True}
        least = self.least if self._within(self.default) else self.default
        bounds = zip(_JSON_BOUNDS, (least, self.most, self.above, self.below), strict=True)
        kind |= {word: bound for word, bound in bounds if bound is not None}
        default = list(self.default) if self.kind is tuple else self.default
        return {**kind, "default": default, "description": self.described}

    def settle(self, value: object, typed: str = "") -> Any:
        """Return a value as the setting's type, checked.

        Args:
            value: As typed (text), or as a file has it.
            typed: What the user wrote for the setting, named in errors; the key unless given.

        Raises:
            ConfigError: It is of another type, or not allowed.
        """
        settled = self._coerced(value)
        if settled is None:
            wanted = _KINDS[self.kind]
            raise ConfigError(f"{typed or self.key} must be {wanted}, got {value!r}", hint=self._advice(wanted))
        self.check(settled, typed, said=value)
        return settled

    def check(self, value: Any, typed: str = "", *, said: object = None) -> None:
        """Raise a `ConfigError` unless a value of the right type is allowed; ``said`` is how it was written."""
        typed, said = typed or self.key, value if said is None else said
        for word in (value if self.kind is tuple else (value,)) if self.choices else ():
            if word not in self.choices:
                raise ConfigError(f"{typed} cannot be {word!r}", hint=guess(word, self.named_choices))
        if value != self.default and not self._within(value):  # the default may stand for "unless given"
            raise ConfigError(f"{typed} must be {self.allowed}, got {said!r}", hint=self._advice(_KINDS[self.kind]))
        problem = self.problem(value) if self.problem else None
        if problem:
            raise ConfigError(f"{typed} {problem[0]}", hint=problem[1])

    def _within(self, value: Any) -> bool:
        # `not (a <= b)` rather than `a > b`: NaN must not pass.
        return not (
            (self.least is not None and not self.least <= value)
            or (self.most is not None and not value <= self.most)
            or (self.above is not None and not self.above < value)
            or (self.below is not None and not value < self.below)
        )

    def _advice(self, wanted: str) -> str:
        allowed = f" {self.allowed}" if self.allowed else ""
        return f"{self.key} is {wanted}{allowed}; the default is {self.meaning or spoken(self.default)}"

    def _coerced(self, value: object) -> object | None:
        """Return the value as the setting's type, None where it is of another."""
        try:
            return _READ[self.kind](value)
        except (ValueError, OverflowError):
            return None


def guess(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean ...?``; what it takes is loaded for a mistake alone."""
    from tbcli.naming.matching import did_you_mean

    return did_you_mean(word, known)


def setting(default: T, help: str, **declared: Any) -> T:  # noqa: A002 - as Typer calls it
    """Declare a setting as a field of a section; the keywords are those of `Setting`."""
    declaration: T = field(default=default, metadata={"help": help, **declared})
    return declaration


class Section:
    """A group of settings; a value that is not allowed cannot be in it."""

    __slots__ = ()

    def __post_init__(self) -> None:
        section: Any = type(self)
        for declared in declared_settings(section):
            declared.check(getattr(self, declared.name))


@cache
def declared_settings(section: type) -> tuple[Setting, ...]:
    """Return the settings of a section class, in their order; `TrainConfig` is the section ``train``."""
    name = section.__name__.removesuffix("Config").lower()
    return tuple(Setting(key=f"{name}.{each.name}", default=each.default, **each.metadata) for each in fields(section))


def spoken(value: object) -> str:
    """Return a value as a person would type it."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case tuple():
            return ",".join(value) or "empty"
        case "":
            return "empty"
        case _:
            return str(value)


def _read_bool(value: object) -> bool | None:
    if isinstance(value, str) and value.lower() in TRUE + FALSE:
        return value.lower() in TRUE
    return value if isinstance(value, bool) else None


def _read_int(value: object) -> int | None:
    return int(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else None


def _read_float(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    return float(value) if math.isfinite(float(value)) else None


def _read_text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    str(value).encode()  # bytes of the command line that are no UTF-8 could not be written down
    return str(value)


def _read_words(value: object) -> tuple[str, ...] | None:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        return None
    words: list[str] = []
    for text in texts:
        is_pair = False
        for part in text.split(","):
            if is_pair and "=" not in part:
                words[-1] += f",{part}"  # of `units=64,32`
            else:
                words.append(part)
            is_pair = "=" in words[-1]
    return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))


_READ: Mapping[type, Callable[[object], object | None]] = {
    bool: _read_bool,
    int: _read_int,
    float: _read_float,
    str: _read_text,
    tuple: _read_words,
}
