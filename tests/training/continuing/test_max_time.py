"""``train.max_time`` ends a training within an epoch or after it; resumed, it is what it would have been."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from tbcli.runs.history import read_history
from tbcli.training.epoch import Epochs
from tbcli.training.session import resume
from tests.tiny import STEPS_PER_EPOCH, Tiny, Told, small_config, train_small

pytestmark = [pytest.mark.tf, pytest.mark.slow]


@pytest.mark.parametrize(
    ("looks", "step", "epochs", "steps_of_model"),
    [
        (0, 4, 0, 4),  # before the first execution: one is taken all the same
        (4, STEPS_PER_EPOCH + 8, 1, STEPS_PER_EPOCH + 8),
        (2, STEPS_PER_EPOCH, 1, None),  # at the end of an epoch
    ],
)
def test_it_stops_at_the_next_step_and_can_be_resumed(
    tmp_path: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch, looks: int, step: int, epochs: int,
    steps_of_model: int | None,
) -> None:  # fmt: skip
    looked = count()
    monkeypatch.setattr(Epochs, "_is_late", property(lambda _: next(looked) >= looks))
    settings = {"record.recorders": "light", "train.max_time": "1h"}
    run = train_small(tmp_path, settings).run
    assert (run.record["status"], run.record["ended_by"], run.record["saved_epoch"]) == ("finished", "max_time", epochs)
    assert run.record.get("saved_step") == steps_of_model
    assert len(read_history(run.history_file).epochs) == epochs
    assert run.saved_model.is_file()
    assert run.metric("test_accuracy") is not None
    monkeypatch.undo()
    told = Told()
    again = resume(run, small_config(tmp_path, settings), told)
    assert [entry["step"] for entry in again.record["resumed"]] == [step]
    assert (again.record["ended_by"], again.record["saved_epoch"], "saved_step" in again.record) == ("epochs", 3, False)
    mine, other = (read_history(each.history_file).columns for each in (again, tiny.run))
    assert mine["step"] == other["step"]
    for name in ("loss", "val_loss"):
        assert mine[name] == pytest.approx(other[name], rel=1e-4)
