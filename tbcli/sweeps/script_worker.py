"""A worker of a sweep of scripts: each trial is a script in a process of its own; see `tbcli.sweeps.worker`."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tbcli.config import Config
from tbcli.runs import RunStore
from tbcli.runs.history import read_history
from tbcli.runs.run import EARLIER_FIT_OF, Run
from tbcli.scripts import start_file
from tbcli.scripts.accepted import script_words
from tbcli.scripts.program import SCRIPT
from tbcli.sweeps.definition import SEED_ARGUMENTS, flat_settings
from tbcli.sweeps.space import spoken_value
from tbcli.sweeps.worker import LOST, Channel, serve_trials

_LOOK_SECONDS = 0.5
_PATIENCE_SECONDS = 30.0
_TAIL_BYTES = 8192
_LOGGED = re.compile(
    r"[IWE]\d{4,8} [\d:.]+\s|\d{4}-\d\d-\d\d [\d:.,]+:? \[?(?:[IWED]|INFO|WARNING|DEBUG)\b"
    r"|(?:DEBUG|INFO|WARNING):|tbcli: |To enable the following instructions: "
)
"""How lines begin that TensorFlow, absl and Python's `logging` write, and ours: what is logged is seldom a cause."""
_WARNING = re.compile(r"\S.*:\d+: \w*Warning: ")
_STOPPED: list[int] = []
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def run_script(job: Mapping[str, Any], channel: Channel) -> None:
    """Run the script of one trial and tell how it ended."""
    if _STOPPED:
        channel.tell(end="interrupted", run=job["resume"], reason="")
        return
    if job["resume"]:  # only the script could go on, and it does not know how
        channel.tell(end=LOST, run=job["resume"], reason="")
        return
    config = Config().updated(flat_settings(job["config"]))
    store = RunStore(config.paths, config.direction)
    with tempfile.TemporaryDirectory(prefix="tbcli-") as place:
        ids = Path(place) / "ids"
        process = subprocess.Popen(  # noqa: S603 - what the user asked for
            _command(job, str(ids)),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            process_group=0,
            preexec_fn=_as_own,
        )
        errors = _Errors(process)
        run = _follow(process, ids, store, channel)
    code, last = process.returncode, errors.last_line()
    told = f"the script ended {_how(code)}{f': {last}' if last else ''}"
    status, reason = ("finished", "") if code == 0 else ("interrupted" if code < 0 else "failed", told)
    if run is None and code == 0:
        status, reason = "failed", "the script recorded nothing: it called no fit of Keras"
    elif run and (ended := run.status()) in ("interrupted", "diverged", "failed"):
        status, reason = ended, str(run.record.get("reason") or reason)
    elif run and status != "finished":  # after its last fit: what came of it is not what was asked for
        _note(run, status=status, reason=reason)
    if _STOPPED:
        status = "interrupted"
    channel.tell(end=status, run=run.id if run else "", reason=reason)


class _Errors:
    """Passes on what a script writes to stderr, and keeps the end of it.

    Args:
        process: Of the script.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._pipe, self._tail = process.stderr, b""
        self._thread = threading.Thread(target=self._pass_on, daemon=True)
        self._thread.start()

    def _pass_on(self) -> None:
        assert self._pipe
        while data := os.read(self._pipe.fileno(), 1 << 16):
            self._tail = (self._tail + data)[-_TAIL_BYTES:]
            with suppress(OSError):
                os.write(sys.stderr.fileno(), data)

    def last_line(self) -> str:
        """Return the last line of the script's own: of a traceback, or of a parser of arguments, what is wrong."""
        self._thread.join(_LOOK_SECONDS)  # a process that the script has left behind may keep it open
        return _cause_in(self._tail.decode("utf-8", "replace"))


def _cause_in(text: str) -> str:
    """Return the last line that may say why a script ended: none of a log, or of a warning of Python's."""
    cause, is_of_warning = "", False
    for line in text.splitlines():
        is_source, is_of_warning = is_of_warning and line[:1].isspace(), bool(_WARNING.match(line))
        if line.strip() and not (is_source or is_of_warning or _LOGGED.match(line)):
            cause = line.strip()
    return cause


def _command(job: Mapping[str, Any], ids: str) -> list[str]:
    """Return what starts the script, as `tbcli run` does."""
    script, sweep = job["script"], job["sweep"]
    values = {**script["fixed"]}
    values |= {key.partition(".")[2]: spoken_value(value) for key, value in sweep["params"].items()}
    if sweep["seed"] is not None:
        name = next(each for each in SEED_ARGUMENTS if each in script["options"])
        values[name] = str(sweep["seed"])
    arguments, constants = script_words(script["options"], values.items())
    plan = {
        "kind": SCRIPT, "name": script["file"], "settings": job["config"], "constants": constants, "ids": ids,
        "sweep": sweep,
    }  # fmt: skip
    return [sys.executable, start_file(), json.dumps(plan), *arguments]


def _as_own() -> None:
    """Let the script take signals as usual, and end when this process is killed."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)  # one that ignores SIGTERM would stay


def _follow(process: subprocess.Popen[bytes], ids: Path, store: RunStore, channel: Channel) -> Run | None:
    """Report the epochs of the newest run until the script has ended, and return that run."""
    run: Run | None = None
    told, stopped_for = 0, 0.0
    while True:
        has_ended = _has_ended(process)
        newest = _newest(ids, store)
        if newest and (run is None or newest.id != run.id):
            _set_apart(ids, store)
            run, told = newest, 0
            channel.tell(run=run.id)
        if run:
            history = read_history(run.history_file)
            for position in range(told, len(history.epochs)):
                logs = {name: values[position] for name, values in history.columns.items()}
                channel.tell(epoch=history.epochs[position], logs=logs, asks=False)
            told = len(history.epochs)
        if has_ended:
            _set_apart(ids, store)
            return newest
        if _STOPPED:
            if not stopped_for:
                os.kill(process.pid, signal.SIGINT)
            stopped_for += _LOOK_SECONDS
            if stopped_for > _PATIENCE_SECONDS:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    with suppress(subprocess.TimeoutExpired):
        process.wait(_LOOK_SECONDS)
        return True
    return False


def _set_apart(ids: Path, store: RunStore) -> None:
    """Let the runs of all fits but the last be no trials."""
    for name in _names(ids)[:-1]:
        run = store.load(name)
        if run and run.sweep:
            said = run.record.pop("sweep")
            _note(run, **{EARLIER_FIT_OF: {key: said[key] for key in ("name", "trial")}})


def _note(run: Run, **values: Any) -> None:
    with suppress(OSError):  # a full disk
        run.update(**values)


def _newest(ids: Path, store: RunStore) -> Run | None:
    """Return the run that the script has made last."""
    names = _names(ids)
    return store.load(names[-1]) if names else None


def _names(ids: Path) -> list[str]:
    try:
        return ids.read_text("utf-8").split()
    except FileNotFoundError:
        return []


def _how(code: int) -> str:
    return f"by {signal.Signals(-code).name}" if -code in set(signal.Signals) else f"with exit code {code}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: _STOPPED.append(number))
    serve_trials(run_script)
