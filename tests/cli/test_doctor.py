"""`tbcli doctor`: what it prints, and the code that it exits with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tbcli.doctor import environment
from tbcli.doctor.findings import Finding
from tbcli.runs.claim import claim
from tests.doctor.logs import points, write_log
from tests.fakes import make_run

Cli = Callable[..., Result]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """The findings about the machine: none, whatever machine this is, until some are added."""
    found: list[Finding] = []
    real = environment.check_environment

    def check(*args: object, **kwargs: object) -> object:
        facts, _ = real(*args, **kwargs)  # type: ignore[arg-type]
        return facts, list(found)

    monkeypatch.setattr(environment, "check_environment", check)
    return found


def healthy_run(workspace: Path) -> str:
    run = make_run(workspace, files=False)
    write_log(run.logs / "train", {"epoch_loss": points([1, 2], [0.5, 0.25])})
    return run.id


def test_a_healthy_machine_gets_a_few_lines(cli: Cli, workspace: Path, machine: list[Finding]) -> None:
    healthy_run(workspace)
    result = cli("doctor")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[-1] == "No problems found."
    assert len(lines) < 25
    assert max(map(len, lines)) <= 80 or "disk" in result.stdout
    assert result.stderr == ""


def test_findings_are_shown_worst_first_and_decide_the_code(cli: Cli, workspace: Path, machine: list[Finding]) -> None:
    machine.append(Finding(level="note", name="a-note", what="Some thing.", why="So.", fix="do this", where="here"))
    assert cli("doctor").exit_code == 0
    machine.append(
        Finding(level="error", name="an-error", what="A thing " + "long " * 30, why="Because.", fix="x " * 60)
    )
    result = cli("doctor")
    assert result.exit_code == 7
    assert result.stdout.index("error    an-error\n") < result.stdout.index("note     a-note: here\n")
    assert "         fix: do this\n" in result.stdout
    assert f"fix: {'x ' * 60}".rstrip() in result.stdout  # a command is never folded
    assert result.stderr.splitlines()[0] == "error: found 1 error"


def test_a_log_directory_of_anybody(cli: Cli, workspace: Path) -> None:
    write_log(workspace / "runs", {"loss": points([1, 2, 1])})
    result = cli("doctor", "./runs")
    assert result.exit_code == 7
    assert "steps-go-back: runs/events.out.tfevents.1.host" in result.stdout


def test_a_run_by_its_name(cli: Cli, workspace: Path) -> None:
    run_id = healthy_run(workspace)
    result = cli("doctor", "latest", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["schema"] == 1
    assert (told["findings"], told["worst"], told["facts"]["run"]) == ([], None, run_id)


def test_json_is_one_document_with_every_finding(cli: Cli, workspace: Path) -> None:
    write_log(workspace / "runs", {"loss": points([1, 2, 1])})
    result = cli("doctor", "./runs", "--json")
    assert result.exit_code == 7
    told = json.loads(result.stdout)
    (finding,) = told["findings"]
    assert set(finding) == {"level", "name", "where", "what", "why", "fix"}
    assert (told["worst"], finding["name"]) == ("warning", "steps-go-back")
    assert told["facts"]["logdir"]["whole"] is True


def test_settings_that_are_invalid_are_a_finding_and_stop_nothing(
    cli: Cli, workspace: Path, machine: list[Finding]
) -> None:
    (workspace / "tbcli.toml").write_text("[train]\nepochs = 'many'\n")
    result = cli("doctor", "--json")
    assert result.exit_code == 7
    told = json.loads(result.stdout)
    assert [finding["name"] for finding in told["findings"]] == ["settings-invalid"]
    assert told["facts"]["settings"]["files"] == ["tbcli.toml"]


@pytest.mark.parametrize(
    ("words", "code"),
    [(("nothing-of-that-name",), 3), (("./missing",), 3), (("latest", "--deep"), 2), (("--set", "train.epochs=x"), 2)],
)
def test_wrong_usage_is_no_finding(words: tuple[str, ...], code: int, cli: Cli, workspace: Path) -> None:
    assert cli("doctor", *words).exit_code == code


def test_records_that_are_damaged_and_names_that_are_shared(cli: Cli, workspace: Path, machine: list[Finding]) -> None:
    run_id = healthy_run(workspace)
    (workspace / "logs" / run_id / "run.json").write_text("{")
    for _ in range(2):
        make_run(workspace, name="same", files=False)
    told = json.loads(cli("doctor", "--json").stdout)
    assert [finding["name"] for finding in told["findings"]] == ["record-damaged", "names-shared"]


def test_what_killed_processes_left_is_a_note(cli: Cli, workspace: Path, machine: list[Finding]) -> None:
    healthy_run(workspace)
    orphan = workspace / "models" / "20260101-000000-abcd"
    orphan.mkdir(parents=True)
    os.utime(orphan, (1e9, 1e9))
    (told,) = json.loads(cli("doctor", "--json").stdout)["findings"]
    assert (told["name"], told["level"], told["where"]) == ("left-over", "note", "models/20260101-000000-abcd")


def test_commands_act_on_the_places_that_were_typed(cli: Cli, workspace: Path, machine: list[Finding]) -> None:
    machine.append(Finding(level="note", name="one", what="one", why="so", fix="tbcli clean --purge"))
    machine.append(Finding(level="note", name="two", what="two", why="so", fix="rm file"))
    told = json.loads(cli("doctor", "--json", "--workspace", "other place").stdout)["findings"]
    assert [each["fix"] for each in told] == ["tbcli clean --purge --workspace 'other place'", "rm file"]


def test_a_directory_needs_no_slash_unless_a_run_is_called_so(cli: Cli, workspace: Path) -> None:
    write_log(workspace / "runs", {"loss": points([1, 2, 1])})
    assert cli("doctor", "runs").exit_code == 7
    run = make_run(workspace, name="runs", files=False)
    told = json.loads(cli("doctor", "runs", "--json").stdout)
    assert told["facts"]["run"] == run.id


def test_a_log_directory_that_cannot_be_used(cli: Cli, workspace: Path, machine: list[Finding]) -> None:
    (workspace / "logs").write_text("a file")
    (told,) = json.loads(cli("doctor", "--json").stdout)["findings"]
    assert (told["name"], told["level"]) == ("logs-closed", "error")


def test_text_of_others_drives_no_terminal(cli: Cli, workspace: Path) -> None:
    write_log(workspace / "evil\x1b[31m", {"lo\x1b[2Jss": points([1, 2, 1])})
    result = cli("doctor", ".")
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mk.py", b"print(1)\n" * 99),
        ("short.py", b"x"),
        ("model.keras", b"PK\x03\x04" + bytes(range(256)) * 9),
        ("config.json", b'{"model": 1}'),
        ("nothing", b""),
        ("zeros", bytes(3000)),
        ("other.csv", b"a,b\n1,2\n"),
        ("notes.log", b"hello\n"),
    ],
)
def test_a_file_that_is_no_log_is_not_called_a_damaged_one(
    name: str, content: bytes, cli: Cli, workspace: Path
) -> None:
    path = workspace / name
    path.write_bytes(content)
    result = cli("doctor", f"./{name}")
    assert result.exit_code == 3
    assert "is not an event file" in result.stderr
    assert "fix:" not in result.stdout


def test_an_event_file_is_known_by_what_it_holds(cli: Cli, workspace: Path) -> None:
    path = write_log(workspace / "runs", {"loss": points([1, 2, 3])})
    assert cli("doctor", str(path.rename(workspace / "copy.bin"))).exit_code == 0


def test_a_run_that_began_a_moment_ago_is_healthy(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace, status="running", epochs=0, files=False)
    lock = claim(run.logs)
    try:
        for place in (run.id, f"./logs/{run.id}", "./logs"):
            result = cli("doctor", place)
            assert result.exit_code == 0, result.output
            assert "it is training; nothing is recorded yet" in result.stdout
        write_log(run.logs / "train", {})
        result = cli("doctor", run.id)
    finally:
        lock.release()
    assert result.exit_code == 0, result.output
    assert "nothing-written" in result.stdout
    assert "fix:" not in result.stdout


def test_a_training_that_failed_early_is_one_error(cli: Cli, workspace: Path) -> None:
    reason = "training stopped, the disk is full: logs"
    run = make_run(workspace, status="failed", epochs=0, files=False, record={"reason": reason})
    make_run(workspace / "other")
    result = cli("doctor", run.id)
    assert result.stderr.splitlines()[0] == "error: found 1 error"
    assert "nearest" not in result.stdout
    assert "fix: free room first" in result.stdout
    assert "--workspace DIR" in result.stdout


def test_a_directory_without_logs_names_no_unrelated_one(cli: Cli, workspace: Path) -> None:
    write_log(workspace / "mine" / "train", {"loss": points([1, 2])})
    for name in ("mine/plugins", "other"):
        (workspace / name).mkdir()
    assert f"tensorboard --logdir {workspace / 'mine'}" in cli("doctor", "./mine/plugins").stdout
    assert "mine" not in cli("doctor", "./other").stdout


def test_a_model_that_is_there_and_damaged_is_not_called_missing(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace)
    run.saved_model.unlink()
    os.mkfifo(run.saved_model)
    assert "has no saved model" not in cli("doctor", run.id).stdout
    assert "model-damaged" in cli("doctor", run.id).stdout
