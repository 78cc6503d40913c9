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
from tbcli.doctor.trends import Values, last_level, noise_of, trend_of, turn_of

_CERTAIN = 2.6  # standard deviations of `trend_of`: one of 100 curves without a trend has as much
_JUMPED = 3.0  # times its median: a loss of which three points in a row are so high
_TOO_HIGH = 10  # times the usual learning rate
_BLOWN_UP = 10.0  # times all that a loss was before; of many points, one is so large by chance
_MANY = 20
_UNTOLD = 8  # epochs, among which noise alone may fall and rise once
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
    turn = turn_of(loss)
    best = turn[0] if turn else int(np.argmin(loss[:-1]))
    low, last, first = turn[1] if turn else float(loss[best]), float(loss[-1]), float(loss[0])
    guessing = course.known.guessing_loss
    blew_up = last > (_BLOWN_UP if len(loss) < _MANY else _BLOWN_UP**3) * float(np.abs(loss[:-1]).max()) > 0
    is_risen = blew_up or (turn is not None and _ends_above(loss, *turn))
    if not (is_risen or last_level(loss) > 2 * guessing):
        return
    name, at = course.known.loss_name, f"{course.known.unit} {epochs[best]:.0f}"
    what = f"the training diverged: {name} is {low:.4g} at {at} and {last:.4g} at the end"
    if len(loss) >= _MANY and not blew_up:
        what = f"the training diverged: {name} is about {low:.4g} at {at} and about {last_level(loss):.4g} at the end"
    if not is_risen:
        what = f"the training diverged: {name} ends at {last:.4g}, guessing gives {guessing:.4g}"
    yield Finding(
        level="error" if last > first or last > 2 * guessing else "warning",
        name="divergence",
        what=what,
        why="the model became worse: perhaps the learning rate is too high, or some samples are broken",
        fix=course.known.again(
            f"--learning-rate {course.known.lower_rate}", "use a smaller learning rate, or clip gradients"
        ),
        where=f"{course.known.unit} {epochs[min(best + 1, len(epochs) - 1)]:.0f}",
    )


def _ends_above(loss: Values, turn: int, low: float) -> bool:
    """Say whether the last values lie clearly and far above those where a loss turned: not for a single epoch."""
    is_short = len(loss) < _MANY
    last = float(loss[-2:].min()) if is_short else last_level(loss, turn)
    height, learnt = last - low, float(loss[: turn + 1].max()) - low
    scale = abs(low) if loss.min() > 0 else learnt
    if not is_short:
        return height > max(scale, 0.2 * learnt)
    noise = 6 * noise_of(loss[: turn + 1]) if turn >= _FEW else 0
    is_lost = len(loss) > _UNTOLD or loss[-1] > 0.9 * loss[0]  # of few epochs: all that was learnt
    return bool(is_lost) and height > max(0.5 * scale, 0.2 * learnt, noise)


def _stagnates(course: Course) -> Iterator[Finding]:
    loss, _ = _finite(course, course.loss)
    if len(loss) < _FEW:
        return
    told = _no_better_than_guessing(course) or _never_fell(course, loss)
    if not told:
        return
    score = _level_of(course.judged)
    may_be_good = course.has_accuracy and score > _MAY_BE_GOOD and math.isnan(course.known.guessing_score)
    known, is_unstable = course.known, _is_unstable(course, loss)
    is_early = known.has_few_steps and not is_unstable
    what = f"{'perhaps nothing' if may_be_good else 'nothing'} was learnt: {told}"
    yield Finding(
        level="note" if may_be_good or is_early else "warning",
        name="stagnation",
        what=f"it has learnt little yet, in few steps ({known.steps:,}): {told}" if is_early else what,
        why=f"few steps change little: {_answers(course)}" if is_early else _answers(course),
        fix=_more_learning(course, is_early=is_early, is_unstable=is_unstable),
        where=f"{known.unit} {course.epochs[0]:.0f} to {course.epochs[-1]:.0f}",
    )


def _answers(course: Course) -> str:
    """Return what the answers of the saved model show, or what is a guess without them."""
    known, check = course.known, "check the learning rate, the labels and the inputs"
    if not known.answers:
        return f"perhaps the model predicts much the same whatever it sees; {check}"
    if known.has_one_answer:
        return f"the saved model predicts much the same whatever it sees ({known.answers}); {check}"
    return f"the saved model's predictions differ ({known.answers}), but not as the labels do; {check}"


def _is_unstable(course: Course, loss: Values) -> bool:
    """Say whether something shows that steps are too large: a rate beyond all that is usual, or a loss that jumped."""
    known = course.known
    threes = np.median(np.lib.stride_tricks.sliding_window_view(loss, 3), axis=1)
    has_jumped = bool(threes.max() > _JUMPED * np.median(loss) > 0)
    return known.is_unstable or has_jumped or known.learning_rate > _TOO_HIGH * known.usual_rate


def _more_learning(course: Course, *, is_early: bool, is_unstable: bool) -> str:
    """Return what may get a training going: smaller steps only where something is unstable."""
    known = course.known
    if is_unstable:
        return known.again(f"--learning-rate {known.lower_rate}", "use a smaller learning rate, or clip gradients")
    if is_early and known.unit == "epoch" and not known.learning_rate < known.usual_rate / 10:
        epochs = f"{course.epochs[-1] * known.epochs_factor:.0f}"
        return known.again(f"--epochs {epochs}", "train for more epochs, or with a larger learning rate")
    return known.again(
        f"--learning-rate {known.other_rate}", "train for longer, or with a larger learning rate; check the labels"
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
    """Say whether the loss was never as low as at the end, and fell until then: a slow start is no failure."""
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
