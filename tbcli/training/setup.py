"""The parts of a training that are fixed before its first step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import keras

from tbcli.config import Config
from tbcli.data.dataset import Dataset
from tbcli.runs import Run
from tbcli.training.health import Health
from tbcli.training.narration import Narrator


@dataclass(frozen=True, slots=True)
class Setup:
    """The parts that all stages of a training share.

    Args:
        config: What was asked.
        dataset: Training data; streams are wrapped by ``health``.
        model: Built; compiled before the first step.
        run: Where results are written.
        narrator: Receives progress events.
        health: Checks samples and weights.
        check: Raises if a signal was received; called wherever it is safe to stop.
        from_logits: Whether the model's outputs are logits.
        deadline: When to stop, of `time.monotonic`.
    """

    config: Config
    dataset: Dataset
    model: keras.Model
    run: Run
    narrator: Narrator
    health: Health
    check: Callable[[], None]
    from_logits: bool = False
    deadline: float = math.inf
