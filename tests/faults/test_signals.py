"""A signal in whichever phase is told at once, ends the training with its code, and costs nothing that was learnt."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.trainings import PHASES, train_until

pytestmark = [pytest.mark.tf, pytest.mark.slow]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@dataclass(frozen=True)
class Survives:
    """What a signal in a phase leaves."""

    status: str = "interrupted"
    run: bool = True
    state: bool = True
    model: bool = True
    evidence: bool = False


EXPECTED = {
    "loading": Survives(run=False, state=False, model=False),
    "importing": Survives(state=False, model=False),
    "building": Survives(state=False, model=False),
    "tracing": Survives(state=False, model=False),
    "steps": Survives(model=False),
    "validating": Survives(model=False),
    "recording": Survives(model=False),
    "epoch": Survives(model=False),
    "saving": Survives(),
    "converting": Survives(),
    "evaluating": Survives(),
    "evidence": Survives("finished", evidence=True),
    "plotting": Survives("finished", evidence=True),
}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_a_signal_in_any_phase_keeps_what_was_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str, number: signal.Signals
) -> None:
    expected = EXPECTED[phase]
    further = {"train.save_formats": ("tflite", "h5")} if phase in ("saving", "converting") else {}
    ended = train_until(tmp_path, phase, lambda: os.kill(os.getpid(), number), monkeypatch, further)
    assert ended.code == CODES[number], ended.error
    assert len(ended.witness.interruptions) == 1
    run = ended.run
    assert bool(run) == expected.run
    assert ended.has_model == expected.model
    assert ended.has_state == expected.state
    if run:
        assert run.record["status"] == expected.status
        assert run.evidence_file.exists() == expected.evidence
        assert not run.heartbeat_file.exists()
    if phase in ("saving", "converting"):
        assert not any(tmp_path.glob("models/*/*.h5"))  # what comes after the safe point is left out
    assert ended.temporaries == []
