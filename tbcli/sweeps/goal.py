"""By which number trials are judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from tbcli.errors import ConfigError
from tbcli.naming.direction import direction_of, how_to_declare
from tbcli.naming.series import resolve, without_split
from tbcli.runs.trials import goal_text, value_of_trial

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.naming.direction import Overrides
    from tbcli.runs.run import Run
    from tbcli.training.request import Expected

_SELECTORS = ("best", "last")


class Goal(NamedTuple):
    """What trials are judged by.

    Args:
        metric: Its name.
        selector: ``best`` or ``last``, of its values over the epochs.
        sense: ``min`` or ``max``, which values are better.
    """

    metric: str
    selector: str
    sense: str

    @property
    def text(self) -> str:
        """The metric as it was asked for; its last value needs no selector."""
        return goal_text(self.metric, self.selector)

    def value(self, run: Run) -> float | None:
        """Return the number of a run, None where it has none; without validation the training's has to do."""
        return value_of_trial(run, self.metric, self.selector)

    def in_epoch(self, logs: Mapping[str, float]) -> float | None:
        """Return the number of one epoch, None where it was not measured."""
        value = logs.get(self.metric, logs.get(without_split(self.metric)))
        return value if value is not None and math.isfinite(value) else None

    def is_better(self, value: float, other: float | None) -> bool:
        """Say whether a value is better than another one, or than none."""
        return other is None or (value < other if self.sense == "min" else value > other)


def goal_of(text: str, directions: Overrides) -> Goal:
    """Return what a metric means as a goal.

    Args:
        text: As typed: a metric, or ``METRIC.best``.
        directions: The user's ``[direction]`` section.

    Raises:
        ConfigError: It has no direction, or only a guessed one.
    """
    name, selector = _parted(text)
    direction = direction_of(name, directions, asked=True)
    if not direction.sense or direction.is_guessed:
        raise ConfigError(
            f"cannot judge trials by {name!r}: its name does not tell whether higher or lower is better",
            hint=how_to_declare(without_split(name)),
        )
    return Goal(name, selector, direction.sense)


def goal_from(text: str, sense: str) -> Goal:
    """Return the goal of a sweep that has begun: which values are better was settled then."""
    name, selector = _parted(text)
    return Goal(name, selector, sense)


def _parted(text: str) -> tuple[str, str]:
    """Return the name of a metric, and which of its values is meant."""
    name, _, selector = text.rpartition(".")
    return (name, selector) if name and selector in _SELECTORS else (text, "last")


def settle_goal(config: Config) -> Goal:
    """Return what the trials of ``tbcli train`` are judged by: ``--metric``, else ``--monitor``.

    Raises:
        ConfigError: Training does not measure it, or it has no direction.
    """
    from tbcli.tasks import TASKS
    from tbcli.training.request import expect, expected_summary, monitored

    text, expected = config.sweep.metric or monitored(config.train, TASKS.get(config.data.task)), expect(config)
    name, selector = _parted(text)
    require_measured(name, config, expected)
    known = resolve(name, expected_summary(config, expected).metrics, {}) or name  # `val_acc` has one name everywhere
    return goal_of(text if known == name else f"{known}.{selector}", config.direction)


def require_measured(metric: str, config: Config, expected: Expected) -> None:
    """Check that a training measures what trials are judged by.

    Args:
        metric: Its name.
        config: Of the training.
        expected: The metrics that there will be.

    Raises:
        ConfigError: It does not.
    """
    from tbcli.naming.matching import did_you_mean
    from tbcli.training.request import expected_summary

    summary = expected_summary(config, expected)
    names = (metric, without_split(metric))
    if expected.is_complete and not any(summary.metric(name, "last") for name in names):
        raise ConfigError(
            f"cannot judge trials by {metric!r}: training does not measure it",
            hint=did_you_mean(metric, summary.metrics),
        )
