"""The grammar of `check`, `--check`, `--until` and `--where`: conditions on a run, joined by ``and`` and ``or``.

| written | means |
|---|---|
| `val_accuracy>=0.98` | the last value of a metric; `>=` `>` `<=` `<` `=` `!=` compare, with or without blanks around |
| `val_accuracy.last` | the same |
| `val_accuracy.best` | the best of all epochs, by the direction of the metric: `tbcli help metrics` |
| `val_accuracy.epoch<=5` | the epoch of the best value (the step, where a metric is recorded per step) |
| `loss@step<0.5` | the metric per step, where there is one per epoch too |
| `test_accuracy>98%` | a test metric has one value; 98% is 0.98 |
| `epoch<=20` | how many epochs the run has finished (other programs' logs: the last they tell); so is `epochs` |
| `status=finished`, `age<3600` | a fact: one of those below the table |
| `started>=2026-11-22` | strings compare lexicographically, which is chronological for times and ids |
| `train.seed=3`, `seed=3` | a setting of the run's configuration; the section is optional where only one has the key |
| `learning_rate.last<1e-5` | the last value over the epochs; `learning_rate` alone is the setting |
| `"gradients/dense 1"<10` | a tag of the event files; quoted where it contains spaces or ends in e.g. `.best` |
| `name="my run"` | values that contain spaces are quoted |
| `loss<0.1 and model=cnn` | both |
| `loss<0.1 or (epoch>9 and seed=3)` | either; `and` binds more strongly than `or` |

Facts are `id`, `name`, `note`, `status`, `started`, `ended`, `seconds`, `age` (also seconds), `model`, `data`,
`parameters`, `device`, `precision`, `host`, `ended_by`, `saved_epoch`, `bytes`, `sweep` and `trial`.

A name is a metric if there is one, then a fact, then a setting; in `--where`, which chooses runs by what they were set
to, a setting first: `learning_rate=0.01`, or `lr=0.01`. A selector always means the metric. NaN satisfies no condition,
`!=` included. A run that lacks the name does not match `--where`; in `check` that is an error, with the nearest name.

A value that was logged as float32 is compared in float32: a `val_loss` logged as 0.3 is kept as 0.30000001192, and
`val_loss<=0.3` holds, `val_loss>0.3` does not.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from tbcli.errors import ConfigError
from tbcli.gates.typed_numbers import as_logged, parse_number
from tbcli.runs.summary import FACTS, SELECTORS, Summary, Value

# A bracket belongs to a word that has both of its ends, as `mAP50(B)`; others group conditions.
_WORD = r"""(?:[^\s<>=!"'()]|\([^\s<>=!"'()]*\))+"""
_QUOTED = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
_FIELD = rf"(?:(?P<quoted>{_QUOTED})(?:\.(?P<selector>{'|'.join(SELECTORS)}))?|(?P<word>(?!\()(?:{_WORD})))"
_CONDITION = re.compile(rf"\s*{_FIELD}\s*(?P<operator><=|>=|==|!=|=|<|>)\s*(?P<value>{_QUOTED}|{_WORD})")
_ALONE = re.compile(rf"\s*{_FIELD}\s*")
_JOINED = re.compile(r"\s*\b(and|or)(?=[\s(]|$)", re.IGNORECASE)
_OPENED, _CLOSED = re.compile(r"\s*\("), re.compile(r"\s*\)")
_OTHER_OPERATORS = ("||", "&&", "&", "|", ",", ";", "not", "!")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
_EXAMPLE = 'write e.g. "val_accuracy.best>=0.98 and epoch<=20"; quote names that contain spaces'
_DEEPEST = 50  # brackets within brackets


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
        needs_quotes = not re.fullmatch(_WORD, self.name) or self.name[0] == "(" or (name and end in SELECTORS)
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
        """Say whether a value passes; NaN never does. One logged as float32 is compared in float32.

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
                f"{self.field} is a number ({actual:g}): cannot compare it with {self.value!r}", hint=_EXAMPLE
            )
        return not math.isnan(actual) and compare(actual, as_logged(wanted, actual))


class Group(NamedTuple):
    """Conditions joined by one word.

    Args:
        word: ``and`` or ``or``.
        parts: At least two.
    """

    word: Literal["and", "or"]
    parts: tuple[Gate, ...]

    def __str__(self) -> str:
        texts = (f"({part})" if isinstance(part, Group) else str(part) for part in self.parts)
        return f" {self.word} ".join(texts)


Gate = Condition | Group
"""What is judged as one: a condition, or several joined by ``or``."""


def names_asked(gate: Gate) -> Iterator[Field]:
    """Yield the names in a gate."""
    if isinstance(gate, Condition):
        yield gate.field
    else:
        for part in gate.parts:
            yield from names_asked(part)


def parse_conditions(expression: str) -> tuple[Gate, ...]:
    """Return the gates of an expression, all of which must hold: those between the outermost ``and``.

    Raises:
        ConfigError: It does not follow the grammar; the message says where.
    """
    gate, position = _alternatives(expression, 0, 0)
    if expression[position:].strip():
        raise _unreadable(expression, position)
    return gate.parts if isinstance(gate, Group) and gate.word == "and" else (gate,)


def _alternatives(expression: str, position: int, depth: int) -> tuple[Gate, int]:
    """Return the gate that begins here, and where it ends."""
    choices: list[list[Gate]] = [[]]
    while True:
        gate, position = _operand(expression, position, depth)
        choices[-1].append(gate)
        joined = _JOINED.match(expression, position)
        if not joined:
            return _joined("or", [_joined("and", parts) for parts in choices]), position
        position = joined.end()
        if joined[1].lower() == "or":
            choices.append([])


def _joined(word: Literal["and", "or"], gates: Sequence[Gate]) -> Gate:
    """Return gates as one; a group of the same word within is part of it."""
    parts = [
        part for gate in gates for part in (gate.parts if isinstance(gate, Group) and gate.word == word else (gate,))
    ]
    return parts[0] if len(parts) == 1 else Group(word, tuple(parts))


def _operand(expression: str, position: int, depth: int) -> tuple[Gate, int]:
    opened = _OPENED.match(expression, position)
    if opened and depth < _DEEPEST:
        gate, end = _alternatives(expression, opened.end(), depth + 1)
        closed = _CLOSED.match(expression, end)
        if not closed:
            if expression[end:].strip():
                raise _unreadable(expression, end)
            raise ConfigError(f"missing ')' at the end of {expression!r}", hint=_EXAMPLE)
        return gate, closed.end()
    found = _CONDITION.match(expression, position)
    if not found:
        raise _unreadable(expression, position)
    sign = found["operator"].replace("==", "=")
    return Condition(_field(found), sign, _comparable(_unquoted(found["value"]))), found.end()


def parse_field(text: str) -> Field:
    """Return a name, quoted or not, with its selector.

    Raises:
        ConfigError: It is empty, or more than a name.
    """
    found = _ALONE.fullmatch(text)
    if not found:
        raise ConfigError(f"not a name: {text!r}", hint="write e.g. `val_loss`, `val_loss.best` or `train.seed`")
    return _field(found)


def parse_fields(text: str) -> tuple[Field, ...]:
    """Return the names of a comma-separated list; see `parse_field`."""
    words = re.findall(rf"""(?:{_QUOTED}|[^,"'])+|["'].*""", text)
    return tuple(map(parse_field, words or [text]))


def all_hold(gates: Iterable[Gate], summary: Summary, *, chooses_runs: bool = False) -> bool:
    """Say whether a run matches; a condition on a name that it lacks does not hold.

    Args:
        gates: The conditions.
        summary: What is known of the run.
        chooses_runs: Whether a name of both a metric and a setting means what the run was set to.
    """
    held = [_holds(gate, summary, chooses_runs) for gate in gates]  # all of them: each may be wrong usage
    return all(held)


def _holds(gate: Gate, summary: Summary, chooses_runs: bool) -> bool:
    if isinstance(gate, Group):
        held = [_holds(part, summary, chooses_runs) for part in gate.parts]
        return all(held) if gate.word == "and" else any(held)
    setting = _setting_meant(gate, summary) if chooses_runs else None
    actual = gate.field.of(summary) if setting is None else setting
    return actual is not None and gate.holds(actual)


def _setting_meant(condition: Condition, summary: Summary) -> Value | None:
    """Return the setting of a name, where it can be compared with what was written: ``loss<0.1`` is the metric."""
    name = condition.field.name
    value = None if condition.field.selector or name in FACTS else summary.setting(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number == (parse_number(condition.value) is not None) else None


def _field(found: re.Match[str]) -> Field:
    if found["quoted"]:
        return Field(_unquoted(found["quoted"]), found["selector"] or "")
    name, _, last = found["word"].rpartition(".")
    return Field(name, last) if name and last in SELECTORS else Field(found["word"])


def _comparable(value: str) -> str:
    if value.lower() in ("nan", "-nan", "+nan"):
        raise ConfigError(f"cannot compare with {value!r}", hint="NaN never satisfies a condition")
    return value


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] in ("'", '"') else text


def _unreadable(expression: str, position: int) -> ConfigError:
    """Return the error of an expression that is wrong from here on."""
    rest = expression[position:].strip()
    if not rest:
        happened = f"a condition is missing at the end of {expression!r}" if position else "the expression is empty: ''"
        return ConfigError(happened, hint=_EXAMPLE)
    first = rest.split()[0]
    if first.lower() in _OTHER_OPERATORS:
        return ConfigError(
            f"unsupported operator {first!r} in {expression!r}", hint="join conditions with `and`, `or` and parentheses"
        )
    alone = _ALONE.match(expression, position)
    after = expression[alone.end() :] if alone else ""
    if alone and (not after or after[0] == ")" or _JOINED.match(expression, alone.end() - 1)):
        name = alone[0].strip()
        return ConfigError(f"{name!r} has no comparison; write e.g. {name}<0.1", hint=_EXAMPLE)
    return ConfigError(f"unexpected {rest!r} in condition {expression!r}", hint=_EXAMPLE)
