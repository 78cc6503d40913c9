"""Gates by comparison with another run: not worse than a baseline, by more than a tolerance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tbcli.errors import ConfigError, NotFound
from tbcli.gates.grammar import Field, parse_number
from tbcli.gates.verdicts import Verdict, detailed, missing_verdict
from tbcli.runs.summary import Summary

HELD_OUT = ("validation", "test")


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
        missing = missing_verdict(str(field), field, baseline)
        raise NotFound(f"the baseline {baseline.label} has no {field}", hint=missing.hint)
    direction = summary.direction(field.name, asked=True)
    if not direction.sense:
        return missing_verdict(str(field), field, baseline)
    lower = field.selector == "epoch" or direction.sense == "min"
    sign, limit = "<=" if lower else ">=", tolerance.limit(wanted, lower=lower)

    def good_enough(value: float, limit: float = limit) -> bool:
        return value <= limit if lower else value >= limit  # false wherever one is NaN

    if actual is None:
        return missing_verdict(f"{field}{sign}{limit:.6g}", field, summary)
    passed = good_enough(actual)
    texts = f"{limit:.6g}", f"{actual:.6g}"
    if good_enough(float(texts[1]), float(texts[0])) != passed:  # six digits would contradict the verdict
        texts = repr(limit), repr(actual)
    verdict = Verdict(f"{field}{sign}{texts[0]}", "passed" if passed else "failed", actual, texts[1])
    judged = detailed(summary, field, verdict, summary.metric(field.name, field.selector), direction)
    return replace(judged, note=direction.note)


def _measured(summary: Summary, field: Field) -> float | None:
    metric = summary.metric(field.name, field.selector)
    return metric.select(field.selector) if metric else None
