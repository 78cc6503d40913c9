"""What is wrong with a training, from what its run keeps: curves, answers, layers, costs, and how it ended."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tbcli.doctor.costs import findings_on_costs
from tbcli.doctor.course import Known, course_of
from tbcli.doctor.findings import Finding, worst_first
from tbcli.doctor.layer_health import findings_on_layers
from tbcli.doctor.learning import findings_on_learning
from tbcli.doctor.recall import Recall, findings_on_classes, recall_of, variety_of
from tbcli.errors import NotFound
from tbcli.naming.direction import NO_OVERRIDES, Overrides
from tbcli.readers.gradient_health import read_gradients
from tbcli.runs import Run
from tbcli.runs.disk import ROOM
from tbcli.runs.evidence import Predictions, count_samples, read_predictions
from tbcli.runs.history import read_history
from tbcli.runs.run_summary import settings_of_run
from tbcli.runs.summary import LEARNING_RATE

_UNCERTAIN = 0.02  # of an accuracy
_OF_FULL_DISK = ("disk is full", "quota is used up", os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))
_ENTROPIES = ("sparse_categorical_crossentropy", "categorical_crossentropy")


def diagnose_curves(
    epochs: ArrayLike,
    columns: Mapping[str, ArrayLike],
    known: Known | None = None,
    directions: Overrides = NO_OVERRIDES,
) -> list[Finding]:
    """Return what curves show of a training, the worst first.

    Args:
        epochs: Where the points are ``[n]``.
        columns: ``{canonical name: values}``, each ``[n]``, NaN where an epoch has none.
        known: What is known of the training besides.
        directions: The user's ``[direction]`` section.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # a loss that diverges may be near the largest number there is
        return worst_first(findings_on_learning(course_of(epochs, columns, known, directions)))


def diagnose(run: Run, *, can_resume: Callable[[Run], bool] | None = None) -> list[Finding]:
    """Return what is wrong with the training of a run of ours, the worst first; where it is healthy, notes alone.

    Args:
        run: The run.
        can_resume: Says whether it has a whole state to resume from; else any file of a state counts.
    """
    settings = settings_of_run(run)
    predictions = _predictions_of(run)
    recall = _recall_of(predictions)
    known = _known_of(run, settings, recall)
    history = read_history(run.history_file)
    rates = [rate for rate in history.columns.get(LEARNING_RATE, ()) if math.isfinite(rate)]
    if rates:
        known = replace(known, learning_rate=max(rates))
    layers = _layers(run, known)
    last = history.columns.get("step", ())[-1:]
    known = replace(
        known,
        steps=int(last[0]) if last and math.isfinite(last[0]) else 0,
        is_unstable=any(each.name == "exploding-gradients" for each in layers),
        has_kept_last=bool(known.repeats and history.epochs and known.saved_epoch == history.epochs[-1]),
    )
    if predictions and len(predictions.labels):
        answers, has_one = variety_of(predictions)
        known = replace(known, answers=answers, has_one_answer=has_one)
    curves = diagnose_curves(history.epochs, history.columns, known, run.directions)
    if run.is_live():
        curves = [each for each in curves if each.name != "still-improving"]
    found = [*_ending(run, known, curves, _to_resume(run, can_resume or _has_state)), *curves]
    found += [*_small_validation(run, known), *_differing_workers(run)]
    if predictions and recall:
        is_balanced = bool(settings.get("data.balance"))
        found += findings_on_classes(recall, known, predictions.split, is_balanced=is_balanced)
    found += layers
    seconds = history.columns.get("seconds", (math.nan,))[-1:]
    found += findings_on_costs(run.record, settings, seconds[0] if seconds else math.nan, known)
    return [replace(each, where=f"{run.id}, {each.where}".removesuffix(", ")) for each in worst_first(found)]


def _predictions_of(run: Run) -> Predictions | None:
    with suppress(NotFound):
        return read_predictions(run)
    return None


def _recall_of(predictions: Predictions | None) -> Recall | None:
    if predictions is None or not len(predictions.labels) or not predictions.task.has_classes:
        return None
    return recall_of(predictions.labels, predictions.guesses, predictions.class_names)


