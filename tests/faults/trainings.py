"""A real training of a second in this process, with something that happens in one of its phases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tbcli.config import Config
from tbcli.errors import TbcliError
from tbcli.runs import Run, RunStore
from tbcli.training import Narrator, train

QUICK: Mapping[str, object] = {
    "data.limit_samples": 100,
    "model.name": "mlp",
    "train.batch_size": 30,
    "train.epochs": 2,
    "train.steps_per_execution": 1,
    "record.recorders": "scalars",
}
STEPS_PER_EPOCH = 3
_TOLD = {
    "loading": "Loading",
    "importing": "Starting TensorFlow",
    "evaluating": "Evaluating the test set",
}
_CALLED = {
    "validating": "tbcli.training.observing.Observer.after_epoch",
    "recording": "tbcli.recorders.scalars.ScalarsRecorder.on_epoch",
    "saving": "tbcli.training.saving._save_file",
    "converting": "tbcli.training.saving._save_tflite",
    "evidence": "tbcli.training.pipeline.keep_evidence",
    "plotting": "tbcli.figures.plot_kinds",
}
PHASES = (
    "loading", "importing", "building", "tracing", "steps", "validating", "recording", "epoch",
    "saving", "converting", "evaluating", "evidence", "plotting",
)  # fmt: skip


@dataclass
class Witness(Narrator):
    """Lets something happen, once, when a phase begins; remembers what was told."""

    phase: str
    happens: Callable[[], None]
    interruptions: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    run: Run | None = None

    def reach(self, phase: str) -> None:
        if phase == self.phase:
            self.phase = ""
            self.happens()

    def stage(self, text: str) -> None:
        for phase, beginning in _TOLD.items():
            if text.startswith(beginning):
                self.reach(phase)

    def note(self, text: str) -> None:
        if "parameters on" in text:
            self.reach("building")

    def begin(self, epochs: int, steps: int) -> None:
        self.reach("tracing")

    def step(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        if (epoch, step) == (2, 2):
            self.reach("steps")

    def epoch(self, epoch: int, logs: Mapping[str, float], best: Mapping[str, tuple[float, int]]) -> None:
        self.reach("epoch")

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def claimed(self, run: Run) -> None:
        self.run = run

    def interrupted(self, text: str) -> None:
        self.interruptions.append(text)


@dataclass(frozen=True)
class Ended:
    """What became of a training."""

    error: BaseException | None
    witness: Witness
    workspace: Path

    @property
    def code(self) -> int:
        if self.error is None:
            return 0
        return self.error.exit_code if isinstance(self.error, TbcliError) else 1

    @property
    def run(self) -> Run | None:
        runs = RunStore(Config().updated({"paths.workspace": str(self.workspace)}).paths).list()
        return runs[0] if runs else None

    @property
    def has_state(self) -> bool:
        return any(self.workspace.glob("logs/*/checkpoints/*"))

    @property
    def has_model(self) -> bool:
        return any(self.workspace.glob("models/*/*.keras"))

    @property
    def temporaries(self) -> list[str]:
        return [path.name for path in self.workspace.rglob(".*") if path.is_file()]


def train_until(
    workspace: Path,
    phase: str,
    happens: Callable[[], None],
    patch: pytest.MonkeyPatch,
    settings: Mapping[str, object] | None = None,
) -> Ended:
    """Train, let something happen when a phase begins, and return what became of it."""
    witness = Witness(phase, happens)
    for name, target in _CALLED.items():
        _announced(patch, target, lambda name=name: witness.reach(name))  # type: ignore[misc]
    config = Config().updated({**QUICK, "paths.workspace": str(workspace), **(settings or {})})
    error: BaseException | None = None
    try:
        train(config, witness)
    except BaseException as caught:  # noqa: BLE001 - what it is is the question
        error = caught
    return Ended(error, witness, workspace)


def _announced(patch: pytest.MonkeyPatch, target: str, announce: Callable[[], None]) -> None:
    """Let a function announce each call of it."""
    from pkgutil import resolve_name

    owner = resolve_name(target.rpartition(".")[0])
    original = getattr(owner, target.rpartition(".")[2])

    def announced(*args: Any, **kwargs: Any) -> Any:
        announce()
        return original(*args, **kwargs)

    patch.setattr(owner, original.__name__, announced)
    formats = getattr(owner, "_FORMATS", {})  # which holds the functions themselves
    for name, (suffix, save, predict) in list(formats.items()):
        if save is original:
            patch.setitem(formats, name, (suffix, announced, predict))
