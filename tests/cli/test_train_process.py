"""`tbcli train` as a script and a terminal see it: whole processes that really train."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tests.cli.trainings import FEW, SMALL, TBCLI, shown_status, temporary_files, the_record, training

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

NOISE = ("absl", "oneDNN", "WARNING", "Warning", "cuda", "rebuild TensorFlow", "\x1b", "Traceback", "I0000")


def test_stdout_is_the_id_and_stderr_tells_the_story_without_noise(tmp_path: Path) -> None:
    formats = [word for name in ("h5", "savedmodel", "tflite") for word in ("--save-format", name)]
    with training(tmp_path, *SMALL, *formats, "--profile", "2:4", "--log-every", "2") as process:
        code, stdout = process.end()
    assert code == 0, process.said
    record = the_record(tmp_path)
    assert stdout == f"{record['id']}\n"
    told = "\n".join(process.said)
    assert [noise for noise in NOISE if noise in told] == []
    for expected in ("Loading mnist", "Starting TensorFlow", "epoch 1/1", "test accuracy", "recording cost",
                     f"logs/{record['id']}", f"models/{record['id']}", f"plots/{record['id']}",
                     "tbcli serve", f"tbcli plot {record['id']}"):  # fmt: skip
        assert expected in told
    models = {path.name for path in (tmp_path / "models" / record["id"]).iterdir()}
    assert models == {f"mnist_cnn_model{end}" for end in (".keras", ".h5", "_savedmodel", ".tflite")}
    assert list((tmp_path / "logs" / record["id"] / "train").glob("plugins/profile/*/*.xplane.pb"))
    assert temporary_files(tmp_path) == []


def test_two_at_once_and_deterministic_ones_agree(tmp_path: Path) -> None:
    words = [*FEW, "--deterministic", "--quiet", "--no-plots", "--epochs", "2", "--seed"]
    with (
        training(tmp_path, *words, "4") as first,
        training(tmp_path, *words, "4") as second,
    ):
        ends = [first.end(), second.end()]
    with training(tmp_path, *words, "5") as third:
        ends.append(third.end())
    assert [code for code, _ in ends] == [0, 0, 0], (first.said, second.said, third.said)
    assert first.said == second.said == third.said == []
    ids = [stdout.strip() for _, stdout in ends]
    assert len(set(ids)) == 3

    def outcome(run: str) -> tuple[list[list[str]], bytes]:
        with (tmp_path / "logs" / run / "history.csv").open() as file:
            rows = [[cell for name, cell in row.items() if name != "seconds"] for row in csv.DictReader(file)]
        with np.load(tmp_path / "logs" / run / "evidence.npz") as evidence:
            return rows, evidence["test_probabilities"].tobytes()

    same, again, other = (outcome(run) for run in ids)
    assert same == again
    assert same != other
    assert not (tmp_path / "plots").exists()


def test_a_shell_trains_plots_and_cleans_with_the_id_alone(tmp_path: Path) -> None:
    tbcli = f'"{sys.executable}" -m tbcli'
    script = (
        f"RUN=$({tbcli} train --epochs 1 --limit-samples 600 --quiet 2>/dev/null)"
        f' && {tbcli} plot "$RUN" 2>/dev/null && {tbcli} clean "$RUN" --yes --permanent 2>/dev/null; echo "$? $RUN"'
    )
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    figure, removed, (code, run) = done.stdout.split("\n")[0], done.stdout.split("\n")[1], done.stdout.split()[-2:]
    assert (figure, removed, code) == (f"plots/{run}/training_history.png", run, "0")
    assert done.stderr == ""
    assert list(tmp_path.glob("*/*")) == []


@pytest.mark.parametrize("closing", ["| head -c 0", ">&-"])
def test_a_reader_that_has_gone_does_not_cost_the_run(tmp_path: Path, closing: str) -> None:
    command = f'"{sys.executable}" -m tbcli train {" ".join(SMALL)} --no-plots {closing}; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "0\n", done.stderr
    assert "Traceback" not in done.stderr
    assert the_record(tmp_path)["status"] == "finished"


def test_a_training_that_diverges_leaves_with_five_and_says_so(tmp_path: Path) -> None:
    words = ("--optimizer", "adamw", "--learning-rate", "1000", "--set", "train.weight_decay=100", "--epochs", "3")
    with training(tmp_path, *FEW, *words) as process:
        code, stdout = process.end()
    assert (code, stdout) == (5, f"{the_record(tmp_path)['id']}\n"), process.said
    error, hint = process.said[-2:]
    assert error.startswith("error: training diverged: the loss is")
    assert "--learning-rate" in hint
    assert the_record(tmp_path)["status"] == shown_status(tmp_path) == "diverged"


def mounting() -> list[str]:
    """Return how to start a process that may mount a disk which nobody else sees: as root, or in a user namespace."""
    for prefix in (["unshare", "-m"], ["unshare", "-Urm"]):
        trial = [*prefix, "sh", "-c", "mount -t tmpfs -o size=4k tmpfs /mnt"]
        if subprocess.run(trial, capture_output=True, check=False).returncode == 0:
            return prefix
    raise AssertionError("this test needs `unshare` and the right to mount")


@pytest.mark.parametrize("size", ["24k", "1100k"])
def test_a_full_disk_leaves_with_five_and_a_record_that_says_so(tmp_path: Path, size: str) -> None:
    (tmp_path / "small").mkdir()
    words = " ".join((*FEW, "--epochs", "2", "--quiet"))
    script = (
        f"mount -t tmpfs -o size={size} tmpfs small && cd small || exit 99\n"
        f'"$@" train {words}; echo "code $?"; cat logs/*/run.json; find . -name ".?*" -type f'
    )
    argv = [*mounting(), "sh", "-c", script, "sh", *TBCLI]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    run_id, code, rest = done.stdout.split("\n", 2)
    assert code == "code 5", (done.stdout, done.stderr)
    record = json.loads(rest)  # and no file with a temporary name behind it
    assert record["id"] == run_id
    assert record["status"] == "failed"
    assert "the disk is too full to keep the model" in record["reason"]
    *warnings, error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert "the disk is too full to keep the model" in error
    assert hint.startswith("try: ")
    assert [line for line in warnings if not line.startswith("warning: ")] == []


def test_detached_the_id_comes_when_there_is_a_run_and_what_is_said_later_is_kept_with_it(tmp_path: Path) -> None:
    argv = [*TBCLI, "train", *FEW, "--epochs", "1000", "--record", "off", "--detach"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=90)
    record = the_record(tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{record['id']}\n")
    assert f"`tbcli stop {record['id']}`" in done.stderr
    try:
        stopped = subprocess.run([*TBCLI, "stop", "latest"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (stopped.returncode, stopped.stdout) == (0, "")
    finally:
        with suppress(ProcessLookupError):
            os.kill(record["pid"], signal.SIGKILL)
    assert the_record(tmp_path)["status"] == "interrupted"
    said = (tmp_path / "logs" / record["id"] / "output.txt").read_text()
    assert "training was interrupted by SIGTERM" in said
    assert record["id"] in said.splitlines()


def test_what_keeps_a_detached_training_from_beginning_is_told_by_the_command(tmp_path: Path) -> None:
    for words, code in ((("--data", "nothing"), 3), (("--limit-samples", "3"), 4)):
        argv = [*TBCLI, "train", "--detach", *words]
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=90)
        assert (done.returncode, done.stdout) == (code, "")
        assert done.stderr.splitlines()[-2].startswith("error: ")
    assert not list(tmp_path.glob("logs/*"))


def test_an_interrupted_training_is_resumed_by_one_of_two_that_try(tmp_path: Path) -> None:
    with training(tmp_path, *FEW, "--epochs", "60", "--record", "off", "--no-plots") as first:
        first.wait_for("epoch  2/60")
        first.process.send_signal(signal.SIGINT)
        code, stdout = first.end()
    done = the_record(tmp_path)["epochs"]
    assert (code, done < 60) == (130, True)
    with training(tmp_path, "--resume", "latest", "--epochs", "60") as second:
        second.wait_for("Loading mnist")  # it holds the run by now
        with training(tmp_path, "--resume", "latest") as third:
            assert third.end() == (8, "")
        assert second.end() == (0, stdout), second.said
    record = the_record(tmp_path)
    assert (record["status"], record["epochs"], len(record["resumed"])) == ("finished", 60, 1)
    (history,) = tmp_path.glob("logs/*/history.csv")
    assert [row.partition(",")[0] for row in history.read_text().splitlines()[1:]] == [str(n + 1) for n in range(60)]
    with training(tmp_path, "--resume", "latest") as again:
        assert again.end() == (0, stdout)
    assert any("has nothing left to train" in line for line in again.said)
