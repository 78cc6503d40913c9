"""Servers that run already: listed, stopped, used again, and left behind by their terminal."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from tbcli.config import ServeConfig
from tbcli.runs.owner import start_ticks
from tbcli.serving.notes import RunningServer, noted, running_servers, stop_server
from tests.serving.events import write_scalars
from tests.serving.process import PATIENCE_SECONDS, SERVE, Serving, is_alive, serving

Cli = Callable[..., Result]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    write_scalars(tmp_path / "logs" / "run", {"loss": [1.0]})
    write_scalars(tmp_path / "others" / "run", {"loss": [1.0]})
    return tmp_path / "logs"


@pytest.fixture
def first(logs: Path, cache_home: Path) -> Iterator[Serving]:
    with serving("--logdir", str(logs)) as server:
        yield server


def port_of(server: Serving) -> int:
    return urllib.parse.urlsplit(server.url).port or 0


@pytest.mark.slow
def test_a_second_server_of_the_same_directory_names_the_first_and_starts_its_own(first: Serving, logs: Path) -> None:
    with serving("--logdir", f"{logs}/../logs") as second:
        assert second.url != first.url
        assert f"{first.url} (process {first.process.pid}) shows the same already" in second.stderr
    with serving("--logdir", str(logs.parent / "others")) as third:
        assert "already" not in third.stderr


@pytest.mark.slow
def test_reuse_prints_the_url_of_the_first_and_starts_none(first: Serving, logs: Path, cli: Cli) -> None:
    assert cli("serve", "--logdir", str(logs), "--reuse").stdout.strip() == first.url
    document = json.loads(cli("serve", "--logdir", str(logs), "--reuse", "--json").stdout)
    assert (document["url"], document["pid"], document["schema"]) == (first.url, first.process.pid, 1)
    assert [server.pid for server in running_servers()] == [first.process.pid]
    for others in (["--logdir", str(logs.parent / "others")], ["--logdir", str(logs), "--token", "abc"]):
        with serving(*others, "--reuse") as own:
            assert own.url != first.url


def test_the_list_holds_those_that_live_and_forgets_the_dead(first: Serving, logs: Path, cli: Cli) -> None:
    (listed,) = json.loads(cli("serve", "--list", "--json").stdout)["servers"]
    assert (listed["port"], listed["pid"], listed["url"]) == (port_of(first), first.process.pid, first.url)
    assert str(logs) in cli("serve", "--list").stdout
    first.process.kill()
    first.process.wait()
    result = cli("serve", "--list")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no server runs\n")


def test_a_note_is_private_and_goes_with_its_server(first: Serving, cache_home: Path, cli: Cli) -> None:
    (note,) = (cache_home / "tbcli" / "servers").iterdir()
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    assert stat.S_IMODE(note.parent.stat().st_mode) == 0o700
    result = cli("serve", "--stop", str(port_of(first)))
    assert (result.exit_code, result.stdout) == (0, f"{port_of(first)}\n")
    assert first.process.wait(PATIENCE_SECONDS) == 0
    assert list(note.parent.iterdir()) == []


@pytest.mark.slow
def test_stop_takes_the_only_one_or_all_and_asks_which_of_several(first: Serving, logs: Path, cli: Cli) -> None:
    with serving("--logdir", str(logs.parent / "others")) as second:
        result = cli("serve", "--stop")
        assert result.exit_code == 2
        assert str(port_of(first)) in result.stderr
        assert str(port_of(second)) in result.stderr
        assert cli("serve", "--stop", str(port_of(second))).exit_code == 0
        assert cli("serve", "--stop").stdout == f"{port_of(first)}\n"
    assert running_servers() == []


def test_all_are_those_of_this_workspace_and_the_others_are_named(
    cache_home: Path, cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[int] = []
    monkeypatch.setattr("tbcli.serving.notes.stop_server", lambda server: stopped.append(server.port))
    with noted("http://localhost:1/", 1, [str(workspace / "logs" / "run")], [], has_token=False):
        (note,) = (cache_home / "tbcli" / "servers").iterdir()
        other = note.with_name("other.json")
        places = [str(workspace / "logs"), str(workspace.parent / "others" / "logs")]
        other.write_text(json.dumps({**json.loads(note.read_text()), "port": 2, "places": places}))
        other.chmod(0o600)
        result = cli("serve", "--stop", "all")
        assert (result.stdout, stopped) == ("1\n", [1])
        assert "another workspace: `tbcli serve --stop 2` stops its server" in result.stderr
        assert cli("serve", "--stop", "all", "--workspace", str(workspace.parent)).stdout.split() == ["1", "2"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--stop"], 3), (["--stop", "all"], 0), (["--stop", "6006"], 3), (["--stop", "latest"], 2), (["--stop=-1"], 2),
        (["--list"], 0), (["--list", "--stop"], 2), (["--audit", "--detach"], 2),
    ],
)  # fmt: skip
def test_where_no_server_runs(words: list[str], code: int, cli: Cli) -> None:
    result = cli("serve", *words)
    assert (result.exit_code, result.stdout) == (code, "")


def test_detached_it_answers_when_the_command_has_ended(logs: Path, cache_home: Path) -> None:
    argv = [*SERVE, "--port", "0", "--logdir", str(logs)]
    done = subprocess.run([*argv, "--detach"], capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    (server,) = running_servers()
    try:
        assert (done.returncode, done.stdout) == (0, f"{server.url}\n")
        assert f"`tbcli serve --stop {server.port}` stops it" in done.stderr
        with urllib.request.urlopen(f"{server.url}data/runs") as answer:
            assert json.load(answer) == ["run"]
        assert os.getsid(server.pid) == server.pid
        (log,) = (cache_home / "tbcli" / "servers").glob("*.log")
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
    finally:
        stop_server(server)
    assert not is_alive(server.pid)
    assert list((cache_home / "tbcli" / "servers").iterdir()) == []


def test_what_keeps_a_detached_server_from_starting_is_told_by_the_command(logs: Path) -> None:
    argv = [*SERVE, "--logdir", str(logs), "--detach", "--host", "192.0.2.7"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr.startswith("error: host '192.0.2.7'")


def test_a_process_that_took_a_dead_servers_number_is_never_stopped(cache_home: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        ticks = start_ticks(bystander.pid)
        with noted("http://localhost:1/", 1, ["/logs"], [], has_token=False):
            (note,) = (cache_home / "tbcli" / "servers").iterdir()
            said = json.loads(note.read_text())
            note.write_text(json.dumps({**said, "pid": bystander.pid, "pid_started": (ticks or 0) - 1}))
            assert running_servers() == []
        stop_server(RunningServer(**{**said, "pid": bystander.pid, "pid_started": (ticks or 0) - 1}))
        assert is_alive(bystander.pid)
    finally:
        bystander.communicate(b"\n")


def test_a_note_from_another_container_is_neither_a_server_here_nor_removed(cache_home: Path) -> None:
    with noted("http://localhost:1/", 1, ["/logs"], [], has_token=False):
        (note,) = (cache_home / "tbcli" / "servers").iterdir()
        said = json.loads(note.read_text())
        note.write_text(json.dumps({**said, "namespace": "pid:[1]"}))
        assert running_servers() == []
        assert note.exists()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"pid": 1}', "[" * 10_000, "\x00", '{"pid": "x", "port": []}', "mode"]
)
def test_a_damaged_note_lists_nothing(content: str, cache_home: Path, cli: Cli) -> None:
    with noted("http://localhost:1/", 1, ["/logs"], ["run"], has_token=False):
        (server,) = running_servers()
        assert server.runs == ("run",)
        (note,) = (cache_home / "tbcli" / "servers").iterdir()
        if content == "mode":
            note.chmod(0o666)  # somebody else may have written it
        else:
            note.write_text(content)
        os.mkfifo(note.with_name("2.json"))
        note.with_name("3.json").symlink_to("/dev/zero")
        note.with_name("4.json").mkdir()
        result = cli("serve", "--list")
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.slow
def test_without_a_home_it_serves_all_the_same(logs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with serving("--logdir", str(logs), environ={"XDG_CACHE_HOME": str(tmp_path / "file")}) as server:
        assert server.get("data/runs") == ["run"]
        assert server.end(signal.SIGINT) == 0


def test_the_first_of_several_is_used(logs: Path, cache_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tbcli.cli.output import Output
    from tbcli.cli.servers import url_of_other

    now = time.time()
    with noted("http://localhost:1/", 1, [str(logs)], [], has_token=False):
        (note,) = (cache_home / "tbcli" / "servers").iterdir()
        said = json.loads(note.read_text())
        for number, age in ((2, 50), (3, 10)):
            path = note.with_name(f"copy{number}.json")
            path.write_text(json.dumps({**said, "url": f"http://localhost:{number}/", "since": now - age}))
            path.chmod(0o600)
        found = url_of_other(Output(), ServeConfig(), [str(logs)], reuse=True, as_json=False)
    assert found == "http://localhost:2/"
    assert capsys.readouterr().out == f"{found}\n"
