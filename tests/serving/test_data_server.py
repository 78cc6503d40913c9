from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tbcli.errors import ServingFailed
from tbcli.serving.data_server import DataServer
from tests.serving.process import is_alive


def reader_of(directory: Path, body: str, *, reload_interval: float = 1) -> DataServer:
    """Start a shell script as the reader; it finds its options in ``$reload``, ``$port_file`` and ``$error_file``."""
    options = "".join(
        f"--{name}=*) {name.replace('-', '_')}=${{word#*=}};; " for name in ("reload", "port-file", "error-file")
    )
    path = directory / "reader"
    path.write_text(f'#!/bin/sh\nfor word; do case "$word" in {options} esac; done\n{body}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return DataServer(str(path), str(directory), reload_interval=reload_interval)


def test_a_reader_that_will_not_start_says_why(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, 'echo no such format > "$error_file"; exit 8')
    try:
        with pytest.raises(ServingFailed, match="did not start: no such format") as caught:
            reader.address()
        assert "--load-fast false" in caught.value.hint
    finally:
        reader.stop()


def test_seconds_below_one_do_not_become_a_busy_loop(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, 'echo "$reload" > "$port_file"; cat', reload_interval=0.2)
    try:
        assert reader.address() == "127.0.0.1:1"  # our script answers with the interval in place of a port
    finally:
        reader.stop()


def test_a_reader_that_does_not_listen_to_reason_is_killed(tmp_path: Path) -> None:
    reader = reader_of(
        tmp_path, f'trap "" TERM; echo $$ > {tmp_path}/pid; echo 1 > "$port_file"; while :; do sleep 0.1; done'
    )
    reader.address()
    pid = int((tmp_path / "pid").read_text())
    assert is_alive(pid)
    reader.stop()
    assert not is_alive(pid)
    assert not reader.lives()


def test_calls_to_the_reader_go_past_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "intranet")
    monkeypatch.setenv(variable := "no_grpc_proxy", "")
    reader = reader_of(tmp_path, 'echo 1 > "$port_file"; cat')
    try:
        reader.address()
        assert os.environ[variable] == "intranet,127.0.0.1"
    finally:
        reader.stop()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("kill -9 $$", "was killed (SIGKILL: out of memory?)"),
        ("kill -SEGV $$", "crashed (SIGSEGV)"),
        ("exit 3", "exited with 3"),
        (
            r"""echo noise >&2; echo "thread 'main' panicked at src/main.rs:1:" >&2; echo 'Too many open files' >&2
            echo 'note: run with RUST_BACKTRACE=1' >&2; exit 101""",
            "exited with 101: thread 'main' panicked at src/main.rs:1: Too many open files",
        ),
    ],
)
def test_how_a_reader_ended_is_said_in_its_own_words(body: str, said: str, tmp_path: Path) -> None:
    reader = reader_of(tmp_path, body)
    try:
        assert reader.end == said
        assert not reader.lives()
    finally:
        reader.stop()


def test_a_talkative_reader_fills_no_disk(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, 'seq 100000 >&2; echo 1 > "$port_file"; cat; echo last >&2')
    try:
        reader.address()
        assert reader.lives()
        assert os.fstat(reader._said.fileno()).st_size < 1 << 16
    finally:
        reader.stop()
