"""The first signal is answered at a safe moment, the second at once; handlers are given back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from tbcli.errors import Interrupted
from tbcli.training.interruption import Interruption


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_interrupts_where_the_program_stands(number: int, code: int) -> None:
    with pytest.raises(Interrupted) as caught, Interruption():
        send(number)
    assert caught.value.exit_code == code


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_a_deferred_signal_waits_for_the_check(number: int, name: str) -> None:
    with Interruption() as interruption:
        with interruption.deferred():
            send(number)
            reached = True
        assert reached
        with pytest.raises(Interrupted, match=f"training was interrupted by {name}"):
            interruption.check()


def test_without_a_signal_a_check_says_nothing() -> None:
    with Interruption() as interruption:
        interruption.check()


def test_the_handlers_of_before_are_given_back() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    with Interruption():
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert [signal.getsignal(number) for number in numbers] == before


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption():
            send(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_training_in_another_thread_leaves_the_signals_alone() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def train() -> None:
        with Interruption() as interruption, interruption.deferred():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_second_signal_leaves_at_once_after_giving_the_terminal_back() -> None:
    program = (
        "import os, signal\n"
        "from tbcli.training.interruption import Interruption\n"
        "with Interruption(lambda: print('closed', flush=True)) as interruption, interruption.deferred():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('waiting', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('never', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (143, "waiting\nclosed\n")