def _known_of(run: Run, settings: Mapping[str, Any], recall: Recall | None) -> Known:
    """Return what a run tells besides its curves; of other programs' trainings often little."""
    is_trained_here = "backend" not in run.record
    loss = str(run.record.get("loss") or (is_trained_here and not settings.get("train.loss") and _ENTROPIES[0]))
    is_of_classes = run.task_name == "classification"
    names = run.record.get("class_names")
    classes = len(names) if is_of_classes and isinstance(names, list) else 0
    if recall and is_of_classes:
        classes = len(recall.names)
    saved, split = run.record.get("saved_epoch"), settings.get("data.validation_split")
    rate = settings.get("train.learning_rate") if is_trained_here else None
    return Known(
        task=run.task_name or "",
        classes=classes,
        shares=recall.shares if recall and is_of_classes else (),
        has_entropy_loss=is_of_classes and loss in _ENTROPIES and not settings.get("data.balance"),
        mean_recall=recall.mean if recall and is_of_classes else math.nan,
        saved_epoch=saved if isinstance(saved, int) else 0,
        optimizer=str(settings.get("train.optimizer") or "") if is_trained_here else "",
        learning_rate=rate if isinstance(rate, float) else math.nan,
        validation_split=split if isinstance(split, float) and split else 0.1,
        run=run.id,
        repeats=f"tbcli train --config {run.id}" if is_trained_here and run.read_config() else "",
    )


def _small_validation(run: Run, known: Known) -> Iterator[Finding]:
    """Yield how uncertain the accuracy of validation is, where its samples are few."""
    count, accuracy = count_samples(run, "validation"), run.metrics.get("val_accuracy")
    last = accuracy.get("last") if isinstance(accuracy, Mapping) else None
    if not count or not isinstance(last, (int, float)) or not 0 <= last <= 1:
        return
    share = (last * count + 1) / (count + 2)  # as of one more right and one more wrong: none is certain
    spread = 2 * math.sqrt(share * (1 - share) / count)
    if spread > _UNCERTAIN:
        options = f"--validation-split {min(0.5, 2 * known.validation_split):.2g}"
        yield Finding(
            level="note",
            name="small-validation",
            what=f"val_accuracy {last:.3g} on {count} samples is uncertain by {spread:.2g}",
            why="smaller differences between epochs or runs may be chance",
            fix=known.again(options, "validate with more samples"),
            where="validation samples",
        )


def _differing_workers(run: Run) -> Iterator[Finding]:
    """Yield that processes that trained together came to different values, also where the run was resumed since."""
    said = run.record.get("workers_differ")
    if not isinstance(said, Mapping):
        return
    is_trained = bool(said.get("is_trained"))
    yield Finding(
        level="warning" if is_trained else "note",
        name="workers-differ",
        what=f"its workers did not have the same values after step {said.get('step')}: {said.get('what')}",
        why="its steps were by gradients of several models, of which one is kept"
        if is_trained
        else "what a layer keeps of the samples that it sees is of the first worker's share alone",
        fix="give all workers the same code, files and versions, and train again" if is_trained else "",
        where="workers",
    )


def _ending(run: Run, known: Known, curves: Sequence[Finding], again: str) -> Iterator[Finding]:
    """Yield why a training did not come to its end, where its curves do not say so already."""
    status, reason = run.status(), str(run.record.get("reason") or "nothing is known of the reason")
    if status == "diverged" and not any(each.name in ("nan-loss", "divergence") for each in curves):
        yield Finding(
            level="error",
            name="nan-loss",
            what=reason,
            why="once a loss is not a number, all weights become NaN and nothing more is learnt",
            fix=known.again(f"--learning-rate {known.lower_rate}", "use a smaller learning rate, or clip gradients"),
        )
    if status == "failed":
        yield Finding(
            level="error",
            name="training-failed",
            what=reason,
            why="the training did not finish",
            fix=_after_room(reason, again),
        )
    if status == "interrupted":
        yield Finding(
            level="note",
            name="training-interrupted",
            what="the training was interrupted",
            why="its remaining epochs are missing",
            fix=again,
        )


def _after_room(reason: str, again: str) -> str:
    """Return what lets a training succeed: where the disk was full, the same again would fail again."""
    if not any(word in reason for word in _OF_FULL_DISK):
        return again
    return f"free room first ({ROOM}), or put runs on another disk with `--workspace DIR`; then `{again}`"


def _has_state(run: Run) -> bool:
    return run.checkpoints.is_dir() and any(run.checkpoints.iterdir())


def _to_resume(run: Run, can_resume: Callable[[Run], bool]) -> str:
    """Return the command that goes on from the last state, or repeats the training where there is none."""
    if "backend" in run.record:
        return "run the script again"
    if not run.read_config():
        return f"bring {run.config_file} back from a copy: nothing else tells how it was trained"
    return f"tbcli train --{'resume' if can_resume(run) else 'config'} {run.id}"


def _layers(run: Run, known: Known) -> list[Finding]:
    try:
        health = read_gradients(run)
    except NotFound:
        return []
    dead, norms = ({layer: each.value for layer, each in part.items()} for part in (health.dead, health.norms))
    return list(findings_on_layers(dead, norms, health.whole.value if health.whole else None, known))
