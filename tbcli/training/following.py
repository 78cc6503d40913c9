"""What the workers do that neither record nor save: take the steps that the first one takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tbcli.data import load_dataset
from tbcli.keras_backend import BACKEND, load_keras
from tbcli.training.cluster import end_with_parent
from tbcli.training.interruption import Interruption
from tbcli.training.lesson import Lesson
from tbcli.training.narration import Narrator


def follow(workspace: Path, narrator: Narrator | None = None) -> int:
    """Train along until the first worker says that it is over; leave nothing.

    Args:
        workspace: Where it is found what to train.
        narrator: Silences libraries while they start, and is told of signals.

    Returns:
        What the first worker exits with: whoever started all sees at each of them how it ended.

    Raises:
        ConfigError: The workspace is not that of the first worker, or it runs another version.
        DoesNotFit: The data are not those of the first worker.
        TrainingFailed: Another worker is lost, or could not begin.
    """
    end_with_parent()
    os.environ[BACKEND] = "tensorflow"
    narrator = narrator or Narrator()
    with Interruption(narrator) as interruption:
        with narrator.hushed_libraries():
            load_keras()
            from tbcli.training.workers import open_workers

            workers = open_workers()
        try:
            return _follow(workers, workspace, interruption)
        except Exception as error:
            if failed := workers.lost(error):
                raise failed from error
            raise


def _follow(workers: Any, workspace: Path, interruption: Interruption) -> int:
    from tbcli.training.workers import Message

    said = workers.meet(workspace)
    try:
        ready, loop = _prepared(Lesson.read(said))
    except Exception:
        workers.decline()
        raise
    heard = workers.agree(ready.model, ready.facts)
    feed, has_begun = ready.feed, False
    while heard.goes_on:
        heard = workers.say(Message(signals=int(bool(interruption.signal_number))))
        if heard.compares:
            workers.compare(at_end=heard.compares > 1)
        elif heard.goes_on:
            if not has_begun:
                workers.share()
                has_begun = True
            if heard.epoch != feed.epoch:
                feed.begin_epoch(heard.epoch)
            inputs, labels = feed.samples(heard.position, heard.steps)
            loop.run(inputs, labels)
    return int(heard.code)


def _prepared(lesson: Lesson) -> tuple[Any, Any]:
    """Return what a training needs before its first step, and the loop over steps."""
    from tbcli.training.augmentation import build_augmentation
    from tbcli.training.optimizing import StepPlan
    from tbcli.training.preparation import prepare
    from tbcli.training.steps import StepLoop

    config = lesson.settings
    dataset = load_dataset(config.data)
    lesson.require_same(dataset.train)
    plan = StepPlan(lesson.plan[0], tuple(lesson.plan[1])) if lesson.plan else None
    ready = prepare(config, dataset, Narrator(), before=plan)
    feed = ready.feed
    augmentation = build_augmentation(config.data.augment, config.train.seed, feed.split)
    return ready, StepLoop(ready.model, feed.split, feed.batch_size, augmentation, ready.class_weights)
