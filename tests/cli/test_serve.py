"""`tbcli serve` as its users run it: a process, asked over HTTP, ended by signals."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tbcli.cli.app import app
from tbcli.runs import Run
from tests.fakes import make_run
from tests.serving.events import write_hparams, write_scalars, write_tensors
from tests.serving.process import PATIENCE_SECONDS, SERVE, Serving, is_alive, serving

SCALARS = "data/plugin/scalars/scalars?run={run}&tag=epoch_loss"
PROXIES = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}


def make_served_run(workspace: Path, losses: list[float]) -> Run:
    run = make_run(workspace, files=False)
    write_scalars(run.logs / "train", {"epoch_loss": losses})
    write_scalars(run.logs / "validation", {"epoch_accuracy": [0.9, 0.97]})
    write_hparams(run.logs, batch_size=128)
    return run


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def runs(workspace: Path) -> list[Run]:
    return [make_served_run(workspace, [0.5, 0.25]), make_served_run(workspace, [0.75, 0.5])]


@pytest.fixture(scope="module")
def whole(workspace: Path, runs: list[Run]) -> Iterator[Serving]:
    with serving(
        "--workspace", str(workspace), "--path-prefix", "/tb/", "--window-title", "My runs", environ=PROXIES
    ) as server:
        yield server


def test_the_url_alone_is_on_stdout_and_answers_at_once(whole: Serving, runs: list[Run]) -> None:
    assert whole.url.startswith("http://localhost:")
    assert whole.url.endswith("/tb/")
    points = whole.get(SCALARS.format(run=f"{runs[0].id}/train"))
    assert [(step, value) for _, step, value in points] == [(1, 0.5), (2, 0.25)]


def test_all_runs_of_the_workspace_are_shown(whole: Serving, runs: list[Run]) -> None:
    shown = set(whole.get("data/runs"))
    assert {f"{run.id}/train" for run in runs} <= shown


def test_dashboards_with_data_are_active(whole: Serving) -> None:
    listing = whole.get("data/plugins_listing")
    assert {"scalars", "timeseries", "hparams"} <= {name for name, facts in listing.items() if facts["enabled"]}


def test_a_browser_is_sent_to_the_prepared_view_below_the_path_prefix_and_others_are_not(whole: Serving) -> None:
    for accept, status in (("text/html,*/*", 302), ("*/*", 200)):
        parts = urllib.parse.urlsplit(whole.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        connection.request("GET", parts.path, headers={"Accept": accept})
        response = connection.getresponse()
        assert response.status == status
        if status == 302:
            place = urllib.parse.urlsplit(response.getheader("Location", ""))
            assert place.path == "/tb/"
            assert '"tag":"epoch_loss"' in urllib.parse.parse_qs(place.query)["pinnedCards"][0]
        connection.close()


def test_the_window_title_is_passed_on(whole: Serving) -> None:
    assert whole.get("data/environment")["window_title"] == "My runs"


def test_tensorflow_is_not_loaded(whole: Serving) -> None:
    whole.get("data/plugin/projector/runs")
    assert not loads_tensorflow(whole)


def test_stderr_tells_a_person_what_is_shown_and_how_to_stop(whole: Serving) -> None:
    assert whole.stderr.count("\n") == 1
    assert "Ctrl-C stops it" in whole.stderr


@pytest.mark.slow
def test_a_chosen_run_keeps_its_name_and_its_hparams(workspace: Path, runs: list[Run], tmp_path: Path) -> None:
    with serving(runs[1].id, "--workspace", str(workspace), "--quiet", environ={"TMPDIR": str(tmp_path)}) as server:
        assert set(server.get("data/runs")) == {runs[1].id, f"{runs[1].id}/train", f"{runs[1].id}/validation"}
        question = {
            "startIndex": 0,
            "sliceSize": 10,
            "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_RUNNING"],
        }
        question["colParams"] = []
        (group,) = server.get("data/plugin/hparams/session_groups", question)["sessionGroups"]
        assert group["hparams"] == {"batch_size": 128.0}
        assert [session["name"] for session in group["sessions"]] == [runs[1].id]
        assert group["metricValues"][0]["value"] == pytest.approx(0.97)
        assert server.stderr == ""
        assert server.end() == 0
    assert list(tmp_path.iterdir()) == []  # the links are gone


def test_foreign_log_directories_are_served_by_path(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_scalars(tmp_path / name / "exp", {"epoch_loss": [1.0]})
    with serving(str(tmp_path / "a" / "exp"), str(tmp_path / "b" / "exp"), "--json") as server:
        document = json.loads(server.first_line + "".join(iter(server.process.stdout.readline, "}\n")) + "}")
        server.first_line = document["url"]
        assert document["runs"] == ["exp", "exp"]
        assert document["schema"] == 1
        assert document["pid"] == server.process.pid
        assert set(server.get("data/runs")) == {"exp", "exp-2"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_its_reader_with_code_0(number: int, workspace: Path) -> None:
    with serving("--workspace", str(workspace)) as server:
        (reader,) = server.children()
        assert server.end(number) == 0
        assert not is_alive(reader)


@pytest.mark.slow
def test_an_ignored_ctrl_c_inherited_from_a_script_is_not_inherited(workspace: Path) -> None:
    argv = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *SERVE]
    with serving("--workspace", str(workspace), argv=argv) as server:
        assert server.end(signal.SIGINT) == 0


def test_a_signal_while_it_starts_ends_it_with_code_0(workspace: Path) -> None:
    process = subprocess.Popen(
        [*SERVE, "--port", "0", "--workspace", str(workspace)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while not (started := [pid for pid in _children(process.pid) if is_alive(pid)]):
        time.sleep(0.01)  # the reader is started before TensorBoard is imported
    process.terminate()
    stdout, stderr = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, stdout, stderr) == (0, b"", b"")
    assert not is_alive(started[0])


def test_the_reader_does_not_outlive_even_a_kill(workspace: Path) -> None:
    with serving("--workspace", str(workspace)) as server:
        (reader,) = server.children()
        server.process.kill()
        server.process.wait()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while is_alive(reader) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not is_alive(reader)


@pytest.mark.slow
def test_when_the_fast_reader_is_killed_the_slow_one_goes_on_at_the_same_url(workspace: Path, runs: list[Run]) -> None:
    with serving(runs[1].id, "--workspace", str(workspace)) as server:
        os.kill(server.children()[0], signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while "the slow one reads on" not in server.stderr and time.monotonic() < deadline:
            time.sleep(0.05)
        assert "warning: TensorBoard's fast reader was killed (SIGKILL: out of memory?)" in server.stderr
        assert server.children() == []
        while server.get("data/runs") == [] and time.monotonic() < deadline:
            time.sleep(0.05)
        points = server.get(SCALARS.format(run=f"{runs[1].id}/train"))
        assert [value for _, _, value in points] == [0.75, 0.5]
        assert {"projector", "hparams"} <= set(server.get("data/plugins_listing"))
        assert server.end() == 0


@pytest.mark.slow
def test_a_fast_reader_that_was_demanded_and_dies_is_an_error(workspace: Path) -> None:
    with serving("--workspace", str(workspace), "--load-fast", "true") as server:
        os.kill(server.children()[0], signal.SIGKILL)
        assert server.process.wait(PATIENCE_SECONDS) == 6
        assert "--load-fast false" in server.stderr


@pytest.mark.slow
def test_the_reader_may_open_as_many_files_as_the_administrator_allows(workspace: Path) -> None:
    argv = ["sh", "-c", 'ulimit -S -n 64; exec "$@"', "sh", *SERVE]
    with serving("--workspace", str(workspace), argv=argv) as server:
        limits = Path(f"/proc/{server.children()[0]}/limits").read_text()
        (soft, hard) = next(line.split()[3:5] for line in limits.splitlines() if line.startswith("Max open files"))
        assert soft == hard


def test_it_reads_without_the_fast_reader_too(workspace: Path, runs: list[Run]) -> None:
    with serving(runs[1].id, "--workspace", str(workspace), "--load-fast", "false") as server:
        assert server.children() == []
        points = server.get(SCALARS.format(run=f"{runs[1].id}/train"))
        assert [value for _, _, value in points] == [0.75, 0.5]


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["auto", "true"])
def test_scalars_that_the_fast_reader_drops_choose_the_slow_one_or_are_named(tmp_path: Path, reader: str) -> None:
    write_tensors(tmp_path / "a", {"loss": [np.float64(0.1)]})
    with serving("--logdir", str(tmp_path), "--load-fast", reader) as server:
        if reader == "auto":
            assert server.get("data/plugin/scalars/tags") == {"a": {"loss": {"displayName": "", "description": ""}}}
            assert "using TensorBoard's slow reader: the fast one drops 1 scalar series (float64): a/loss" in (
                server.stderr
            )
            assert server.children() == []
        else:
            assert "warning: TensorBoard does not show 1 scalar series (float64): a/loss; `--load-fast auto`" in (
                server.stderr
            )


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["true", "false"])
def test_what_is_no_regular_file_stops_no_reader(reader: str, tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d", "events.out.tfevents.2.e"):
        write_scalars(tmp_path / name, {"loss": [1.0]})
    os.mkfifo(tmp_path / "b" / "events.out.tfevents.0.x")
    (tmp_path / "c" / "events.out.tfevents.0.x").mkdir()
    (tmp_path / "d" / "events.out.tfevents.0.x").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "d" / "projector_config.pbtxt")
    with serving("--logdir", str(tmp_path), "--load-fast", reader) as server:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not {"a", "b", "c", "d"} <= set(server.get("data/plugin/scalars/tags")):
            assert time.monotonic() < deadline, server.get("data/plugin/scalars/tags")
            time.sleep(0.1)
        assert server.get("data/plugin/projector/runs") == []


@pytest.mark.slow
def test_a_missing_directory_is_a_warning_and_what_comes_later_is_shown(tmp_path: Path) -> None:
    write_scalars(tmp_path / "other" / "run", {"epoch_loss": [1.0]})
    with serving("--workspace", str(tmp_path), "--reload-interval", "1", "--quiet") as server:
        assert server.stderr.startswith("warning: no directory ")
        assert "other" in server.stderr
        assert server.get("data/runs") == []
        write_scalars(tmp_path / "logs" / "late", {"epoch_loss": [1.0]})
        deadline = time.monotonic() + PATIENCE_SECONDS
        while server.get("data/runs") == [] and time.monotonic() < deadline:
            time.sleep(0.1)
        assert server.get("data/runs") == ["late"]


def test_more_than_loopback_asks_for_a_token_and_reads_without_the_open_port(workspace: Path, runs: list[Run]) -> None:
    with serving("--workspace", str(workspace), "--host", "0.0.0.0") as server:
        assert re.fullmatch(r"http://localhost:\d+/\?token=[\w-]{32}", server.url)
        assert runs[0].id in server.get("data/runs")
        assert "who has the URL with the token" in server.stderr
        assert "ssh -L" in server.stderr
        assert "using TensorBoard's slow reader: the port of the fast one answers every account" in server.stderr
        assert server.children() == []


@pytest.mark.parametrize(
    ("words", "token"),
    [(["--token"], "auto"), (["--token", "--json"], "auto"), (["--token", "abc"], "abc"), (["--token=abc"], "abc")],
)
def test_a_token_needs_no_text(words: list[str], token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("tbcli.serving.settle_token", lambda config, **_: asked.append(config.token) or "")
    monkeypatch.setattr("tbcli.serving.launch", lambda *_, **__: FakeServer())
    monkeypatch.setattr("tbcli.serving.StopSignals.wait", lambda *_: None)
    result = CliRunner().invoke(app, ["serve", "--workspace", str(tmp_path), "--port", "0", *words])
    assert (result.exit_code, asked) == (0, [token])


def test_insecure_serves_beyond_loopback_without_a_token_and_warns(workspace: Path) -> None:
    with serving("--workspace", str(workspace), "--host", "0.0.0.0", "--insecure") as server:
        assert server.url.endswith("/")
        assert server.get("data/environment")
        assert "anyone who can reach port" in server.stderr
        assert len(server.children()) == 1


@pytest.mark.slow
def test_a_closed_pipe_after_the_url_does_not_end_it(workspace: Path) -> None:
    with serving("--workspace", str(workspace)) as server:
        assert server.process.stdout
        server.process.stdout.close()
        assert server.get("data/environment")
        assert server.end(signal.SIGINT) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--port", "70000"], 2, "70000"),
        (["--port", "-1"], 2, "-1"),
        (["--load-fast", "yes"], 2, "--load-fast cannot be 'yes'"),
        (["--reload-interval", "0"], 2, "--reload-interval must be above 0"),
        (["--path-prefix", "tb"], 2, "--path-prefix cannot be 'tb'"),
        (["--host", ""], 2, "--host cannot be ''"),
        (["--allow-host", "http://a"], 2, "--allow-host cannot be 'http://a'"),
        (["--token", "a b"], 2, "--token must be printable characters without blanks"),
        (["--token", "--insecure"], 2, "--token and --insecure exclude each other"),
        (["--host", "192.0.2.7"], 6, "192.0.2.7"),
        (["nosuchrun"], 3, "nosuchrun"),
        (["--logdir", __file__], 3, "is a file, not a log directory"),
        (["--logdir", "/dev/null"], 3, "is a file, not a log directory"),
        ([__file__], 3, "test_serve.py"),
        (["./no/such/directory"], 3, "./no/such/directory"),
    ],
)
def test_what_cannot_be_served_is_two_lines_and_a_code(
    arguments: list[str], code: int, said: str, tmp_path: Path
) -> None:
    result = CliRunner().invoke(app, ["serve", "--workspace", str(tmp_path), *arguments])
    assert result.exit_code == code
    assert result.stdout == ""
    error, advice = result.stderr.splitlines()
    assert said in error
    assert advice.startswith("try: ")


def test_a_busy_port_is_refused_before_anything_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tbcli.serving.launch", lambda *_, **__: pytest.fail("TensorBoard was loaded"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        result = CliRunner().invoke(
            app, ["serve", "--workspace", str(tmp_path), "--port", str(listener.getsockname()[1])]
        )
    assert result.exit_code == 6
    assert f"process {os.getpid()}" in result.stderr


@pytest.mark.parametrize(("opens", "warnings"), [(True, 0), (False, 1)])
def test_open_shows_the_prepared_view_in_the_browser_or_says_that_there_is_none(
    opens: bool, warnings: int, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or opens)
    monkeypatch.setattr("tbcli.serving.launch", lambda *_, **__: FakeServer())
    monkeypatch.setattr("tbcli.serving.StopSignals.wait", lambda *_: None)
    result = CliRunner().invoke(app, ["serve", "--workspace", str(workspace), "--port", "0", "--open"])
    assert (result.exit_code, result.stdout, opened) == (0, "http://here/\n", [FakeServer.view])
    assert result.stderr.count("warning: cannot open a browser") == warnings


@pytest.mark.slow
def test_a_browser_gets_the_address_of_the_prepared_view_and_stdout_the_bare_one(
    workspace: Path, runs: list[Run], tmp_path: Path
) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{opened}.new" && mv "{opened}.new" "{opened}"\n')
    browser.chmod(0o755)
    with serving("--workspace", str(workspace), "--open", environ={"BROWSER": f"{browser} %s"}) as server:
        for _ in range(200):
            if opened.exists():
                break
            time.sleep(0.05)
        address = opened.read_text()
    assert address.startswith(f"{server.url}?smoothing=0&")
    assert address.endswith("#timeseries")
    assert "epoch_loss" in address


@pytest.mark.tf
@pytest.mark.slow
def test_embeddings_in_a_checkpoint_are_read_with_tensorflow(tmp_path: Path) -> None:
    write_scalars(tmp_path / "run", {"epoch_loss": [1.0]})
    (tmp_path / "run" / "projector_config.pbtxt").write_text('model_checkpoint_path: "model.ckpt-1"')
    with serving("--logdir", str(tmp_path)) as server:
        assert "TensorFlow will be loaded" in server.stderr
        server.get("data/plugin/projector/runs")
        assert loads_tensorflow(server)


@pytest.mark.tf
@pytest.mark.slow
def test_a_file_system_that_tensorflow_does_not_know_is_two_lines() -> None:
    done = subprocess.run(
        [*SERVE, "--port", "0", "--logdir", "s3://bucket/logs"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 6
    assert "TensorBoard cannot read 's3://bucket/logs'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.tf
@pytest.mark.slow
def test_the_opt_out_reads_with_tensorflow(workspace: Path, runs: list[Run]) -> None:
    argv = ["--workspace", str(workspace), "--set", "serve.without_tensorflow=false", "--load-fast", "false"]
    with serving(*argv) as server:
        assert loads_tensorflow(server)
        assert server.get(SCALARS.format(run=f"{runs[0].id}/train"))


class FakeServer(nullcontext["FakeServer"]):
    url = "http://here/"
    token = ""
    view = "http://here/?smoothing=0#timeseries"
    reader = None

    def __enter__(self) -> FakeServer:
        return self

    def check(self) -> None:
        return


def loads_tensorflow(server: Serving) -> bool:
    return "tensorflow" in Path(f"/proc/{server.process.pid}/maps").read_text()


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
