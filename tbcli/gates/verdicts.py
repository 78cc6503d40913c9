"""What came of conditions on a run: passed, failed, or nothing there to judge."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tbcli.errors import CheckFailed, ConfigError, NotFound, TbcliError
from tbcli.gates.grammar import Condition, Field, parse_conditions, parse_field, parse_number
from tbcli.naming.direction import lower_is_better
from tbcli.naming.matching import did_you_mean
from tbcli.runs.summary import Summary, Value

_MOST_NAMES = 8  # in a hint of one line
Outcome = Literal["passed", "failed", "missing"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One gate, judged.

    Args:
        gate: What was asked, as one would type it.
        outcome: ``missing`` where the run has nothing of that name.
        actual: The value of the run.
        shown: The same as a person reads it.
        at: Where that value stands, as ``epoch 5``, or ``""``.
        hint: Of a missing name: the nearest that there is.
    """

    gate: str
    outcome: Outcome
    actual: Value | None = None
    shown: str = "not there"
    at: str = ""
    hint: str = ""

    @property
    def found(self) -> str:
        """The value of the run and its place in words."""
        return f"{self.shown} at {self.at}" if self.at else self.shown


def shown_value(value: Value, judged_alike: Callable[[float], bool] = lambda rounded: True) -> str:
    """Return a value as a person reads it.

    Args:
        value: A number shows six digits, or all where six would tell another story.
        judged_alike: Says whether a rounded number would have got the same verdict.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, float):
        return str(value)
    rounded = f"{value:.6g}"
    return rounded if judged_alike(float(rounded)) else repr(value)


def judge(summary: Summary, conditions: Iterable[Condition]) -> list[Verdict]:
    """Return a verdict on each condition.

    Raises:
        ConfigError: A number was to be compared with a word.
    """
    return [_judged(summary, condition) for condition in conditions]


def _judged(summary: Summary, condition: Condition) -> Verdict:
    actual = condition.field.of(summary)
    if actual is None:
        return _missing(str(condition), condition.field, summary)
    passed = condition.holds(actual)
    shown = shown_value(actual, lambda rounded: condition.holds(rounded) == passed)
    return Verdict(str(condition), "passed" if passed else "failed", actual, shown, _place(summary, condition.field))


def _missing(gate: str, field: Field, summary: Summary) -> Verdict:
    if field.selector and summary.value(field.name) is not None:
        hint = f"{field.name!r} has one value alone: leave `.{field.selector}` out"
    else:
        guess = did_you_mean(field.name, list(summary.names()))
        hint = guess if guess.startswith("did") else _listed(list(summary.metrics))
    return Verdict(gate, "missing", hint=hint)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"metrics here: {', '.join(names[:_MOST_NAMES]) or 'none'}{more}"


def _place(summary: Summary, field: Field) -> str:
    metric = summary.metric(field.name, field.selector)
    if metric is None or metric.best_epoch is None or field.selector != "best" or math.isnan(metric.best):
        return ""
    return f"{metric.unit} {metric.best_epoch}"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much worse than the baseline is still good enough.

    Args:
        amount: Of the metric itself, or of the baseline's value where it is a share.
        is_share: Written with a percent sign.
    """

    amount: float = 0.0
    is_share: bool = False

    @classmethod
    def parse(cls, text: str) -> Tolerance:
        """Return the tolerance in ``0.5%`` (of the baseline's value) or ``0.005`` (of the metric itself).

        Raises:
            ConfigError: It is no number, or below zero.
        """
        amount = parse_number(text)
        if amount is None or not 0 <= amount < math.inf:
            raise ConfigError(
                f"a tolerance is a number from 0 on, got {text!r}",
                hint="`0.5%` of the baseline's value, or `0.005` of the metric itself",
            )
        return cls(amount, text.endswith("%"))

    def limit(self, baseline: float, *, lower: bool) -> float:
        """Return the worst value that is still good enough, where the lower or the higher is better."""
        room = self.amount * abs(baseline) if self.is_share else self.amount
        return baseline + room if lower else baseline - room


