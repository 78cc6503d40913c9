"""Failures we understand: each says what happened, what to try, and which code the process exits with."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NOT_TOLD = ("Graph execution error", "Detected at node", "File ", "Traceback", "<stack traces", "[[")


class TbcliError(Exception):
    """Base of every failure that is not a bug of ours.

    Args:
        message: What happened, with the value that was received; one line.
        hint: What to try; one line.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.trace = ""
        """The traceback of the user's own code, where that is what failed."""


class ConfigError(TbcliError):
    """Wrong usage: an option, a setting, a reference or a file of settings is invalid, or an extra is missing."""

    exit_code = 2


class NotFound(TbcliError):  # noqa: N818 - reads as what it says at the raise
    """Not found: a run, data, a log directory or a metric."""

    exit_code = 3


class DoesNotFit(TbcliError):  # noqa: N818
    """The user's own data or model does not load, or they do not fit together."""

    exit_code = 4


class TrainingFailed(TbcliError):  # noqa: N818
    """Training failed: it diverged, or memory or disk ran out."""

    exit_code = 5


class Diverged(TrainingFailed):
    """The loss, a weight or an input is not a finite number."""


class ServingFailed(TbcliError):  # noqa: N818
    """TensorBoard could not be served."""

    exit_code = 6


class CheckFailed(TbcliError):  # noqa: N818
    """A condition or an audit did not pass, or `doctor` found a warning or an error."""

    exit_code = 7


class Refused(TbcliError):  # noqa: N818
    """Refused: it would touch what is not clearly a run or is in use, or was declined at the prompt."""

    exit_code = 8


class Interrupted(TbcliError):  # noqa: N818
    """A signal ended the work; what was done so far is kept.

    Args:
        signal_number: The signal, so that the exit code is ``128 + signal_number``.
    """

    def __init__(self, signal_number: int, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number


class Pruned(TbcliError):  # noqa: N818
    """A sweep stopped a trial that lagged behind others; what was done so far is kept."""


def status_of(error: BaseException | None) -> str:
    """Return the status of a run that ended with this error, or with none."""
    match error:
        case None:
            return "finished"
        case Interrupted() | KeyboardInterrupt() | SystemExit():
            return "interrupted"
        case Diverged():
            return "diverged"
        case Pruned():
            return "pruned"
        case _:
            return "failed"


def describe_error(error: BaseException) -> str:
    """Return what an exception says in one line: its type and the line that tells something."""
    line = telling_line(error)
    return type(error).__name__ if line == type(error).__name__ else f"{type(error).__name__}: {line}"


def telling_line(error: BaseException) -> str:
    """Return the line of an exception that says what is wrong, else its type: Keras' go on for twenty, in colours."""
    lines = [line.strip() for line in plain_lines(str(error))]
    if lines[:1] == ["Graph execution error:"]:
        return _told_by_graph(lines)
    inner = [line.partition(": ")[2] for line in lines if line.startswith("Exception encountered: ")]
    # Keras leads with the layer in which it happened, and ends with what happened inside of it.
    telling = [line for line in lines if not line.startswith("Exception encountered when calling")]
    return (inner[-1:] or telling or [type(error).__name__])[0]


def _told_by_graph(lines: Sequence[str]) -> str:
    """Return what happened inside a graph of TensorFlow's, which it tells between tracebacks."""
    raised = [line for line in lines if re.match(r"\w*(?:Error|Exception): ", line)]
    rest = [line for line in lines if not line.startswith(_NOT_TOLD)]
    return (raised or rest or lines)[-1]


def plain_lines(text: str) -> list[str]:
    """Return the lines of a text that are not empty, without colours."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    return [line.rstrip() for line in lines if line.strip()]
