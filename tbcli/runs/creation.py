"""The beginning of a run on disk: its directory, its first record, and its configuration."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tbcli.config import Config
from tbcli.errors import ConfigError, TrainingFailed
from tbcli.origin import current_origin
from tbcli.runs.files import utc_text, write_json
from tbcli.runs.ids import new_id
from tbcli.runs.owner import Owner
from tbcli.runs.run import SCHEMA, Run


def create_run(
    root: Path,
    run_of: Callable[[str], Run],
    config: Config,
    facts: Mapping[str, Any] | None,
    *,
    settings: Mapping[str, Mapping[str, Any]] | None,
    now: datetime,
) -> Run:
    """Claim a directory for a new run; see `tbcli.runs.store.RunStore.create`.

    Args:
        root: Where the logs of runs are.
        run_of: Returns the run of an id.
        config: Kept whole as ``config.json``, unless there are ``settings``.
        facts: What else the record says from the start.
        settings: What is kept as ``config.json`` of a training that is not ours.
        now: The moment of the start.
    """
    origin = current_origin()
    told = origin.facts() if origin else {}
    try:
        root.mkdir(parents=True, exist_ok=True)
        run = _claimed(run_of, now, config.train.name)
        run.record = {**_first_record(run.id, config, now), **told, **(facts or {})}
        _write_first_files(run, config.as_dict() if settings is None else settings)
    except OSError as error:
        kind = TrainingFailed if error.errno in (errno.ENOSPC, errno.EDQUOT) else ConfigError
        raise kind(
            f"cannot make a run in {str(root)!r}: {error.strerror or error}",
            hint="`--workspace DIR` or `--logdir DIR` with a directory that can be written and has room",
        ) from error
    if origin:
        origin.welcome(run)
    return run


def _claimed(run_of: Callable[[str], Run], now: datetime, name: str) -> Run:
    while True:
        run = run_of(new_id(now, name))
        try:
            run.logs.mkdir()
        except FileExistsError:
            continue  # another program's, a moment ago
        return run


def _first_record(run_id: str, config: Config, now: datetime) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "id": run_id,
        "name": config.train.name,
        "note": config.train.note,
        "status": "running",
        "started": utc_text(now),
        "ended": None,
        "seconds": None,
        "model": config.model.name,
        "data": config.data.source,
        **owner_facts(),
    }


def owner_facts() -> dict[str, Any]:
    """Return what a record says of the process that trains: this one."""
    owner = Owner.current()
    process = {"pid": owner.pid, "pid_started": owner.pid_started, "host": owner.host}
    return {**process, "boot": owner.boot, "pid_namespace": owner.namespace}


def _write_first_files(run: Run, settings: Mapping[str, Any]) -> None:
    """Write the record first: whoever is killed then leaves a run, and no directory that nobody knows."""
    try:
        run.update()
        run.beat()
        write_json(run.config_file, settings)
    except BaseException:
        shutil.rmtree(run.logs, ignore_errors=True)
        raise
