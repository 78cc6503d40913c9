"""Log directories made by the events encoder, healthy and sick."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tbcli.events.columns import Columns
from tbcli.events.encode import scalar_records, version_record

NOW = 1_790_000_000.0  # seconds since 1970: when the doctor looks
BEGAN = NOW - 86_400


def points(
    steps: Sequence[int], values: Sequence[float] = (), *, began: float = BEGAN, times: Sequence[float] = ()
) -> Columns:
    """Return points one second apart."""
    wall = np.array(times, float) if len(times) else began + np.arange(len(steps), dtype=float)
    return Columns(np.array(steps, np.int64), wall, np.array(values if len(values) else [0.5] * len(steps), float))


def write_log(
    directory: Path, series: dict[str, Columns], *, name: str = "1.host", tail: bytes = b"", age: float = 3600
) -> Path:
    """Write an event file that was changed so many seconds ago."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"events.out.tfevents.{name}"
    records = [record for tag, columns in series.items() for record in scalar_records(tag, columns)]
    path.write_bytes(version_record(BEGAN) + b"".join(records) + tail)
    os.utime(path, (NOW - age, NOW - age))
    return path


def write_healthy(top: Path) -> Path:
    """Write two runs of two parts each, and return the log directory."""
    for run in ("first", "second"):
        for part in ("train", "validation"):
            write_log(top / run / part, {"epoch_loss": points([1, 2, 3], [0.5, 0.25, 0.125])})
    return top
