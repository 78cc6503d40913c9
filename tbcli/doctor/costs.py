"""Findings about where the time of a training went: to recording, or to waiting for samples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tbcli.doctor.course import Known
from tbcli.doctor.findings import Finding, Level

_COSTLY, _SLOW = 20.0, 0.2  # percent of the training that recording costs; the share of it that is waited
_NOTED, _WORTH = 1.0, 5.0  # seconds that are worth a note, and a warning
_COSTLY_SAVING = 0.05  # of the training
_ONCE = 10  # epochs: in shorter trainings what a recorder does once costs most


def findings_on_costs(
    record: Mapping[str, Any], settings: Mapping[str, Any], seconds: float, known: Known
) -> Iterator[Finding]:
    """Yield what cost much time.

    Args:
        record: The run's record.
        settings: Those it ran with, as ``{"section.key": value}``.
        seconds: From the first step to the end of the last epoch; NaN where nothing tells.
        known: What is known of the training.
    """
    yield from _costly_recording(record, str(settings.get("record.recorders") or "standard"), known)
    yield from _slow_input(record, seconds, known, is_in_memory=settings.get("data.cache") == "memory")
    yield from _costly_saving(record, seconds)


def _costly_recording(record: Mapping[str, Any], recorders: str, known: Known) -> Iterator[Finding]:
    recording = record.get("recording")
    recording = recording if isinstance(recording, Mapping) else {}
    percent, spent = _number(recording.get("percent")), recording.get("milliseconds")
    by_name = {
        str(name): _number(value) / 1000 for name, value in (spent if isinstance(spent, Mapping) else {}).items()
    }
    by_name = {name: seconds for name, seconds in by_name.items() if seconds > 0}
    total = sum(by_name.values()) or _number(record.get("seconds")) * percent / (100 + percent)
    worked = np.fmin(total, _number(recording.get("cpu_seconds")))  # a busy machine makes everything take long
    if not (percent > _COSTLY and worked >= _NOTED):
        return
    costliest = max(by_name, key=by_name.__getitem__, default="")
    told = f", mostly {costliest} ({by_name[costliest]:.1f} s)" if costliest else ""
    epochs = _number(record.get("epochs"))
    option = f"--record {recorders},-{costliest}" if costliest else "--record light"
    if costliest and epochs >= _ONCE:
        option = f"--record-every {costliest}={max(2, math.ceil(epochs / 10))}"
    yield Finding(
        level=_level(worked),
        name="costly-recording",
        what=f"recording took {total:.1f} s, {percent:.0f} % of the training{told}",
        why="the training would finish earlier without it",
        fix=known.again(option, f"record less: {option}"),
        where=f"recorder {costliest}" if costliest else "recording",
    )


def _slow_input(record: Mapping[str, Any], seconds: float, known: Known, *, is_in_memory: bool) -> Iterator[Finding]:
    waited = _number(record.get("waited_seconds"))
    if not (waited >= _NOTED and waited > _SLOW * seconds):
        return
    advice = "make samples smaller or easier to decode, or keep decoded ones in memory"
    yield Finding(
        level=_level(waited),
        name="slow-input",
        what=f"training waited {waited:.1f} s of {seconds:.1f} s for samples",
        why="meanwhile the processor was idle: reading and decoding are slower than the model",
        fix=advice if is_in_memory else known.again("--cache memory", advice),
        where="data",
    )


def _costly_saving(record: Mapping[str, Any], seconds: float) -> Iterator[Finding]:
    saving = record.get("saving")
    spent = _number(saving.get("seconds")) if isinstance(saving, Mapping) else math.nan
    if not (spent >= _WORTH and spent > _COSTLY_SAVING * seconds):
        return
    yield Finding(
        level="note",
        name="costly-saving",
        what=f"saving states to resume from took {spent:.1f} s of {seconds:.1f} s",
        why="the disk is slow for states of this size; one is saved every 5 minutes at least",
        fix="use a faster disk for the logs",
        where="checkpoints",
    )


def _level(seconds: float) -> Level:
    return "warning" if seconds >= _WORTH else "note"


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