def judge_against(summary: Summary, baseline: Summary, fields: Sequence[Field], tolerance: Tolerance) -> list[Verdict]:
    """Return a verdict on each metric: not worse than the baseline's by more than the tolerance.

    Args:
        summary: The run to judge.
        baseline: The run to judge by.
        fields: The metrics; of none given, the best of each validation metric and each test metric of the baseline,
            or the best of all metrics where it has neither.
        tolerance: How much worse is good enough.

    Raises:
        NotFound: The baseline has no such metric, or no metrics.
    """
    return [_judged_against(summary, baseline, field, tolerance) for field in fields or _gated(baseline)]


def _gated(baseline: Summary) -> list[Field]:
    if not baseline.metrics:
        raise NotFound(f"the baseline {baseline.label} has no metrics", hint="`tbcli runs RUN` shows what a run has")
    fields = [
        Field(name, "best" if metric.is_series else "")
        for name, metric in baseline.metrics.items()
        if not math.isnan(metric.best)
    ]
    return [field for field in fields if field.name.startswith(("val_", "test_"))] or fields


def _judged_against(summary: Summary, baseline: Summary, field: Field, tolerance: Tolerance) -> Verdict:
    wanted, actual = _measured(baseline, field), _measured(summary, field)
    if wanted is None:
        missing = _missing(str(field), field, baseline)
        raise NotFound(f"the baseline {baseline.label} has no {field}", hint=missing.hint)
    lower = field.selector == "epoch" or lower_is_better(field.name)
    sign, limit = "<=" if lower else ">=", tolerance.limit(wanted, lower=lower)

    def good_enough(value: float, limit: float = limit) -> bool:
        return value <= limit if lower else value >= limit  # false wherever one is NaN

    if actual is None:
        return _missing(f"{field}{sign}{limit:.6g}", field, summary)
    passed = good_enough(actual)
    texts = f"{limit:.6g}", f"{actual:.6g}"
    if good_enough(float(texts[1]), float(texts[0])) != passed:  # six digits of each would tell another story
        texts = repr(limit), repr(actual)
    outcome: Outcome = "passed" if passed else "failed"
    return Verdict(f"{field}{sign}{texts[0]}", outcome, actual, texts[1], _place(summary, field))


def _measured(summary: Summary, field: Field) -> float | None:
    metric = summary.metric(field.name, field.selector)
    return metric.select(field.selector) if metric else None


def failure_of(verdicts: Sequence[Verdict], label: str) -> TbcliError | None:
    """Return what the process should leave with, or None where every gate was passed.

    Args:
        verdicts: The gates, judged.
        label: What a person calls the run.
    """
    missing = [verdict for verdict in verdicts if verdict.outcome == "missing"]
    failed = [verdict for verdict in verdicts if verdict.outcome == "failed"]
    if missing:
        others = f"; of {len(verdicts)} gates {len(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        others += f" and {len(failed)} failed" if failed else ""
        what = f"{label} has nothing for {missing[0].gate!r}"
        return NotFound(what + (others if len(missing) + len(failed) > 1 else ""), hint=missing[0].hint)
    if not failed:
        return None
    first = f"{failed[0].gate}, but it is {failed[0].found}"
    what = first if len(verdicts) == 1 else f"{len(failed)} of {len(verdicts)} gates: {first}"
    return CheckFailed(
        f"{label} fails {what}",
        hint="`tbcli runs RUN` shows the run in full, `tbcli compare` what differs from a better one",
    )


def parse_gates(words: Iterable[str]) -> tuple[list[Condition], list[Field]]:
    """Return the conditions that were typed, and the names alone, which only a baseline can judge.

    Raises:
        ConfigError: One does not follow the grammar.
    """
    conditions: list[Condition] = []
    fields: list[Field] = []
    for word in words:
        try:
            fields.append(parse_field(word))
        except ConfigError:
            conditions.extend(parse_conditions(word))
    return conditions, fields
