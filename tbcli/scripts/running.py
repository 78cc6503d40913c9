"""The process of ``tbcli run``: it becomes the script's, as ``python SCRIPT`` would have been."""

from __future__ import annotations

import atexit
import json
import os
import sys
from types import TracebackType

from tbcli.scripts.arguments import ArgumentEar
from tbcli.scripts.imports import ImportWatch
from tbcli.scripts.program import Program

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


def run_program(plan_text: str, arguments: list[str]) -> None:
    """Run a program to its end; what it raises leaves as from Python itself.

    Args:
        plan_text: JSON: ``kind`` and ``name`` of the program, and what `ScriptOrigin` takes.
        arguments: The script's own.
    """
    plan = json.loads(plan_text)
    program = Program(plan["kind"], plan["name"])
    try:
        main = program.enter(arguments)
        ear = ArgumentEar(arguments, program.owns)
        from tbcli.scripts.script_origin import ScriptOrigin

        origin = ScriptOrigin(program, ear, plan)
        ImportWatch({**ear.parsers(), "keras": origin.record_keras}).install()
        atexit.register(origin.conclude)  # the first to be registered is the last to be called
        exec(program.code(origin.constants), main.__dict__)  # noqa: S102 - what the user asked for
    except SystemExit:
        raise
    except BaseException as error:
        _without_our_frames(error, set())
        sys.excepthook(type(error), error, error.__traceback__)
        sys.excepthook = lambda *_: None  # it has been shown; what follows is the exit code
        raise


def _without_our_frames(error: BaseException, seen: set[int]) -> None:
    """Cut what runs the script out of the tracebacks of an error and of those behind it."""
    if id(error) in seen:
        return
    seen.add(id(error))
    error.__traceback__ = _cut(error.__traceback__)
    for behind in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
        if isinstance(behind, BaseException):
            _without_our_frames(behind, seen)


def _cut(trace: TracebackType | None) -> TracebackType | None:
    kept = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(_OURS):
            kept.append(trace)
        trace = trace.tb_next
    following: TracebackType | None = None
    for each in reversed(kept):
        following = TracebackType(following, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return following
