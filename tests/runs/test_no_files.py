"""What is no file, or a file without an end, in place of any file of a run: nothing hangs, nothing crashes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.fakes import make_run
from tests.runs.evidence import keep_evidence, predictions


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def make_sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


KINDS: dict[str, Callable[[Path], object]] = {
    "FIFO": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "directory": lambda path: path.mkdir(),
    "socket": make_socket,
    "loop": lambda path: path.symlink_to(path.name),
    "link to nowhere": lambda path: path.symlink_to("nowhere/at/all"),
    "sparse": make_sparse,
}
FILES = (
    "logs/ID/run.json",
    "logs/ID/config.json",
    "logs/ID/heartbeat",
    "logs/ID/history.csv",
    "logs/ID/evidence.npz",
    "logs/ID/fatal.txt",
    "logs/ID/checkpoints",
    "logs/ID/checkpoints/step-00000050.state",
    "logs/ID/train/events.out.tfevents.1.fake",
    "logs/ID/projector/projector_config.pbtxt",
    "logs/ID/source/source.json",
    "models/ID/mnist_cnn_model.keras",
    "plots/ID/training_history.png",
    "plots/ID/confusion_matrix.png",
    "plots/ID",
    "models/ID",
)
COMMANDS = (
    "runs",
    "runs ID",
    "runs --json --where val_loss.best<9",
    "runs latest --text",
    "check ID val_accuracy.best>0.5",
    "compare ID OTHER",
    "compare ID OTHER --code",
    "plot ID",
    "plot ID --metric loss --terminal",
    "export ID",
    "doctor ID",
    "doctor",
    "clean --dry-run --all",
    "clean ID --yes",
    "train --resume ID",
    "runs OTHER",
)
DOCUMENTED = (0, 2, 3, 4, 7, 8)


@pytest.fixture
def within_seconds() -> Iterator[None]:
    def out_of_time(*_: object) -> None:
        raise SystemExit("it hangs")

    before = signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def put(kind: str, path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    KINDS[kind](path)


def try_all(cli, workspace: Path, kind: str, places: Sequence[str]) -> None:
    run = make_run(workspace, status="interrupted")
    keep_evidence(run, predictions(np.arange(40) % 4, 4))
    other = make_run(workspace)
    for place in places:
        put(kind, workspace / place.replace("ID", run.id))
    for command in COMMANDS:
        result = cli(*command.replace("ID", run.id).replace("OTHER", other.id).split())
        assert result.exit_code in DOCUMENTED, (command, result.output)
        assert "Traceback" not in result.output, command


@pytest.mark.usefixtures("within_seconds")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_in_place_of_all_files_but_the_record(cli, workspace: Path, kind: str) -> None:
    apart = {"logs/ID/run.json", "logs/ID/checkpoints", "plots/ID", "models/ID"}
    try_all(cli, workspace, kind, [place for place in FILES if place not in apart])


@pytest.mark.slow
@pytest.mark.usefixtures("within_seconds")
@pytest.mark.parametrize("kind", ["FIFO", "device", "directory", "sparse"])
@pytest.mark.parametrize("place", FILES)
def test_what_is_no_file_in_place_of_one(cli, workspace: Path, place: str, kind: str) -> None:
    try_all(cli, workspace, kind, [place])
