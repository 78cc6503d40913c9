"""One number in two records: event files, and a text log of the same run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tbcli.readers import Scalars, read_scalars
from tbcli.runs.history import HistoryWriter
from tests.events.records import event, simple, tensor, write
from tests.readers.text_logs import keras_csv, trainer_state, ultralytics_csv, write_text


def read(top: Path, buckets: int = 0) -> Scalars:
    return read_scalars(top, buckets=buckets, cache=False)


def told(scalars: Scalars) -> list[str]:
    return [incident.detail for incident in scalars.damage if incident.is_loss]


def columns(table: str) -> dict[str, list[float]]:
    rows = [{key.strip(): float(cell) for key, cell in row.items()} for row in csv.DictReader(io.StringIO(table))]
    return {name: [row[name] for row in rows] for name in rows[0]}


def write_events(directory: Path, series: dict[str, Sequence[float]], first: int, keep: int | None = None) -> None:
    """Write series as event files, each value as float32, the first few only where ``keep`` says so."""
    count = len(next(iter(series.values())))
    records = [
        event(first + place, *(simple(tag, float(np.float32(values[place]))) for tag, values in series.items()))
        for place in range(count if keep is None else keep)
    ]
    write(directory, *records)


@pytest.mark.parametrize("buckets", [0, 1000])
@pytest.mark.parametrize("first", [0, 1])
def test_ultralytics_writes_one_number_twice_and_it_is_read_once(tmp_path: Path, first: int, buckets: int) -> None:
    table = ultralytics_csv(8, first)
    series = columns(table)
    series.pop("epoch")
    write_events(tmp_path / "train", series, first=1)
    write_text(tmp_path / "train" / "results.csv", table)
    scalars = read(tmp_path, buckets)
    assert [tag for _, tag in scalars.names] == sorted(series)
    assert len(scalars) == 8 * len(series)
    assert np.isfinite(scalars.wall_time).all()
    assert told(scalars) == []


def write_keras(top: Path, table: str, keep: int | None = None) -> None:
    series = columns(table)
    for split, prefix in (("train", ""), ("validation", "val_")):
        chosen = {f"epoch_{name}": series[prefix + name] for name in ("loss", "accuracy")}
        write_events(top / split, chosen, first=0, keep=keep)
    write_text(top / "training.log", table)


def test_keras_callbacks_beside_each_other_are_one_run(tmp_path: Path) -> None:
    write_keras(tmp_path / "fit", keras_csv(6))
    scalars = read(tmp_path)
    assert {run for run, _ in scalars.names} == {"fit/train", "fit/validation"}
    assert told(scalars) == []


def test_the_record_that_holds_more_is_used_and_that_is_said(tmp_path: Path) -> None:
    write_keras(tmp_path / "fit", keras_csv(6), keep=4)
    scalars = read(tmp_path)
    assert {run for run, _ in scalars.names} == {"fit"}
    assert scalars.counts.tolist() == [6] * 4
    (sentence,) = told(scalars)
    assert "holds more than the event files" in sentence
    assert "accuracy; loss" in sentence


@pytest.mark.parametrize("keep", [6, 5])
def test_records_that_differ_are_told_and_the_longer_one_is_used(tmp_path: Path, keep: int) -> None:
    table = keras_csv(6)
    write_events(tmp_path, {"loss": [value + 0.1 for value in columns(table)["loss"]]}, first=0, keep=keep)
    write_text(tmp_path / "log.csv", table)
    scalars = read(tmp_path)
    loss = scalars.series(".", "loss")
    assert loss is not None
    assert len(loss.value) == 6
    assert loss.value[0] == pytest.approx(1.1 if keep == 6 else 1.0)
    (sentence,) = told(scalars)
    assert "loss: 1 and 1.1 at step 0" in sentence


def test_a_loss_of_each_batch_is_another_number_than_that_of_the_epoch(tmp_path: Path) -> None:
    write_events(tmp_path, {"Loss/train": [3 / (step + 1) for step in range(100)]}, first=0)
    write_text(tmp_path / "log.csv", keras_csv(6))
    scalars = read(tmp_path)
    assert scalars.series(".", "Loss/train") is not None
    assert scalars.series(".", "loss") is not None
    assert told(scalars) == []


@pytest.mark.parametrize("directory", [".", "out"])
def test_a_trainers_state_and_its_event_files_are_one_record(tmp_path: Path, directory: str) -> None:
    state = trainer_state(500)
    write_text(tmp_path / directory / "trainer_state.json", state)
    write_text(tmp_path / directory / "checkpoint-100" / "trainer_state.json", trainer_state(100))
    records = [
        event(entry["step"], *(simple(_as_tensorboard(key), value) for key, value in entry.items() if key != "step"))
        for entry in json.loads(state)["log_history"]
    ]
    write(tmp_path / directory / "runs" / "Nov20_10-00-00_host", *records)
    scalars = read(tmp_path)
    assert {run.rpartition("/")[2] for run, _ in scalars.names} == {"Nov20_10-00-00_host"}
    assert told(scalars) == []


def _as_tensorboard(key: str) -> str:
    return f"eval/{key[5:]}" if key.startswith("eval_") else f"train/{key}"


@pytest.mark.parametrize("keep", [3, 1])
def test_a_history_of_ours_stands_in_for_event_files_that_lost_something(tmp_path: Path, keep: int) -> None:
    run = tmp_path / "20260101-1200"
    run.mkdir()
    history = HistoryWriter(run / "history.csv")
    rows = [{"loss": 1 / epoch, "val_loss": 2 / epoch, "test": 0.0} for epoch in (1, 2, 3)]
    for epoch, row in enumerate(rows, 1):
        history.append({"epoch": epoch, "step": 100 * epoch, "seconds": 5.0 * epoch, "learning_rate": 0.001, **row})
    for split, name in (("train", "loss"), ("validation", "val_loss")):
        records = [event(epoch, tensor("epoch_loss", np.float32(row[name]))) for epoch, row in enumerate(rows, 1)]
        write(run / split, *records[:keep])
    scalars = read(tmp_path)
    runs = {tag: place for place, tag in scalars.names}
    if keep == 3:
        assert runs["epoch_loss"].startswith(f"{run.name}/")
        assert not {"loss", "val_loss", "seconds", "step"} & set(runs)
        assert told(scalars) == []
    else:
        assert (runs["loss"], runs["val_loss"]) == (run.name, run.name)
        assert "holds more" in told(scalars)[0]


def test_of_a_table_that_was_continued_the_last_row_of_an_epoch_is_compared(tmp_path: Path) -> None:
    table = "epoch,loss\n1,5\n2,4\n3,3\nepoch,loss\n2,2\n3,1\n"
    write_events(tmp_path, {"loss": [5, 2, 1]}, first=1)
    write_text(tmp_path / "log.csv", table)
    scalars = read(tmp_path)
    assert scalars.value.tolist() == [5, 2, 1]
    assert told(scalars) == []


@pytest.mark.parametrize("directory", ["validation", "test", "run"])
def test_two_records_of_one_place_and_name_are_never_mixed(tmp_path: Path, directory: str) -> None:
    write_events(tmp_path / "train", {"loss": [5, 4, 3]}, first=0)
    write_events(tmp_path / directory, {"loss": [9, 8, 7, 6]}, first=100)
    write_text(tmp_path / directory / "log.csv", "epoch,loss\n0,1\n1,2\n")
    scalars = read(tmp_path)
    series = scalars.series(directory, "loss")
    assert series is not None
    assert series.value.tolist() == [9, 8, 7, 6]
    assert len(told(scalars)) == 1
