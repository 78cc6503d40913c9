"""Scalars of the training process: CPU, memory and GPU memory usage."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from tbcli.naming import tags
from tbcli.recorders.base import Recorder, Snapshot, Writer

_STATUS_FILE = Path("/proc/self/status")
_MEGABYTE = 1e6


class ProcessRecorder(Recorder):
    """Writes ``system/*`` to ``train``.

    ``cpu_percent`` is the mean since the record before, 100 for one core kept busy; ``memory_mb`` what is in memory
    now, ``peak_memory_mb`` the most it ever was, ``gpu_memory_mb`` what TensorFlow holds on all GPUs; 10^6 bytes each.
    """

    made_anew = frozenset({"_clock"})

    def __init__(self) -> None:
        self._clock = CpuClock()

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Count from the first step on, not from the start of the process."""
        self._clock.percent()

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write what the process takes now."""
        values = {tags.CPU_PERCENT: self._clock.percent(), **memory_megabytes(), **gpu_megabytes()}
        writer.scalars({tags.SYSTEM + name: value for name, value in values.items()}, snapshot.epoch, where="train")


class CpuClock:
    """Measures CPU time of this process, all threads together, relative to wall time."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def percent(self) -> float:
        """Return the mean since the last question, 100 for one core kept busy."""
        cpu, wall = time.process_time(), time.perf_counter()
        share = (cpu - self._cpu) / max(wall - self._wall, 1e-9)
        self._cpu, self._wall = cpu, wall
        return 100 * share


def memory_megabytes(status_file: Path = _STATUS_FILE) -> dict[str, float]:
    """Return the resident memory of this process, ``memory_mb`` now and ``peak_memory_mb``.

    Source: ``VmRSS`` and ``VmHWM`` of proc(5), in units of 1024 bytes. Where there is no ``/proc`` only the peak is
    known, from getrusage(2): in 1024 bytes on Linux, in bytes on macOS.
    """
    try:
        lines = status_file.read_text().splitlines()
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return {tags.PEAK_MEMORY: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MEGABYTE}
    fields = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    known = {tags.MEMORY: "VmRSS", tags.PEAK_MEMORY: "VmHWM"}
    return {name: int(fields[key][0]) * 1024 / _MEGABYTE for name, key in known.items() if key in fields}


def gpu_megabytes() -> dict[str, float]:
    """Return ``gpu_memory_mb``, what TensorFlow holds on all GPUs together; nothing where there is none of either."""
    tf = sys.modules.get("tensorflow")  # imported by whoever trains with it
    if tf is None:
        return {}
    gpus = [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices("GPU")]
    if not gpus:
        return {}
    return {tags.GPU_MEMORY: sum(tf.config.experimental.get_memory_info(gpu)["current"] for gpu in gpus) / _MEGABYTE}
