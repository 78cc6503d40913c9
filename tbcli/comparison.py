"""Runs side by side, or groups of replicates: each metric at its best and its last, and the settings that differ."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tbcli.errors import NotFound
from tbcli.naming.direction import lower_is_better
from tbcli.naming.matching import did_you_mean
from tbcli.runs.summary import Summary

SEED = "seed"
# What is kept of a training, and shown of it, does not change what it becomes.
_BESIDE_TRAINING = ("paths.", "plot.", "serve.", "record.", "train.name", "train.note", "train.save_formats")


@dataclass(frozen=True, slots=True)
class Side:
    """What stands in one column: a run, or a group of runs.

    Args:
        label: What a person calls it.
        members: The runs, at least one.
    """

    label: str
    members: tuple[Summary, ...]


class Cell(NamedTuple):
    """A metric of one side: the value of its run, or the mean over its runs.

    Args:
        value: NaN where it is not a number; None where the side has no such metric.
        epoch: That of the best value, of a single run.
        deviation: Sample standard deviation over the runs; None for fewer than two.
        n: How many finite values the mean is of.
        difference: To the baseline; None where one has no number.
        relative: The same as a share of the baseline's value.
        is_better: Than the baseline's; None where they are equal or there is no difference.
    """

    value: float | None
    epoch: int | None = None
    deviation: float | None = None
    n: int = 0
    difference: float | None = None
    relative: float | None = None
    is_better: bool | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One metric at one moment, a cell a side.

    Args:
        metric: Its name.
        at: ``best``, ``last``, or ``""`` for a metric that has but one value.
        cells: In the order of the sides.
        best: Position of the best side; None where several are equal, or only one has a number.
        tied: Positions of the equal best, where another side is worse.
    """

    metric: str
    at: str
    cells: tuple[Cell, ...]
    best: int | None
    tied: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """All there is to show.

    Args:
        sides: At least one.
        baseline: Position of the side that differences are taken to.
        rows: The metrics.
        settings: ``{key: value of each side}`` of the settings that differ; None where a side has no such setting.
        unconfigured: Positions of the sides that have no settings at all, which therefore differ in none.
    """

    sides: tuple[Side, ...]
    baseline: int
    rows: tuple[Row, ...]
    settings: Mapping[str, tuple[str | None, ...]]
    unconfigured: tuple[int, ...] = ()


def compare_sides(sides: Sequence[Side], baseline: int = 0, *, grouped_by: str = "") -> Comparison:
    """Return the comparison.

    Args:
        sides: At least one.
        baseline: Position of the side that differences are taken to.
        grouped_by: The key by which runs became groups, which needs no row among the settings.

    Raises:
        NotFound: No side has metrics.
    """
    names = dict.fromkeys(name for side in sides for member in side.members for name in member.metrics)
    if not names:
        raise NotFound(
            f"none of these has metrics: {', '.join(side.label for side in sides)}",
            hint="a run has some after its first epoch",
        )
    rows = tuple(_row(name, at, sides, baseline) for name in names for at in _moments(name, sides))
    unconfigured = tuple(
        position for position, side in enumerate(sides) if not any(member.settings for member in side.members)
    )
    return Comparison(tuple(sides), baseline, rows, _differing(sides, grouped_by, unconfigured), unconfigured)


def _moments(name: str, sides: Sequence[Side]) -> tuple[str, ...]:
    metrics = [member.metrics[name] for side in sides for member in side.members if name in member.metrics]
    is_series = any(metric.is_series for metric in metrics)
    return ("best", "last") if is_series else ("",)


def _row(name: str, at: str, sides: Sequence[Side], baseline: int) -> Row:
    measured = [_measured(name, at, side) for side in sides]
    base, lower = measured[baseline].value, lower_is_better(name)
    cells = tuple(
        cell if position == baseline else _against(cell, base, lower=lower) for position, cell in enumerate(measured)
    )
    ranked = sorted(
        (cell.value if lower else -cell.value, position)
        for position, cell in enumerate(cells)
        if cell.value is not None and not math.isnan(cell.value)
    )
    first = [position for value, position in ranked if value == ranked[0][0]]
    has_worse = len(first) < len(ranked)
    is_single = has_worse and len(first) == 1
    return Row(name, at, cells, first[0] if is_single else None, tuple(first) if has_worse and not is_single else ())


