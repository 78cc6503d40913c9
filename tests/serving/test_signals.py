from __future__ import annotations

import os
import signal

import pytest

from tbcli.serving import StopSignals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_starting_leaves_the_block_at_once(number: int) -> None:
    reached = []
    with StopSignals():
        os.kill(os.getpid(), number)
        reached.append("the line after")
    assert reached == []


def test_a_signal_ends_the_wait_and_lets_the_rest_run() -> None:
    reached = []

    def signal_ourselves() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with StopSignals() as signals:
        signals.wait(signal_ourselves, every_seconds=0.001)
        os.kill(os.getpid(), signal.SIGINT)  # impatience does not spoil the clean-up
        reached.append("clean-up")
    assert reached == ["clean-up"]


def test_what_the_check_raises_ends_the_wait() -> None:
    def fail() -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"), StopSignals() as signals:
        signals.wait(fail, every_seconds=0.001)


def test_a_closed_terminal_is_ignored_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_handlers_are_given_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with StopSignals() as signals:
        signals.wait(lambda: os.kill(os.getpid(), signal.SIGINT), every_seconds=0.001)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
