"""Training scripts that know nothing of us come to the same weights, bit for bit, with our callback and without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scripts_of_others import SCRIPTS

pytestmark = [pytest.mark.tf, pytest.mark.slow]

PROGRAM = """
import json, sys, warnings
warnings.simplefilter("ignore")
import tensorflow as tf
tf.config.experimental.enable_op_determinism()
import tbcli
from tests.scripts_of_others import run_script
for name in sys.argv[2:]:
    place = f"{sys.argv[1]}/{name}"
    bare = run_script(name)
    recorded = run_script(name, make_callback=lambda: tbcli.Callback(workspace=place))
    runs = [run.record for run in tbcli.list_runs(place)]
    print(json.dumps({"name": name, "bare": bare, "recorded": recorded, "runs": runs}))
"""
FITS = {"keras_tuner_search": 2, "random_search": 3, "transfer_learning": 3}
TASKS = {
    "image_classification": "classification",
    "text_classification": "classification",
    "tabular_regression": "regression",
    "tf_data_pipeline": "classification",
    "generator": "multi-label",
    "time_series": "regression",
}


def compare_scripts(names: tuple[str, ...], workspace: Path) -> list[dict[str, Any]]:
    argv = [sys.executable, "-c", PROGRAM, str(workspace), *names]
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def check_script(found: dict[str, Any]) -> None:
    name = found["name"]
    assert found["bare"].startswith("weights ")
    assert found["recorded"] == found["bare"], f"{name}: recording changed the weights"
    assert len(found["runs"]) == FITS.get(name, 1)
    for record in found["runs"]:
        assert record["status"] == "finished", record["reason"]
        assert not record["reason"]
        assert not record["recording"]["failed"], (name, record["recording"]["switched_off"])
        assert record["recording"]["bytes"]["scalars"]
        if name in TASKS:
            assert record["task"] == TASKS[name]


def test_all_scripts_come_to_the_same_weights_and_leave_whole_runs(tmp_path: Path) -> None:
    found = compare_scripts(tuple(SCRIPTS), tmp_path)
    assert len(found) == len(SCRIPTS) >= 12
    for one in found:
        check_script(one)
