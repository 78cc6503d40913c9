"""What a training consists of before its first step."""

from __future__ import annotations

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
    """What everybody who takes part in a training shares.

    Args:
        config: What was asked.
        dataset: What is learnt, watched over by ``health``.
        model: Built; compiled before the first step.
        run: Where everything goes.
        narrator: Hears of every step and epoch.
        health: Watches over samples and weights.
        check: Raises when a signal came; called wherever it is safe to stop.
    """

    config: Config
    dataset: Dataset
    model: keras.Model
    run: Run
    narrator: Narrator
    health: Health
    check: Callable[[], None]
