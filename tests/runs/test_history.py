from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.naming.direction import best_position, lower_is_better, summarize
from tbcli.runs.history import HistoryWriter, as_kept, keep_row, read_history
from tests.fakes import make_run
from tests.faults.limits import files_limited

ROW = {"epoch": 1, "step": 422, "seconds": 5.25, "learning_rate": 0.002, "loss": 0.25, "accuracy": 0.9375}


def test_rows_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    writer = HistoryWriter(path)
    writer.append(ROW)
    assert len(read_history(path).epochs) == 1  # while training goes on
    writer.append({**ROW, "epoch": 2, "loss": math.nan})
    history = read_history(path)
    assert history.epochs == (1, 2)
    assert history.columns["accuracy"] == (0.9375, 0.9375)
    assert math.isnan(history.columns["loss"][1])
    assert path.read_text().splitlines()[:2] == [
        "epoch,step,seconds,learning_rate,loss,accuracy",
        "1,422,5.25,0.002,0.25,0.9375",
    ]


@given(st.floats(width=32, allow_nan=False))
def test_a_row_has_the_number_that_the_event_files_have(value: float) -> None:
    assert np.float32(as_kept(value)) == np.float32(value)


def test_a_number_has_no_more_digits_than_it_takes() -> None:
    assert as_kept(float(np.float32(0.825))) == 0.825
    assert as_kept(1e300) == 1e300


def test_a_missing_value_is_an_empty_cell_and_reads_as_nan(tmp_path: Path) -> None:
    writer = HistoryWriter(tmp_path / "history.csv")
    writer.append(ROW)
    writer.append({"epoch": 2, "step": 844})
    assert math.isnan(read_history(tmp_path / "history.csv").columns["loss"][1])


