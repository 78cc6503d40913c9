"""How a training is asked to stop, from another shell, container or machine: by a file in its run's directory."""

from __future__ import annotations

from contextlib import suppress

from tbcli.runs.claim import is_claimed
from tbcli.runs.run import Run


def ask_to_stop(run: Run) -> None:
    """Ask whoever trains a run to finish its step, save and end.

    Raises:
        OSError: The directory cannot be written to.
    """
    run.stop_file.touch()


def take_request(run: Run) -> bool:
    """Return whether somebody asked a run to stop since the last look."""
    try:
        run.stop_file.unlink()
    except OSError:  # as a rule there is none
        return False
    return True


def has_ended(run: Run) -> bool:
    """Return whether nothing trains a run any more, nor writes its last files; a request left over is removed."""
    run.reload()
    if run.is_live() or is_claimed(run.logs):
        return False
    with suppress(OSError):
        run.stop_file.unlink()
    return True
