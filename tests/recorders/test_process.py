"""Figures of the process are true, with ``/proc`` and without."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.tf  # the recorder asks TensorFlow for GPUs


def test_memory_is_read_in_millions_of_bytes(tmp_path: Path) -> None:
    from tbcli.recorders.process import memory_megabytes

    status = tmp_path / "status"
    status.write_text("Name:\tpy thon: x\nVmHWM:\t 2000000 kB\nVmRSS:\t 1000000 kB\nThreads:\t4\n")
    assert memory_megabytes(status) == {"memory_mb": 1024.0, "peak_memory_mb": 2048.0}


@pytest.mark.parametrize(("platform", "unit"), [("linux", 1024), ("darwin", 1)])
def test_without_proc_the_peak_is_still_known(platform: str, unit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from tbcli.recorders.process import memory_megabytes

    class Usage:
        ru_maxrss = 5_000_000

    monkeypatch.setattr(resource, "getrusage", lambda who: Usage)
    monkeypatch.setattr(sys, "platform", platform)
    assert memory_megabytes(Path("/nowhere/status")) == {"peak_memory_mb": 5 * unit}


def test_a_busy_core_is_a_hundred_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    from tbcli.recorders.process import CpuClock

    moments = {"cpu": 10.0, "wall": 100.0}
    monkeypatch.setattr(time, "process_time", lambda: moments["cpu"])
    monkeypatch.setattr(time, "perf_counter", lambda: moments["wall"])
    clock = CpuClock()
    for cpu, wall, percent in ((11.0, 101.0, 100.0), (17.0, 105.0, 150.0), (17.0, 106.0, 0.0), (17.0, 106.0, 0.0)):
        moments.update(cpu=cpu, wall=wall)
        assert clock.percent() == pytest.approx(percent)


def test_gpus_are_asked_where_there_are_some(monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    from tbcli.recorders.process import gpu_megabytes

    class Device:
        def __init__(self, name: str) -> None:
            self.name = name

    held: dict[str, dict[str, Any]] = {"GPU:0": {"current": 3e9, "peak": 9e9}, "GPU:1": {"current": 1e9, "peak": 1e9}}
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [])
    assert gpu_megabytes() == {}
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [Device(f"/device:{name}") for name in held])
    monkeypatch.setattr(tf.config.experimental, "get_memory_info", held.__getitem__)
    assert gpu_megabytes() == {"gpu_memory_mb": 4000.0}


def test_every_epoch_has_its_figures_from_the_first_step_on() -> None:
    from tbcli.recorders.process import ProcessRecorder
    from tests.recorders.memory import MemoryWriter, snapshot

    writer, recorder = MemoryWriter(), ProcessRecorder()
    recorder.on_begin(snapshot(0), writer)  # type: ignore[arg-type]
    for epoch in (1, 2):
        recorder.on_epoch(snapshot(epoch), writer)  # type: ignore[arg-type]
    assert {where for where, _ in writer.written} == {"train"}
    assert {tag for _, tag in writer.written} >= {"system/cpu_percent", "system/peak_memory_mb"}
    for points in writer.written.values():
        assert [step for step, _ in points] == [1, 2]
        assert all(value >= 0 for _, value in points)
