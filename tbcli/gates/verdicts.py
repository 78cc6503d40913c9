"""Verdicts on the gates of a run: passed, failed, or missing where the run has nothing of that name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tbcli.errors import CheckFailed, ConfigError, NotFound, TbcliError
from tbcli.gates.grammar import Condition, Field, Gate, Group, parse_conditions, parse_field, parse_number
from tbcli.naming.direction import Direction, how_to_declare
from tbcli.naming.matching import listed, nearest
from tbcli.runs.summary import Metric, Summary, Value

NOT_THERE = "not there"
HELD_OUT = ("validation", "test")
Outcome = Literal["passed", "failed", "missing"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One gate, judged.

    Args:
        gate: What was asked, as one would type it.
        outcome: ``missing`` where the run has nothing of that name.
        actual: The value of the run; None for several conditions joined by ``or``.
        shown: The same as a person reads it.
        at: Where that value is, as ``epoch 5``, or ``""``.
        hint: For a missing name: what to try.
        note: Said behind the value: that the direction of the metric is a guess.
        run: Label of the run.
        tag: Directory and tag of the metric in the event files, or ``""``.
    """

    gate: str
    outcome: Outcome
    actual: Value | None = None
    shown: str = NOT_THERE
    at: str = ""
    hint: str = ""
    note: str = ""
    run: str = ""
    tag: str = ""

    @property
    def value(self) -> str:
        """The value of the run and its place."""
        return f"{self.shown} at {self.at}" if self.at else self.shown

    @property
    def found(self) -> str:
        """The value of the run, its place, and what was guessed."""
        return f"{self.value} {self.note}" if self.note else self.value


