from __future__ import annotations

import os
import signal

import pytest

from tbcli.cli.render.watching import require_window, watch
from tbcli.errors import ConfigError


def test_each_drawing_takes_the_place_of_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    drawings = iter([["a", "b"], ["c"], ["d"]])
    waits: list[float] = []
    watch(lambda: next(drawings), lambda: len(waits) == 2, wait=waits.append)
    first, second, third, rest = capsys.readouterr().out.split("\x1b[J")
    assert first == "\x1b[?7l"
    assert second == "a\nb\n\x1b[?7h\x1b[?7l\x1b[2F"
    assert third == "c\n\x1b[?7h\x1b[?7l\x1b[1F"
    assert rest == "d\n\x1b[?7h\x1b[?7h"
    assert waits == [2.0, 2.0]


def test_no_drawing_is_higher_than_the_window(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINES", "5")
    monkeypatch.setenv("COLUMNS", "80")
    watch(lambda: [f"line {i}" for i in range(99)], lambda: True)
    shown = capsys.readouterr().out
    assert [f"line {i}\n" in shown for i in (94, 95, 98)] == [False, True, True]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_is_handed_back(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(number)
    watch(lambda: ["a"], wait=lambda seconds: os.kill(os.getpid(), number))
    assert signal.getsignal(number) is before
    assert capsys.readouterr().out.endswith("\x1b[?7h")


def test_without_a_window_there_is_nothing_to_watch() -> None:
    with pytest.raises(ConfigError, match="needs a terminal"):
        require_window()
