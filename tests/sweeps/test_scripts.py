"""A sweep of somebody's script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tbcli.config import PathsConfig
from tbcli.runs import RunStore

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
model.fit(x, x.sum(1), validation_split=0.25, epochs=2, verbose=0)
"""


@pytest.mark.slow
@pytest.mark.tf
def test_every_trial_runs_the_script_with_its_arguments_and_constants(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    words = ["--script", "train.py", "lr=0.01,9", "UNITS=3", "--seeds", "2", "--parallel", "2", "--record", "off"]
    done = subprocess.run(
        [sys.executable, "-m", "tbcli", "sweep", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    runs = RunStore(PathsConfig(workspace=str(tmp_path))).list()
    assert {run.id for run in runs} == set(done.stdout.split())
    found = {run.sweep["trial"]: run for run in runs}
    assert sorted(found) == [0, 1]
    for trial, run in found.items():
        assert run.status() == "finished"
        assert run.record["arguments"] == {"lr": 0.01, "seed": trial, "UNITS": 3}
        assert run.sweep["params"] == {"arguments.lr": 0.01}
        assert f"trial {trial} of 4  finished  val_loss" in done.stderr
    assert "trial 2 failed: the script ended with exit code 1: ValueError: the rate is too high" in done.stderr
