"""What varies in a sweep: the grammar of ``KEY=VALUES``, checked by the settings' own bounds and types.

``0.1,0.01`` are choices; commas inside quotes or brackets belong to a value. ``1e-4..1e-2`` is a range, ``:log`` one
whose logarithm is even, ``:5`` its number of points, ``:+16`` their distance; ``64..512:log2`` doubles from point to
point.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tbcli.config.setting import Setting
from tbcli.errors import ConfigError

Value = bool | int | float | str
Read = Callable[[str], Value]
"""Returns what a text means, checked; raises a `ConfigError` that names the key."""
_DIGITS = 6  # of points and samples: they are read, and typed again
_MOST_POINTS = 1000
_MOST_WHOLE = 20  # points of a range of whole numbers that names no number of points
_RATIOS = {"log2": 2, "log10": 10}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
ARGUMENTS = ("model.args", "data.args")
"""Settings that are lists of arguments ``NAME=VALUE``, of which ``model.args.NAME`` is one."""
_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class Dimension:
    """A setting that varies.

    Args:
        key: Of the setting, ``model.args.NAME`` of an argument of the model (``data.args.NAME`` of the data), or
            ``arguments.NAME`` of a script.
        values: What it can be; empty for a range without points.
        low: Lower end of such a range.
        high: Its upper end.
        is_log: Whether its logarithm is spread evenly.
        is_whole: Whether its values are whole numbers.
    """

    key: str
    values: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0
    is_log: bool = False
    is_whole: bool = False

    @property
    def name(self) -> str:
        """What it is called where no section is written."""
        return short_name_of(self.key)

    def sample(self, source: random.Random) -> Value:
        """Return a value drawn at random."""
        if self.values:
            return source.choice(self.values)
        share = source.random()
        if self.is_log:
            drawn = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            drawn = self.low + share * (self.high - self.low)
        if self.is_whole:
            return min(int(self.high), max(int(self.low), round(drawn)))
        return min(self.high, max(self.low, as_typed(drawn)))

    def as_dict(self) -> dict[str, Any]:
        """Return it fit for JSON."""
        if self.values:
            return {"values": list(self.values)}
        return {"low": self.low, "high": self.high, "log": self.is_log, "whole": self.is_whole}


def dimension_from(key: str, kept: Mapping[str, Any]) -> Dimension:
    """Return what `Dimension.as_dict` wrote of a key."""
    if "values" in kept:
        return Dimension(key, tuple(kept["values"]))
    return Dimension(key, (), kept["low"], kept["high"], kept["log"], kept["whole"])


def as_typed(value: float) -> float:
    """Return a number with as many digits as a person would type."""
    return float(f"{value:.{_DIGITS}g}")


def split_values(text: str) -> list[str]:
    """Return the values between commas; those inside quotes or brackets do not separate, and quotes are dropped.

    Raises:
        ValueError: A quote or a bracket is not closed.
    """
    values, current, opened, quote, was_quoted = [], "", list[str](), "", False
    for char in text:
        if quote:
            quote = "" if char == quote else quote
            current += char if quote or opened else ""
        elif char in "\"'" and (opened or not current):
            quote, was_quoted = char, True
            current += char if opened else ""
        elif char == "," and not opened:
            values.append(current if was_quoted else current.strip())
            current, was_quoted = "", False
        else:
            if char in _OPENING:
                opened.append(_CLOSING[_OPENING.index(char)])
            elif opened and char == opened[-1]:
                opened.pop()
            current += char
    if quote or opened:
        raise ValueError(quote or opened[-1])
    return [*values, current if was_quoted else current.strip()]


def is_varied(text: str, *, is_text: bool = False) -> bool:
    """Say whether a word's values are several: with a comma that separates, or a range.

    Args:
        text: What stands behind ``=``.
        is_text: Whether the setting takes text, in which two dots are no range.
    """
    try:
        several = len(split_values(text)) > 1
    except ValueError:
        return True  # what is not closed is told where it is read
    return several or (not is_text and ".." in text)


def read_dimension(key: str, typed: str, text: str, read: Read, kind: type | None) -> Dimension:
    """Return what varies by a word ``KEY=VALUES``.

    Args:
        key: What varies.
        typed: How the user wrote the key.
        text: What stands behind ``=``.
        read: Reads and checks one value.
        kind: Type of the setting; None where it is not known, as of most arguments.

    Raises:
        ConfigError: A value is not allowed, is there twice, or a range is none.
    """
    is_number = kind in (int, float) or (kind is None and _is_range(text))
    if ".." in text and is_number:
        return _read_range(key, typed, text, read, kind)
    if kind is bool and ".." in text:
        raise ConfigError(f"{typed}={text}: true and false are no range", hint=f"`{typed}=true,false`")
    try:
        words = split_values(text)
    except ValueError as error:
        raise ConfigError(f"{typed}={text}: {str(error)!r} is missing", hint=f"`{typed}=a,b`") from None
    values = [read(word) for word in words]
    for position, value in enumerate(values):
        if any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in values[:position]):
            raise ConfigError(f"{typed}={text}: {words[position]!r} is there twice", hint="leave out one of them")
    return Dimension(key, tuple(values))


def _is_range(text: str) -> bool:
    low, dots, rest = text.partition("..")
    return bool(dots and _NUMBER.fullmatch(low.strip()) and _NUMBER.fullmatch(rest.partition(":")[0].strip()))


def is_whole_range(text: str) -> bool:
    """Say whether a range has whole numbers at both ends."""
    return _is_range(text) and all(isinstance(read_argument(end.strip()), int) for end in _ends_of(text))


def _ends_of(text: str) -> tuple[str, str]:
    low, _, rest = text.partition("..")
    return low, rest.partition(":")[0]


def _read_range(key: str, typed: str, text: str, read: Read, kind: type | None) -> Dimension:
    first, _, rest = text.partition("..")
    second, *parts = (part.strip() for part in rest.split(":"))
    if "," in text:
        raise ConfigError(f"{typed}={text} mixes a range with single values", hint=f"`{typed}={first}..{second}`")
    low, high = _end(typed, first, read), _end(typed, second, read)
    if not low < high:
        turned = second if low == high else ":".join([f"{second}..{first.strip()}", *parts])
        raise ConfigError(f"{typed}={text}: a range goes upwards", hint=f"`{typed}={turned}`")
    is_whole = kind is int or (kind is not float and isinstance(low, int) and isinstance(high, int))
    word, points, distance = _parts(typed, text, parts)
    if (word.startswith("log")) and low <= 0:
        raise ConfigError(f"{typed}={text}: a logarithmic range begins above 0", hint="such as `1e-4..1e-1:log`")
    if word in _RATIOS:
        if points or distance:
            raise ConfigError(
                f"{typed}={text}: :{word} says where the points are", hint=f"`{typed}={first}..{second}:{word}`"
            )
        values = _ladder(low, high, _RATIOS[word])
    elif points:
        values = _spread(low, high, points, is_log=word == "log")
    elif distance:
        values = _steps(typed, text, low, high, distance)
    elif is_whole and not word and high - low < _MOST_WHOLE:
        values = [float(whole) for whole in range(int(low), int(high) + 1)]
    else:
        return Dimension(key, (), low, high, word == "log", is_whole)
    settled = [round(value) if is_whole else as_typed(value) for value in values]
    pairs = zip(values, settled, strict=True)
    lost = [each for each, kept in pairs if not math.isclose(each, kept, rel_tol=1e-12, abs_tol=1e-9)]
    if len({*settled}) < len(settled) or (is_whole and lost and (distance or kind is not int)):
        as_float = f"`{typed}={':'.join([f'{low:.1f}..{high:.1f}', *parts])}`"
        raise _lost_points(f"{typed}={text}", settled, lost or values, as_float, kind)
    return Dimension(key, tuple(read(repr(value)) for value in settled))


def _lost_points(
    said: str, settled: Sequence[float], lost: Sequence[float], as_float: str, kind: type | None
) -> ConfigError:
    """Return what is wrong with a range whose points are too close to each other, or no whole numbers."""
    whole = list(dict.fromkeys(settled))
    typed = said.partition("=")[0]
    if not isinstance(whole[0], int):
        return ConfigError(f"{said}: the points differ in no digit that is kept", hint="a wider range, or fewer points")
    listed = f"`{typed}={','.join(map(str, whole))}`" if len(whole) <= _MOST_WHOLE else "fewer points"
    if kind is int:
        return ConfigError(f"{said}: {as_typed(lost[0]):g} is no whole number, which {typed} has to be", hint=listed)
    return ConfigError(
        f"{said}: {as_typed(lost[0]):g} is no whole number, as the ends are", hint=f"{as_float}, or {listed}"
    )


def _end(typed: str, text: str, read: Read) -> int | float:
    if not _NUMBER.fullmatch(text.strip()):
        raise ConfigError(f"{typed}: a range is between two numbers, got {text.strip()!r}", hint=_forms(typed))
    value = read(text.strip())
    assert isinstance(value, (int, float))
    return value


def _forms(typed: str) -> str:
    return f"`{typed}=1e-4..1e-2:log:5` or `{typed}=0..0.5:+0.1`; `tbcli help sweep`"


def _parts(typed: str, text: str, parts: Sequence[str]) -> tuple[str, int, float]:
    """Return the word, the number of points and the distance that stand behind a range."""
    word, points, distance = "", 0, 0.0
    for part in parts:
        if part in ("log", *_RATIOS, "linear") and not word:
            word = part
        elif part.isascii() and part.isdecimal() and 2 <= int(part[:9]) <= _MOST_POINTS and not points:
            points = int(part)
        elif part.startswith("+") and _NUMBER.fullmatch(part) and float(part) > 0 and not distance:
            distance = float(part)
        else:
            raise ConfigError(
                f"{typed}={text}: cannot read {part!r} behind the range",
                hint=f":log, :log2, :log10, :N points from 2 to {_MOST_POINTS}, or :+DISTANCE",
            )
    if distance and (points or word.startswith("log")):
        raise ConfigError(f"{typed}={text}: a distance stands alone", hint=_forms(typed))
    return word, points, distance


def _ladder(low: float, high: float, ratio: int) -> list[float]:
    values = [low]
    while values[-1] * ratio <= high * (1 + 1e-9) and len(values) < _MOST_POINTS:
        values.append(values[-1] * ratio)
    return values


def _spread(low: float, high: float, points: int, *, is_log: bool) -> list[float]:
    shares = [i / (points - 1) for i in range(points)]
    if is_log:
        inside = [low * (high / low) ** share for share in shares[1:-1]]
    else:
        inside = [low + (high - low) * share for share in shares[1:-1]]
    return [low, *inside, high]


def _steps(typed: str, text: str, low: float, high: float, distance: float) -> list[float]:
    count = math.floor((high - low) / distance * (1 + 1e-9)) + 1
    if count > _MOST_POINTS:
        raise ConfigError(f"{typed}={text} has {count:,} points, at most {_MOST_POINTS}", hint="a larger distance")
    return [low + i * distance for i in range(count)]


def reader_of(setting: Setting, typed: str) -> Read:
    """Return what reads and checks a value of a setting; of a list of words the text with commas."""

    def read(text: str) -> Value:
        if setting.kind is tuple and text[:1] == "[" and text[-1:] == "]":
            text = text[1:-1]
        value = setting.settle(text, typed)
        return ",".join(value) if isinstance(value, tuple) else value

    return read


def read_argument(text: str, kind: type | None = None) -> Value:
    """Return an argument: a number where it is one, else the text.

    Args:
        text: As typed.
        kind: Its type, None where that is not known.
    """
    if kind is str:
        return text
    if kind is float and _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    if re.fullmatch(r"[+-]?\d{1,15}", text, re.ASCII):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) and math.isfinite(float(text)) else text


def argument_of(key: str) -> tuple[str, str]:
    """Return the setting and the name of an argument of a model or of data; the setting is ``""`` for other keys."""
    setting, _, name = key.rpartition(".")
    return (setting, name) if setting in ARGUMENTS else ("", "")


def short_name_of(key: str) -> str:
    """Return what a key is called where no section is written: ``learning_rate``, ``model``, ``units``."""
    from tbcli.config import SETTINGS

    return SETTINGS[key].word if key in SETTINGS else argument_of(key)[1] or key.partition(".")[2]


def spoken_value(value: object) -> str:
    """Return a value as a person would type it, with all its digits."""
    return value if isinstance(value, str) else json.dumps(value).removesuffix(".0")
