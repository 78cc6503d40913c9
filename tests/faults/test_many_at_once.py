"""Sixteen trainings in one workspace, while it is listed, cleaned, watched and served."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tbcli.config import PathsConfig
from tbcli.readers import read_scalars
from tbcli.runs import RunStore
from tbcli.runs.cleaning.trash import Trash
from tbcli.runs.history import read_history
from tests.cli.trainings import TBCLI
from tests.fakes import make_run
from tests.serving.process import serving

pytestmark = [pytest.mark.slow, pytest.mark.tf, pytest.mark.timeout(600)]  # alone: a minute or two
TRAININGS, OLD, EPOCHS = 16, 3, 2
TRAIN = f"train --limit-samples 200 --batch-size 50 --epochs {EPOCHS} --record light --quiet --no-plots".split()
LOOPED = [
    words.split()
    for words in (
        "runs --json", "clean --older-than 1d --yes", "compare latest latest~1", "clean --damaged --yes", "doctor",
        "plot --terminal", "runs latest", "export latest --out /dev/null",
    )
]  # fmt: skip
CODES = {"doctor": (0, 7), "plot": (0, 2, 3), "compare": (0, 3), "export": (0, 3)}  # of runs without an epoch so far
SECONDS = 240  # of the watcher: two cores have sixteen times TensorFlow to start


@contextmanager
def watching(workspace: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Watch the newest run in a terminal at which nobody looks, then the next one, until there is a file ``ended``."""
    ours, theirs = pty.openpty()
    again = 'until [ -e ended ]; do "$@" || exit; done'
    with (workspace / "watched.txt").open("wb") as stderr:
        process = subprocess.Popen(
            ["bash", "-c", again, "bash", *TBCLI, "plot", "--watch"],
            cwd=workspace, stdin=theirs, stdout=theirs, stderr=stderr,
        )  # fmt: skip
    reader = subprocess.Popen(["cat"], stdin=ours, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(ours)
    os.close(theirs)
    try:
        yield process
    finally:
        (workspace / "ended").touch()
        process.wait(SECONDS)
        reader.wait(SECONDS)


def looped(workspace: Path, trainings: Sequence[subprocess.Popen[str]]) -> Iterator[str]:
    """Run the other commands until all trainings have ended; yield what went wrong."""
    until = time.monotonic() + SECONDS
    number = 0
    while any(process.poll() is None for process in trainings):
        words = LOOPED[number % len(LOOPED)]
        number += 1
        done = subprocess.run([*TBCLI, *words], cwd=workspace, capture_output=True, text=True)
        if (
            done.returncode not in CODES.get(words[0], (0,))
            or "Traceback" in done.stderr
            or "is left out" in done.stderr
        ):
            yield f"{words}: {done.returncode} {done.stderr}"
        assert time.monotonic() < until, "trainings do not end"


def test_sixteen_trainings_at_once_lose_nothing(tmp_path: Path) -> None:
    old = [make_run(tmp_path, name="old", files=False).id for _ in range(OLD)]
    trainings = [
        subprocess.Popen(
            [*TBCLI, *TRAIN, "--name", f"run {number}", "--seed", str(number)],
            cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in range(TRAININGS)
    ]  # fmt: skip
    try:
        with watching(tmp_path) as watcher, serving("--workspace", str(tmp_path), "--reload-interval", "1") as server:
            wrong = list(looped(tmp_path, trainings))
            assert watcher.poll() is None, (tmp_path / "watched.txt").read_text()
            said = [process.communicate() for process in trainings]
            assert not wrong
            assert [process.returncode for process in trainings] == [0] * TRAININGS, said
            ids = [stdout.strip() for stdout, _ in said]
            assert len(set(ids)) == TRAININGS
            until = time.monotonic() + 60
            while not {f"{each}/train" for each in ids} <= set(server.get("data/runs")):
                assert time.monotonic() < until, "the server does not show all runs"
            assert server.end() == 0
            assert not any(word in server.stderr for word in ("error", "Traceback", "damaged")), server.stderr
        assert (watcher.returncode, (tmp_path / "watched.txt").read_text()) == (0, "")
    finally:
        for process in trainings:
            process.kill()
            process.communicate()
    require_whole(tmp_path, ids)
    store = RunStore(PathsConfig(workspace=str(tmp_path)))
    assert sorted(one.id for one in Trash(store).list()) == sorted(old)
    assert [each for each in store.wreckage() if each.kind != "temporary"] == []


def require_whole(workspace: Path, ids: Sequence[str]) -> None:
    """Check that each of these runs, and no other, is there with all that its training left."""
    runs = {run.id: run for run in RunStore(PathsConfig(workspace=str(workspace))).list()}
    assert sorted(runs) == sorted(ids)
    assert Counter(run.status() for run in runs.values()) == {"finished": len(ids)}
    for run in runs.values():
        assert read_history(run.history_file).epochs == tuple(range(1, EPOCHS + 1))
        assert run.saved_model.is_file()
        assert json.loads(run.config_file.read_text())["train"]["name"] == run.name
        scalars = read_scalars(run.logs, cache=False)
        assert not scalars.damage
        assert {series.tag for series in scalars} >= {"epoch_loss", "epoch_accuracy"}
