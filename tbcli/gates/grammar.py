"""The one grammar of `check`, `train --check` and `--where`: conditions on what is known of a run, joined by ``and``.

| written | means |
|---|---|
| `val_accuracy>=0.98` | the last value of a metric; `>=` `>` `<=` `<` `=` `!=` compare, with or without blanks around |
| `val_accuracy.last` | the same |
| `val_accuracy.best` | the best of all epochs; losses and errors are best when low, everything else when high |
| `val_accuracy.epoch<=5` | the epoch of the best value (of a foreign log directory: its step) |
| `test_accuracy>98%` | a test metric has one value; 98% is 0.98 |
| `epoch<=20` | how many epochs the run has finished; `epochs` is the same |
| `status=finished`, `age<3600` | a fact: one of those below the table |
| `started>=2026-11-22` | texts compare as texts, which puts times and ids in their order |
| `train.seed=3`, `seed=3` | a setting of the run's configuration; the section may go where only one has the key |
| `learning_rate.last<1e-5` | with an ending that of the epochs; `learning_rate` alone is the setting |
| `"gradients/dense 1".best<10` | a tag of the event files; with blanks, or an end such as `.best`, in quotes |
| `name="my run"` | so is a value with blanks |
| `loss<0.1 and model=cnn` | both; there is no `or` |

Facts are `id`, `name`, `note`, `status`, `started`, `ended`, `seconds`, `age` (also seconds), `model`, `data`,
`parameters`, `device`, `precision`, `host`, `saved_epoch` and `bytes`.

A name is a metric if there is one, then a fact, then a setting. What is not a number (NaN) passes no condition, `!=`
included. A run that lacks the name does not match `--where`; to `check` that is an error, with the nearest name.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tbcli.errors import ConfigError
from tbcli.runs.summary import SELECTORS, Summary, Value

_WORD = r"""[^\s<>=!"']+"""
_QUOTED = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
_FIELD = rf"(?:(?P<quoted>{_QUOTED})(?:\.(?P<selector>{'|'.join(SELECTORS)}))?|(?P<word>{_WORD}))"
_CONDITION = re.compile(rf"\s*{_FIELD}\s*(?P<operator><=|>=|==|!=|=|<|>)\s*(?P<value>{_QUOTED}|{_WORD})")
_ALONE = re.compile(rf"\s*{_FIELD}\s*")
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
_EXAMPLE = 'as "val_accuracy.best>=0.98 and epoch<=20"; a name with blanks stands in quotes'


@dataclass(frozen=True, slots=True)
class Field:
    """A name with what is meant of it.

    Args:
        name: Of a metric, a fact or a setting.
        selector: ``best``, ``last``, ``epoch``, or ``""`` where none was written.
    """

    name: str
    selector: str = ""

    def __str__(self) -> str:
        name, _, end = self.name.rpartition(".")
        needs_quotes = not re.fullmatch(_WORD, self.name) or (name and end in SELECTORS)
        written = _quoted(self.name) if needs_quotes else self.name
        return f"{written}.{self.selector}" if self.selector else written

    def of(self, summary: Summary) -> Value | None:
        """Return its value of a run, None where the run has nothing of that name."""
        return summary.value(self.name, self.selector)


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of one field with one value.

    Args:
        field: What is compared.
        operator: ``<``, ``<=``, ``>``, ``>=``, ``=`` or ``!=``.
        value: What was written to compare with.
    """

    field: Field
    operator: str
    value: str

    def __str__(self) -> str:
        value = self.value if re.fullmatch(_WORD, self.value) else _quoted(self.value)
        return f"{self.field}{self.operator}{value}"

    def holds(self, actual: Value) -> bool:
        """Say whether a value passes; NaN never does.

        Raises:
            ConfigError: A number was to be compared with a word.
        """
        compare = _COMPARE[self.operator]
        if isinstance(actual, bool):
            return compare(str(actual).lower(), self.value.lower())
        if isinstance(actual, str):
            return compare(actual, self.value)
        wanted = parse_number(self.value)
        if wanted is None:
            raise ConfigError(
                f"{self.field} is a number, here {actual:g}: it does not compare with {self.value!r}", hint=_EXAMPLE
            )
        return not math.isnan(actual) and compare(actual, wanted)


def parse_number(text: str) -> float | None:
    """Return the number in ``0.98``, ``1e-3`` or ``98%``; None where it is none."""
    percent = text.endswith("%")
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        return None
    return number / 100 if percent else number


def parse_conditions(expression: str) -> tuple[Condition, ...]:
    """Return the conditions of an expression, all of which are to hold.

    Raises:
        ConfigError: It does not follow the grammar; the message says where.
    """
    conditions, position = [], 0
    while True:
        found = _CONDITION.match(expression, position)
        if not found:
            raise _unreadable(expression, position)
        sign = found["operator"].replace("==", "=")
        conditions.append(Condition(_field(found), sign, _comparable(_unquoted(found["value"]))))
        position = found.end()
        if not expression[position:].strip():
            return tuple(conditions)
        joined = _AND.match(expression, position)
        if not joined:
            raise _unreadable(expression, position)
        position = joined.end()


def parse_field(text: str) -> Field:
    """Return a name, quoted or not, with its selector.

    Raises:
        ConfigError: It is empty, or more than a name.
    """
    found = _ALONE.fullmatch(text)
    if not found:
        raise ConfigError(f"{text!r} is not a name", hint="as `val_loss`, `val_loss.best` or `train.seed`")
    return _field(found)


def parse_fields(text: str) -> tuple[Field, ...]:
    """Return the names in a list with commas between; see `parse_field`."""
    words = re.findall(rf"""(?:{_QUOTED}|[^,"'])+|["'].*""", text)
    return tuple(map(parse_field, words or [text]))


def all_hold(conditions: Iterable[Condition], summary: Summary) -> bool:
    """Say whether a run matches; one that has nothing of a name does not."""
    for condition in conditions:
        actual = condition.field.of(summary)
        if actual is None or not condition.holds(actual):
            return False
    return True


def _field(found: re.Match[str]) -> Field:
    if found["quoted"]:
        return Field(_unquoted(found["quoted"]), found["selector"] or "")
    name, _, last = found["word"].rpartition(".")
    return Field(name, last) if name and last in SELECTORS else Field(found["word"])


def _comparable(value: str) -> str:
    if value.lower() in ("nan", "-nan", "+nan"):
        raise ConfigError(f"nothing compares with {value!r}", hint="what is not a number passes no condition anyway")
    return value


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] in ("'", '"') else text


def _unreadable(expression: str, position: int) -> ConfigError:
    """Return the error of an expression that cannot be read on from here."""
    rest = expression[position:].strip()
    if not rest:
        happened = f"a condition is missing at the end of {expression!r}" if position else "the expression is empty: ''"
        return ConfigError(happened, hint=_EXAMPLE)
    if rest.split()[0].lower() in ("or", "||", "&&", "&", "|", ","):
        return ConfigError(f"{rest.split()[0]!r} joins no conditions, in {expression!r}", hint="only `and` does")
    alone = _ALONE.match(expression, position)
    if alone and alone.end() == len(expression):
        return ConfigError(f"{rest!r} is compared with nothing, in {expression!r}", hint=_EXAMPLE)
    return ConfigError(f"cannot read on at {rest!r} in {expression!r}", hint=_EXAMPLE)
