from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from tbcli.scripts.fits import record_fits


class Ours:
    """A callback that notes what happens to it."""

    def __init__(self) -> None:
        self.ended: list[type[BaseException] | None] = []
        self.model: object = None

    def __enter__(self) -> Ours:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.ended.append(kind)

    def set_params(self, params: object) -> None:
        self.params = params

    def set_model(self, model: object) -> None:
        self.model = model


class CallbackList:
    """As Keras has it."""

    def __init__(self, callbacks: list[Any]) -> None:
        self.callbacks, self.params = callbacks, {"epochs": 1}

    def append(self, callback: Any) -> None:
        self.callbacks.append(callback)


def make_model() -> type:
    class Model:
        seen: list[Any]

        def fit(self, x: Any = None, y: Any = None, batch_size: Any = None, epochs: int = 1, verbose: Any = "auto",
                callbacks: Any = None, validation_data: Any = None) -> str:  # fmt: skip
            """Doc."""
            self.seen = list(getattr(callbacks, "callbacks", callbacks) or [])
            if isinstance(x, BaseException):
                raise x
            return "history"

    return Model


def recorded(own: Ours | None = None) -> tuple[Any, list[Ours], list[dict[str, Any]]]:
    """Return a recorded model class, the callbacks that were made for it, and what each was given."""
    model, made, given = make_model(), [], []

    def find(call: Any) -> tuple[Ours, bool]:
        given.append(dict(call))
        if own:
            return own, False
        made.append(Ours())
        return made[-1], True

    record_fits(model, find)
    return model, made, given


def test_a_callback_is_added_and_closed_and_the_users_list_stays() -> None:
    model, made, given = recorded()
    users = ["theirs"]
    for _ in range(2):
        assert model().fit([1], [2], callbacks=users, validation_data=([3], [4])) == "history"
    assert users == ["theirs"]
    assert [each.ended for each in made] == [[], []]
    assert given[0]["x"] == [1]
    assert given[0]["validation_data"] == ([3], [4])


@pytest.mark.parametrize("callbacks", [None, [], ["theirs"], ("theirs",), "theirs", [["theirs"]]])
def test_callbacks_come_in_every_form_that_keras_flattens(callbacks: Any) -> None:
    model, made, _ = recorded()
    one = model()
    one.fit(callbacks=callbacks)
    assert one.seen[-1] is made[0]
    assert one.seen[:-1] == ([callbacks] if callbacks else [])
    one.fit(1, 2, 3, 4, "auto", callbacks)
    assert one.seen[-1] is made[1]


def test_a_callback_list_is_lent_ours_with_its_model_and_parameters() -> None:
    model, made, _ = recorded()
    one, users = model(), CallbackList(["theirs"])
    one.fit(callbacks=users)
    assert one.seen == ["theirs", made[0]]
    assert users.callbacks == ["theirs"]
    assert made[0].model is one
    assert made[0].params == {"epochs": 1}


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_ends_a_fit_closes_the_run_and_goes_on(kind: type[BaseException]) -> None:
    model, made, _ = recorded()
    with pytest.raises(kind):
        model().fit(kind())
    assert made[0].ended == [kind]


def test_the_scripts_own_callback_is_not_added_but_told_what_ended_the_fit() -> None:
    own = Ours()
    model, _, _ = recorded(own=own)
    one = model()
    one.fit(callbacks=["theirs", own])
    assert one.seen == ["theirs", own]
    with pytest.raises(ValueError, match="theirs"):
        one.fit(ValueError("theirs"), callbacks=[own])
    assert own.ended == [ValueError]


def test_a_fit_of_which_no_callback_can_be_had_is_called_as_it_was() -> None:
    broken = make_model()
    record_fits(broken, lambda call: 1 / 0)
    assert broken().fit() == "history"


def test_a_wrong_call_fails_as_without_us() -> None:
    model, made, _ = recorded()
    with pytest.raises(TypeError, match="unexpected keyword argument 'epoch'"):
        model().fit(epoch=1)
    assert not made


def test_subclasses_are_recorded_once_and_the_signature_stays() -> None:
    model, made, _ = recorded()
    record_fits(model, lambda call: pytest.fail("patched twice"))

    class Child(model):  # type: ignore[misc]
        def fit(self, *args: Any, **named: Any) -> Any:
            return super().fit(*args, **named)

    assert Child().fit(1) == "history"
    assert len(made) == 1
    assert list(inspect.signature(model.fit).parameters)[:3] == ["self", "x", "y"]
    assert model.fit.__doc__ == "Doc."


TERMINATED = """
import os, signal, sys
sys.path[0] = ""
from tests.scripts.test_fits import Ours, make_model
from tbcli.scripts.fits import record_fits
class Told(Ours):
    def __exit__(self, kind, *rest): print("closed", issubclass(kind, KeyboardInterrupt), flush=True)
model = make_model()
def killing(self, x=None, callbacks=None):
    os.kill(os.getpid(), x)
    for _ in range(10**6): pass
model.fit = killing
record_fits(model, lambda call: (Told(), True))
try:
    model().fit(int(sys.argv[1]))
finally:
    print("theirs", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_the_process_closes_the_run_first(number: signal.Signals) -> None:
    argv = [sys.executable, "-c", TERMINATED, str(int(number))]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.stdout == "closed True\n"
    assert done.returncode == -number


def test_a_signal_that_the_script_handles_is_left_to_it() -> None:
    model, made, _ = recorded()
    seen: list[int] = []

    previous = signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    try:
        model().fit()
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) not in (signal.SIG_DFL, previous)
    finally:
        signal.signal(signal.SIGTERM, previous)
    assert seen == [signal.SIGTERM]
    assert made[0].ended == []
