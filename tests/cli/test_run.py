from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.cli.test_completion import completed
from tests.fakes import make_run

Cli = Callable[..., Result]


@pytest.fixture(autouse=True)
def _no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("started"))


@pytest.fixture
def started(
    cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[dict[str, Any], list[str]]]:
    """Return what a process would be started with: the plan, and the script's arguments."""
    (workspace / "train.py").write_text("lr = 0.1\nprint('not here')\n")

    def start(*words: str) -> tuple[dict[str, Any], list[str]]:
        calls: list[list[str]] = []
        monkeypatch.setattr(os, "execv", lambda path, argv: calls.append(argv))
        result = cli("run", *words)
        assert result.exit_code == 0, result.stderr
        assert result.output == ""
        place = next(i for i, word in enumerate(calls[0]) if word.endswith("start.py"))
        return json.loads(calls[0][place + 1]), calls[0][place + 2 :]

    return start


@pytest.mark.parametrize(
    "arguments",
    [[], ["--help"], ["--", "--name", "x"], ["-q", "--set", "a=1", "b", "--epochs"], ["run", "", "--quiet=1"], ["-"]],
)
def test_all_behind_the_script_is_the_scripts(started: Any, arguments: list[str]) -> None:
    plan, passed = started("--name", "mine", "train.py", *arguments)
    assert passed == arguments
    assert plan["settings"]["train"]["name"] == "mine"
    assert started("--", "train.py", *arguments)[1] == arguments


def test_our_options_stand_before_the_script_in_any_spelling(started: Any, workspace: Path) -> None:
    words = [
        "--note=n",
        "--record",
        "light",
        "-q",
        "--set",
        "train.seed=3",
        "--set_constant",
        "lr=0.5",
        "--ids",
        "out/ids",
    ]
    plan, _ = started(*words, "train.py", "--note", "theirs")
    assert plan["settings"]["train"] | {"note": "n", "seed": 3} == plan["settings"]["train"]
    assert plan["settings"]["record"]["recorders"] == "light"
    assert plan["constants"] == ["lr=0.5"]
    assert plan["ids"] == str(workspace / "out" / "ids")
    assert (workspace / "out" / "ids").read_text() == ""


def test_a_module_is_run_by_its_name(started: Any) -> None:
    plan, passed = started("-m", "package.train", "-m", "x")
    assert (plan["kind"], plan["name"], passed) == ("module", "package.train", ["-m", "x"])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["trian.py"], 3, "did you mean 'train.py'?"),
        (["no/where.py"], 3, "there is no directory"),
        (["."], 3, "`tbcli run train.py`"),
        (["latest"], 3, "`tbcli runs latest`"),
        (["first"], 3, "`tbcli runs first`"),
        (["--set-constant", "lrr=1", "train.py"], 2, "did you mean lr? constants: lr=0.1"),
        (["--set-constant", "lr", "train.py"], 2, "constants: lr=0.1"),
        (["--set-constant", "lr=1", "-m", "train"], 2, "needs a script file"),
        (["--record", "nope", "train.py"], 2, "nope"),
        (["--record", "help", "train.py"], 2, "`tbcli train --record help`"),
        (["--nmae", "x", "train.py"], 2, "did you mean --name?"),
        (["--epochs", "3", "train.py"], 2, "no such option: --epochs"),
        (["--epochs", "3", "train.py"], 2, "behind it: `tbcli run SCRIPT --epochs`"),
        (["--ids", "/proc/no/ids", "train.py"], 2, "/proc/no/ids"),
        (["notes.ipynb"], 4, "nbconvert"),
        ([], 2, "SCRIPT"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_starts(
    cli: Cli, workspace: Path, words: list[str], code: int, said: str
) -> None:
    make_run(workspace, name="first", files=False)
    (workspace / "train.py").write_text("lr = 0.1")
    (workspace / "notes.ipynb").write_text("{}")
    result = cli("run", *words)
    assert result.exit_code == code
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 2
    assert said in result.stderr


def test_a_missing_script_is_named_with_the_path_that_was_tried(cli: Cli, workspace: Path) -> None:
    assert str(workspace / "none.py") in cli("run", "none.py").stderr
    assert cli("run", "latest").stderr.startswith("error: no script ")


def test_a_script_that_does_not_parse_is_left_to_python(started: Any, workspace: Path) -> None:
    (workspace / "train.py").write_text("lr = (")
    assert started("--set-constant", "lr=1", "train.py")[0]["constants"] == ["lr=1"]


def test_scripts_and_directories_are_offered(workspace: Path) -> None:
    for name in ("train.py", "tune.py", "notes.txt", ".hidden.py"):
        (workspace / name).touch()
    (workspace / "tools").mkdir()
    (workspace / "tools" / "fit.py").touch()
    assert completed("bash", "tbcli run t") == ["tools/", "train.py", "tune.py"]
    assert completed("bash", "tbcli run tools/") == ["tools/fit.py"]
    assert completed("bash", "tbcli run --name x tr") == ["train.py"]
