"""An installed package adds a recorder by an entry point, and tbcli treats it like its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PACKAGE = """
from tbcli.recorders.base import Recorder

class Best(Recorder):
    def on_epoch(self, snapshot, writer):
        writer.scalars({"third_party/best": max(snapshot.logs.values())}, snapshot.epoch, where="train")

class Broken(Recorder):
    def __init__(self):
        raise RuntimeError("not today")
"""
METADATA = "Metadata-Version: 2.1\nName: tbcli-best\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
ENTRY_POINTS = (
    "[tbcli.recorders]\nbest_of_all = tbcli_best:Best\nbroken = tbcli_best:Broken\nscalars = tbcli_best:Broken\n"
)


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """Install a package with pip into a directory of its own; return the environment that finds it."""
    wheel = tmp_path / "tbcli_best-1.0-py3-none-any.whl"
    info = "tbcli_best-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tbcli_best.py", PACKAGE)
        archive.writestr(f"{info}/METADATA", METADATA)
        archive.writestr(f"{info}/WHEEL", WHEEL)
        archive.writestr(f"{info}/entry_points.txt", ENTRY_POINTS)
        archive.writestr(f"{info}/RECORD", "")
    site = tmp_path / "site"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--target",
        str(site),
        str(wheel),
    ]
    subprocess.run(pip, check=True, capture_output=True)
    return {**os.environ, "PYTHONPATH": str(site)}


def tbcli(env: dict[str, str], cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tbcli", *words], env=env, cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_packages_recorder_is_listed_records_and_cannot_replace_ours(
    installed: dict[str, str], tmp_path: Path
) -> None:
    listed = tbcli(installed, tmp_path, "train", "--record", "help").stdout
    assert "best_of_all" in listed
    assert "tbcli-best" in listed

    words = ("train", "--epochs", "1", "--limit-samples", "600", "--record", "scalars,best_of_all")
    done = tbcli(installed, tmp_path, *words)
    assert done.returncode == 0, done.stderr
    run_id = done.stdout.strip()
    recording = json.loads((tmp_path / "logs" / run_id / "run.json").read_text())["recording"]
    assert set(recording["milliseconds"]) == {"scalars", "best_of_all"}
    assert recording["switched_off"] == {}
    (events,) = (tmp_path / "logs" / run_id / "train").glob("events.*")
    assert b"third_party/best" in events.read_bytes()


@pytest.mark.slow
def test_a_packages_recorder_that_does_not_load_is_an_error_with_its_name(
    installed: dict[str, str], tmp_path: Path
) -> None:
    done = tbcli(installed, tmp_path, "train", "--quiet", "--limit-samples", "600", "--record", "broken")
    assert done.returncode == 2
    assert "recorder 'broken' does not load: RuntimeError: not today" in done.stderr
    assert "tbcli-best" in done.stderr
    assert not (tmp_path / "logs").exists()
