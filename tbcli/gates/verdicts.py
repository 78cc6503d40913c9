"""Verdicts on the gates of a run: passed, failed, or missing where the run has nothing of that name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tbcli.errors import CheckFailed, ConfigError, NotFound, TbcliError
from tbcli.gates.grammar import Condition, Field, Gate, Group, parse_conditions, parse_field
from tbcli.naming.direction import Direction, how_to_declare
from tbcli.naming.matching import listed, nearest
from tbcli.runs.summary import FACTS, Metric, Summary, Value

NOT_THERE = "not there"
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
        warning: That the best value was judged of a series which ends without a finite value, or ``""``.
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
    warning: str = ""

    @property
    def value(self) -> str:
        """The value of the run and its place."""
        return f"{self.shown} at {self.at}" if self.at else self.shown

    @property
    def found(self) -> str:
        """The value of the run, its place, what was guessed, and how the series ends where it diverged."""
        warning = f"({self.warning})" if self.warning else ""
        return " ".join(part for part in (self.value, self.note, warning) if part)


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
    warnings = dict.fromkeys(part.warning for part in parts if part.warning)
    return Verdict(
        str(group),
        outcome,
        shown=shown,
        hint=hint,
        note=" ".join(notes),
        run=summary.label,
        warning=", ".join(warnings),
    )


def _judged_condition(summary: Summary, condition: Condition) -> Verdict:
    field = condition.field
    metric, actual = summary.metric(field.name, field.selector), field.of(summary)
    direction = summary.direction(field.name, asked=True) if metric and field.selector in ("best", "epoch") else None
    if actual is None or (direction and metric and metric.is_series and not direction.sense):
        return missing_verdict(str(condition), field, summary)
    passed = condition.holds(actual)
    shown = shown_value(actual, lambda rounded: condition.holds(rounded) == passed)
    outcome: Outcome = "passed" if passed else "failed"
    return detailed(summary, field, Verdict(str(condition), outcome, actual, shown), metric, direction)


def detailed(
    summary: Summary, field: Field, verdict: Verdict, metric: Metric | None, direction: Direction | None
) -> Verdict:
    """Return a verdict with the run, the tag and the place of the value, and with what was guessed of its direction."""
    note = direction.note if direction and metric and metric.is_series else ""
    place = ""
    if metric and field.selector == "best" and metric.best_epoch is not None and not math.isnan(metric.best):
        place = f"{metric.unit} {metric.best_epoch}"
    has_diverged = field.selector in ("best", "epoch") and metric and not math.isfinite(metric.last)
    return Verdict(
        verdict.gate,
        verdict.outcome,
        verdict.actual,
        verdict.shown,
        at=place,
        note=note,
        run=summary.label,
        tag=metric.tag if metric else "",
        warning=f"last value is {metric.last:g}" if has_diverged and metric else "",
    )


def judge_unfinished(checked: Sequence[tuple[Summary, list[Verdict]]]) -> list[tuple[Summary, list[Verdict]]]:
    """Return verdicts on runs that belong together: what one lacks that others have, and that has not finished, fails.

    Args:
        checked: The runs, each with its verdicts.
    """
    known = {verdict.gate for _, verdicts in checked for verdict in verdicts if verdict.outcome != "missing"}

    def of_run(summary: Summary, verdict: Verdict) -> Verdict:
        if not summary.unfinished or verdict.outcome != "missing" or verdict.gate not in known:
            return verdict
        return replace(verdict, outcome="failed", shown=f"{verdict.shown}: the run is {summary.unfinished}", hint="")

    return [(summary, [of_run(summary, verdict) for verdict in verdicts]) for summary, verdicts in checked]


def is_condition(word: str) -> bool:
    """Say whether a word compares something, as no name of a run does unless somebody named it so."""
    return any(sign in word for sign in "<>=")


def missing_verdict(gate: str, field: Field, summary: Summary) -> Verdict:
    """Return the verdict where a run has no value to judge, with a hint on what it has."""
    metric = summary.metric(field.name, field.selector)
    shown = NOT_THERE
    if metric and not summary.direction(field.name, asked=True).sense:
        shown = "no direction"
        hint = f"say which way it is better: {how_to_declare(field.name)}"
    elif field.selector and summary.value(field.name) is not None:
        hint = f"{field.name!r} has a single value: write it without `.{field.selector}`"
    else:
        hint = hint_on_unknown(field, summary)
    return Verdict(gate, "missing", shown=shown, hint=hint, run=summary.label)


def hint_on_unknown(field: Field, summary: Summary) -> str:
    """Return what to try for a name that a run has not: never the same word again."""
    whole = f"{field.name}.{field.selector}"
    if field.selector and summary.metric(whole) is not None:
        return f"put the name in quotes, as it ends in `.{field.selector}`: {Field(whole)}"
    if field.name in FACTS:
        return f"this log does not tell {field.name!r}; metrics here: {listed(list(summary.metrics))}"
    guess = nearest(field.name, (name for name in (*summary.names(), *FACTS) if name != field.name))
    return f"did you mean {guess!r}?" if guess else f"metrics here: {listed(list(summary.metrics))}"


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
    count = f"{len(failed)} of {len(verdicts)} gates"
    if len({verdict.run for verdict in verdicts}) > 1:
        happened = f"{label} fails {count}; the first is of {first.run}: {what}"
    else:
        happened = f"{first.run or label} fails {what if len(verdicts) == 1 else f'{count}: {what}'}"
    return CheckFailed(
        happened,
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
