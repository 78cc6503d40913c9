"""Findings about validation: overfitting, answers that are too certain, an end that came too early."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tbcli.doctor.course import Course
from tbcli.doctor.findings import Finding
from tbcli.doctor.trends import TREND, Values, error_of_rise, last_level, lowest, rise_of, trend_of

_AFTER_BEST = 4  # epochs of validation loss that must rise
_RISEN = 0.1  # of its lowest: a validation loss that is worse
_SURE = 4  # standard errors: the lowest of many values is low by chance, by one or two
_SCORED = 2.5  # standard errors of the score, whose best is not chosen
_OF_TWO_CLASSES = 0.69  # the loss of guessing
_HARMFUL = 0.03  # of what was learnt: a loss that rises by less while answers stay right is only overconfident
_FALLS_ON = 0.02  # of the training loss


def findings_on_validation(course: Course) -> Iterator[Finding]:
    """Yield what validation shows of a training that learnt something."""
    course = _of_measured(course)
    if len(course.val_loss) <= _AFTER_BEST or not len(course.loss):
        return
    best = lowest(course.val_loss)
    if _rises(course.val_loss, best) and _falls_on(course.loss, best):
        yield _overfitting(course, best)
    else:
        yield from _stopped_early(course)


def _rises(loss: Values, best: int) -> bool:
    """Say whether a loss rises after its lowest: by much, for several epochs, and by more than its noise."""
    rise, after = rise_of(loss, best), loss[best + 1 :]
    scale = abs(float(loss[best])) if loss.min() > 0 else float(loss[0] - loss[best])
    is_much = rise > _RISEN * scale and rise > _SURE * error_of_rise(loss, best)
    is_lasting = np.count_nonzero(after[-_AFTER_BEST:] > loss[best] + 0.3 * rise) >= _AFTER_BEST - 1  # two are spikes
    return bool(is_much and is_lasting) and len(after) >= _AFTER_BEST and trend_of(after) >= TREND


def _falls_on(loss: Values, best: int) -> bool:
    return last_level(loss, best) < float(loss[best]) - _FALLS_ON * abs(float(loss[best]))


def _overfitting(course: Course, best: int) -> Finding:
    known, unit, epoch = course.known, course.known.unit, course.epochs[best]
    loss, val_loss, name = course.loss, course.val_loss, course.known.loss_name
    patience = max(2, min(10, (len(val_loss) - best) // 2))
    finding = Finding(
        level="warning",
        name="overfitting",
        what=f"overfitting since {unit} {epoch:.0f}: val_{name} rises from {val_loss[best]:.4g} to "
        f"{last_level(val_loss, best):.4g} while {name} falls from {loss[best]:.4g} to {last_level(loss, best):.4g}",
        why="the model memorizes its training samples and gets worse on others"
        + ("; the last weights are saved" if known.has_kept_last else ""),
        fix=known.again(f"--patience {patience}", f"stop early, at {unit} {epoch:.0f}, and keep those weights"),
        where=f"{unit} {epoch:.0f}",
    )
    if 0 < known.saved_epoch < course.epochs[-1]:
        why = f"the weights of {unit} {known.saved_epoch} were kept, so only time was lost"
        return replace(finding, level="note", why=why)
    score = _course_of_score(course, best)
    if score == "rises" or (score == "stays" and _is_harmless(course, best)):
        return _overconfidence(course, finding, best)
    return finding


def _overconfidence(course: Course, finding: Finding, best: int) -> Finding:
    then, now = abs(float(course.val_score[best])), abs(last_level(course.val_score, best))
    return replace(
        finding,
        level="note",
        name="overconfidence",
        what=f"{finding.what.replace('overfitting', 'overconfident', 1)}, and val_{course.score_name} goes from "
        f"{then:.4g} to {now:.4g}",
        why="the predictions are no worse, but their probabilities are too certain",
    )


def _course_of_score(course: Course, best: int) -> str:
    """Return whether the score of validation rises, falls or stays after the validation loss was lowest."""
    score = course.val_score
    if not len(score):
        return ""
    after = score[best + 1 :]  # at the best itself it may have been on its way still
    gain, error, trend = rise_of(after, 1), error_of_rise(after, 1), trend_of(after)
    if gain > 0 and (trend > 2.5 or (gain > _SCORED * error and trend > 1.5)):
        return "rises"
    return "falls" if gain < -2 * error and trend < -1 else "stays"


def _is_harmless(course: Course, best: int) -> bool:
    """Say whether a loss rises by little of what was learnt, where right answers are counted besides."""
    start = np.nanmax([float(course.val_loss[0]), course.known.guessing_loss, _OF_TWO_CLASSES])
    return course.has_accuracy and rise_of(course.val_loss, best) < _HARMFUL * (start - float(course.val_loss[best]))


def _stopped_early(course: Course) -> Iterator[Finding]:
    """Yield a validation loss that was still falling clearly when training ended."""
    loss = course.val_loss
    last = [float(value) for value in loss[-4:]]
    gain = (last[0] - last[-1]) / max(abs(last[0]), 1e-12)
    is_slowing = last[-2] - last[-1] < 0.05 * abs(last[-2])
    if course.known.unit != "epoch" or int(np.argmin(loss)) != len(loss) - 1 or gain < 0.1 or is_slowing:
        return
    if trend_of(loss[-4:]) > -TREND:
        return
    epochs = int(course.epochs[-1])
    yield Finding(
        level="note",
        name="still-improving",
        what=f"val_{course.known.loss_name} was still falling when training ended, by {gain:.0%} in the last 3 epochs",
        why="more epochs would probably make the model better",
        fix=course.known.again(f"--epochs {2 * epochs}", "train for more epochs"),
        where=f"epoch {epochs}",
    )


def _of_measured(course: Course) -> Course:
    """Return the course of the epochs that were validated; where only answers are counted, wrong ones are the loss."""
    if not len(course.val_loss) and course.has_accuracy and len(course.val_score):
        loss = course.loss if len(course.loss) else 1 - course.score
        course = replace(course, loss=loss, val_loss=1 - course.val_score, val_score=np.empty(0))
    curves = {name: getattr(course, name) for name in ("epochs", "loss", "val_loss", "score", "val_score")}
    needed = [values for name, values in curves.items() if len(values) and name != "score"]
    kept = np.logical_and.reduce([np.isfinite(values) for values in needed])
    return replace(course, **{name: values[kept] if len(values) else values for name, values in curves.items()})
