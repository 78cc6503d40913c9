"""What a history figure shows, decided without matplotlib: the runs, the panels, the smoothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tbcli.errors import NotFound
from tbcli.naming.direction import lower_is_better
from tbcli.naming.matching import did_you_mean, fits
from tbcli.runs import Run
from tbcli.runs.history import History

VALIDATION = "val_"
_NO_CURVES = ("epoch", "step", "seconds")  # a pattern such as `*` passes them by; their own name draws them
_LARGEST = 1e100  # beyond, and below its inverse, the arithmetic of an axis overflows
_LOG_RANGE = 100.0  # largest over smallest value from which a loss is shown on a log scale


@dataclass(frozen=True, slots=True)
class RunHistory:
    """A run and what it has measured so far."""

    run: Run
    history: History

    def values(self, column: str) -> tuple[float, ...]:
        """Return a column, an entry an epoch, with NaN for what cannot be drawn; empty where the run has none."""
        values = self.history.columns.get(column, ())
        return tuple(value if abs(value) <= _LARGEST else math.nan for value in values)


@dataclass(frozen=True, slots=True)
class Panel:
    """One metric: the columns drawn in one pair of axes, training before validation."""

    name: str
    columns: tuple[str, ...]

    @property
    def judged(self) -> str:
        """The column whose best epoch is marked: validation, where it is drawn."""
        return self.columns[-1]

    def shows(self, told: RunHistory) -> bool:
        """Say whether a run has anything for this panel."""
        return any(column in told.history.columns for column in self.columns)


def pick_panels(columns: Iterable[str], wanted: Sequence[str] = ()) -> list[Panel]:
    """Return the panels to draw.

    Args:
        columns: Names of all columns there are.
        wanted: Names or patterns as ``*loss``; a metric brings its validation along, ``val_loss`` stands alone.
            Nothing means accuracy (or the first metric that there is) and loss.

    Raises:
        NotFound: A name or a pattern fits no column, or there is nothing to draw by default.
    """
    known = list(dict.fromkeys(columns))
    if not wanted:
        return _usual_panels(known)
    picked: dict[str, set[str]] = {}
    for word in wanted:
        found = _matches(word, known)
        if not found:
            raise NotFound(f"no metric {word!r} in the history", hint=did_you_mean(word, known))
        for column in found:
            picked.setdefault(column.removeprefix(VALIDATION), set()).add(column)
    return [Panel(name, tuple(sorted(chosen, key=_is_validation))) for name, chosen in picked.items()]


def _is_validation(column: str) -> bool:
    return column.startswith(VALIDATION)


def _matches(word: str, known: Sequence[str]) -> list[str]:
    if word in known:
        return _with_validation(word, known)
    if VALIDATION + word in known:  # measured on validation samples alone
        return [VALIDATION + word]
    metrics = [name for name in known if name not in _NO_CURVES]
    return [column for name in metrics if fits(word, [name]) for column in _with_validation(name, known)]


def _with_validation(name: str, known: Sequence[str]) -> list[str]:
    return [column for column in (name, VALIDATION + name) if column in known]


def _usual_panels(known: Sequence[str]) -> list[Panel]:
    metrics = [name for name in known if name not in (*_NO_CURVES, "learning_rate") and not _is_validation(name)]
    first = "accuracy" if "accuracy" in metrics else next((name for name in metrics if name != "loss"), None)
    names = [name for name in (first, "loss") if name in metrics]
    if not names:
        raise NotFound("the history holds no metric", hint=f"its columns: {', '.join(known) or 'none'}")
    return [Panel(str(name), tuple(_with_validation(str(name), known))) for name in names]


def smoothed(values: Sequence[float], weight: float) -> list[float]:
    """Return TensorBoard's smoothing: an exponential moving average, freed of its bias towards zero.

    Args:
        values: NaN stays NaN and does not count.
        weight: Weight of the past, at least 0 and below 1.
    """
    if len({value for value in values if not math.isnan(value)}) <= 1:
        return list(values)  # as TensorBoard does: rounding must not make a constant curve wave
    average, counted, result = 0.0, 0, []
    for value in values:
        if math.isnan(value):
            result.append(value)
            continue
        counted += 1
        average = average * weight + (1 - weight) * value
        result.append(average / (1 - weight**counted))
    return result


def alone_between_gaps(values: Sequence[float]) -> list[int]:
    """Return the positions whose neighbours are both missing: a line would not show them."""
    padded = [math.nan, *values, math.nan]
    return [
        position
        for position, value in enumerate(values)
        if not math.isnan(value) and math.isnan(padded[position]) and math.isnan(padded[position + 2])
    ]


def wants_log_scale(name: str, values: Sequence[float]) -> bool:
    """Say whether a loss (or the learning rate) spans so much that a linear axis would hide most of it."""
    drawn = [value for value in values if not math.isnan(value)]
    if not drawn or min(drawn) < 1 / _LARGEST or not (lower_is_better(name) or name == "learning_rate"):
        return False
    return max(drawn) / min(drawn) >= _LOG_RANGE


def short_number(value: float) -> str:
    """Return a metric's value as a person compares it: four decimals, or three digits where that says nothing."""
    return f"{value:.4f}" if 0.01 <= abs(value) < 1000 or value == 0 else f"{value:.3g}"


def shared_fact(facts: Iterable[str]) -> str:
    """Return what all runs have in common, or ``""``."""
    different = set(facts)
    return different.pop() if len(different) == 1 else ""


def number_of(metrics: Mapping[str, object], name: str) -> float | None:
    """Return a plain finite number of a run's metrics, or None."""
    value = metrics.get(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else None  # type: ignore[arg-type]
