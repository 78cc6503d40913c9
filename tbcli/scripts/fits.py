"""``keras.Model.fit`` with our callback added, in whatever way the script calls it."""

from __future__ import annotations

import functools
import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

Make = Callable[[Mapping[str, Any]], Any]
"""Given the arguments of a ``fit``, returns a callback to add, a context manager too; None where it has one already."""


def record_fits(model: Any, make: Make) -> None:
    """Let ``fit`` of a model class, and of its subclasses that call it, be recorded; a class is changed once.

    Args:
        model: ``keras.Model``.
        make: Makes the callback of one ``fit``.
    """
    fit = model.fit
    if getattr(fit, "is_recorded", False):
        return
    signature = inspect.signature(fit)

    @functools.wraps(fit)
    def recorded_fit(*args: Any, **named: Any) -> Any:
        call = _bound(signature, args, named)
        callback = _made(make, call) if call else None
        if callback is None or call is None:
            return fit(*args, **named)
        with terminations_raised(), callback, _added(callback, call):
            return fit(*call.args, **call.kwargs)

    recorded_fit.is_recorded = True  # type: ignore[attr-defined]
    model.fit = recorded_fit


def _bound(signature: inspect.Signature, args: Any, named: Any) -> inspect.BoundArguments | None:
    """Return the call's arguments by name; None where they do not fit, which ``fit`` itself says better."""
    try:
        return signature.bind(*args, **named)
    except TypeError:
        return None


def _made(make: Make, call: inspect.BoundArguments) -> Any:
    """Return the callback, None where there is one already or ours cannot be had, which is no reason not to train."""
    try:
        return make(call.arguments)
    except Exception as error:  # noqa: BLE001 - ours, whatever it is
        print(f"tbcli: this fit is not recorded: {type(error).__name__}: {error}", file=sys.__stderr__)
        return None


@contextmanager
def _added(callback: Any, call: inspect.BoundArguments) -> Iterator[None]:
    """Add the callback to those of the call, without touching the user's own list."""
    callbacks: Any = call.arguments.get("callbacks")
    if not hasattr(callbacks, "append") or isinstance(callbacks, list):
        call.arguments["callbacks"] = [callbacks, callback] if callbacks else [callback]  # Keras flattens them
        yield
        return
    callbacks.append(callback)  # a CallbackList, which has its model already
    callback.set_params(callbacks.params)
    callback.set_model(next(iter(call.arguments.values())))
    try:
        yield
    finally:
        callbacks.callbacks.remove(callback)


class _Terminated(KeyboardInterrupt):
    """A signal that would end the process at once arrived during ``fit``, which interrupts the run as Ctrl-C does."""


@contextmanager
def terminations_raised() -> Iterator[None]:
    """Let what is inside unwind when SIGTERM or SIGHUP arrives, and then end the process by that signal.

    A signal that the script handles or ignores is left to it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    process = os.getpid()

    def arrive(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:  # a fork of ours
            _die(number)
        if not arrived:
            arrived.append(number)
            raise _Terminated

    numbers = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) == signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, arrive)
    try:
        yield
    except _Terminated:
        _die(arrived[0])
    finally:
        for number in numbers:
            if signal.getsignal(number) is arrive:
                signal.signal(number, signal.SIG_DFL)


def _die(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