def test_a_second_writer_continues_the_file(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    HistoryWriter(path).append(ROW)
    HistoryWriter(path).append({**ROW, "epoch": 2})
    assert read_history(path).epochs == (1, 2)


@pytest.mark.parametrize("torn", ["2,844", "2", "2,844,10.5,0.001,0.2", "\n", "x,844,1,1,1,1"])
def test_a_torn_last_row_is_left_out(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "history.csv"
    HistoryWriter(path).append(ROW)
    with path.open("a") as file:
        file.write(torn)
    assert read_history(path).epochs == (1,)


@pytest.mark.parametrize("content", [b"", b"epoch,step\n", b"\xff\xfe", None])
def test_nothing_written_yet_is_an_empty_history(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "history.csv"
    if content is not None:
        path.write_bytes(content)
    assert read_history(path).epochs == ()


@pytest.mark.parametrize("name", ["loss", "val_loss", "mean_squared_error", "val_mae", "perplexity"])
def test_losses_and_errors_are_better_when_lower(name: str) -> None:
    assert lower_is_better(name)
    assert not lower_is_better("val_accuracy")


def test_the_best_is_the_first_of_equals_and_never_nan() -> None:
    assert best_position("accuracy", [0.1, 0.9, math.nan, 0.9]) == 1
    assert best_position("loss", [math.inf, 0.2, 0.1]) == 2
    assert best_position("loss", [math.nan]) is None


def test_a_summary_has_best_epoch_and_last_of_each_metric() -> None:
    columns = {"step": (1.0, 2.0), "val_accuracy": (0.9, 0.8), "loss": (math.nan, math.nan)}
    summary = summarize(columns, (4, 5))
    assert summary["val_accuracy"] == {"best": 0.9, "best_epoch": 4, "last": 0.8}
    assert "step" not in summary
    assert math.isnan(summary["loss"]["best"])


@pytest.mark.parametrize(
    ("content", "damage", "epochs"),
    [
        ("epoch,loss\n1,0.5\n2,0.4\n", "", 2),
        ("epoch,loss\n1,0.5\n2", "", 1),  # torn
        ("epo", "", 0),
        ("epoch,loss\n1,nan\n2,\n", "", 2),
        ("epoch,loss\n1,0.5\n@@@@\n3,0.4\n", "is damaged: 1 of 3 rows", 2),
        ("epoch,loss\n1,0.5\n2,what\n", "is damaged: 1 of 2 rows", 2),
        ("epoch,loss\n1,0.5\n" + "9" * 5000 + ",1\n", "is damaged: 1 of 2 rows", 1),
        ("\n\n", "is damaged: it is no table of epochs", 0),
        ("garbage\nmore\n", "is damaged: it is no table of epochs", 0),
        ("epoch," + "x" * 200_000, "is damaged: it is no table of epochs", 0),
    ],
)
def test_damage_is_told_and_the_rest_is_read(tmp_path: Path, content: str, damage: str, epochs: int) -> None:
    path = tmp_path / "history.csv"
    path.write_text(content)
    history = read_history(path)
    assert (history.damage, len(history.epochs)) == (damage, epochs)


def test_a_history_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    assert read_history(tmp_path).damage == "cannot be read: it is no regular file"


def test_a_metric_that_comes_later_gets_a_column_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    leading = {"step": 1, "seconds": 1.0, "learning_rate": 0.1}
    HistoryWriter(path).append({"epoch": 1, **leading, "loss": 3.0})
    writer = HistoryWriter(path)  # whoever goes on with the file
    writer.append({"epoch": 2, **leading, "loss": 2.0, "val_loss": 2.5})
    writer.append({"epoch": 3, **leading, "loss": 1.0})
    history = read_history(path)
    assert history.epochs == (1, 2, 3)
    assert history.columns["loss"] == (3.0, 2.0, 1.0)
    assert [str(value) for value in history.columns["val_loss"]] == ["nan", "2.5", "nan"]
    assert not history.damage


@pytest.mark.parametrize("room", [5, 10, 11, 15, 19])
def test_a_row_there_is_no_room_for_leaves_no_half_and_is_written_with_the_next(tmp_path: Path, room: int) -> None:
    path = tmp_path / "history.csv"
    writer = HistoryWriter(path)
    rows = [{"epoch": epoch, "step": 10 * epoch, "seconds": 1.5, "learning_rate": 0.01} for epoch in (1, 2, 3)]
    writer.append(rows[0])
    before = path.read_bytes()
    full = files_limited(len(before) + room - 10)
    with full, pytest.raises(OSError, match="File too large"):
        writer.append(rows[1])
    assert (path.read_bytes(), writer.waiting) == (before, 1)
    writer.append(rows[2])
    assert read_history(path).epochs == (1, 2, 3)
    assert (read_history(path).damage, writer.waiting) == ("", 0)


def test_a_torn_last_row_is_cut_off_before_the_file_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("epoch,step,seconds,learning_rate,loss\n1,5,1,0.1,0.5\n2,10,2,0.1,0.")
    HistoryWriter(path).append({"epoch": 2, "step": 10, "seconds": 2.0, "learning_rate": 0.1, "loss": 0.25})
    assert read_history(path).epochs == (1, 2)
    assert read_history(path).columns["loss"] == (0.5, 0.25)


def test_a_history_goes_back_to_its_state_with_rows_and_columns_that_came_later(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    writer = HistoryWriter(path)
    untouched = writer.state()
    writer.append({"epoch": 1, "loss": 0.5})
    state, content = writer.state(), path.read_text()
    writer.append({"epoch": 2, "loss": 0.25, "extra": 3.0})
    again = HistoryWriter(path)
    again.restore(state)
    assert path.read_text() == content
    again.append({"epoch": 2, "loss": 0.125})
    assert read_history(path).columns["loss"] == (0.5, 0.125)
    lost = HistoryWriter(path)
    lost.restore({**state, "rows": 7})
    assert lost.missing == 5
    lost.restore(untouched)
    assert not path.exists()


def test_rows_that_wait_for_room_are_part_of_the_state(tmp_path: Path) -> None:
    writer = HistoryWriter(tmp_path / "gone" / "history.csv")
    with pytest.raises(OSError, match="gone"):
        writer.append({"epoch": 1, "loss": 0.5})
    again = HistoryWriter(tmp_path / "history.csv")
    again.restore(writer.state())
    again.append({"epoch": 2, "loss": 0.25})
    assert read_history(tmp_path / "history.csv").epochs == (1, 2)


def test_a_training_goes_on_without_its_history_and_the_record_says_what_is_missing(tmp_path: Path) -> None:
    run = make_run(tmp_path, epochs=0)
    writer, warnings = HistoryWriter(run.history_file), list[str]()
    run.history_file.unlink(missing_ok=True)
    run.history_file.mkdir()
    for epoch in (1, 2):
        keep_row(writer, {"epoch": epoch, "loss": 0.5}, run, warnings.append)
    assert warnings == ["history.csv cannot be written: it is no regular file; training goes on"]
    assert run.record["history_lacks"] == {"epochs": 2, "reason": "it is no regular file"}
    run.history_file.rmdir()
    keep_row(writer, {"epoch": 3, "loss": 0.5}, run, warnings.append)
    assert read_history(run.history_file).epochs == (1, 2, 3)
    assert "history_lacks" not in run.record
