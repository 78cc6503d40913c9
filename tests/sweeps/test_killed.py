"""A real sweep, killed twice with all its processes and gone on with: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tbcli.config import Config
from tbcli.runs import RunStore
from tbcli.serving.client import Client

TBCLI = (sys.executable, "-m", "tbcli")
TRIALS = 12
WORDS = (
    "learning_rate=0.001,0.003,0.01", "batch_size=50..100:log2", "optimizer=adam,sgd", "epochs=2", "limit_samples=300",
    "record=scalars,hparams", "--metric", "val_loss", "--parallel", "2",
)  # fmt: skip


def kill_after(top: Path, endings: int, *words: str) -> None:
    """Kill a sweep and its workers once so many trials have ended and another epoch is done."""
    process = subprocess.Popen([*TBCLI, "sweep", *words], cwd=top, stderr=subprocess.PIPE, text=True, process_group=0)
    assert process.stderr
    ended = 0
    for line in process.stderr:
        ended += "  finished  " in line
        if ended >= endings and "  epoch 1  " in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def answer(top: Path, *words: str) -> Any:
    done = subprocess.run([*TBCLI, *words], cwd=top, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def sessions(top: Path) -> dict[str, dict[str, Any]]:
    """Return what TensorBoard says of each run: its hyperparameters and its metrics."""
    with subprocess.Popen(
        [*TBCLI, "serve", "--port", "0", "--sweep", "latest"], cwd=top, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout
            client = Client(server.stdout.readline().strip())
            columns = [
                {"metric": info["name"]}
                for info in client.post("plugin/hparams/experiment", {"experimentName": ""}).json()["metricInfos"]
            ]
            statuses = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]
            asked = {"experimentName": "", "allowedStatuses": statuses, "colParams": columns, "startIndex": 0}
            groups = client.post("plugin/hparams/session_groups", {**asked, "sliceSize": 1000}).json()["sessionGroups"]
        finally:
            server.terminate()
    found: dict[str, dict[str, Any]] = {}
    for group in groups:
        for session in group["sessions"]:
            metrics = {
                f"{each['name'].get('group', '')}/{each['name']['tag']}": each["value"]
                for each in session["metricValues"]
            }
            found[session["name"]] = {"hparams": group["hparams"], "status": session["status"], "metrics": metrics}
    return found


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.tf
def test_a_sweep_killed_twice_has_as_many_runs_as_trials_and_one_set_of_numbers(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    kill_after(tmp_path, 2, *WORDS)
    kill_after(tmp_path, 3, "--resume", "latest", "--parallel", "2")
    done = subprocess.run(
        [*TBCLI, "sweep", "--resume", "latest", "--parallel", "2"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ids = done.stdout.split()
    runs = RunStore(Config().updated({"paths.workspace": str(tmp_path)}).paths).list()
    assert len(runs) == TRIALS
    assert {run.id for run in runs} == set(ids)
    assert [run.sweep["trial"] for run in sorted(runs, key=lambda run: ids.index(run.id))] == list(range(TRIALS))
    assert {run.status() for run in runs} == {"finished"}

    listed = answer(tmp_path, "runs", "--sweep", "latest", "--columns", "id,val_loss", "--json")
    table = {row["id"]: row["val_loss"] for row in listed["runs"]}
    asked = answer(tmp_path, "effects", "val_loss", "--sweep", "latest", "--json")
    effects = {row["id"]: row["value"] for row in asked["runs"]}
    journal = optuna.storages.journal.JournalFileBackend(str(tmp_path / ".tbcli/sweeps/sweep-1/study.journal"))
    study = optuna.load_study(study_name="sweep-1", storage=optuna.storages.JournalStorage(journal))
    complete = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    assert len(study.trials) == len(complete) == TRIALS
    assert table == effects == {trial.user_attrs["run"]: trial.value for trial in complete}

    seen = sessions(tmp_path)
    assert set(seen) == set(ids)
    for trial in complete:
        session = seen[trial.user_attrs["run"]]
        assert session["status"] == "STATUS_SUCCESS"
        for key, value in trial.params.items():
            assert session["hparams"][key.partition(".")[2]] == value
        assert np.float32(session["metrics"]["validation/epoch_loss"]) == np.float32(trial.value)
