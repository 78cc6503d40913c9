"""A metric and runs in, what mattered out; which runs say nothing, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tbcli.effects.analysis import Effects, analyze
from tbcli.effects.judging import EFFECT
from tbcli.errors import ConfigError, NotFound
from tbcli.naming.direction import Direction
from tbcli.naming.matching import did_you_mean
from tbcli.runs.comparable import TASKS, UNKNOWN, what_differs
from tbcli.runs.summary import SELECTORS, Summary

LAST = "last"
_FEWEST = 3  # runs without a value from which it is worth asking what they have in common


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What was asked, of which runs, and the answer.

    Args:
        metric: Its name.
        at: ``best``, ``last`` or ``epoch`` (that of the best); ``""`` for what has a single value.
        direction: Which way it is better.
        summaries: The runs that have a value.
        values: Their values.
        left_out: How many runs say nothing, by the reason.
        effects: What mattered.
        notes: What makes the answer less than it seems.
    """

    metric: str
    at: str
    direction: Direction
    summaries: tuple[Summary, ...]
    values: tuple[float, ...]
    left_out: Mapping[str, int]
    effects: Effects
    notes: tuple[str, ...] = ()

    @property
    def is_lower_better(self) -> bool:
        """Whether small values are the best."""
        return self.direction.sense == "min"

    @property
    def asked(self) -> str:
        """The metric as a person would ask for it."""
        return self.metric if self.at in ("", LAST) else f"{self.metric}.{self.at}"


def inquire(summaries: Sequence[Summary], metric: str, selector: str = "") -> Inquiry:
    """Return which settings of runs a metric follows.

    A run counts that has finished and has a finite value; runs of other programs do not tell whether they have.

    Args:
        summaries: The runs.
        metric: Its name, or that of a fact that is a number, as ``seconds``.
        selector: ``best``, ``last`` or ``epoch``; the last value unless given.

    Raises:
        NotFound: No run has a value.
        ConfigError: The name means text.
    """
    if not summaries:
        raise NotFound("no runs to look at", hint="`tbcli train`, or `tbcli sweep`, makes some")
    unique = list({summary.id: summary for summary in summaries}.values())
    values = [_value(summary, metric, selector) for summary in unique]
    reasons = [_why_not(summary, value, metric) for summary, value in zip(unique, values, strict=True)]
    if all(value is None for value in values):
        known = dict.fromkeys(name for summary in unique[:100] for name in summary.metrics)
        raise NotFound(f"no run has {_quoted(metric, selector)}", hint=did_you_mean(metric, known))
    used = [place for place, why in enumerate(reasons) if not why]
    left_out = {why: reasons.count(why) for why in dict.fromkeys(filter(None, reasons))}
    if not used:
        told = ", ".join(f"{count} {why}" for why, count in left_out.items())
        raise NotFound(f"no finished run has a finite {metric}: {told}", hint="`tbcli runs` tells how runs have ended")
    chosen = [unique[place] for place in used]
    if not any(summary.settings for summary in chosen):
        raise NotFound(
            f"no run with {_quoted(metric, selector)} tells its settings",
            hint="`tbcli train`, `tbcli run`, HParams (`hp.hparams`, `add_hparams`) and hparams.yaml keep them",
        )
    direction = chosen[0].direction(metric, asked=True)
    if selector == "epoch":
        direction = Direction("", is_guessed=False)
    lower = direction.sense == "min"
    known_values = tuple(float(value) for place in used if (value := values[place]) is not None)
    return Inquiry(
        metric,
        _moment(chosen, metric, selector),
        direction,
        tuple(chosen),
        known_values,
        left_out,
        analyze([summary.settings for summary in chosen], known_values, is_lower_better=lower),
        (*_notes_on_data(chosen, metric), *_notes_on_missing(unique, reasons)),
    )


def selected(text: str) -> tuple[str, str]:
    """Return the name of a metric, and ``best``, ``last`` or ``epoch`` where one is asked for behind a dot."""
    name, _, last = text.rpartition(".")
    return (name, last) if name and last in SELECTORS else (text, "")


def _value(summary: Summary, metric: str, selector: str) -> float | None:
    value = summary.value(metric, selector)
    if isinstance(value, str):
        raise ConfigError(
            f"{metric!r} is no number, but {value!r} in {summary.label}", hint="a metric, as `val_loss`, or `seconds`"
        )
    return None if value is None else float(value)


def _why_not(summary: Summary, value: float | None, metric: str) -> str:
    """Return why a run says nothing, ``""`` where it does."""
    if summary.unfinished:
        return summary.unfinished
    return f"without {metric}" if value is None else "" if math.isfinite(value) else f"without a finite {metric}"


def _quoted(metric: str, selector: str) -> str:
    return repr(f"{metric}.{selector}" if selector else metric)


def _moment(summaries: Sequence[Summary], metric: str, selector: str) -> str:
    found = [known for summary in summaries if (known := summary.metric(metric, selector)) is not None]
    return (selector or LAST) if any(known.is_series for known in found) else ""


def _notes_on_data(summaries: Sequence[Summary], metric: str) -> list[str]:
    """Return sentences on runs whose values may not be comparable with those of the first."""
    first, *others = summaries
    differing = [what_differs(first, other, metric) for other in others]
    notes = []
    for what in dict.fromkeys(filter(None, differing)):
        count = differing.count(what)
        runs = f"{count} of {len(summaries)} runs"
        if what == UNKNOWN:
            notes.append(f"the data of {runs} are not known to be those of the first, so values may not be comparable")
        else:
            word = "learn another task" if what == TASKS else "have other data"
            notes.append(f"{runs} {word} than the first, so values may not be comparable")
    return notes


def _notes_on_missing(summaries: Sequence[Summary], reasons: Sequence[str]) -> list[str]:
    """Return a sentence where it depends on a setting which runs have a value: the answer is about the others alone."""
    done = [place for place, why in enumerate(reasons) if why != "running"]
    lacking = [float(bool(reasons[place])) for place in done]
    if min(sum(lacking), len(lacking) - sum(lacking)) < _FEWEST:
        return []
    effects = analyze([summaries[place].settings for place in done], lacking)
    return [
        f"whether a run counts depends on {one.name} (p {one.p:.2g}): the effect of that on the runs left out "
        "is not seen"
        for one in effects.settings
        if one.verdict == EFFECT
    ]
