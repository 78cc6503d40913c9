"""What is known of one run, asked by name: its metrics, the facts of its record, the settings it ran with."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from tbcli.naming.direction import Direction, Overrides, best_position, direction_of, summarize
from tbcli.naming.series import resolve, split_of
from tbcli.runs.history import read_history
from tbcli.runs.run import Run

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


def summary_of(
    run: Run,
    now: datetime | None = None,
    read_tags: Callable[[], tuple[Mapping[str, Metric], Mapping[str, str]]] = lambda: ({}, {}),
) -> Summary:
    """Return the summary of a tbcli run; nothing but its record is read before it is asked for.

    Args:
        run: The run.
        now: The moment to measure ages from; the present unless given.
        read_tags: Returns the metrics of its event files and their aliases.
    """

    def fact(name: str) -> Any:
        match name:
            case "status":
                return run.status(now)
            case "age":
                return run.age_seconds(now)
            case "bytes":
                return run.bytes()
            case "epoch" | "epochs":
                return epochs_of(run)
            case "task":
                return run.task_name
            case "sweep":
                return run.sweep.get("name")
            case "trial":
                return run.sweep.get("trial")
            case "trial_of":
                return run.sweep
            case _:
                return run.record.get(name)

    def read_more() -> tuple[Mapping[str, Metric], Mapping[str, str]]:
        metrics, aliases = read_tags()
        return {**metrics, **curves_of(run)}, aliases

    return Summary(
        run.label,
        run.id,
        metrics_of(run),
        read_fact=fact,
        read_settings=lambda: settings_of_run(run),
        read_more=read_more,
        data=run.data_name,
        task=run.task_name or "",
        fingerprints=_fingerprints_of(run),
        directions=run.directions,
    )


def _fingerprints_of(run: Run) -> dict[str, str]:
    kept = run.record.get("evaluation_data")
    return {name: str(value) for name, value in kept.items() if value} if isinstance(kept, Mapping) else {}


def metrics_of(run: Run) -> dict[str, Metric]:
    """Return the metrics of a run; of one that trains or was killed, those of the epochs it has finished.

    Where the user says which way metrics are better, the best is sought anew in the history.
    """
    kept: Mapping[str, Any] = run.metrics
    if not kept or run.directions:
        history = read_history(run.history_file)
        kept = {**kept, **summarize(history.columns, history.epochs, run.directions)}
    return {name: _metric(name, value) for name, value in kept.items()}


def curves_of(run: Run) -> dict[str, Metric]:
    """Return what the history holds besides metrics: the course of the learning rate."""
    history = read_history(run.history_file)
    values = history.columns.get(LEARNING_RATE)
    if not values or all(map(math.isnan, values)):  # a training with several optimizers has no single rate
        return {}
    best = best_position(LEARNING_RATE, values, run.directions, asked=True)
    if best is None:
        return {LEARNING_RATE: Metric(math.nan, None, values[-1])}
    return {LEARNING_RATE: Metric(values[best], history.epochs[best], values[-1])}


def epochs_of(run: Run) -> int | None:
    """Return how many epochs a run has finished, or None where nothing tells."""
    told = run.record.get("epochs")
    if told is not None:
        return told if isinstance(told, int) and not isinstance(told, bool) else None
    epochs = read_history(run.history_file).epochs
    return epochs[-1] if epochs else None


def seconds_left(run: Run, now: datetime) -> float | None:
    """Return how long a run in training still needs for the epochs it was asked for; None where nothing tells yet.

    Epochs are taken to last as they have lasted since the first one, which also compiles.
    """
    history, asked = read_history(run.history_file), epochs_asked(run)
    seconds = history.columns.get("seconds")
    if asked is None or not seconds or not history.epochs or not math.isfinite(seconds[-1]):
        return None
    pace = (seconds[-1] - seconds[0]) / (len(seconds) - 1) if len(seconds) > 1 else seconds[0]
    try:
        since = max(0.0, now.timestamp() - run.history_file.stat().st_mtime)
    except OSError:
        return None
    left = pace * (asked - history.epochs[-1]) - since
    return max(0.0, left) if math.isfinite(left) else None


def ending_of(run: Run) -> str:
    """Return what ended a training besides its number of epochs, or failed to: the option and its value."""
    train = run.read_config().get("train")
    settings = train if isinstance(train, Mapping) else {}
    ended_by, until = run.record.get("ended_by"), settings.get("until")
    if ended_by == "until":
        return f'ended by --until "{until}"'
    if ended_by == "max_time":
        return f"ended by --max-time {settings.get('max_time')}"
    never_held = f'--until "{until}" never held' if ended_by and until else ""
    return f"ended by --patience {settings.get(ended_by)}" if ended_by == "patience" else never_held


def epochs_asked(run: Run) -> int | None:
    """Return how many epochs a run was asked for, None where its configuration does not tell."""
    train = run.read_config().get("train")
    asked = train.get("epochs") if isinstance(train, Mapping) else None
    return asked if isinstance(asked, int) and not isinstance(asked, bool) else None


def _metric(name: str, kept: Any) -> Metric:
    """Return what the record holds of a metric: a mapping for a series, a number for one value."""
    if not isinstance(kept, dict):
        value = _number(kept)
        return Metric(value, None, value, is_series=False, split=split_of(name))
    epoch = kept.get("best_epoch")
    best_epoch = epoch if isinstance(epoch, int) and epoch else None
    return Metric(_number(kept.get("best")), best_epoch, _number(kept.get("last")), split=split_of(name))


def _number(value: Any) -> float:
    """Return a number as it is, all else (null above all, as which NaN is kept) as NaN."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan


def settings_of_run(run: Run) -> dict[str, Any]:
    """Return the configuration of a run, and the arguments that only some runs have, as ``{"section.key": value}``."""
    sections = {**run.read_config(), ARGUMENTS: run.record.get(ARGUMENTS)}
    return {
        f"{section}.{key}": value
        for section, group in sections.items()
        if isinstance(group, Mapping)
        for key, value in group.items()
    }
