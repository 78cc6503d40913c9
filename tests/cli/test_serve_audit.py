"""`tbcli serve --audit` as a script runs it: a table or a document, a code, and the names of what is missing."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.compat.proto.tensor_pb2 import TensorProto

from tbcli import __version__
from tbcli.runs import Run
from tests.fakes import make_run
from tests.serving.events import write_hparams, write_scalars, write_tensors
from tests.serving.process import SERVE, serving

CURVES = {name: [0.5, 0.25] for name in ("epoch_loss", "epoch_learning_rate", "epoch_steps_per_second")}


def audit(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [*SERVE, "--audit", *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


def table(stdout: str) -> dict[str, list[str]]:
    """Return ``{title: [state, tags, points, size, unit]}``."""
    heading, *lines = stdout.splitlines()
    assert heading.split() == ["dashboard", "state", "tags", "points", "bytes"]
    return {" ".join(line.split()[:-5]): line.split()[-5:] for line in lines}


def make_recorded(workspace: Path, *, has_validation: bool = True, name: str = "") -> Run:
    """Make a run that was to record scalars, and did, but for those of validation unless asked."""
    report = {"milliseconds": {"scalars": 1.0}, "switched_off": {}, "failed": []}
    run = make_run(
        workspace,
        name=name,
        files=False,
        settings={"record.recorders": "scalars"},
        record={"recording": report, "versions": {"tbcli": __version__}},
    )
    write_scalars(run.logs / "train", CURVES)
    if has_validation:
        write_scalars(run.logs / "validation", {"epoch_loss": [0.5, 0.25]})
    return run


def test_a_whole_run_is_a_line_a_dashboard_and_code_0(tmp_path: Path) -> None:
    run = make_recorded(tmp_path)
    done = audit("--workspace", tmp_path)
    assert done.returncode == 0, done.stderr
    lines = table(done.stdout)
    assert lines["Scalars"][:3] == ["filled", "4", "8"]
    assert lines["Time Series"][:3] == ["filled", "4", "8"]
    assert lines["Images"] == ["empty", "0", "0", "0", "B"]
    assert len(lines) == 12
    assert done.stderr == f"Auditing {run.id}\n"


def test_what_is_missing_is_named_by_recorder_dashboard_and_place_with_code_7(tmp_path: Path) -> None:
    run = make_recorded(tmp_path, has_validation=False)
    done = audit(run.id, "--workspace", tmp_path, "--quiet")
    assert done.returncode == 7
    assert table(done.stdout)["Scalars"][0] == "filled"
    lines = done.stderr.splitlines()
    missing = f"'scalars' of {run.id}: nothing under 'epoch_loss' in '{run.id}/validation'"
    assert lines[:2] == [f"warning: {title}: {missing}" for title in ("Scalars", "Time Series")]
    assert lines[2] == "error: the audit found 2 gaps: Scalars (recorder scalars), Time Series (recorder scalars)"
    assert lines[3].startswith("try: ")
    assert len(lines) == 4


@pytest.mark.slow
def test_the_document_holds_the_same_for_a_script(tmp_path: Path) -> None:
    runs = [make_recorded(tmp_path, name="whole"), make_recorded(tmp_path, name="half", has_validation=False)]
    done = audit("whole", "half", "--workspace", tmp_path, "--json")
    assert done.returncode == 7
    document = json.loads(done.stdout)
    assert list(document) == ["schema", "runs", "passed", "dashboards", "findings", "excused", "not_shown"]
    assert (document["schema"], document["passed"]) == (1, False)
    assert document["runs"] == [run.id for run in runs]
    scalars = next(line for line in document["dashboards"] if line["dashboard"] == "scalars")
    assert {key: scalars[key] for key in ("title", "tags", "points", "state")} == {
        "title": "Scalars",
        "tags": 7,
        "points": 14,
        "state": "filled",
    }
    assert scalars["bytes"] > 0
    assert {(gap["run"], gap["recorder"], gap["dashboard"]) for gap in document["findings"]} == {
        (runs[1].id, "scalars", "Scalars"),
        (runs[1].id, "scalars", "Time Series"),
    }


@pytest.mark.slow
def test_without_a_run_it_is_the_latest_one(tmp_path: Path) -> None:
    make_recorded(tmp_path, has_validation=False)
    latest = make_recorded(tmp_path)
    latest.update(started="2030-01-01T00:00:00Z")
    done = audit("--workspace", tmp_path, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["runs"] == [latest.id]


@pytest.mark.slow
def test_odd_characters_in_the_path_are_no_obstacle(tmp_path: Path) -> None:
    name = "two wörds a&b=c?d#e%20f+g 'q\"[*]"
    workspace = tmp_path / name
    make_recorded(workspace)
    assert audit("--workspace", workspace).returncode == 0
    foreign = tmp_path / "others" / name
    write_scalars(foreign, {"loss": [1.0, 2.0]})
    done = audit(foreign)
    assert done.returncode == 0, done.stderr
    assert table(done.stdout)["Scalars"][:3] == ["filled", "1", "2"]


@pytest.mark.slow
@pytest.mark.parametrize("said", ["path", "option", "link"])
def test_a_log_directory_of_somebody_else_has_lines_and_no_findings(tmp_path: Path, said: str) -> None:
    for name in ("a/train", "b/train"):
        write_scalars(tmp_path / "runs" / name, {"loss": [1.0, 2.0, 3.0]})
    write_hparams(tmp_path / "runs" / "b", batch_size=8)
    (tmp_path / "link").symlink_to("runs")
    words: dict[str, list[Any]] = {
        "path": [tmp_path / "runs"],
        "option": ["--logdir", tmp_path / "runs"],
        "link": [tmp_path / "link"],
    }
    done = audit(*words[said])
    assert done.returncode == 0, done.stderr
    lines = table(done.stdout)
    assert lines["Scalars"][:3] == ["filled", "2", "6"]
    assert lines["HParams"][0] == "filled"
    assert lines["Text"][0] == "empty"


@pytest.mark.slow
def test_the_directory_one_stands_in_is_named(tmp_path: Path) -> None:
    write_scalars(tmp_path / "mine", {"loss": [1.0]})
    done = audit("./", cwd=tmp_path / "mine")
    assert done.returncode == 0
    assert done.stderr == "Auditing mine\n"


@pytest.mark.parametrize("words", [["./empty"], ["--logdir", "empty"], ["./nowhere"], ["--workspace", "nowhere"]])
def test_where_there_is_nothing_to_audit_it_says_so_with_code_3(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    done = audit(*words, "--quiet", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stdout == ""
    error, advice = done.stderr.splitlines()
    assert error.startswith("error: no ")
    assert advice.startswith("try: ")


@pytest.mark.slow
def test_a_running_server_is_asked_instead_of_a_new_one(tmp_path: Path) -> None:
    whole, half = make_recorded(tmp_path), make_recorded(tmp_path, has_validation=False)
    with serving("--workspace", str(tmp_path), "--path-prefix", "/tb", "--reload-interval", "1") as server:
        port = server.url.split(":")[2].split("/")[0]
        there = ["--workspace", tmp_path, "--port", port, "--path-prefix", "/tb"]
        assert audit(whole.id, *there).returncode == 0
        late = make_recorded(tmp_path)  # the server finds it when it looks again
        assert audit(late.id, *there).returncode == 0
        assert audit(half.id, *there).returncode == 7
        assert server.end() == 0


@pytest.mark.slow
def test_a_running_server_of_something_else_is_an_error_that_names_it(tmp_path: Path) -> None:
    run = make_recorded(tmp_path / "mine")
    make_recorded(tmp_path / "other")
    with serving("--workspace", str(tmp_path / "other")) as server:
        port = server.url.split(":")[2].strip("/")
        done = audit(run.id, "--workspace", tmp_path / "mine", "--port", port)
    assert done.returncode == 6
    assert f"the TensorBoard at {server.url} does not show {run.id!r}" in done.stderr


@pytest.mark.slow
def test_a_port_that_something_else_holds_is_refused(tmp_path: Path) -> None:
    make_recorded(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = audit("--workspace", tmp_path, "--port", str(listener.getsockname()[1]))
    assert done.returncode == 6
    assert "is in use by process" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("reader", "code"), [("auto", 0), ("true", 7)])
def test_scalars_that_tensorboard_does_not_show_are_named_with_code_7(tmp_path: Path, reader: str, code: int) -> None:
    write_scalars(tmp_path / "a", {"loss": [1.0, 2.0]})
    write_tensors(tmp_path / "b" / "train", {"loss": [np.float64(0.1), np.float64(0.2)]})
    done = audit(tmp_path, "--load-fast", reader, "--json")
    assert done.returncode == code
    document = json.loads(done.stdout)
    missing = [{"run": "b/train", "tag": "loss", "format": "float64"}] if code else []
    assert document["not_shown"] == missing
    if code:
        assert "TensorBoard does not show 1 scalar series (float64): b/train/loss" in done.stderr
        assert "error: the audit found one gap: Scalars\n" in done.stderr


@pytest.mark.slow
def test_scalars_that_no_reader_of_tensorboard_knows_are_named(tmp_path: Path) -> None:
    tensor = TensorProto(dtype="DT_BFLOAT16", tensor_content=b"\x80\x3f")
    tensor.tensor_shape.SetInParent()
    write_tensors(tmp_path / "mine", {"loss": [tensor]})
    done = audit(tmp_path / "mine")
    assert done.returncode == 7
    assert "Scalars: mine: TensorBoard does not show 1 scalar series (bfloat16): mine/loss" in done.stderr
    assert "Traceback" not in done.stderr