def _measured(name: str, at: str, side: Side) -> Cell:
    metrics = [member.metrics[name] for member in side.members if name in member.metrics]
    values = [value for metric in metrics if (value := metric.select(at)) is not None]
    if not values:
        return Cell(None)
    if len(side.members) == 1:
        return Cell(values[0], metrics[0].best_epoch if at == "best" else None, n=1)
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return Cell(math.nan)
    deviation = statistics.stdev(finite) if len(finite) > 1 else None
    return Cell(statistics.fmean(finite), deviation=deviation, n=len(finite))


def _against(cell: Cell, base: float | None, *, lower: bool) -> Cell:
    if cell.value is None or base is None or not math.isfinite(difference := cell.value - base):
        return cell
    relative = difference / abs(base) if base else None
    is_better = (difference < 0) == lower if difference else None
    return cell._replace(difference=difference, relative=relative, is_better=is_better)


def _differing(
    sides: Sequence[Side], grouped_by: str, unconfigured: Sequence[int]
) -> dict[str, tuple[str | None, ...]]:
    keys = dict.fromkeys(key for side in sides for member in side.members for key in member.settings)
    texts = {
        key: tuple(_texts_of(key, side) for side in sides)
        for key in keys
        if key != "train.name" and not (grouped_by and (_is_key(key, grouped_by) or _is_beside(key)))
    }
    configured = [position for position in range(len(sides)) if position not in unconfigured]
    return {key: values for key, values in texts.items() if len({values[i] for i in configured}) > 1}


def _is_key(key: str, wanted: str) -> bool:
    """Say whether a setting is meant, by its whole key or by the end of it."""
    return wanted in (key, key.rpartition(".")[2])


def _is_beside(key: str) -> bool:
    """Say whether a setting has no part in what a training becomes."""
    return key.startswith(_BESIDE_TRAINING)


def _texts_of(key: str, side: Side) -> str | None:
    """Return the setting's value as text; of a group that disagrees, all its values."""
    texts = {_text(member.settings[key]): None for member in side.members if key in member.settings}
    return ", ".join(texts) if texts else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def group_runs(summaries: Sequence[Summary], key: str) -> list[Side]:
    """Return the runs as groups, in the order of their first members.

    ``seed`` makes replicates: runs alike in every setting that has a part in the training, but for the seed. Any other
    key makes groups of the runs that have the same value of it.

    Args:
        summaries: The runs.
        key: Of a setting or a fact, as `train.learning_rate`, `learning_rate`, `model`.

    Raises:
        NotFound: No run has such a setting or fact.
    """
    if all(summary.fact_or_setting(key) is None and summary.value(key) is None for summary in summaries):
        known = dict.fromkeys(name for summary in summaries for name in summary.names())
        guess = did_you_mean(key, known)
        raise NotFound(
            f"no run has a setting {key!r}",
            hint=guess if guess.startswith("did") else "`seed` or `model`, say; `tbcli runs RUN` shows the settings",
        )
    groups: dict[Any, list[Summary]] = {}
    for summary in summaries:
        groups.setdefault(_group_of(summary, key), []).append(summary)
    return list(_labelled(groups, key))


def _group_of(summary: Summary, key: str) -> Any:
    if key.rpartition(".")[2] != SEED:
        known = summary.fact_or_setting(key)  # a learning rate that was set, not the last of its course
        return summary.value(key) if known is None else known
    return tuple(
        (name, _text(value))
        for name, value in summary.settings.items()
        if not _is_key(name, key) and not _is_beside(name)
    )


def _labelled(groups: Mapping[Any, Sequence[Summary]], key: str) -> Iterator[Side]:
    if key.rpartition(".")[2] != SEED:
        for value, members in groups.items():
            yield Side(f"{key}={'-' if value is None else value}", tuple(members))
        return
    everywhere = set.intersection(*(set(settings) for settings in groups))
    for settings, members in groups.items():
        own = [
            f"{name.rpartition('.')[2]}={value or repr(value)}"
            for name, value in settings
            if (name, value) not in everywhere
        ]
        yield Side(", ".join(own) or "all seeds", tuple(members))


def repeats_of_a_seed(members: Sequence[Summary]) -> int:
    """Return how many runs repeat another one: alike in every setting that has a part in the training, the seed too."""
    seeded = [summary for summary in members if summary.value(SEED) is not None]
    different = {
        tuple((name, _text(value)) for name, value in sorted(summary.settings.items()) if not _is_beside(name))
        for summary in seeded
    }
    return len(seeded) - len(different)
