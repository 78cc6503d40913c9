"""Findings about what the curves of a training show, by its loss: divergence and stagnation; see `overfitting` too.

What is found must stand out from the noise of the curve itself, and matter: a warning is never one outlier, one epoch,
or a loss that rises while the answers still become better.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tbcli.doctor.course import Course
from tbcli.doctor.findings import Finding
from tbcli.doctor.overfitting import findings_on_validation
from tbcli.doctor.trends import Values, last_level, noise_of, trend_of

_CERTAIN = 2.6  # standard deviations of `trend_of`: one of 100 curves without a trend has as much
_FEW = 3  # epochs that show no trend
_TRIVIAL = 0.97  # of the loss of guessing
_MAY_BE_GOOD = 0.7  # an accuracy that may have been learnt before, or be the share of the most frequent class
_FLAT, _FLAT_AT_MOST = 0.03, 0.12  # of the loss: how much it fell, and may have fallen at most


def findings_on_learning(course: Course) -> list[Finding]:
    """Return what the curves of a training show; of a cause and what follows from it, the cause alone."""
    for judge in (_not_finite, _diverged, _stagnates):
        if found := list(judge(course)):
            return found
    return list(findings_on_validation(course))


def _not_finite(course: Course) -> Iterator[Finding]:
    known = course.known
    for name, values in ((known.loss_name, course.loss), (f"val_{known.loss_name}", course.val_loss)):
        first = _first_broken(values)
        if first is not None:
            yield Finding(
                level="error",
                name="nan-loss",
                what=f"the training diverged: {name} is {_spelt(values[first])} at {_at(course, first)}",
                why="once a loss is not a number, all weights become NaN and nothing more is learnt",
                fix=known.again(
                    f"--learning-rate {known.lower_rate}", "use a smaller learning rate, or clip gradients"
                ),
                where=_at(course, first),
            )
            return


def _first_broken(values: Values) -> int | None:
    """Return the first value that is infinite, or NaN and not only not measured, as between two validations."""
    infinite = np.flatnonzero(np.isinf(values))
    finite = np.flatnonzero(np.isfinite(values))
    gaps = np.diff(finite, prepend=-1)
    end = int(finite[-1]) + 1 if len(finite) else 0
    if len(values) - end >= max([1, *gaps.tolist()]):
        return int(min([end, *infinite.tolist()]))
    return int(infinite[0]) if len(infinite) else None


def _spelt(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value}"


def _diverged(course: Course) -> Iterator[Finding]:
    """Yield a training loss that ends far above what it had been."""
    loss, epochs = _finite(course, course.loss)
    if len(loss) < _FEW:
        return
    best = int(np.argmin(loss[:-1]))
    low, last, first = float(loss[best]), float(loss[-1]), float(loss[0])
    guessing = course.known.guessing_loss
    blew_up = last > 10 * max(abs(low), abs(first)) > 0
    if not (blew_up or _ends_above(loss, best) or last_level(loss) > 2 * guessing):
        return
    name, at = course.known.loss_name, f"{course.known.unit} {epochs[best]:.0f}"
    what = f"the training diverged: {name} is {low:.4g} at {at} and {last:.4g} at the end"
    if not (blew_up or _ends_above(loss, best)):
        what = f"the training diverged: {name} ends at {last:.4g}, guessing gives {guessing:.4g}"
    yield Finding(
        level="error" if last > first or last > 2 * guessing else "warning",
        name="divergence",
        what=what,
        why="every step makes the model worse: the learning rate is too high, or some samples are broken",
        fix=course.known.again(
            f"--learning-rate {course.known.lower_rate}", "use a smaller learning rate, or clip gradients"
        ),
        where=f"{course.known.unit} {epochs[min(best + 1, len(epochs) - 1)]:.0f}",
    )


def _ends_above(loss: Values, best: int) -> bool:
    """Say whether the last values lie clearly and far above the best: not for a single epoch."""
    low, last = float(loss[best]), float(loss[-2:].min())
    height = last - low
    learnt = float(loss[0]) - low
    scale = abs(low) if loss.min() > 0 else learnt
    noise = 6 * noise_of(loss[: best + 1]) if best >= _FEW else 2 * noise_of(loss)
    is_worse_than_ever = last > 1.2 * loss[0]
    return len(loss) > _FEW and height > max(0.5 * scale, 0.2 * learnt, 0 if is_worse_than_ever else noise)


def _stagnates(course: Course) -> Iterator[Finding]:
    loss, _ = _finite(course, course.loss)
    if len(loss) < _FEW:
        return
    told = _no_better_than_guessing(course) or _never_fell(course, loss)
    if not told:
        return
    score = _level_of(course.judged)
    may_be_good = course.has_accuracy and score > _MAY_BE_GOOD and math.isnan(course.known.guessing_score)
    yield Finding(
        level="note" if may_be_good else "warning",
        name="stagnation",
        what=f"{'perhaps nothing' if may_be_good else 'nothing'} was learnt: {told}",
        why="the model predicts the same whatever it sees: check the learning rate, the labels and the inputs",
        fix=course.known.again(
            f"--learning-rate {course.known.other_rate}", "try learning rates from 0.1 to 0.0001, and check the labels"
        ),
        where=f"{course.known.unit} {course.epochs[0]:.0f} to {course.epochs[-1]:.0f}",
    )


def _no_better_than_guessing(course: Course) -> str:
    """Return what shows that a training reached no more than guessing reaches, ``""`` if it did or nothing tells."""
    known, score = course.known, _level_of(course.judged)
    level = np.fmin(_level_of(course.loss), _level_of(course.val_loss))
    if course.score_name == "r2" and score <= 0 and not _rises(_only_finite(course.judged)):
        return f"r2 is {score:.3g}, no better than predicting the mean"
    is_answered = course.has_accuracy and known.is_answered(score)
    if not level >= _TRIVIAL * known.guessing_loss or is_answered or _falls_still(_only_finite(course.loss)):
        return ""
    told = f"; the accuracy is {score:.3g}, guessing gives {known.guessing_score:.3g}" if course.has_accuracy else ""
    return f"{known.loss_name} is {level:.4g}, guessing gives {known.guessing_loss:.4g}{told}"


def _falls_still(loss: Values) -> bool:
    """Say whether the loss was never as low as at the end, and fell until then: a slow start is none that fails."""
    return len(loss) > 2 and loss[-1] == loss.min() and loss[-3] - loss[-1] > _FLAT * abs(loss[-3])


def _never_fell(course: Course, loss: Values) -> str:
    """Return what shows that the loss is where it began and no good answer, ``""`` otherwise."""
    if len(loss) < 5 or _is_good(course, loss):
        return ""
    half = len(loss) // 2
    before, after = float(np.median(loss[:half])), float(np.median(loss[half:]))
    scale = max(abs(before), abs(after), 1e-12)
    fallen = (before - after) / scale
    error = 1.25 * noise_of(loss) * math.sqrt(1 / half + 1 / (len(loss) - half)) / scale  # of medians
    has_fallen = fallen > max(_FLAT, 2 * error) or loss[0] - after > 0.1 * scale
    if has_fallen or fallen + 2 * error > _FLAT_AT_MOST or fallen < -_FLAT_AT_MOST:
        return ""
    return f"{course.known.loss_name} was {loss[0]:.4g} at first and is {loss[-1]:.4g} at the end"


def _is_good(course: Course, loss: Values) -> bool:
    """Say whether a training that gets no further is one that had learnt before, as when a model is tuned further."""
    known, score = course.known, _level_of(course.judged)
    if math.isnan(score):
        return False
    if course.score_name == "r2":
        return score > 0.05
    if not course.has_accuracy:
        return _rises(_only_finite(course.judged))
    if not math.isnan(known.guessing_score):
        return known.is_answered(score) or last_level(loss) < 0.8 * known.guessing_loss
    return score > 0.95 or last_level(loss) < 0.9 * _least_loss_of_constant(score)


def _least_loss_of_constant(accuracy: float) -> float:
    """Return the least cross-entropy of whoever always gives the same answer and is right so often."""
    share = min(max(accuracy, 1e-6), 1 - 1e-6)
    least = -math.log(share)
    return least if share < 0.5 else share * least - (1 - share) * math.log(1 - share)


def _rises(score: Values) -> bool:
    return trend_of(score) > _CERTAIN and last_level(score) > score[0]


def _finite(course: Course, values: Values) -> tuple[Values, Values]:
    """Return the finite values with their epochs."""
    kept = np.isfinite(values)
    return values[kept], course.epochs[: len(values)][kept]


def _only_finite(values: Values) -> Values:
    finite: Values = values[np.isfinite(values)]
    return finite


def _level_of(values: Values) -> float:
    finite = _only_finite(values)
    return last_level(finite) if len(finite) else math.nan


def _at(course: Course, position: int) -> str:
    return f"{course.known.unit} {course.epochs[position]:.0f}"
