"""Findings about where the time of a training went: to recording, or to waiting for samples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tbcli.doctor.course import Known
from tbcli.doctor.findings import Finding

_DEAR, _DEAR_SECONDS = 20.0, 5.0  # percent of the training, and what is worth a word
_SLOW, _SLOW_SECONDS = 0.2, 5.0  # of the training
_ONCE = 10  # epochs: in shorter trainings what a recorder does once costs most


def findings_on_costs(record: Mapping[str, Any], settings: Mapping[str, Any], known: Known) -> Iterator[Finding]:
    """Yield what cost much time.

    Args:
        record: The run's record.
        settings: Those it ran with, as ``{"section.key": value}``.
        known: What is known of the training.
    """
    yield from _dear_recording(record, str(settings.get("record.recorders") or "standard"), known)
    yield from _slow_input(record, is_in_memory=settings.get("data.cache") == "memory", known=known)


def _dear_recording(record: Mapping[str, Any], recorders: str, known: Known) -> Iterator[Finding]:
    recording = record.get("recording")
    recording = recording if isinstance(recording, Mapping) else {}
    percent, spent = _number(recording.get("percent")), recording.get("milliseconds")
    by_name = {
        str(name): _number(value) / 1000 for name, value in (spent if isinstance(spent, Mapping) else {}).items()
    }
    by_name = {name: seconds for name, seconds in by_name.items() if seconds > 0}
    total = sum(by_name.values()) or _number(record.get("seconds")) * percent / (100 + percent)
    worked = np.fmin(total, _number(recording.get("cpu_seconds")))  # a busy machine makes everything take long
    if not (percent > _DEAR and worked >= _DEAR_SECONDS):
        return
    dearest = max(by_name, key=by_name.__getitem__, default="")
    told = f", most of it {dearest} with {by_name[dearest]:.1f} s" if dearest else ""
    epochs = _number(record.get("epochs"))
    option = f"--record {recorders},-{dearest}" if dearest else "--record light"
    if dearest and epochs >= _ONCE:
        option = f"--record-every {dearest}={max(2, math.ceil(epochs / 10))}"
    yield Finding(
        level="warning",
        name="dear-recording",
        what=f"recording cost {total:.1f} s, {percent:.0f} % of the training{told}",
        why="the same training would be done earlier without",
        fix=known.again(option, f"record less: {option}"),
        where=f"recorder {dearest}" if dearest else "recording",
    )


def _slow_input(record: Mapping[str, Any], known: Known, *, is_in_memory: bool) -> Iterator[Finding]:
    waited, seconds = _number(record.get("waited_seconds")), _number(record.get("seconds"))
    if not (waited >= _SLOW_SECONDS and waited > _SLOW * seconds):
        return
    advice = "make samples smaller or easier to decode, or keep decoded ones in memory"
    yield Finding(
        level="warning",
        name="slow-input",
        what=f"training waited {waited:.1f} s of {seconds:.1f} s for samples",
        why="the processor had nothing to do meanwhile: reading and decoding are slower than the model",
        fix=advice if is_in_memory else known.again("--cache memory", advice),
        where="data",
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
