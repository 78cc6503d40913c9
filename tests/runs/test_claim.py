"""The lock on a run directory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tbcli.errors import Refused
from tbcli.runs.claim import claim, is_claimed


def in_a_child(work: Callable[[], object]) -> int:
    """Do something in a forked process, and return the code it exits with: 0, or 1 if it raised."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_claimed_directory_is_claimed_until_it_is_released(tmp_path: Path) -> None:
    assert is_claimed(tmp_path) is False
    with claim(tmp_path) as held:
        assert held.is_locked
        assert is_claimed(tmp_path) is True
        with pytest.raises(Refused, match="in use"):
            claim(tmp_path)
    held.release()
    assert is_claimed(tmp_path) is False


def test_a_claim_follows_the_directory_when_it_is_renamed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with claim(tmp_path / "a"):
        (tmp_path / "a").rename(tmp_path / "b")
        assert is_claimed(tmp_path / "b") is True


def test_a_claim_ends_with_its_process(tmp_path: Path) -> None:
    assert in_a_child(lambda: claim(tmp_path)) == 0
    assert is_claimed(tmp_path) is False


def test_a_forked_process_neither_keeps_nor_ends_its_parents_claim(tmp_path: Path) -> None:
    with claim(tmp_path) as held:
        assert in_a_child(held.release) == 0
        assert is_claimed(tmp_path) is True
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        held.release()
        assert is_claimed(tmp_path) is False
        os.close(writing)
        os.waitpid(child, 0)
        os.close(reading)


def test_what_cannot_be_opened_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert is_claimed(tmp_path / "gone") is None
    assert is_claimed(tmp_path / "file") is None


@pytest.mark.parametrize(("become", "said"), [("removed", "was removed"), ("moved", "was moved to '{}'"), ("", "")])
def test_a_claim_tells_what_became_of_its_directory(tmp_path: Path, become: str, said: str) -> None:
    logs, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    logs.mkdir()
    with claim(logs) as lock:
        assert lock.why_gone(logs) == ""
        if become == "moved":
            logs.rename(elsewhere)
        elif become:
            logs.rmdir()
            logs.mkdir()  # another one in its place
        assert lock.why_gone(logs) == said.format(elsewhere)
