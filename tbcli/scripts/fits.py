"""``keras.Model.fit`` with our callback added, in whatever way the script calls it."""

from __future__ import annotations

import functools
import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache
from types import FrameType
from typing import Any

Find = Callable[[Mapping[str, Any]], tuple[Any, bool]]
"""Given the arguments of a ``fit``, returns the callback that records it, and whether it has to be added."""


def record_fits(model: Any, find: Find) -> None:
    """Let ``fit`` of a model class, and of its subclasses that call it, be recorded; a class is changed once.

    Args:
        model: ``keras.Model``.
        find: Finds or makes the callback of one ``fit``; a context manager, too.
    """
    fit = model.fit
    if getattr(fit, "is_recorded", False):
        return
    signature = inspect.signature(fit)

    @functools.wraps(fit)
    def recorded_fit(*args: Any, **named: Any) -> Any:
        call = _bound(signature, args, named)
        callback, is_new = _found(find, call) if call else (None, False)
        if callback is None or call is None:
            return fit(*args, **named)
        with terminations_raised(), _closed(callback), _added(callback, call) if is_new else nullcontext():
            return fit(*call.args, **call.kwargs)

    recorded_fit.is_recorded = True  # type: ignore[attr-defined]
    model.fit = recorded_fit


def _bound(signature: inspect.Signature, args: Any, named: Any) -> inspect.BoundArguments | None:
    """Return the call's arguments by name; None where they do not fit, which ``fit`` itself says better."""
    try:
        return signature.bind(*args, **named)
    except TypeError:
        return None


def _found(find: Find, call: inspect.BoundArguments) -> tuple[Any, bool]:
    """Return the callback and whether it is to be added; None where it cannot be had, which must not end a training."""
    try:
        return find(call.arguments)
    except Exception as error:  # noqa: BLE001 - ours, whatever it is
        _say_once(f"this fit is not recorded: {type(error).__name__}: {error}")
        return None, False


@lru_cache(maxsize=64)
def _say_once(text: str) -> None:
    with suppress(OSError, ValueError):  # closed
        print(f"tbcli: {text}", file=sys.__stderr__, flush=True)


@contextmanager
def _closed(callback: Any) -> Iterator[None]:
    """Let a callback know what ended ``fit``, if not its last epoch."""
    try:
        yield
    except BaseException as error:
        callback.__exit__(type(error), error, error.__traceback__)
        raise


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


class Terminated(KeyboardInterrupt):
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
            raise Terminated(signal.Signals(number).name)

    numbers = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) == signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, arrive)
    try:
        yield
    except Terminated:
        _die(arrived[0])
    finally:
        for number in numbers:
            if signal.getsignal(number) is arrive:
                signal.signal(number, signal.SIG_DFL)


def _die(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
