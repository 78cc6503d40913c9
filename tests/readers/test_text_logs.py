"""Training logs of other programs that are no event files."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import Result

from tbcli.readers import Scalars, open_logdir, read_scalars
from tbcli.readers.metrics import names_in
from tbcli.readers.plain_yaml import parse_plain_yaml
from tests.events.records import event, points, simple, write
from tests.readers.text_logs import keras_csv, lightning_csv, trainer_state, ultralytics_csv, write_text

Cli = Callable[..., Result]
KERAS = ("accuracy", "loss", "val_accuracy", "val_loss")


def read(top: Path, buckets: int = 0) -> Scalars:
    return read_scalars(top, buckets=buckets, cache=False)


def told(scalars: Scalars) -> list[str]:
    return [incident.detail for incident in scalars.damage if incident.is_loss]


def values(scalars: Scalars, run: str, tag: str) -> list[float]:
    series = scalars.series(run, tag)
    assert series is not None
    return series.value.tolist()


@pytest.mark.parametrize("buckets", [0, 100])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(("newline", "encoding"), [("\n", "utf-8"), ("\r\n", "utf-8-sig"), ("\r\n", "utf-8")])
@pytest.mark.parametrize("name", ["training.log", "anything.csv", "metrics.csv"])
def test_keras_tables_are_series_by_epoch(
    tmp_path: Path, name: str, separator: str, newline: str, encoding: str, buckets: int
) -> None:
    write_text(tmp_path / "a" / name, keras_csv(6, separator), newline=newline, encoding=encoding)
    scalars = read(tmp_path, buckets)
    assert scalars.names == tuple(("a", tag) for tag in KERAS)
    loss = scalars.series("a", "loss")
    assert loss is not None
    assert loss.step.tolist() == list(range(6))
    assert loss.value.tolist() == [1 / (epoch + 1) for epoch in range(6)]
    assert np.isnan(loss.wall_time).all()  # nobody knows
    assert scalars.by_epoch == set(scalars.names)
    assert scalars.damage == ()


def test_a_table_that_was_appended_to_goes_on(tmp_path: Path) -> None:
    write_text(tmp_path / "log.csv", keras_csv(3) + keras_csv(3, first=3))
    scalars = read(tmp_path)
    assert values(scalars, ".", "loss") == [1 / (epoch + 1) for epoch in range(6)]
    assert told(scalars) == []


AGAIN = {
    "appended": ("epoch,loss\n0,9\n1,8\n2,7\n3,6\n0,5\n1,4\n", [0, 1], [5, 4], 4),
    "another header": ("epoch,loss\n0,9\n1,8\n2,7\nepoch,loss\n0,5\n1,4\n2,3\n", [0, 1, 2], [5, 4, 3], 3),
    "from there on": ("epoch,loss\n0,9\n1,8\n2,7\n3,6\n2,5\n3,4\n4,3\n", [0, 1, 2, 3, 4], [9, 8, 5, 4, 3], 2),
    "the last epoch": ("epoch,loss\n0,9\n1,8\n2,7\n2,6\n3,5\n", [0, 1, 2, 3], [9, 8, 6, 5], 1),
    "twice": ("epoch,loss\n0,9\n1,8\n2,7\n1,6\n2,5\n1,4\n", [0, 1], [9, 4], 4),
    "by step": ("step,epoch,loss\n10,0,9\n20,1,8\n30,2,7\n20,1,6\n30,2,5\n", [10, 20, 30], [9, 6, 5], 2),
    "within an epoch": ("step,epoch,loss\n10,0,9\n20,0,8\n30,0,7\n20,0,6\n", [10, 20], [9, 6], 2),
}


@pytest.mark.parametrize("buckets", [0, 2, 100])
@pytest.mark.parametrize("case", AGAIN)
def test_where_a_table_was_begun_again_the_later_rows_supersede(tmp_path: Path, case: str, buckets: int) -> None:
    text, steps, losses, count = AGAIN[case]
    write_text(tmp_path / "log.csv", text)
    scalars = read_scalars(tmp_path, tags=["loss"], buckets=buckets, cache=False)
    if buckets != 2:
        assert (scalars.step.tolist(), scalars.value.tolist()) == (steps, losses)
    is_with_clock = buckets > 0 and text.startswith("step")  # whatever tags are asked for
    assert scalars.superseded == count * (1 + is_with_clock)
    assert (np.diff(scalars.step) > 0).all()
    times = " 2 times, the last time to 1" if case == "twice" else " to"
    assert [f"go back{times}" in sentence for sentence in told(scalars)] == [True]
    every = read_scalars(tmp_path, tags=["loss"], buckets=buckets, cache=False, keep_all=True)
    assert every.superseded == 0
    assert every.is_reduced or len(every) == len(steps) + count
    assert len(open_logdir(tmp_path, cache=False).files) == 1


def test_a_step_that_begins_anew_in_each_epoch_is_no_continuation(tmp_path: Path) -> None:
    rows = "".join(f"{epoch},{step},{epoch + step}\n" for epoch in range(3) for step in range(4))
    write_text(tmp_path / "log.csv", f"epoch,step,loss\n{rows}")
    scalars = read(tmp_path)
    assert len(values(scalars, ".", "loss")) == 12
    assert scalars.superseded == 0
    assert told(scalars) == ["'step' begins anew in each epoch: its points stay as they are written"]


def test_rows_of_batches_of_an_epoch_are_kept(tmp_path: Path) -> None:
    rows = "".join(f"{epoch},{batch},{epoch + batch}\n" for epoch in range(3) for batch in range(4))
    write_text(tmp_path / "log.csv", f"epoch,batch,loss\n{rows}")
    assert len(values(read(tmp_path), ".", "loss")) == 12


def test_splits_one_below_the_other_are_no_continuation(tmp_path: Path) -> None:
    rows = "".join(f"{epoch},{split},{epoch}\n" for split in ("train", "val") for epoch in range(3))
    write_text(tmp_path / "log.csv", f"epoch,split,loss\n{rows}")
    scalars = read(tmp_path)
    assert len(scalars) == 6
    assert scalars.superseded == 0


def test_export_says_what_a_table_has_written_again(cli: Cli, workspace: Path) -> None:
    write_text(workspace / "a" / "log.csv", AGAIN["appended"][0])
    result = cli("export", "./a")
    assert "4 points are left out: the run wrote them again after it was resumed" in result.stderr
    assert result.stdout.count("\n") == 3


CELLS = {
    "percent": ("50%,60 %", [0.5, 0.6]),
    "thousands": ('"1,234.5","12,345,678"', [1234.5, 12345678]),
    "thousands alone": ('"1,234","56,789"', [1234, 56789]),
    "comma": ('"1,5","0,25"', [1.5, 0.25]),
    "comma of three digits": ('"1,234","0,250"', [1.234, 0.25]),
    "seconds": ("1.2e-3s,3 s", [0.0012, 3]),
    "rate": ("1.5it/s,2.5it/s", [1.5, 2.5]),
}


@pytest.mark.parametrize("case", CELLS)
def test_numbers_are_read_however_people_write_them(tmp_path: Path, case: str) -> None:
    cells, expected = CELLS[case]
    first, second = next(csv.reader([cells])) if '"' in cells else cells.split(",")
    write_text(tmp_path / "log.csv", f'epoch,Val Acc,loss\n0,"{first}",1\n1,"{second}",2\n')
    scalars = read(tmp_path)
    assert values(scalars, ".", "Val Acc") == pytest.approx(expected)
    assert told(scalars) == []


UNREAD = {
    "fraction": (
        "acc",
        "50/100",
        "60/100",
        "'acc' is not read: its cells hold no numbers that can be read, as '50/100'",
    ),
    "score": (
        "score",
        "5 of 9",
        "6 of 9",
        "'score' is not read: its cells hold no numbers that can be read, as '5 of 9'",
    ),
    "magnitude": ("loss", "1k", "2M", "'loss' is not read: its cells hold no numbers that can be read, as '1k'"),
    "mixed": ("acc", "50%", "0.6", "1 cell of 'acc' holds no number that can be read, as '0.6': left out"),
    "units": ("loss", "2 ms", "3 s", "1 cell of 'loss' holds no number that can be read, as '3 s': left out"),
}


@pytest.mark.parametrize("case", UNREAD)
def test_a_metric_whose_cells_cannot_be_read_is_named(tmp_path: Path, case: str) -> None:
    name, first, second, sentence = UNREAD[case]
    write_text(tmp_path / "log.csv", f"epoch,train_loss,{name},note\n0,1,{first},a\n1,2,{second},b\n")
    scalars = read(tmp_path)
    assert told(scalars) == [sentence]
    assert (".", "note") not in scalars.names


def test_a_header_that_changes_on_the_way_names_the_rows_behind_it(tmp_path: Path) -> None:
    write_text(tmp_path / "log.csv", "epoch,loss\n0,1\n1,0.5\nepoch,loss,val_loss\n2,0.25,3\n3,0.125,4\n")
    scalars = read(tmp_path)
    assert values(scalars, ".", "loss") == [1, 0.5, 0.25, 0.125]
    assert values(scalars, ".", "val_loss") == [3, 4]


def test_sparse_rows_are_series_by_step_with_epoch_as_a_clock(tmp_path: Path) -> None:
    write_text(tmp_path / "lightning_logs" / "version_0" / "metrics.csv", lightning_csv(3))
    scalars = read(tmp_path)
    run = "lightning_logs/version_0"
    found = points(scalars)
    assert [step for step, _, _ in found[run, "val_loss"]] == [9, 19, 29]
    assert [step for step, _, _ in found[run, "train_loss_step"]] == [4, 14, 24]
    assert [(step, value) for step, _, value in found[run, "epoch"]] == [
        (4, 0),
        (9, 0),
        (14, 1),
        (19, 1),
        (24, 2),
        (29, 2),
    ]
    assert scalars.by_epoch == frozenset()


@pytest.mark.parametrize(("first", "width"), [(0, 23), (1, 0)])
def test_ultralytics_tables_with_and_without_blanks(tmp_path: Path, first: int, width: int) -> None:
    for run in ("train", "train2"):
        write_text(tmp_path / run / "results.csv", ultralytics_csv(5, first, width))
    scalars = read(tmp_path)
    assert {run for run, _ in scalars.names} == {"train", "train2"}
    series = scalars.series("train2", "metrics/mAP50(B)")
    assert series is not None
    assert series.step.tolist() == list(range(first, first + 5))
    assert series.value.tolist() == [0, 0.1, 0.2, 0.3, 0.4]


@pytest.mark.parametrize("has_final", [False, True])
def test_of_the_states_of_a_trainer_the_farthest_counts(tmp_path: Path, has_final: bool) -> None:
    for steps in (50, 100, 1000):
        write_text(tmp_path / "out" / f"checkpoint-{steps}" / "trainer_state.json", trainer_state(steps))
    if has_final:
        write_text(tmp_path / "out" / "trainer_state.json", trainer_state(1010))
    scalars = read(tmp_path)
    assert scalars.names == tuple(
        ("out", tag) for tag in ("eval/loss", "eval/runtime", "train/epoch", "train/learning_rate", "train/loss")
    )
    loss = scalars.series("out", "train/loss")
    assert loss is not None
    assert loss.step[-1] == (1010 if has_final else 1000)
    assert len(read(tmp_path / "out" / "checkpoint-50")) == 17


def test_a_state_that_is_cut_short_is_said_and_the_one_before_counts(tmp_path: Path) -> None:
    write_text(tmp_path / "checkpoint-50" / "trainer_state.json", trainer_state(50))
    write_text(tmp_path / "checkpoint-100" / "trainer_state.json", trainer_state(100)[:-20])
    scalars = read(tmp_path)
    assert scalars.series(".", "train/loss").step[-1] == 50  # type: ignore[union-attr]
    assert told(scalars) == ["is damaged: no whole JSON"]


ODD_VALUES = '{"global_step": 3, "log_history": [%s]}'


def test_a_trainers_values_that_are_no_numbers_are_no_points(tmp_path: Path) -> None:
    entries = [
        '{"step": 1, "loss": NaN, "note": "x", "flag": true, "nested": {"loss": 1}}',
        '{"step": 2, "loss": 1e999, "other": null}',
        '{"loss": 7}',
        "5",
        f'{{"step": 3, "loss": 1{"0" * 400}}}',
    ]
    write_text(tmp_path / "trainer_state.json", ODD_VALUES % ", ".join(entries))
    scalars = read(tmp_path)
    assert scalars.names == ((".", "train/loss"),)
    np.testing.assert_array_equal(values(scalars, ".", "train/loss"), [math.nan, math.inf, math.inf])


FINAL = {"train_loss": 0.9, "train_runtime": 60.0, "total_flos": 1e15, "test_wer": 0.3, "eval_steps_per_second": 4.0}


def _as_tensorboard(key: str) -> str:
    split, _, rest = key.partition("_")
    return f"{split}/{rest}" if split in ("eval", "test") else f"train/{key}"


def test_a_trainers_state_and_its_event_files_give_the_same_names(tmp_path: Path) -> None:
    state = json.loads(trainer_state(100))
    state["log_history"].append({**FINAL, "step": 100})
    write_text(tmp_path / "state" / "trainer_state.json", json.dumps(state))
    records = [
        event(entry["step"], *(simple(_as_tensorboard(key), entry[key]) for key in entry if key != "step"))
        for entry in state["log_history"]
    ]
    write(tmp_path / "events", *records)
    state_names, event_names = (
        {identity.name for identity in names_in(read(tmp_path / place)).identities} for place in ("state", "events")
    )
    assert state_names == event_names
    assert {"val_loss", "val_runtime", "loss", "epoch"} <= state_names


@pytest.mark.parametrize("word", ["eval_loss", "val_loss", "eval/loss", "eval_runtime", "train_runtime", "loss"])
def test_a_trainers_own_words_are_answered(cli: Cli, workspace: Path, word: str) -> None:
    state = json.loads(trainer_state(100))
    state["log_history"].append({**FINAL, "step": 100})
    write_text(workspace / "out" / "trainer_state.json", json.dumps(state))
    assert cli("export", "./out", "--metric", word).exit_code == 0


NO_LOGS = {
    "iris.csv": "sepal length,petal length,species\n5.1,1.4,setosa\n",
    "train.csv": "id,label,loss_amount\n1,0,3\n",
    "claims.csv": "policy,loss,accuracy\n1,2,3\n",
    "paysim.csv": "step,type,amount,isFraud\n1,PAYMENT,3.5,0\n",
    "trajectories.csv": "step,observation,action,reward\n0,0.1,1,0.5\n",
    "sensors.csv": "epoch,temperature,accuracy\n1700000000,20,0.5\n",
    "stars.csv": "epoch,ra,dec,error\n2000,1,2,3\n",
    "results.csv": "model,epoch,accuracy\nvgg,10,0.9\nresnet,10,0.95\n",
    "words.csv": "epoch,loss\nmodern,great\n",
    "one.csv": "loss\n1\n",
    "server.log": "2026-01-01 12:00:00,epoch 1,loss 0.5\n",
    "picture.csv": "\x89PNG\0\0epoch,loss\n",
    "summary.csv": ",mean,std\n0,1,2\n",
}


@pytest.mark.parametrize("name", NO_LOGS)
def test_a_table_that_is_no_log_is_never_taken_for_one(tmp_path: Path, name: str) -> None:
    write_text(tmp_path / name, NO_LOGS[name])
    scalars = read(tmp_path)
    assert scalars.names == ()
    (reason,) = told(scalars)
    assert reason.startswith(("is no training log: ", "is not clearly a training log: ", "is no table"))
    write(tmp_path, event(0, simple("x", 0)))
    assert read(tmp_path).damage == ()  # nobody looks for it


LOGS = {
    "timm": ("summary.csv", "epoch,train_loss,eval_loss,eval_top1,lr\n0,2,3,50,0.1\n", 4),
    "hash": ("log.csv", "# epoch,Train Loss,Val Loss\n1,2,3\n", 2),
    "capitals": ("My Log.csv", "Epoch;Loss;Accuracy\n1;0,5;0,25\n", 2),
    "pandas": ("history.csv", ",loss,val_loss\n0,1,2\n1,0.5,1\n", 2),
    "step and epoch": ("out.csv", "step,epoch,train_loss,eval_loss,perplexity\n10,0.1,2,,\n20,0.2,1,3,20\n", 4),
    "baselines": ("progress.csv", "rollout/ep_rew_mean,time/total_timesteps\n1.5,2048\n", 1),
    "fastai": ("history.csv", "epoch,train_loss,valid_loss,accuracy,time\n0,1,2,0.5,00:12\n1,1,2,0.6,00:12\n", 3),
    "quoted": ("log.csv", '"epoch","loss"\n"1","0.5"\n', 1),
}


@pytest.mark.parametrize("case", LOGS)
def test_other_logs_are_known_by_their_header(tmp_path: Path, case: str) -> None:
    name, text, series = LOGS[case]
    write_text(tmp_path / name, text)
    scalars = read(tmp_path)
    assert len(scalars.names) == series
    assert told(scalars) == []
    assert np.isfinite(scalars.value).all()


def test_a_comma_may_stand_for_the_point_where_semicolons_separate(tmp_path: Path) -> None:
    write_text(tmp_path / "log.csv", "epoch;loss\n1;0,5\n2;1\n")
    assert values(read(tmp_path), ".", "loss") == [0.5, 1.0]


def test_several_tables_in_a_directory_are_runs_of_their_own(tmp_path: Path) -> None:
    for fold in (1, 2):
        write_text(tmp_path / "cv" / f"fold{fold}.csv", keras_csv(fold))
    write_text(tmp_path / "cv" / "folds.csv", "fold,size\n1,100\n")
    assert {run for run, _ in read(tmp_path).names} == {"cv/fold1", "cv/fold2"}


@pytest.mark.parametrize("column", ["phase", "split"])
def test_rows_that_name_their_split_are_series_of_their_own(tmp_path: Path, column: str) -> None:
    rows = "".join(f"{epoch},train,{3 / (epoch + 1)}\n{epoch},val,{4 / (epoch + 1)}\n" for epoch in range(3))
    write_text(tmp_path / "log.csv", f"epoch,{column},loss\n{rows}")
    scalars = read(tmp_path)
    assert values(scalars, ".", "train/loss") == [3, 1.5, 1]
    assert values(scalars, ".", "val/loss") == [4, 2, 4 / 3]
    assert len(scalars.names) == 2


@pytest.mark.parametrize("column", ["fold", "seed", "Model"])
def test_rows_of_several_trainings_are_not_mixed(tmp_path: Path, column: str) -> None:
    write_text(tmp_path / "one" / "log.csv", f"epoch,{column},loss\n0,1,5\n1,1,4\n")
    write_text(tmp_path / "two" / "log.csv", f"epoch,{column},loss\n0,1,5\n1,1,4\n0,2,6\n1,2,5\n")
    scalars = read(tmp_path)
    assert {run for run, _ in scalars.names} == {"one"}
    assert told(scalars) == [f"its rows are of several values of {column!r}: not read"]


def test_rows_of_trainings_that_any_words_tell_apart_are_not_mixed(tmp_path: Path) -> None:
    rows = "".join(f"{name},{epoch},{epoch}\n" for name in ("adam", "sgd", "lion") for epoch in range(3))
    path = write_text(tmp_path / "a" / "log.csv", f"how,epoch,loss\n{rows}")
    scalars = read(path)
    assert scalars.names == ()
    assert told(scalars) == ["its rows are of several values of 'how': not read"]


def test_words_that_change_at_any_row_tell_no_trainings_apart(tmp_path: Path) -> None:
    write_text(
        tmp_path / "log.csv", "epoch,loss,is_best,date\n0,1,yes,2024-01-01\n1,2,no,2024-01-02\n0,3,yes,2024-01-03\n"
    )
    scalars = read(tmp_path)
    assert values(scalars, ".", "loss") == [3]
    assert len(told(scalars)) == 1


def test_a_metric_may_be_called_as_such_a_column_is(tmp_path: Path) -> None:
    write_text(tmp_path / "log.csv", "epoch,loss,rank\n0,5,3\n1,4,2\n")
    assert values(read(tmp_path), ".", "rank") == [3, 2]


def test_a_history_that_was_saved_twice_is_one_run(tmp_path: Path) -> None:
    table = keras_csv(3)
    write_text(tmp_path / "training.log", table)
    write_text(tmp_path / "history.csv", table.replace("epoch,", ",", 1))
    assert read(tmp_path).names == tuple((".", tag) for tag in KERAS)


PROBLEMS = {
    "torn row": ("epoch,loss,val_loss\n0,1,2\n1,0.5,1\n2,0.2", "the last row is cut short", 2),
    "torn value": ("epoch,loss\n0,1\n1,0.25\n2,0.1", "its last value may be cut short", 3),
    "odd row": ("epoch,loss\n0,1\n1,2,3\n2,4\n", "1 row has not as many cells as the header", 2),
    "odd values": ("epoch,loss\n0,1\n1,[0.5 0.25]\n2,4\n", "1 cell of 'loss' holds no number that can be read", 2),
    "odd epochs": ("epoch,loss\n0,1\nx,2\n,3\n0.5,3\n1,4\n", "3 rows have no whole number in 'epoch'", 2),
    "binary": ("epoch,loss\n0,1\n\0\0\0,\ufffd\n1,4\n", "1 row has no whole number in 'epoch'", 2),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_what_cannot_be_read_is_said_and_the_rest_is_kept(tmp_path: Path, case: str) -> None:
    text, sentence, kept = PROBLEMS[case]
    write_text(tmp_path / "log.csv", text)
    scalars = read(tmp_path)
    assert len(values(scalars, ".", "loss")) == kept
    assert len(told(scalars)) == 1
    assert sentence in told(scalars)[0]


def test_empty_cells_are_no_points_and_nan_is_one(tmp_path: Path) -> None:
    write_text(tmp_path / "log.csv", "epoch,loss,val_loss\n0,1,\n1,nan,NA\n\n2,inf,3\n3,, \n")
    scalars = read(tmp_path)
    np.testing.assert_array_equal(values(scalars, ".", "loss"), [1, math.nan, math.inf])
    assert values(scalars, ".", "val_loss") == [3]
    assert told(scalars) == []


@pytest.mark.parametrize("cut", range(0, 160, 7))
def test_a_log_cut_anywhere_has_no_traceback_and_no_silent_loss(tmp_path: Path, cut: int) -> None:
    whole = keras_csv(3)
    write_text(tmp_path / "log.csv", whole[:cut])
    scalars = read(tmp_path)
    is_between_rows = cut == 0 or whole[cut - 1] == "\n"
    has_rows = len(whole[:cut].splitlines()) > 1
    assert not has_rows or is_between_rows or told(scalars)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.floats(0, 0.999), st.binary(max_size=3)), max_size=5), st.sampled_from(["csv", "json"]))
def test_whatever_stands_in_a_file_there_is_no_traceback(
    tmp_path: Path, changes: list[tuple[float, bytes]], kind: str
) -> None:
    content = bytearray((keras_csv(4) if kind == "csv" else trainer_state(50)).encode())
    for place, data in changes:
        at = int(place * len(content))
        content[at : at + 1] = data
    (tmp_path / ("log.csv" if kind == "csv" else "trainer_state.json")).write_bytes(content)
    for buckets in (0, 3):
        read(tmp_path, buckets)
    (tmp_path / "log.csv").unlink(missing_ok=True)
    (tmp_path / "trainer_state.json").unlink(missing_ok=True)


def test_a_long_table_is_reduced_to_its_extremes(tmp_path: Path) -> None:
    rows = "".join(f"{step},{step % 97}\n" for step in range(50_000))
    write_text(tmp_path / "metrics.csv", f"step,loss\n{rows}")
    whole, reduced = read(tmp_path), read(tmp_path, 100)
    assert len(whole) == 50_000
    assert len(reduced) < 400
    assert reduced.value.max() == 96


def test_a_single_file_can_be_named(tmp_path: Path) -> None:
    path = write_text(tmp_path / "whatever.csv", "iteration,temperature\n0,20\n1,21\n")
    assert read(tmp_path).names == ()
    assert read(path).names == ((".", "temperature"),)
    other = write_text(tmp_path / "iris.csv", NO_LOGS["iris.csv"])
    assert told(read(other)) == ["is no training log: no column counts epochs or steps"]
    log = write_text(tmp_path / "output.txt", keras_csv(2))
    assert len(read(log).names) == 4
    state = write_text(tmp_path / "trainer_state.json", "{}")
    assert told(read(state)) == ["is no state of a Trainer: it has no log_history"]


def test_a_log_that_grows_is_read_again_beside_a_cache(tmp_path: Path) -> None:
    write(tmp_path, *(event(step, simple("x", step)) for step in range(12_000)))
    path = write_text(tmp_path / "log.csv", keras_csv(2))
    for epochs in (2, 3):
        write_text(path, keras_csv(epochs))
        for buckets in (0, 100):
            scalars = read_scalars(tmp_path, buckets=buckets)
            assert len(scalars.series(".", "loss").step) == epochs  # type: ignore[union-attr]
            assert scalars.series(".", "x") is not None


YAML = """\
lr: 0.002
hidden: 64   # units
name: 'it''s'
bias: true
beta: 1e-3
none: null
_target_: "a\\tb"
path: /data/x y
layers:
- 1
nested:
  # beneath
  lr: 5
  inner:
      momentum: 0.9
