"""What a run is resumed from is whole and ours; its record says that it trains again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tbcli.errors import Refused
from tbcli.runs import Run
from tbcli.training.continuing.resuming import reopen, saved_parts
from tbcli.training.continuing.state import DamagedState, Generations
from tests.fakes import make_run

OWN: dict[str, Any] = {"epochs_done": 1, "steps_done": 9, "plan": (12, ()), "seconds": 7.5}
PARTS: dict[str, Any] = {"epochs": OWN, "feed": {"epoch": 2, "position": 3}}


def run_with(tmp_path: Path, *steps: int, **record: Any) -> Run:
    run = make_run(tmp_path)
    run.update(**record)
    for step in steps:
        Generations(run.checkpoints).save(step, {**PARTS, "epochs": {**OWN, "steps_done": step}})
    return run


def test_the_newest_whole_state_is_taken_and_newer_ones_go(tmp_path: Path) -> None:
    run, said = run_with(tmp_path, 5, 9), list[str]()
    newest = run.checkpoints / "step-00000009.state"
    newest.write_bytes(newest.read_bytes()[:-1])
    assert saved_parts(run, said.append)["epochs"]["steps_done"] == 5
    assert len(said) == 1
    assert "is damaged" in said[0]
    assert [path.name for path in run.checkpoints.iterdir()] == ["step-00000005.state"]


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"epochs": 3, "feed": {}},
        {**PARTS, "epochs": {**OWN, "plan": None}},
        {**PARTS, "epochs": {**OWN, "plan": (12, 3)}},
        {**PARTS, "epochs": {**OWN, "epochs_done": -1}},
        {**PARTS, "epochs": {**OWN, "seconds": "long"}},
        {**PARTS, "feed": [1, 2]},
    ],
)
def test_a_whole_file_that_no_training_saved_is_refused(tmp_path: Path, parts: dict[str, Any]) -> None:
    run = run_with(tmp_path)
    Generations(run.checkpoints).save(9, parts)
    with pytest.raises(DamagedState, match="not what a training saves"):
        saved_parts(run, pytest.fail)


@pytest.mark.parametrize(
    ("status", "seconds", "is_refused"), [("running", 299, False), ("running", 301, True), ("finished", 1, True)]
)
def test_a_run_without_a_state_begins_again_unless_it_has_trained_for_long(
    tmp_path: Path, status: str, seconds: float, is_refused: bool
) -> None:
    run, said = run_with(tmp_path, status=status), list[str]()
    run.history_file.write_text(f"epoch,step,seconds,learning_rate\n1,5,{seconds},0.1\n")
    if is_refused:
        with pytest.raises(Refused, match="no state to resume from"):
            saved_parts(run, said.append)
    else:
        assert saved_parts(run, said.append) == {}
        assert said == ["no state was saved before the run ended: it begins again"]


@pytest.mark.parametrize(("kept", "seconds"), [(40.0, 40.0), (None, 7.5)])
def test_the_record_says_that_it_trains_again_and_nothing_of_its_end(
    tmp_path: Path, kept: float | None, seconds: float
) -> None:
    ended = {
        "ended": "2026-11-22T23:52:12.000Z",
        "reason": "a signal",
        "bytes": 5,
        "recording": {},
        "ended_by": "until",
    }
    run = run_with(tmp_path, status="interrupted", seconds=kept, pid=1, **ended)
    assert reopen(run, PARTS) == seconds
    assert (run.record["status"], run.record["ended"], run.record["seconds"]) == ("running", None, None)
    assert run.record.keys().isdisjoint({"reason", "bytes", "ended_by"})
    assert run.record["pid"] != 1
    reopen(run, {})
    assert [entry["step"] for entry in run.record["resumed"]] == [9, 0]
