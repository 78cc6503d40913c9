"""A real training in two seconds, and what it told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tbcli.config import Config
from tbcli.runs import Run
from tbcli.training import Narrator, train

# 540 samples to train on: 10 steps of 50 and a last one of 40; 33 steps in all.
SMALL: Mapping[str, object] = {
    "data.limit_samples": 600,
    "train.batch_size": 50,
    "train.epochs": 3,
    "train.steps_per_execution": 4,
    "train.precision": "float32",
    "record.spacing": 1,
}
STEPS_PER_EPOCH = 11


@dataclass
class Told(Narrator):
    """Remembers all it hears."""

    stages: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    begun: tuple[int, int] = (0, 0)
    steps: list[tuple[int, int]] = field(default_factory=list)
    epochs: list[tuple[int, dict[str, float], dict[str, tuple[float, int]]]] = field(default_factory=list)

    def stage(self, text: str) -> None:
        self.stages.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def begin(self, epochs: int, steps: int) -> None:
        self.begun = epochs, steps

    def step(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        self.steps.append((epoch, step))

    def epoch(self, epoch: int, logs: Mapping[str, float], best: Mapping[str, tuple[float, int]]) -> None:
        self.epochs.append((epoch, dict(logs), dict(best)))


@dataclass(frozen=True)
class Tiny:
    """A finished run, what was asked, and what was told."""

    run: Run
    config: Config
    told: Told

    @property
    def record(self) -> dict[str, Any]:
        return self.run.record


def small_config(workspace: Path, settings: Mapping[str, object] | None = None) -> Config:
    """Return the settings of a training of two seconds, with some changed."""
    return Config().updated({**SMALL, "paths.workspace": str(workspace), **(settings or {})})


def train_small(workspace: Path, settings: Mapping[str, object] | None = None) -> Tiny:
    """Train for real with few samples."""
    config, told = small_config(workspace, settings), Told()
    return Tiny(train(config, told), config, told)


def train_tiny(workspace: Path) -> Tiny:
    """Train once with everything on."""
    settings = {"train.name": "tiny", "train.note": "shared", "record.recorders": "full", "record.log_every": 3}
    return train_small(workspace, settings)