object: !!python/object:a.B
  c: 1
flow: {a: 1, b: {c: "x, y"}, 'd': [true, 1.5]}
json: {"a":1,
  "b":null}
shape: !!python/tuple
- 3
- 4
pairs: [[1, 2], [3, 4]]  # two
callbacks:
- name: stop
  patience: 3
text: |
  lr: 7
broken: {a: 1
same: *id001
"""


def test_plain_settings_beside_a_log_are_its_hyperparameters(tmp_path: Path) -> None:
    write_text(tmp_path / "version_0" / "metrics.csv", lightning_csv())
    write_text(tmp_path / "version_0" / "hparams.yaml", YAML)
    documents = open_logdir(tmp_path, cache=False).documents()
    assert documents.hparams["version_0"].values == {
        "lr": 0.002,
        "hidden": 64,
        "name": "it's",
        "bias": True,
        "beta": 0.001,
        "_target_": "a\tb",
        "path": "/data/x y",
        "layers": [1],
        "nested.lr": 5,
        "nested.inner.momentum": 0.9,
        "flow.a": 1,
        "flow.b.c": "x, y",
        "flow.d": [True, 1.5],
        "json.a": 1,
        "shape": [3, 4],
        "pairs": [[1, 2], [3, 4]],
    }
    (incident,) = documents.damage
    assert incident.path == "version_0/hparams.yaml"
    assert incident.detail == "only plain values are read, not those of object, callbacks, text, broken, same"


@pytest.mark.parametrize("text", ["[" * 5000, f"a: {'[' * 5000}", "a: {b: 1}}", "a: [1, ,]", "a: [1 2, :]", "- 1"])
def test_whatever_stands_in_a_settings_file_is_named_as_skipped(text: str) -> None:
    settings, skipped = parse_plain_yaml(text)
    assert settings == {}
    assert len(skipped) == 1


def test_settings_that_are_nested_deeper_than_anybody_nests_them_are_skipped() -> None:
    settings, skipped = parse_plain_yaml("\n".join(f"{' ' * level}k:" for level in range(500)))
    assert settings == {}
    assert len(skipped) == 1


def test_runs_shows_them_and_says_what_it_skipped(cli: Cli, workspace: Path) -> None:
    for version, rate in ((0, 0.002), (1, 0.1)):
        write_text(workspace / "pl" / f"version_{version}" / "metrics.csv", lightning_csv())
        write_text(workspace / "pl" / f"version_{version}" / "hparams.yaml", f"lr: {rate}\nparts:\n- a: 1\n")
    result = cli("runs", "./pl", "--where", "lr=0.1")
    assert "version_1" in result.stdout
    assert "version_0" not in result.stdout
    assert result.stderr.count("only plain values are read, not those of parts (2 runs have such files)") == 1
    assert "log files" in cli("runs", "./pl").stderr


OPTIMIZERS = {"block": "optimizer:\n  name: {}\n", "flow": "optimizer: {{name: {}}}\n", "list": "opt:\n- {}\n"}


def _seeds(top: Path, text: str) -> None:
    for seed in range(4):
        write_text(top / f"version_{seed}" / "metrics.csv", lightning_csv())
        settings = text.format("adam" if seed < 2 else "sgd")
        write_text(top / f"version_{seed}" / "hparams.yaml", f"lr: 0.1\nseed: {seed}\n{settings}")


@pytest.mark.parametrize("form", OPTIMIZERS)
def test_groups_by_seed_differ_in_nested_settings(cli: Cli, workspace: Path, form: str) -> None:
    _seeds(workspace / "pl", OPTIMIZERS[form])
    result = cli("compare", "./pl", "--group-by", "seed")
    assert result.stdout.count("n=2") == 2
    assert result.stderr == ""


GROUPING = {
    "compare": (["compare", "./pl", "--group-by", "seed"], 1),
    "plot": (["plot", "./pl", "--group-by", "seed", "--terminal"], 1),
    "where": (["runs", "./pl", "--where", "seed=1"], 1),
    "columns": (["runs", "./pl", "--columns", "run,seed"], 1),
    "each": (["compare", *(f"./pl/version_{seed}" for seed in range(4)), "--group-by", "seed"], 1),
    "no settings": (["check", "./pl", "val_loss<9"], 0),
}


@pytest.mark.parametrize("case", GROUPING)
def test_what_is_skipped_of_settings_is_said_once_where_they_are_asked_for(
    cli: Cli, workspace: Path, case: str
) -> None:
    words, count = GROUPING[case]
    _seeds(workspace / "pl", "callbacks:\n- name: {}\n")
    assert cli(*words).stderr.count("not those of callbacks") == count


REFUSED = {
    "no counter": ("loss,val_loss\n1,2\n", "is no training log: no column counts epochs or steps"),
    "header only": ("epoch,loss\n", "has a header and no rows"),
    "of a service": (
        '"Step","a - loss","a - loss__MIN"\n"0","1","1"\n',
        "is not clearly a training log: to read it all",
    ),
    "times": ("epoch,loss\n1700000000,1\n", "is no training log: 'epoch' is no count of epochs or steps"),
    "words": ("a text about nothing\n", "is no table"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_where_nothing_is_found_it_is_said_why_a_table_is_none(cli: Cli, workspace: Path, case: str) -> None:
    text, reason = REFUSED[case]
    write_text(workspace / "a" / "log.csv", text)
    for words in (["runs", "./a"], ["export", "./a"]):
        result = cli(*words)
        assert result.exit_code == 3
        assert f"a/log.csv {reason}" in result.stderr


def test_of_many_tables_that_are_none_three_are_named(cli: Cli, workspace: Path) -> None:
    for number in range(9):
        write_text(workspace / "a" / f"{number}.csv", "x,y\n1,2\n")
    assert cli("runs", "./a").stderr.count("is no training log") == 3


def json_lines(*entries: dict[str, object]) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


LINES = {
    "detectron2": ("metrics.json", {"iteration": 19, "total_loss": 5.0, "lr": 0.02}, "iteration"),
    "deit": ("log.txt", {"train_lr": 0.1, "train_loss": 6.0, "test_acc1": 1.0, "epoch": 19}, "epoch"),
    "rllib": ("result.json", {"episode_reward_mean": 35, "training_iteration": 19, "config": {"lr": 1}}, "step"),
    "anybody": ("run.jsonl", {"step": 19, "loss": 1.0, "note": "x", "flag": True}, "step"),
}


@pytest.mark.parametrize("case", LINES)
def test_json_lines_are_logs(tmp_path: Path, case: str) -> None:
    name, entry, _ = LINES[case]
    write_text(tmp_path / name, json_lines(entry, entry, {"other": 1}) + '{"torn": ')
    scalars = read(tmp_path)
    numbers = {key for key, value in entry.items() if type(value) in (int, float) and value != 19}
    assert {tag for _, tag in scalars.names} == numbers
    assert set(scalars.step.tolist()) == {19}
    assert len(told(scalars)) == 1
    assert "2 lines are no JSON object with a whole number" in told(scalars)[0]


def test_json_lines_of_several_splits_and_those_that_go_back(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"mode": mode, "epoch": epoch, "loss": epoch} for epoch in (1, 2, 3, 2) for mode in ("train", "val")
    ]
    write_text(tmp_path / "a.log.json", json_lines(*rows))
    scalars = read(tmp_path)
    assert values(scalars, ".", "train/loss") == values(scalars, ".", "val/loss") == [1, 2]
    assert scalars.superseded == 4


@pytest.mark.parametrize(
    "text",
    [
        '{"accuracy": 0.9}\n',
        '{\n "epoch": 1,\n "loss": 2\n}\n',
        '{"step": 1, "text": "loss"}\n',
        "[1]\n",
        "",
        "words\n",
    ],
)
def test_other_json_is_no_log(tmp_path: Path, text: str) -> None:
    for name in ("metrics.json", "log.txt", "data.jsonl"):
        write_text(tmp_path / name, text)
    scalars = read(tmp_path)
    assert (scalars.names, scalars.damage) == ((), ())


def test_tables_of_catboost_are_splits(tmp_path: Path) -> None:
    for split, loss in (("learn", 1), ("test", 1)):
        write_text(tmp_path / f"{split}_error.tsv", f"iter\tMultiClass\n0\t{loss}\n1\t{loss / 2}\n")
    scalars = read(tmp_path)
    assert scalars.names == (("learn", "MultiClass"), ("test", "MultiClass"))
    write(tmp_path / "learn", event(0, simple("MultiClass", 1)), event(1, simple("MultiClass", 0.5)))
    assert told(read(tmp_path)) == []
    assert len(read(tmp_path)) == 4


def test_tables_of_reinforcement_learning_are_logs(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "progress.txt", "Epoch\tAverageEpRet\tLossPi\n0\t1.5\t2\n1\t2.5\t1\n")
    monitor = '#{"t_start": 1.5, "env_id": "x"}\nr,l,t\n20.0,20,0.5\n30.0,30,1.2\n1\n'
    write_text(tmp_path / "b" / "0.monitor.csv", monitor)
    scalars = read(tmp_path)
    assert values(scalars, "a", "AverageEpRet") == [1.5, 2.5]
    reward = scalars.series("b", "reward")
    assert reward is not None
    assert (reward.step.tolist(), reward.value.tolist()) == ([20, 50], [20, 30])
    assert told(scalars) == ["1 row has not the three numbers of an episode: left out"]


@pytest.fixture
def logs(workspace: Path) -> Path:
    write_text(workspace / "keras" / "training.log", keras_csv(6))
    write_text(workspace / "keras2" / "training.log", keras_csv(4))
    return workspace


COMMANDS = {
    "runs": (["runs", "./keras"], "val_loss"),
    "check": (["check", "./keras", "val_loss<1"], "val_loss"),
    "check file": (["check", "./keras/training.log", "val_loss<1"], "val_loss"),
    "plot": (["plot", "./keras", "--terminal"], "loss"),
    "plot file": (["plot", "./keras/training.log", "--terminal", "--metric", "loss"], "loss"),
    "compare": (["compare", "./keras", "./keras2"], "val_loss"),
    "export": (["export", "./keras", "--metric", "val_loss"], "val_loss,5"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_reads_sees_them(cli: Cli, logs: Path, command: str) -> None:
    words, expected = COMMANDS[command]
    result = cli(*words)
    assert result.exit_code == 0, result.stderr
    assert expected in result.stdout
    assert "warning" not in result.stderr


def test_a_clock_that_nobody_knows_is_no_axis(cli: Cli, logs: Path) -> None:
    result = cli("plot", "./keras", "--x", "time", "--terminal")
    assert result.exit_code == 3
    assert "are not recorded" in result.stderr


def test_json_has_no_clock(cli: Cli, logs: Path) -> None:
    document = json.loads(cli("export", "./keras", "--json").stdout, parse_constant=pytest.fail)
    assert document["points"][0]["wall_time"] is None


@pytest.mark.tf
def test_as_event_files_they_are_read_by_tensorboard(cli: Cli, logs: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert cli("export", "./keras", "--format", "tensorboard", "--out", "copy").exit_code == 0
    reader = EventAccumulator(str(logs / "copy"))
    reader.Reload()
    assert sorted(reader.Tags()["scalars"]) == sorted(KERAS)  # simple values: the fast loader shows them
    found = [(point.step, point.wall_time, point.value) for point in reader.Scalars("val_loss")]
    assert found == [(epoch, 0.0, pytest.approx(2 / (epoch + 1))) for epoch in range(6)]


def test_serve_says_how_to_show_them(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tbcli.cli.output import Output
    from tbcli.cli.serve import warn_of_emptiness
    from tbcli.serving.survey import survey

    warn_of_emptiness(Output(), survey([logs / "keras"]), [])
    assert "tbcli export keras --format tensorboard --out DIR" in capsys.readouterr().err


def test_a_hidden_table_is_no_log_for_it_may_be_written_just_now(tmp_path: Path) -> None:
    (tmp_path / ".history.123.csv").write_text("epoch,loss\n1,0.5\n2,0.25\n")
    assert not list(read_scalars(tmp_path))
