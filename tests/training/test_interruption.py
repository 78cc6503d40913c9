"""A signal never raises where it lands: the first is told at once and answered at a check, the second leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from tbcli.errors import Interrupted
from tbcli.training import Narrator
from tbcli.training.interruption import Interruption

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Heard(Narrator):
    def __init__(self) -> None:
        self.said: list[str] = []

    def interrupted(self, text: str) -> None:
        self.said.append(text)


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("number", "code", "name"),
    [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM"), (signal.SIGHUP, 129, "SIGHUP")],
)
def test_a_signal_is_told_at_once_and_raises_at_the_next_check(number: int, code: int, name: str) -> None:
    heard = Heard()
    with Interruption(heard) as interruption:
        send(number)
        with pytest.raises(Interrupted, match=f"training was interrupted by {name}") as caught:
            interruption.check()
    assert caught.value.exit_code == code
    (said,) = heard.said
    assert said.startswith(f"{name} received: stopping")


def test_without_a_signal_a_check_says_nothing() -> None:
    with Interruption() as interruption:
        interruption.check()
        interruption.checked(lambda text: None)("Reading")


def test_where_progress_is_told_is_a_check() -> None:
    told: list[str] = []
    with Interruption() as interruption:
        tell = interruption.checked(told.append)
        send(signal.SIGINT)
        with pytest.raises(Interrupted):
            tell("Reading")
    assert told == ["Reading"]


def test_a_check_in_another_thread_leaves_the_raising_to_the_main_one() -> None:
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            interruption.check()
        except Interrupted as error:
            raised.append(error)

    with Interruption() as interruption:
        send(signal.SIGTERM)
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert raised == []


def test_an_import_is_a_check_that_no_library_can_swallow() -> None:
    def start() -> None:
        with Interruption() as interruption, interruption.checked_imports():
            send(signal.SIGTERM)
            with suppress(Exception):  # as libraries do
                import tbcli.no_such_module  # noqa: F401

    with pytest.raises(Interrupted):
        start()


def test_the_handlers_and_imports_of_before_are_given_back() -> None:
    before = [signal.getsignal(number) for number in NUMBERS], list(sys.meta_path)
    with Interruption() as interruption, interruption.checked_imports():
        assert signal.getsignal(signal.SIGTERM) != before[0][1]
    assert ([signal.getsignal(number) for number in NUMBERS], sys.meta_path) == before
    assert signal.set_wakeup_fd(-1) == -1


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            send(signal.SIGHUP)
            interruption.check()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_training_in_another_thread_leaves_the_signals_alone() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def train() -> None:
        with Interruption() as interruption:
            seen.append(signal.getsignal(signal.SIGINT))
            interruption.check()

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert seen == [before]


def test_one_signal_that_two_have_sent_is_one() -> None:
    heard = Heard()
    with Interruption(heard) as interruption:
        send(signal.SIGHUP)
        send(signal.SIGHUP)
        with pytest.raises(Interrupted):
            interruption.check()
    assert len(heard.said) == 1


def in_child(act: Callable[[], None]) -> int:
    """Return how a forked child ends that does this."""
    child = os.fork()
    if not child:
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_worker_takes_signals_as_before_and_tells_its_parent_of_none() -> None:
    heard = Heard()
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with Interruption(heard) as interruption:
            assert in_child(lambda: send(signal.SIGTERM)) == -signal.SIGTERM
            interruption.check()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard.said == []


def test_a_second_signal_leaves_at_once_and_says_what_is_lost() -> None:
    program = (
        "import os, signal\n"
        "from tbcli.training import Narrator\n"
        "from tbcli.training.interruption import Interruption\n"
        "class Said(Narrator):\n"
        "    leaving = lambda self, text: print(text, flush=True)\n"
        "with Interruption(Said()) as interruption:\n"
        "    interruption.what_is_lost = lambda: 'two steps are lost'\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('waiting', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('never', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 143, done.stderr
    assert done.stdout == "waiting\nSIGTERM again: left at once, two steps are lost\n"
