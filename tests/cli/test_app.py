"""What holds for every command: help, usage errors, exit codes, pipes, signals."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tbcli import __version__
from tbcli.cli import app as application
from tbcli.cli.app import COMMANDS, app, load_command
from tbcli.errors import TbcliError
from tests.fakes import make_run

TBCLI = [sys.executable, "-m", "tbcli"]
Cli = Callable[..., Result]


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let ``tbcli runs`` raise."""

    def broken() -> None:
        raise error

    alone = typer.Typer(add_completion=False)
    alone.command("runs")(broken)
    monkeypatch.setattr(application, "load_command", lambda _: typer.main.get_command(alone))


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_lists_the_commands_in_order(cli: Cli, words: list[str]) -> None:
    result = cli(*words)
    assert result.exit_code == 0
    places = [result.stdout.index(f"│ {name} ") for name in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_for_itself_and_each_option(cli: Cli, name: str) -> None:
    result = cli(name, "-h")
    assert result.exit_code == 0
    assert "Usage: tbcli " + name in result.stdout
    assert "--workspace" in result.stdout
    assert "--quiet" in result.stdout
    undocumented = [parameter.name for parameter in load_command(name).params if not parameter.help]
    assert not undocumented


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_its_own_help_begins_with(name: str) -> None:
    function = getattr(import_module(f"tbcli.cli.{name}"), name)
    first_paragraph = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
    assert first_paragraph == COMMANDS[name]


def test_version_is_one_line(cli: Cli) -> None:
    assert cli("--version").stdout == f"tbcli {__version__}\n"


@pytest.mark.parametrize(
    ("words", "received", "advice"),
    [
        (["trian"], "trian", "did you mean 'train'"),
        (["frobnicate"], "frobnicate", "tbcli --help"),
        (["runs", "--jsno"], "--jsno", "did you mean --json"),
        (["clean", "--keep", "few"], "few", "tbcli clean --help"),
        (["clean", "--keep", "-1"], "-1", "tbcli clean --help"),
        (["clean", "--keep"], "--keep", "tbcli clean --help"),
        (["runs", "--set", "train.epohcs=3"], "train.epohcs", "train.epochs"),
        (["runs", "one", "two"], "two", "tbcli runs --help"),
    ],
)
def test_wrong_usage_is_two_lines_with_what_was_received(
    cli: Cli, words: list[str], received: str, advice: str
) -> None:
    result = cli(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: ")
    assert received in error
    assert hint.startswith("try: ")
    assert advice in hint


@pytest.mark.parametrize("code", [2, 3, 4, 5, 6, 7, 8])
def test_our_failures_leave_with_their_code(cli: Cli, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    error = TbcliError("it broke", hint="mend it")
    error.exit_code = code
    failing(monkeypatch, error)
    result = cli("runs")
    assert result.exit_code == code
    assert result.stderr == "error: it broke\ntry:   mend it\n"


def test_text_of_users_cannot_drive_the_terminal(cli: Cli) -> None:
    result = cli("plot", "no\x1b[31msuch\nrun")
    assert result.exit_code == 3
    assert "\x1b" not in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_a_bug_shows_itself(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, ZeroDivisionError())
    result = CliRunner().invoke(app, ["runs"])
    assert result.exit_code == 1
    assert isinstance(result.exception, ZeroDivisionError)


def test_interrupt_leaves_with_130(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, KeyboardInterrupt())
    assert cli("runs").exit_code == 130


def test_abort_is_a_refusal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, typer.Abort())
    assert cli("runs").exit_code == 8


@pytest.mark.parametrize("words", ["runs --json", "--help", "--version"])
def test_a_closed_pipe_is_no_failure(workspace: Path, words: str) -> None:
    for _ in range(20):
        make_run(workspace, files=False)
    command = f'"{sys.executable}" -m tbcli {words} | head -c 0; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == "0\n"
    assert done.stderr == ""


@pytest.mark.parametrize("closing", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_failure(workspace: Path, closing: str) -> None:
    make_run(workspace)
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -m tbcli runs {closing}'], capture_output=True, check=False
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["runs"], ["--help"], ["--version"], ["plot", "--help"]])
def test_a_full_disk_under_stdout_is_two_lines(workspace: Path, words: list[str]) -> None:
    make_run(workspace)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*TBCLI, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "No space left" in done.stderr.splitlines()[0]
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colour_is_asked_of_the_environment(workspace: Path, environ: dict[str, str], coloured: bool) -> None:
    make_run(workspace)
    for words in (["runs"], ["plot", "nowhere"]):
        done = subprocess.run(
            [*TBCLI, *words], env={**os.environ, **environ}, capture_output=True, text=True, check=False
        )
        assert ("\x1b[" in done.stdout + done.stderr) is coloured


def test_names_that_the_locale_cannot_say_are_no_failure(workspace: Path) -> None:
    make_run(workspace, name="μοντέλο")
    for words in (["runs"], ["runs", "--json"], ["runs", "μοντέλο"]):
        environ = {**os.environ, "PYTHONIOENCODING": "latin-1"}
        done = subprocess.run([*TBCLI, *words], env=environ, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def test_common_options_are_accepted_after_a_command(cli: Cli, tmp_path: Path) -> None:
    run = make_run(tmp_path / "elsewhere")
    assert run.id in cli("runs", "--workspace", str(tmp_path / "elsewhere")).stdout
    assert run.id in cli("runs", "--set", f"paths.workspace={tmp_path / 'elsewhere'}").stdout
    assert run.id in cli("runs", "--logdir", str(tmp_path / "elsewhere" / "logs")).stdout
    (tmp_path / "my.toml").write_text(f"[paths]\nworkspace = {json.dumps(str(tmp_path / 'elsewhere'))}\n")
    assert run.id in cli("runs", "--config", "my.toml").stdout


def test_sigint_of_a_process_leaves_with_130(workspace: Path) -> None:
    program = (
        "import os, signal, tbcli.runs.store as store\n"
        "store.RunStore.each = lambda self: os.kill(os.getpid(), signal.SIGINT)\n"
        "from tbcli.cli.app import main\nmain()\n"
    )

    # A shell that starts a process with `&` lets it ignore the signal; so might whoever runs this test.
    def reset() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    done = subprocess.run([sys.executable, "-c", program, "runs"], capture_output=True, check=False, preexec_fn=reset)
    assert done.returncode == 130
    assert b"Traceback" not in done.stderr
