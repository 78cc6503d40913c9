"""One run: its paths, its record ``run.json``, its status and its heartbeat."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbcli.naming.judges import USUAL_TASK, judge_of
from tbcli.runs.files import open_regular, parse_utc, read_file, read_json, utc_now, walk_files, write_json
from tbcli.runs.ids import looks_like_id, without_slug
from tbcli.runs.liveness import Signs, last_beat, read_signs
from tbcli.runs.owner import Owner

if TYPE_CHECKING:
    from tbcli.naming.direction import Overrides

SCHEMA = 1
_NO_PID = 2**31  # the system counts processes in an int
STATUSES = ("running", "finished", "failed", "interrupted", "diverged", "pruned")
EARLIER_FIT_OF = "earlier_fit_of"
_RESERVED_BYTES = 4096


@dataclass(frozen=True, slots=True)
class LogDirectory:
    """A TensorBoard log directory that is not a tbcli run.

    Args:
        name: What a person calls it.
        logs: The directory, or a single event file.
        run: The one run inside it that is meant; ``""`` for all.
        directions: The user's ``[direction]`` section.
    """

    name: str
    logs: Path
    run: str = ""
    directions: Overrides = field(default_factory=dict, compare=False)


@dataclass(slots=True)
class Run:
    """A tbcli run: where its files are, what ``run.json`` says, and the user's ``[direction]`` section.

    Its directory is called by its id, unless it was renamed or copied. Of two directories with one id the other is a
    copy: it is listed under its directory's name, and neither plots nor model are its own.
    """

    id: str
    logs: Path
    plots: Path
    models: Path
    record: dict[str, Any] = field(default_factory=dict)
    directions: Overrides = field(default_factory=dict, compare=False)
    is_copy: bool = field(default=False, compare=False)

    @property
    def recorded_id(self) -> str:
        """The id that its record says: of a copy, the one that it shares with the original."""
        return str(self.record.get("id") or self.id)

    @property
    def is_moved(self) -> bool:
        """Whether its directory is not called by its id."""
        return self.logs.name != self.recorded_id

    def as_copy(self) -> Run:
        """Return it as a copy of the run with its id, known by the name of its directory."""
        name = self.logs.name if self.is_moved else f"{self.recorded_id}-copy"  # of that name, in another place
        return replace(self, id=name, plots=self.plots.parent / name, models=self.models.parent / name, is_copy=True)

    @property
    def record_file(self) -> Path:
        """The run's own record; it goes last when a run is removed."""
        return self.logs / "run.json"

    @property
    def config_file(self) -> Path:
        """The whole resolved configuration."""
        return self.logs / "config.json"

    @property
    def history_file(self) -> Path:
        """One row per epoch."""
        return self.logs / "history.csv"

    @property
    def evidence_file(self) -> Path:
        """Per split: index, label, probabilities."""
        return self.logs / "evidence.npz"

    @property
    def heartbeat_file(self) -> Path:
        """Touched every 10 seconds while training."""
        return self.logs / "heartbeat"

    @property
    def output_file(self) -> Path:
        """What a training without a terminal says."""
        return self.logs / "output.txt"  # no *.log, which readers of other tools' logs would look into

    @property
    def stop_file(self) -> Path:
        """Made by whoever asks the training to stop."""
        return self.logs / "stop"

    @property
    def checkpoints(self) -> Path:
        """State to continue from."""
        return self.logs / "checkpoints"

    @property
    def model_stem(self) -> str:
        """The file name of the saved model without its suffix, as ``mnist_cnn_model``."""
        return f"{self.data_name}_{self.model_name}_model"

    @property
    def saved_model(self) -> Path:
        """The trained model in Keras' own format."""
        return self.models / f"{self.model_stem}.keras"

    @property
    def name(self) -> str:
        """What the user called it, or ``""``."""
        return str(self.record.get("name") or "")

    @property
    def data_name(self) -> str:
        """The data source."""
        return str(self.record.get("data") or "")

    @property
    def model_name(self) -> str:
        """The model architecture."""
        return str(self.record.get("model") or "")

    @property
    def task_name(self) -> str | None:
        """What was learnt: ``classification``, ...; None where that is not known."""
        is_recorded_only = "backend" in self.record  # somebody's own training: what it learns is told or unknown
        task = self.record.get("task", None if is_recorded_only else USUAL_TASK)
        return task if isinstance(task, str) else None

    @property
    def judge(self) -> str:
        """The metric that the task is judged by, as ``accuracy``; ``""`` where it is not known what was learnt."""
        return judge_of(self.task_name)

    @property
    def label(self) -> str:
        """The name with the id, or the id alone: what a person reads."""
        return f"{self.name} ({without_slug(self.id)})" if self.name else self.id

    @property
    def sweep(self) -> Mapping[str, Any]:
        """Which trial of which sweep: ``name``, ``trial``, ``params``, ``seed``, its goal; empty where it is none."""
        return self._trial_in("sweep")

    @property
    def earlier_fit_of(self) -> Mapping[str, Any]:
        """The trial, as in `sweep`, of a script in whose process a later fit was it; empty of every other run."""
        return self._trial_in(EARLIER_FIT_OF)

    def _trial_in(self, key: str) -> Mapping[str, Any]:
        said = self.record.get(key)
        is_whole = isinstance(said, dict) and isinstance(said.get("name"), str) and isinstance(said.get("trial"), int)
        return said if is_whole and isinstance(said, dict) else {}

    @property
    def summary_of(self) -> str:
        """The sweep of which this is no trial, but the means that TensorBoard shows; ``""`` of every other run."""
        said = self.record.get("summary_of")
        return said if isinstance(said, str) else ""

    @property
    def metrics(self) -> Mapping[str, Any]:
        """``{"test_accuracy": .., "val_accuracy": {"best": .., "best_epoch": .., "last": ..}, ...}``."""
        metrics = self.record.get("metrics")
        return metrics if isinstance(metrics, dict) else {}

    @property
    def started(self) -> datetime | None:
        """When training began, where the record tells."""
        return parse_utc(self.record.get("started"))

    @property
    def ended(self) -> datetime | None:
        """When training stopped, or None for a run that still trains or was killed."""
        return parse_utc(self.record.get("ended"))

    @property
    def owner(self) -> Owner | None:
        """The process that trains or trained it."""
        pid, started, host = (self.record.get(key) for key in ("pid", "pid_started", "host"))
        if not isinstance(pid, int) or not 0 < pid < _NO_PID or not isinstance(host, str):
            return None
        boot, namespace = (str(self.record.get(key) or "") for key in ("boot", "pid_namespace"))
        return Owner(pid, started if isinstance(started, int) else None, host, boot, namespace)

    def metric(self, name: str) -> float | None:
        """Return the best over the epochs, or the one value of a test metric; None where there is none."""
        value = self.metrics.get(name)
        if isinstance(value, dict):
            value = value.get("best")
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def number(self, key: str) -> float | None:
        """Return a number of the record; None where there is none, or something else stands in its place."""
        value = self.record.get(key)
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def is_live(self, now: datetime | None = None) -> bool:
        """Say whether a process is still training it.

        A lock on its directory proves it. Else the process itself decides, however stale its heartbeat, where it can
        be seen: on this machine, since its last boot, in this container. Elsewhere only the heartbeat can tell.
        """
        return self.record.get("status") == "running" and self._signs(now).is_alive is True

    def status(self, now: datetime | None = None) -> str:
        """Return the status a person should see: a run whose process is gone is interrupted, not running.

        ``unknown`` is one whose record says no status, or of which nothing tells whether it is still training.
        """
        status = str(self.record.get("status"))
        if status == "running":
            is_alive = self._signs(now).is_alive
            return "unknown" if is_alive is None else "running" if is_alive else "interrupted"
        return status if status in STATUSES else "unknown"

    def why_in_use(self, now: datetime | None = None, *, is_held: bool = False) -> str:
        """Return why nothing of the run may be removed or continued, as the end of a sentence; ``""`` if it may.

        That takes both signs of death, no process and no fresh heartbeat, and that no process holds its directory.

        Args:
            now: The moment to judge by; the present unless given.
            is_held: Whether this process holds the directory itself.
        """
        signs = self._signs(now, is_held=is_held)
        is_running = self.record.get("status") == "running"
        if is_running and signs.is_alive:
            pid = self.owner.pid if self.owner else "unknown"
            return f"is still training (process {pid} on {self.record.get('host')})"
        if signs.is_claimed:
            return "is in use by another process"
        doubt = signs.doubt() if is_running else ""
        return f"may still be training: {doubt}" if doubt else ""

    def doubt(self, now: datetime | None = None) -> str:
        """Return why it cannot be told whether a run is still training; ``""`` of one that shows it, or has ended."""
        signs = self._signs(now) if self.record.get("status") == "running" else None
        return signs.doubt() if signs and signs.is_alive is None else ""

    def _signs(self, now: datetime | None, *, is_held: bool = False) -> Signs:
        return read_signs(self.logs, self.heartbeat_file, self.owner, now, is_moved=self.is_moved, is_held=is_held)

    def age_seconds(self, now: datetime | None = None) -> float | None:
        """Return the seconds since training stopped, or since it began for a live run; None where nothing tells.

        A killed run stopped at its last heartbeat. A clock that was set back makes no run older than it is: it did not
        end before it began, nor sooner than its training took.
        """
        now = now or utc_now()
        if self.is_live(now):
            moments = [self.started]
        elif self.ended:
            moments = [self.ended, self.started, self._earliest_end()]
        else:
            moments = [last_beat(self.heartbeat_file), self.started]
        known = [moment for moment in moments if moment]
        return max(0.0, (now - max(known)).total_seconds()) if known else None

    def _earliest_end(self) -> datetime | None:
        """Return when the training can have ended at the earliest, by its start and the seconds that it took."""
        try:
            return self.started + timedelta(seconds=self.number("seconds") or 0.0) if self.started else None
        except (OverflowError, ValueError):
            return None

    def bytes(self) -> int:
        """Return the size kept at the end of training, or walk the run's files where there is none."""
        kept = self.record.get("bytes")
        return kept if isinstance(kept, int) and not isinstance(kept, bool) else self.walk_bytes()

    def files(self) -> list[tuple[str, int]]:
        """Return path and bytes of every file of the run as it is now."""
        tops = dict.fromkeys((self.logs, self.plots, self.models))  # each once: the roots may be one directory
        return [found for top in tops for found in walk_files(top)]

    def walk_bytes(self) -> int:
        """Return the bytes of all files of the run as they are now."""
        return sum(count for _, count in self.files())

    def update(self, **values: Any) -> None:
        """Change the record, in memory and on disk.

        Raises:
            OSError: The record could not be written; the file holds what it held before.
        """
        self.record.update(values)
        write_json(self.record_file, self.record)

    def reload(self) -> None:
        """Read the record again."""
        self.record = read_json(self.record_file) or {}

    def beat(self) -> None:
        """Show that training is alive, and hold the room that the last record needs should the disk be full by then."""
        try:
            os.utime(self.heartbeat_file)
        except FileNotFoundError:
            with open_regular(self.heartbeat_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
                os.write(file, bytes(_RESERVED_BYTES))

    def read_config(self) -> dict[str, Any]:
        """Return the saved configuration as plain sections, empty where there is none."""
        return read_json(self.config_file) or {}


def load_run(logs: Path, plots_root: Path, models_root: Path) -> Run | None:
    """Return the run in a directory, or None where the directory is not a tbcli run.

    Ours is a directory whose ``run.json`` has a schema and an id; the directory may be called otherwise.
    """
    try:
        record = json.loads(read_file(logs / "run.json"))
    except (OSError, ValueError, RecursionError):
        return None
    run_id = id_in(record, logs.name)
    return Run(run_id, logs, plots_root / run_id, models_root / run_id, record) if run_id else None


def id_in(record: object, directory: str) -> str:
    """Return the id of the run whose record stands in a ``run.json``, or ``""`` where it is some other tool's."""
    if not isinstance(record, dict) or not isinstance(record.get("schema"), int):
        return ""
    run_id = record.get("id")
    return run_id if isinstance(run_id, str) and (run_id == directory or looks_like_id(run_id)) else ""


def is_record_of(run_id: str, record: object) -> bool:
    """Say whether what stands in a ``run.json`` is the record of this run, and not some other tool's."""
    return id_in(record, run_id) == run_id
