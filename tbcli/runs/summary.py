"""What is known of one run, asked by name: its metrics, the facts of its record, the settings it ran with."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from tbcli.naming.direction import Direction, Overrides, direction_of
from tbcli.naming.series import resolve

Value = float | str | bool
LEARNING_RATE = "learning_rate"
SELECTORS = ("best", "last", "epoch")
RECORDED = (
    "id", "name", "note", "status", "started", "ended", "seconds", "script", "model", "data", "task", "ended_by",
    "saved_epoch", "parameters", "device", "precision", "host",
)  # fmt: skip
FACTS = (*RECORDED, "age", "bytes", "epoch", "epochs", "sweep", "trial")
"""What can be asked of every tbcli run, besides its metrics and settings.

``age`` is in seconds; runs that ``tbcli run`` made have a ``script``, trials the name of their ``sweep``.
"""
TRIAL_OF = "trial_of"
"""What a record says of a trial, see `tbcli.runs.run.Run.sweep`; no word that users ask by."""


ARGUMENTS = "arguments"
"""The section of what only some runs have: the arguments of a script, of a model, of data."""
HPARAMS = "hparams."
"""What may stand before a hyperparameter of a log directory, where a metric has its name."""
RUN = "run"
"""The fact that only a run inside a log directory has: its name there."""


class Metric(NamedTuple):
    """A metric of a run, NaN where it is not a number.

    Args:
        best: The best value of the series, or the one value; NaN where the metric has no direction.
        best_epoch: Where that is; the step, where steps are no epochs. None where there is no best.
        last: The last value.
        is_series: It has a value per epoch, and not one alone as a test metric has.
        split: ``train``, ``validation``, ``test`` or ``""``.
        unit: What its points count: ``epoch`` or ``step``.
        tag: Directory and tag as the event files have them, ``""`` where it is from a record.
    """

    best: float
    best_epoch: float | None
    last: float
    is_series: bool = True
    split: str = ""
    unit: str = "epoch"
    tag: str = ""

    def select(self, selector: str) -> float | None:
        """Return the value that a selector means; None where this metric has none, as a test metric has no epoch."""
        match selector:
            case "best":
                return self.best
            case "epoch":
                return math.nan if self.is_series and self.best_epoch is None else self.best_epoch
            case _:
                return self.last


@dataclass(slots=True)
class Summary:
    """One run, of ours or of anybody, as questions see it.

    Args:
        label: What a person calls it.
        id: What a script calls it: the id of a run, a path for another program's run.
        metrics: ``{canonical name: metric}``.
        read_fact: Returns a fact by its name, None where it is not known.
        read_settings: Returns ``{"section.key": value}``; called once, when a setting is asked for.
        read_more: Returns further metrics and their aliases, those of the event files and of the history; called
            once, when a name is not found otherwise.
        aliases: ``{further name or literal tag: canonical name}``.
        data: What it was trained on, ``""`` where nothing tells.
        task: What was learnt, ``""`` where nothing tells.
        fingerprints: ``{split: fingerprint}`` of the samples it was trained and measured on, as far as it keeps them.
        directions: The user's ``[direction]`` section.
    """

    label: str
    id: str
    metrics: Mapping[str, Metric]
    read_fact: Callable[[str], Any] = lambda name: None
    read_settings: Callable[[], Mapping[str, Any]] = dict
    read_more: Callable[[], tuple[Mapping[str, Metric], Mapping[str, str]]] = lambda: ({}, {})
    aliases: Mapping[str, str] = field(default_factory=dict)
    data: str = ""
    task: str = ""
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    directions: Overrides = field(default_factory=dict)
    _settings: Mapping[str, Any] | None = field(default=None, init=False)
    _more: tuple[Mapping[str, Metric], Mapping[str, str]] | None = field(default=None, init=False)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings it ran with, as ``{"section.key": value}``."""
        if self._settings is None:
            self._settings = self.read_settings()
        return self._settings

    @property
    def unfinished(self) -> str:
        """The status of a run that has not finished; ``""`` of one that has, and of one that does not tell."""
        status = self.read_fact("status")
        return "" if status in (None, "finished") else str(status)

    def metric(self, name: str, selector: str = "") -> Metric | None:
        """Return the metric that a name means, None where there is none; see `tbcli.naming.series.resolve`.

        A fact or a setting of just that name comes before a metric that is only spelt otherwise.
        """
        if name in self.metrics:
            return self.metrics[name]
        if not selector and self.fact_or_setting(name) is not None and not self._may_be_series(name):
            return None
        found = self._resolved(name, self.metrics, self.aliases)
        if found is None and name not in (*FACTS, RUN):
            if self._more is None:
                self._more = self.read_more()
            found = self._resolved(name, *self._more)
        return found

    @staticmethod
    def _resolved(name: str, metrics: Mapping[str, Metric], aliases: Mapping[str, str]) -> Metric | None:
        found = resolve(name, metrics, aliases)
        return None if found is None else metrics[found]

    def _may_be_series(self, name: str) -> bool:
        key = f"train.{LEARNING_RATE}"
        return self._key_of(name) == key != name and not name.startswith(HPARAMS)

    def value(self, name: str, selector: str = "") -> Value | None:
        """Return what a name means: a metric (its last value, unless selected), a fact or a setting; None if nothing.

        Args:
            name: As ``val_accuracy``, ``status``, ``train.seed``, or ``seed`` where only one section has it.
            selector: ``best``, ``last`` or ``epoch`` (that of the best value) of a metric.
        """
        metric = self.metric(name, selector)
        if metric is not None:
            return metric.select(selector)
        return None if selector else self.fact_or_setting(name)

    def direction(self, name: str, *, asked: bool = False) -> Direction:
        """Return which way a metric is better; see `tbcli.naming.direction.direction_of`."""
        return direction_of(name, self.directions, asked=asked)

    def fact_or_setting(self, name: str) -> Value | None:
        """Return what a name means besides metrics: a fact, or else a setting."""
        fact = self.read_fact(name) if name in (*FACTS, RUN) else None
        return self.setting(name) if fact is None else _plain(fact)

    def setting(self, name: str) -> Value | None:
        """Return the setting that a name means, by its key, its own name or what its option is called, too."""
        return _plain(self.settings.get(self._key_of(name)))

    def setting_behind(self, name: str) -> str:
        """Return how to ask for the setting of a name that means a metric of another value here, ``""`` for none."""
        key = self._key_of(name)
        metric = self.metric(name) if self._may_be_series(name) else self.metrics.get(name)
        if metric is None or self.setting(name) in (None, metric.last):
            return ""
        return f"{HPARAMS}{name}" if key == name else key

    def names(self) -> Iterator[str]:
        """Yield every name that has a value here, as far as it was read; the metrics first."""
        yield from self.metrics
        yield from self._more[0] if self._more else ()
        yield from (name for name in FACTS if self.read_fact(name) is not None)
        for key in self.settings:
            yield key
            yield _name_in_section(key)

    def _key_of(self, name: str) -> str:
        """Return the key of the setting that a name means, ``""`` where it means none."""
        name = name.removeprefix(HPARAMS) if name not in self.settings else name
        if name in self.settings:
            return name
        matching = [key for key in self.settings if _name_in_section(key) == name]
        if len(matching) > 1:  # what the run was set to, rather than what its script was given
            matching = [key for key in matching if not key.startswith(f"{ARGUMENTS}.")]
        if not matching and (key := _spellings().get(name.replace("-", "_"), "")) in self.settings:
            return key
        return matching[0] if len(matching) == 1 else ""


@cache
def _spellings() -> Mapping[str, str]:
    """Return the key of each setting of a training by what else its option is called: ``lr``."""
    from tbcli.config import SETTINGS

    varied = (each for each in SETTINGS.values() if each.key.startswith(("data.", "model.", "train.")))
    return {word.replace("-", "_"): each.key for each in varied for word in (each.word, *each.aliases)}


def _name_in_section(key: str) -> str:
    """Return a setting's own name; an argument's may have dots."""
    section, _, name = key.partition(".")
    return name if section == ARGUMENTS else key.rpartition(".")[2]


def _plain(value: Any) -> Value | None:
    """Return a value that compares: a list as its entries with commas between."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return json.dumps(value)
