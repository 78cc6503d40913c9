"""A sweep of somebody's script."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tbcli.config import PathsConfig
from tbcli.runs import RunStore
from tbcli.sweeps.definition import Definition, Script
from tbcli.sweeps.endings import Outcome
from tbcli.sweeps.goal import goal_from
from tbcli.sweeps.remains import Assignment, Remains
from tbcli.sweeps.script_worker import _cause_in, _set_apart
from tbcli.sweeps.view import SweepView
from tests.fakes import make_run

BEGAN = datetime(2026, 11, 26, tzinfo=UTC)
SCRIPT = """
import argparse
import keras
import numpy as np

UNITS = 2
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--seed", type=int)
given = parser.parse_args()
keras.utils.set_random_seed(given.seed)
if given.lr > 5:
    raise ValueError("the rate is too high")
x = np.random.rand(64, 3).astype("float32")
model = keras.Sequential([keras.layers.Dense(UNITS), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(given.lr), "mse")
for epochs in (1, 2):
    model.fit(x, x.sum(1), validation_split=0.25, epochs=epochs, verbose=0)
if given.lr == 0.02:
    raise SystemExit("not good enough")
"""


@pytest.mark.slow
@pytest.mark.tf
def test_every_trial_runs_the_script_with_its_arguments_and_constants(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    words = ["--script", "train.py", "lr=0.01,0.02,9", "UNITS=3", "--seeds", "2", "--parallel", "2", "--record", "off"]
    done = subprocess.run(
        [sys.executable, "-m", "tbcli", "sweep", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    store = RunStore(PathsConfig(workspace=str(tmp_path)))
    runs = store.of_sweep("latest").list()
    assert {run.id for run in runs} == set(done.stdout.split())
    found = {run.sweep["trial"]: run for run in runs}
    assert sorted(found) == [0, 1, 2, 3]
    for trial in (0, 1):
        run = found[trial]
        assert run.status() == "finished"
        assert run.record["arguments"] == {"lr": 0.01, "seed": trial, "UNITS": 3}
        assert run.sweep["params"] == {"arguments.lr": 0.01}
        assert f"trial {trial} of 6  finished  val_loss" in done.stderr
    for trial in (2, 3):
        told = "the script ended with exit code 1: not good enough"
        assert (found[trial].status(), found[trial].record["reason"]) == ("failed", told)
    assert "trial 4 failed: the script ended with exit code 1: ValueError: the rate is too high" in done.stderr
    earlier = [run for run in store.list() if not run.sweep]
    assert sorted(run.earlier_fit_of["trial"] for run in earlier) == [0, 1, 2, 3]
    assert len(store.of_sweep("latest", with_earlier_fits=True).list()) == 8


def test_of_several_fits_the_last_is_the_trial(tmp_path: Path) -> None:
    for number in range(3):
        make_run(tmp_path, started=BEGAN + timedelta(seconds=number), record={"sweep": {"name": "s", "trial": 0}})
    store = RunStore(PathsConfig(workspace=str(tmp_path)))
    ids = tmp_path / "ids"
    ids.write_text("".join(f"{run.id}\n" for run in store.list()))
    for _ in range(2):
        _set_apart(ids, store)
        assert [run.started for run in store.of_sweep("s").list()] == [BEGAN + timedelta(seconds=2)]
        assert len(store.of_sweep("s", with_earlier_fits=True).list()) == 3
        assert [dict(run.earlier_fit_of) for run in store.list()] == [{"name": "s", "trial": 0}] * 2 + [{}]


def test_the_run_of_a_worker_just_killed_makes_room_for_the_one_that_repeats_its_trial(tmp_path: Path) -> None:
    run = make_run(tmp_path, status="running", record={"pid": 2**22 + 1, "sweep": {"name": "s", "trial": 0}})
    definition = Definition(
        name="s", dimensions=(), method="grid", combinations=1, seeds=1, metric="val_loss", sense="min"
    )
    store = RunStore(PathsConfig(workspace=str(tmp_path)))
    Remains(definition, store, goal_from("val_loss", "min"), SweepView()).remove(run)
    assert not store.list()


@pytest.mark.parametrize("logged", [False, True])
def test_a_script_has_ended_where_the_sweep_has_noted_it(tmp_path: Path, logged: bool) -> None:
    run = make_run(tmp_path, record={"sweep": {"name": "s", "trial": 0, "params": {"arguments.lr": 0.1}}})
    script = Script(file="train.py", options={"lr": "--lr"}, fixed={})
    definition = Definition(
        name="s", dimensions=(), method="grid", combinations=1, seeds=1, metric="val_loss", sense="min", script=script
    )
    remains = Remains(
        definition, RunStore(PathsConfig(workspace=str(tmp_path))), goal_from("val_loss", "min"), SweepView()
    )
    outcome = Outcome(trial=0, params={}, seed=None, status="finished", run=run.id)
    state = remains.state(0, run, outcome if logged else None, retries=False)
    assert isinstance(state, Outcome) if logged else state == Assignment(0, {"arguments.lr": 0.1}, resume=run.id)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("I0000 00:00:1795693576.131456 16418 cudart_stub.cc:31] Could not find cuda drivers", ""),
        ("E0000 00:00:1795693576.131456 16418 cuda_dnn.cc:8310] Unable to register cuDNN factory", ""),
        ("2026-11-26 11:22:33.123456: W tensorflow/core/x.cc:1] slow\nTo enable the following instructions: AVX2", ""),
        ("2026-11-26 11:22:33,123 INFO loaded\nWARNING:absl:old\nINFO:tensorflow:x\nW1126 11:22:33.1 7 a.py:3] no", ""),
        ("WARNING: All log messages before absl::InitializeLog() is called are written to STDERR", ""),
        ("/a b/net.py:12: UserWarning: no `input_shape`\n  super().__init__(**kwargs)\n", ""),
        ("ValueError: too high\nI0000 00:00:1795693576.131456 16418 x.cc:31] bye\n", "ValueError: too high"),
        ("a.py:1: UserWarning: x\n  f()\nnot good enough", "not good enough"),
        ("I lost 3 files", "I lost 3 files"),
        ("W\x00\xff: strange\n\n", "W\x00\xff: strange"),
        ("usage: x\nx: error: argument --lr: invalid\ntbcli: recorded", "x: error: argument --lr: invalid"),
    ],
)
def test_what_is_logged_is_no_cause(text: str, cause: str) -> None:
    assert _cause_in(text) == cause
