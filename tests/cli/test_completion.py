from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes import make_run


def completed(shell: str, line: str, environ: dict[str, str] | None = None) -> list[str]:
    """Return what a shell is offered behind a line, and hold that nothing heavy was loaded for it."""
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from tbcli.cli.app import main\nsys.argv = ['tbcli']\nmain()\n"
    )
    asked = {
        "_TBCLI_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - (not line.endswith(" "))),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    env = {**os.environ, **asked, **(environ or {})}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.splitlines()[-1].split())
    assert loaded.isdisjoint({"tensorflow", "keras", "numpy", "matplotlib", "tensorboard", "rich"})
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize("command", ["plot", "serve", "clean", "runs"])
def test_bash_is_offered_run_ids_newest_first(workspace: Path, command: str) -> None:
    now = datetime.now(UTC)
    runs = [make_run(workspace, started=now - timedelta(days=days), files=False) for days in (2, 1)]
    (workspace / "logs" / "2026-tutorial").mkdir()
    assert completed("bash", f"tbcli {command} 2") == [runs[1].id, runs[0].id]
    assert completed("bash", f"tbcli {command} ") == ["latest", "best", runs[1].id, runs[0].id]
    assert completed("bash", f"tbcli {command} la") == ["latest"]


def test_zsh_and_fish_are_offered_run_ids(workspace: Path) -> None:
    run = make_run(workspace, files=False)
    assert run.id in "".join(completed("zsh", f"tbcli plot {run.id[:4]}"))
    assert completed("fish", f"tbcli plot {run.id[:4]}") == [run.id]


def test_a_workspace_said_before_is_the_one_completed_from(workspace: Path) -> None:
    run = make_run(workspace / "elsewhere", files=False)
    assert completed("bash", "tbcli plot --workspace elsewhere 2") == [run.id]
    assert completed("bash", "tbcli plot 2", {"TBCLI_WORKSPACE": "elsewhere"}) == [run.id]
    assert completed("bash", "tbcli plot 2") == [""]


def test_a_broken_configuration_offers_nothing_and_says_nothing(workspace: Path) -> None:
    make_run(workspace, files=False)
    (workspace / "tbcli.toml").write_text("[train")
    assert completed("bash", "tbcli plot 2") == [""]