def shown_value(value: Value, judged_alike: Callable[[float], bool] = lambda rounded: True) -> str:
    """Return a value as a person reads it.

    Args:
        value: Numbers are shown with six digits, or all of them where six would contradict the verdict.
        judged_alike: Says whether a rounded number would have got the same verdict.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, float):
        return str(value)
    rounded = f"{value:.6g}"
    return rounded if judged_alike(float(rounded)) else repr(value)


def judge(summary: Summary, gates: Iterable[Gate]) -> list[Verdict]:
    """Return a verdict on each gate.

    Raises:
        ConfigError: A number was to be compared with a word.
    """
    return [_judged(summary, gate) for gate in gates]


def _judged(summary: Summary, gate: Gate) -> Verdict:
    return _judged_group(summary, gate) if isinstance(gate, Group) else _judged_condition(summary, gate)


def _judged_group(summary: Summary, group: Group) -> Verdict:
    """Return the verdict on joined conditions; a missing name decides nothing where the others already do."""
    parts = [_judged(summary, part) for part in group.parts]
    outcomes = [part.outcome for part in parts]
    decisive: tuple[Outcome, ...] = (
        ("passed", "missing", "failed") if group.word == "or" else ("missing", "failed", "passed")
    )
    outcome = next(each for each in decisive if each in outcomes)
    names = [str(part.field) if isinstance(part, Condition) else "" for part in group.parts]
    shown = ", ".join(f"{name} {part.value}".strip() for name, part in zip(names, parts, strict=True))
    notes = dict.fromkeys(part.note for part in parts if part.note)
    hint = next((part.hint for part in parts if part.outcome == "missing"), "")
    return Verdict(str(group), outcome, shown=shown, hint=hint, note=" ".join(notes), run=summary.label)


def _judged_condition(summary: Summary, condition: Condition) -> Verdict:
    field = condition.field
    metric, actual = summary.metric(field.name, field.selector), field.of(summary)
    direction = summary.direction(field.name, asked=True) if metric and field.selector in ("best", "epoch") else None
    if actual is None or (direction and metric and metric.is_series and not direction.sense):
        return _missing(str(condition), field, summary)
    passed = condition.holds(actual)
    shown = shown_value(actual, lambda rounded: condition.holds(rounded) == passed)
    outcome: Outcome = "passed" if passed else "failed"
    return _about(summary, field, Verdict(str(condition), outcome, actual, shown), metric, direction)


def _about(
    summary: Summary, field: Field, verdict: Verdict, metric: Metric | None, direction: Direction | None
) -> Verdict:
    """Return a verdict with what else there is to say of its metric."""
    note = direction.note if direction and metric and metric.is_series else ""
    place = ""
    if metric and field.selector == "best" and metric.best_epoch is not None and not math.isnan(metric.best):
        place = f"{metric.unit} {metric.best_epoch}"
    return Verdict(
        verdict.gate,
        verdict.outcome,
        verdict.actual,
        verdict.shown,
        at=place,
        note=note,
        run=summary.label,
        tag=metric.tag if metric else "",
    )


def _missing(gate: str, field: Field, summary: Summary) -> Verdict:
    metric = summary.metric(field.name, field.selector)
    shown = NOT_THERE
    if metric and not summary.direction(field.name, asked=True).sense:
        shown = "no direction"
        hint = f"say which way it is better: {how_to_declare(field.name)}"
    elif field.selector and summary.value(field.name) is not None:
        hint = f"{field.name!r} has a single value: write it without `.{field.selector}`"
    else:
        guess = nearest(field.name, summary.names())
        hint = f"did you mean {guess!r}?" if guess else f"metrics here: {listed(list(summary.metrics))}"
    return Verdict(gate, "missing", shown=shown, hint=hint, run=summary.label)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The allowed regression from the baseline.

    Args:
        amount: In units of the metric, or as a share of the baseline's value.
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
                f"--tolerance must be a number of at least 0, got {text!r}",
                hint="`0.5%` of the baseline's value, or `0.005` in units of the metric",
            )
        return cls(amount, text.endswith("%"))

    def limit(self, baseline: float, *, lower: bool) -> float:
        """Return the worst value that still passes, where lower or higher is better."""
        room = self.amount * abs(baseline) if self.is_share else self.amount
        return baseline + room if lower else baseline - room


@dataclass(frozen=True, slots=True)
class Gated:
    """The metrics that a baseline gates when none are named.

    Args:
        fields: The metrics.
        left_out: ``{metric: why it is not among them}``.
    """

    fields: tuple[Field, ...]
    left_out: Mapping[str, str]


def gated_by(baseline: Summary) -> Gated:
    """Return the validation and test metrics of a baseline, or all where it has neither; by their best.

    Metrics without direction (times, counters, learning rates) and those without a number are left out.

    Raises:
        NotFound: It has no metrics, or none that can be gated.
    """
    if not baseline.metrics:
        raise NotFound(f"the baseline {baseline.label} has no metrics", hint="`tbcli runs RUN` shows what a run has")
    held_out = {name: metric for name, metric in baseline.metrics.items() if metric.split in HELD_OUT}
    chosen, left_out = [], {}
    for name, metric in (held_out or baseline.metrics).items():
        if not baseline.direction(name).sense:
            left_out[name] = "no direction"
        elif math.isnan(metric.best):
            left_out[name] = "NaN in the baseline"
        else:
            chosen.append(Field(name, "best" if metric.is_series else ""))
    if not chosen:
        name, why = next(iter(left_out.items()))
        raise NotFound(f"the baseline {baseline.label} has no metric to gate: {name} has {why}", hint="name a metric")
    return Gated(tuple(chosen), left_out)


def judge_against(summary: Summary, baseline: Summary, fields: Sequence[Field], tolerance: Tolerance) -> list[Verdict]:
    """Return a verdict on each metric: not worse than the baseline's by more than the tolerance.

    Args:
        summary: The run to judge.
        baseline: The run to judge by.
        fields: The metrics; those of `gated_by` where none are named.
        tolerance: The allowed regression.

    Raises:
        NotFound: The baseline has no such metric.
    """
    return [_judged_against(summary, baseline, field, tolerance) for field in fields or gated_by(baseline).fields]


def _judged_against(summary: Summary, baseline: Summary, field: Field, tolerance: Tolerance) -> Verdict:
    wanted, actual = _measured(baseline, field), _measured(summary, field)
    if wanted is None:
        missing = _missing(str(field), field, baseline)
        raise NotFound(f"the baseline {baseline.label} has no {field}", hint=missing.hint)
    direction = summary.direction(field.name, asked=True)
    if not direction.sense:
        return _missing(str(field), field, baseline)
    lower = field.selector == "epoch" or direction.sense == "min"
    sign, limit = "<=" if lower else ">=", tolerance.limit(wanted, lower=lower)

    def good_enough(value: float, limit: float = limit) -> bool:
        return value <= limit if lower else value >= limit  # false wherever one is NaN

    if actual is None:
        return _missing(f"{field}{sign}{limit:.6g}", field, summary)
    passed = good_enough(actual)
    texts = f"{limit:.6g}", f"{actual:.6g}"
    if good_enough(float(texts[1]), float(texts[0])) != passed:  # six digits would contradict the verdict
        texts = repr(limit), repr(actual)
    verdict = Verdict(f"{field}{sign}{texts[0]}", "passed" if passed else "failed", actual, texts[1])
    judged = _about(summary, field, verdict, summary.metric(field.name, field.selector), direction)
    return replace(judged, note=direction.note)


def _measured(summary: Summary, field: Field) -> float | None:
    metric = summary.metric(field.name, field.selector)
    return metric.select(field.selector) if metric else None


def failure_of(verdicts: Sequence[Verdict], label: str) -> TbcliError | None:
    """Return the error to exit with, or None where every gate passed; a missing metric comes before a failed gate.

    Args:
        verdicts: The gates, judged.
        label: What was checked: a run, or several of them.
    """
    missing = [verdict for verdict in verdicts if verdict.outcome == "missing"]
    failed = [verdict for verdict in verdicts if verdict.outcome == "failed"]
    if missing:
        first = missing[0]
        others = f"; of {len(verdicts)} gates {len(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        others += f" and {len(failed)} failed" if failed else ""
        about = "unknown name" if first.shown == NOT_THERE else first.shown
        what = f"{first.run or label}: {about} in {first.gate!r}"
        return NotFound(what + (others if len(missing) + len(failed) > 1 else ""), hint=first.hint)
    if not failed:
        return None
    first = failed[0]
    what = f"{first.gate}, but it is {first.found}"
    count = "" if len(verdicts) == 1 else f"{len(failed)} of {len(verdicts)} gates: "
    return CheckFailed(
        f"{first.run or label} fails {count}{what}",
        hint="`tbcli runs RUN` shows the run in full, `tbcli compare` what differs from a better one",
    )


def parse_gates(words: Iterable[str]) -> tuple[list[Gate], list[Field]]:
    """Return the conditions that were typed, and the names alone, which only a baseline can judge.

    Raises:
        ConfigError: One does not follow the grammar.
    """
    gates: list[Gate] = []
    fields: list[Field] = []
    for word in words:
        try:
            fields.append(parse_field(word))
        except ConfigError:
            gates.extend(parse_conditions(word))
    return gates, fields
