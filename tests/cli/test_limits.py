"""Limits that nobody set on purpose: no home, closed streams, few files, little memory, nothing that can be written."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.cli.trainings import SMALL, TBCLI, the_record
from tests.fakes import make_run
from tests.serving.events import write_scalars

pytestmark = pytest.mark.slow
READING = [
    line.split()
    for line in (
        "runs", "runs latest", "plot latest --terminal", "plot latest --out {out}/a.png", "compare latest latest~1",
        "check latest val_loss<1", "export latest", "data", "doctor", "doctor latest", "clean --all --dry-run",
        "clean --restore", "serve --list", "stop latest", "--help", "help data", "schema",
    )
]  # fmt: skip
CODES = {0, 2, 3, 5, 7, 8}
NO_HOME = {"HOME": None, "XDG_CACHE_HOME": None, "USER": None, "LOGNAME": None}
ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
POOR = {**NO_HOME, **ASCII, "TMPDIR": "/proc/nowhere", "TERM": "dumb", "COLUMNS": "x", "PWD": "/nowhere"}
MEMORY_KB = 700_000  # enough for Python and NumPy, too little for TensorFlow


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("limits")
    for _ in range(2):
        run = make_run(workspace, name="Ünï\u0627")
        (run.logs / "train" / "events.out.tfevents.1.fake").unlink()
        write_scalars(run.logs / "train", {"epoch_loss": [0.14, 0.12, 0.1]})
    return workspace


def started(
    words: Sequence[str], cwd: Path, *, shell: str = "exec", environ: Mapping[str, str | None] | None = None
) -> tuple[int, str]:
    """Run a command under what a shell sets first; return its code and what it said, a traceback as a failure."""
    changed = {**os.environ, "PYTHONPATH": str(Path.cwd()), "NO_COLOR": "1", **(environ or {})}
    known = {name: value for name, value in changed.items() if value is not None}
    done = subprocess.run(
        ["bash", "-c", f'{shell} "$@"' if "CMD" not in shell else shell.replace("CMD", '"$@"'), "bash", *TBCLI, *words],
        cwd=cwd, env=known, stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
    )  # fmt: skip
    said = done.stderr.decode(errors="replace")
    assert "Traceback" not in said, (words, said)
    assert "Exception ignored" not in said, (words, said)
    return done.returncode, said


def without_privileges() -> str:
    """Return what a shell runs a command by, so that permissions hold for it as for anybody."""
    if os.geteuid():
        return "exec"
    if not shutil.which("setpriv"):
        pytest.skip("permissions hold nobody who is root")
    return "exec setpriv --bounding-set=-dac_override,-dac_read_search"


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_poor_environment_stops_no_reading(command: list[str], runs: Path, tmp_path: Path) -> None:
    words = [word.format(out=tmp_path) for word in command]
    code, said = started(words, runs, shell="ulimit -n 64; umask 0777; exec", environ=POOR)
    assert code in ({8} if command[0] == "stop" else {7} if command == ["doctor"] else {0, 7}), said


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_stop_no_command(closed: str, runs: Path) -> None:
    for command in ("runs", "export latest", "check latest val_loss<1"):
        assert started(command.split(), runs, shell=f"CMD {closed}") == (0, "")


def test_a_workspace_that_cannot_be_written_is_read_all_the_same(runs: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    shutil.copytree(runs, workspace)
    by = without_privileges()
    subprocess.run(["chmod", "-R", "a-w", workspace], check=True)
    before = sorted(workspace.rglob("*"))
    try:
        for command in READING:
            words = [word.format(out=tmp_path) for word in command]
            code, said = started(words, workspace, shell=by, environ={"XDG_CACHE_HOME": str(workspace)})
            assert code in CODES, (command, said)
            assert code in {0, 7} or command[0] in ("stop", "clean"), (command, said)
        assert sorted(workspace.rglob("*")) == before
    finally:
        subprocess.run(["chmod", "-R", "u+w", workspace], check=True)


def test_a_directory_that_was_removed_is_said(tmp_path: Path) -> None:
    for command in ("runs", "clean --all", "init", "serve", "doctor", f"train {' '.join(SMALL)}"):
        (tmp_path / "gone").mkdir()
        code, said = started(command.split(), tmp_path / "gone", shell='rmdir "$PWD"; exec')
        assert code in {2, 3}, (command, said)
        assert "error: the current directory was removed" in said, said


def test_too_little_memory_is_said(runs: Path) -> None:
    for command in (f"train {' '.join(SMALL)}", "data"):
        code, said = started(
            command.split(), runs, shell=f"ulimit -v {MEMORY_KB}; exec", environ={"OPENBLAS_NUM_THREADS": "1"}
        )
        assert code in ({5} if command != "data" else {0, 5}), said
        assert "error: " in said or not code


@pytest.mark.tf
def test_a_poor_environment_stops_no_training(tmp_path: Path) -> None:
    code, said = started(["train", *SMALL], tmp_path, shell="ulimit -n 64; CMD <&- >&-", environ=POOR)
    assert code == 0, said
    assert the_record(tmp_path)["status"] == "finished"


def test_a_poor_environment_stops_no_server(runs: Path) -> None:
    stopped = (
        "CMD <&- > url & n=0; until [ -s url ] || [ $n -gt 600 ]; do n=$((n+1)); sleep 0.1; done; kill $!; wait $!"
    )
    code, said = started(["serve", "--port", "0"], runs, shell=f"ulimit -n 64; {stopped}", environ=POOR)
    assert code == 0, said
    assert (runs / "url").read_text().startswith("http://localhost:")
