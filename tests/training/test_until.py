"""What `--until` says of an epoch is what `tbcli check` says of a run that ended with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.gates import all_hold, parse_conditions
from tbcli.runs import Run
from tbcli.runs.history import HistoryWriter
from tbcli.runs.run_summary import summary_of
from tbcli.training.until import Until

VALUES = st.floats(0, 1, width=32) | st.sampled_from([float("nan"), float("inf"), 0.9])
ROWS = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=6)
CONDITIONS = [
    *(f"{name}{selector}{sign}0.5" for name in ("accuracy", "val_loss") for selector in ("", ".best") for sign in "<>"),
    "val_loss.epoch<=2 and accuracy.epoch>1",
    "val_loss.best<0.1 or epoch>=4",
    "accuracy>=0.9",
]


@pytest.mark.parametrize("directions", [{}, {"accuracy": "min"}])
@given(rows=ROWS)
def test_an_epoch_is_judged_as_the_run_would_be(
    workspace: Path, directions: dict[str, str], rows: list[tuple[float, float]]
) -> None:
    run = Run("a-run", workspace, workspace, workspace, {"id": "a-run"}, directions)
    run.history_file.unlink(missing_ok=True)
    history, gates = HistoryWriter(run.history_file), [parse_conditions(condition) for condition in CONDITIONS]
    judges = [Until(each, directions) for each in gates]
    for epoch, (accuracy, val_loss) in enumerate(rows, start=1):
        row = {"epoch": epoch, "step": epoch, "seconds": 1.0, "accuracy": accuracy, "val_loss": val_loss}
        history.append(row)
        assert [judge.update(row) for judge in judges] == [all_hold(each, summary_of(run)) for each in gates]
    assert not Until([]).update(row)
