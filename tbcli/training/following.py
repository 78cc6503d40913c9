"""What the workers do that neither record nor save: take the steps that the first one takes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tbcli.config import Config
from tbcli.data import load_dataset
from tbcli.keras_backend import BACKEND, load_keras
from tbcli.training.cluster import end_with_parent
from tbcli.training.interruption import Interruption


def follow(workspace: Path) -> None:
    """Train along until the first worker says that it is over; leave nothing.

    Args:
        workspace: Where it is found what to train.

    Raises:
        ConfigError: The workspace is not that of the first worker.
        TrainingFailed: Another worker is lost.
    """
    end_with_parent()
    os.environ[BACKEND] = "tensorflow"
    with Interruption() as interruption:
        load_keras()
        from tbcli.training.workers import open_workers

        workers = open_workers()
        try:
            _follow(workers, workspace, interruption)
        except Exception as error:
            if failed := workers.lost(error):
                raise failed from error
            raise


def _follow(workers: Any, workspace: Path, interruption: Interruption) -> None:
    from tbcli.training.workers import Message

    said = workers.meet(workspace)
    flat = {f"{section}.{name}": value for section, group in said.items() for name, value in group.items()}
    config = Config().updated(flat)
    try:
        ready = _prepared(config)
        loop = _loop(config, ready)
    except Exception:
        workers.say(Message(problems=1))
        raise
    workers.say()
    samples: Iterator[Any] = iter(())
    feed, has_begun = ready.feed, False
    while True:
        heard = workers.say(Message(signals=int(bool(interruption.signal_number))))
        if not heard.goes_on:
            workers.compare()
            return
        if not has_begun:
            workers.share()
            has_begun = True
            feed.epoch = 0  # whatever it is, it begins now
        if (heard.epoch, heard.position) != (feed.epoch, feed.position):
            feed.begin_epoch(heard.epoch)
            feed.position = heard.position
            samples = feed.executions(ready.model.steps_per_execution)
        inputs, labels = next(samples)
        loop.run(inputs, labels)
        feed.position += -(-len(labels) // feed.batch_size)


def _prepared(config: Config) -> Any:
    from tbcli.training.narration import Narrator
    from tbcli.training.preparation import prepare

    return prepare(config, load_dataset(config.data), Narrator())


def _loop(config: Config, ready: Any) -> Any:
    from tbcli.training.augmentation import build_augmentation
    from tbcli.training.steps import StepLoop

    feed = ready.feed
    augmentation = build_augmentation(config.data.augment, config.train.seed, feed.split)
    return StepLoop(ready.model, feed.split, feed.batch_size, augmentation, ready.class_weights)
