"""Gates by comparison with another run: not worse than a baseline, by more than a tolerance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tbcli.errors import ConfigError, NotFound
from tbcli.gates.grammar import Field
from tbcli.gates.typed_numbers import as_logged, parse_number
from tbcli.gates.verdicts import Verdict, detailed, missing_verdict
from tbcli.naming.metric_words import meanings_of
from tbcli.naming.series import without_split
from tbcli.naming.words import TEST, TRAIN, VALIDATION, words_of
from tbcli.runs.summary import Summary

HELD_OUT = (VALIDATION, TEST)
_TRAINING, _NO_DIRECTION = "training metric", "no direction"
_USUAL = f"{_TRAINING} {_NO_DIRECTION}"  # what everybody expects to be left out is said last
_REWARDS = frozenset({"reward", "rewards", "rew", "return", "returns"})
_DIAGNOSTICS = frozenset({"loss", "losses", "kl", "td", "bellman", "explained"})  # of an agent's training


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


def gated_by(baseline: Summary, run: Summary | None = None) -> Gated:
    """Return the metrics that a baseline gates when none are named, by their best.

    These are its validation and test metrics. Writers leave the split out of some (`metrics/mAP50`, rewards): a metric
    without split is gated too if its direction is certain and nothing says that it is of training. Where that leaves
    none, all metrics are. Those without direction (times, counters, learning rates), without a number, or that the run
    does not have are left out.

    Args:
        baseline: The run to judge by.
        run: The run to judge.

    Raises:
        NotFound: The baseline has no metrics, or none that can be gated.
    """
    if not baseline.metrics:
        raise NotFound(f"the baseline {baseline.label} has no metrics", hint="`tbcli runs RUN` shows what a run has")
    reasons = {name: _why_ungated(baseline, name) for name in baseline.metrics}
    training = _Training(baseline)
    of_training = {name: why for name in reasons if not reasons[name] and (why := training.why(name))}
    is_held_out = any(baseline.metrics[name].split in HELD_OUT for name, why in reasons.items() if why != _NO_DIRECTION)
    if is_held_out or len(of_training) < sum(not why for why in reasons.values()):  # else there is nothing better
        reasons |= of_training
    chosen = [name for name, why in reasons.items() if not why]
    shared = [name for name in chosen if run is None or run.metric(name) is not None]
    if run is not None and shared:  # else every gate is missing, which is an error
        reasons |= {name: f"not in {run.label}" for name in chosen if name not in shared}
        chosen = shared
    left_out = {name: why for name, why in sorted(reasons.items(), key=lambda item: _USUAL.find(item[1])) if why}
    if not chosen:
        name, why = next(iter(left_out.items()))
        raise NotFound(f"the baseline {baseline.label} has no metric to gate: {name}: {why}", hint="name a metric")
    return Gated(tuple(Field(name, "best" if baseline.metrics[name].is_series else "") for name in chosen), left_out)


def _why_ungated(baseline: Summary, name: str) -> str:
    """Return why a metric cannot be gated at all, ``""`` where it can."""
    if not baseline.direction(name).sense:
        return _NO_DIRECTION
    return "NaN in the baseline" if math.isnan(baseline.metrics[name].best) else ""


class _Training:
    """Tells why metrics of a run are not worth a gate while it has others: which of them are of training."""

    def __init__(self, run: Summary) -> None:
        self._run = run
        self._held_out = {without_split(name): name for name, metric in run.metrics.items() if metric.split in HELD_OUT}
        without = [name for name, metric in run.metrics.items() if not metric.split]
        self._twins = {name for name in without if name in self._held_out}
        self._names_itself = any(metric.split == TRAIN for metric in run.metrics.values())
        self._has_rewards = any(_says(name, _REWARDS) for name in without)

    def why(self, name: str) -> str:
        """Return the reason, ``""`` for a metric that is gated."""
        split = self._run.metrics[name].split
        if split in HELD_OUT:
            return ""
        if split == TRAIN or self._is_unprefixed(name):
            return _TRAINING
        group, _, last = name.rpartition("/")
        if group and last in self._held_out:  # `hparam/loss` of who knows what
            return f"no split, unlike {self._held_out[last]}"
        if self._run.direction(name).is_guessed:
            return "guessed direction"
        return "part of the training's loss" if self._has_rewards and _says(name, _DIAGNOSTICS) else ""

    def _is_unprefixed(self, name: str) -> bool:
        """Say whether the writer names the other splits alone, so that a metric without split is of training."""
        if name in self._twins:
            return True
        is_loss = any(meaning.text == "loss" for meaning in meanings_of(name))  # `log_loss` is a metric
        return bool(self._held_out) and not self._names_itself and (bool(self._twins) or is_loss)


def _says(name: str, wanted: frozenset[str]) -> bool:
    return any(word.text in wanted for word in words_of(name))


def judge_against(summary: Summary, baseline: Summary, fields: Sequence[Field], tolerance: Tolerance) -> list[Verdict]:
    """Return a verdict on each metric: not worse than the baseline's by more than the tolerance.

    Args:
        summary: The run to judge.
        baseline: The run to judge by.
        fields: The metrics; where none are named those of `gated_by`, whose last value must be finite too.
        tolerance: The allowed regression.

    Raises:
        NotFound: The baseline has no such metric.
    """
    if fields:
        return [_judged_against(summary, baseline, field, tolerance) for field in fields]
    gated = gated_by(baseline, summary).fields
    return [_failed_if_diverged(_judged_against(summary, baseline, field, tolerance)) for field in gated]


def _failed_if_diverged(verdict: Verdict) -> Verdict:
    return replace(verdict, outcome="failed") if verdict.warning and verdict.outcome == "passed" else verdict


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
        limit, value = as_logged(limit, value), as_logged(value, limit)
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
