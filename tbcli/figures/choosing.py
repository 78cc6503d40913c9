"""Which metrics are drawn when none is named, in which order, and what is said of the rest. Loads no NumPy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tbcli.errors import NotFound
from tbcli.naming.direction import NO_OVERRIDES, Overrides, direction_of, is_measure
from tbcli.naming.matching import did_you_mean, fits, is_glob
from tbcli.naming.series import resolve
from tbcli.naming.shortening import few
from tbcli.naming.words import is_of_effort, learning_rate_of

VALIDATION = "val_"
_NO_CURVES = ("epoch", "step", "seconds")  # a glob such as `*` skips them; their own name draws them
_MOST_NAMED = 5  # in one sentence


class HistoryColumns(NamedTuple):
    """One metric of a history: its columns, training before validation."""

    metric: str
    names: tuple[str, ...]


def pick_columns(columns: Iterable[str], wanted: Sequence[str] = ()) -> list[HistoryColumns]:
    """Return the columns of a history to draw, a metric each.

    Args:
        columns: Names of all columns there are.
        wanted: Names or globs as ``*loss``; a metric brings its validation along, ``val_loss`` stands alone. Empty for
            accuracy (else the first metric there is) and loss.

    Raises:
        NotFound: A word matches no column, or there is nothing to draw by default.
    """
    known = list(dict.fromkeys(columns))
    if not wanted:
        return _usual_columns(known)
    picked: dict[str, set[str]] = {}
    for word in wanted:
        matching = _matching(word, known)
        if not matching:
            raise NotFound(f"no metric {word!r}", hint=did_you_mean(word, known))
        for column in matching:
            picked.setdefault(column.removeprefix(VALIDATION), set()).add(column)
    return [HistoryColumns(name, tuple(sorted(chosen, key=_is_validation))) for name, chosen in picked.items()]


def _is_validation(column: str) -> bool:
    return column.startswith(VALIDATION)


def _matching(word: str, known: Sequence[str]) -> list[str]:
    if word in known:
        return _with_validation(word, known)
    if VALIDATION + word in known:  # measured on validation samples alone
        return [VALIDATION + word]
    metrics = [name for name in known if name not in _NO_CURVES]
    meant = None if is_glob(word) else resolve(word, metrics, {})
    if meant is not None:
        return _with_validation(meant, known)
    return [column for name in metrics if fits(word, [name]) for column in _with_validation(name, known)]


def _with_validation(name: str, known: Sequence[str]) -> list[str]:
    return [column for column in (name, VALIDATION + name) if column in known]


def _usual_columns(known: Sequence[str]) -> list[HistoryColumns]:
    metrics = [name for name in known if name not in (*_NO_CURVES, "learning_rate") and not _is_validation(name)]
    first = "accuracy" if "accuracy" in metrics else next((name for name in metrics if name != "loss"), None)
    names = [name for name in (first, "loss") if name in metrics]
    if not names:
        raise NotFound("the history has no metric", hint=f"its columns: {', '.join(known) or 'none'}")
    return [HistoryColumns(str(name), tuple(_with_validation(str(name), known))) for name in names]


class Candidate(NamedTuple):
    """A metric that could be drawn, and what its values say of it.

    Args:
        metric: Its name.
        is_counting: They are whole and never fall.
        is_constant: They never change.
        is_single: There is only one in each series.
        called: What sentences call it: its only series; "" for the metric itself.
    """

    metric: str
    is_counting: bool = False
    is_constant: bool = False
    is_single: bool = False
    called: str = ""


def pick_metrics(
    candidates: Sequence[Candidate], most: int, directions: Overrides = NO_OVERRIDES, *, are_named: bool = False
) -> tuple[list[str], list[str]]:
    """Return the metrics to draw, accuracies and rewards first, then losses, and sentences about the others.

    Args:
        candidates: In their order.
        most: The most that may be drawn.
        directions: The user's ``[direction]`` section.
        are_named: They were asked for: none is left out but for lack of room, and their order stays.
    """
    shown = [candidate.metric for candidate in candidates]
    called = {one.metric: one.called or one.metric for one in candidates}
    said: list[str] = []
    if not are_named:
        idle = {each.metric: why for each in candidates if (why := _why_idle(each, directions))}
        if len(idle) < len(shown):
            said += [_left_out(why, [called[metric] for metric in idle if idle[metric] == why]) for why in _IDLE]
            shown = sorted((metric for metric in shown if metric not in idle), key=lambda one: _rank(one, directions))
    if len(shown) > most:
        hidden = [called[metric] for metric in shown[most:]]
        more = f"{len(hidden):,} of {len(shown):,} metrics do not fit: {few(hidden, _MOST_NAMED)}"
        said.append(f"{more}; choose with `--metric NAME`")
    return shown[:most], [sentence for sentence in said if sentence]


_CLOCK, _CONSTANT, _SINGLE = _IDLE = ("clocks and counters", "constant", "a single value")


def _why_idle(one: Candidate, directions: Overrides) -> str:
    """Return why nobody wants to see a metric unless they ask for it, or ``""``."""
    if is_clock(one.metric, directions) or (one.is_counting and not is_measure(one.metric)):
        return _CLOCK
    if one.is_single:
        return _SINGLE
    # A result that never moves says that training is stuck.
    return _CONSTANT if one.is_constant and not _sense(one.metric, directions) else ""


def is_clock(metric: str, directions: Overrides = NO_OVERRIDES) -> bool:
    """Say whether a name is that of a clock or a counter: what training takes, not how good it is."""
    if _sense(metric, directions) or learning_rate_of(metric):
        return False
    asked = direction_of(metric, directions, asked=True)
    has_cost = bool(asked.sense) and not asked.is_guessed
    return has_cost or is_of_effort(metric.rpartition("/")[2])


def _sense(metric: str, directions: Overrides) -> str:
    """Return the direction of a metric, ``""`` for none; a guess counts as none."""
    direction = direction_of(metric, directions)
    return "" if direction.is_guessed else direction.sense


def _rank(metric: str, directions: Overrides) -> int:
    """Return the place of a metric: results, losses, others, learning rates."""
    known = {"max": 0, "min": 1}.get(_sense(metric, directions))
    if known is not None:
        return known
    return 3 if learning_rate_of(metric) or metric.partition("/")[0] == "lr" else 2


def _left_out(why: str, metrics: Sequence[str]) -> str:
    return f"not drawn ({why}): {few(metrics, _MOST_NAMED)}; `--metric NAME` draws them" if metrics else ""
