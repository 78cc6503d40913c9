"""Choose the device, and the precision that is fast on it without costing accuracy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import tensorflow as tf

_SMALL_STEP = 200_000  # values; twice what was measured
_THREADS = "TF_NUM_INTRAOP_THREADS"  # TensorFlow's own


def let_memory_grow() -> None:
    """Let a GPU's memory be taken as it is needed."""
    for gpu in tf.config.list_physical_devices("GPU"):
        with suppress(RuntimeError):  # it is in use already
            tf.config.experimental.set_memory_growth(gpu, True)


def name_of_device(gpus: Sequence[Any]) -> str:
    """Return what the run says of its device: ``CPU`` without a GPU, else the name of the first and how many."""
    if not gpus:
        return "CPU"
    details = tf.config.experimental.get_device_details(gpus[0])
    name = str(details.get("device_name", "GPU"))
    return name if len(gpus) == 1 else f"{len(gpus)} x {name}"


def choose_threads(values_per_step: int, cores: int = 0) -> int:
    """Return how many threads may share the work of one kernel; 0 leaves that to TensorFlow, which takes all cores.

    A small kernel is done before it is split. On an idle machine with two cores, steps of 128 images of 28x28 took a
    quarter less CPU time with one thread, and a tenth less wall time: kernels that do not wait for one another still
    run side by side. With more cores or larger samples nobody has measured it; there it stays as it was.

    Args:
        values_per_step: Numbers in the samples of one step.
        cores: That this process may use; counted when not given.
    """
    is_settled = _THREADS in os.environ or bool(tf.config.list_physical_devices("GPU"))
    return 1 if not is_settled and (cores or _cores()) <= 2 and values_per_step <= _SMALL_STEP else 0


def use_threads(count: int) -> None:
    """Let so many threads share the work of one kernel, in this whole process; too late once it has computed anything.

    Args:
        count: From `choose_threads`.
    """
    if count:
        with suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(count)


def threads_in_use() -> int:
    """Return how many threads share the work of one kernel: the last bits of sums depend on it."""
    set_outside = os.environ.get(_THREADS, "")
    in_use: int = tf.config.threading.get_intra_op_parallelism_threads()
    return in_use or (int(set_outside) if set_outside.isdecimal() else 0) or _cores()


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_precision(asked: str) -> str:
    """Return the dtype policy: the one asked for, or for ``auto`` bfloat16 where the hardware multiplies it natively.

    Without such hardware bfloat16 is emulated and slower than float32.
    """
    if asked != "auto":
        return asked
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        major, _ = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))
        return "mixed_bfloat16" if major >= 8 else "float32"  # 8.0 is Ampere, the first with bfloat16
    return "mixed_bfloat16" if {"avx512_bf16", "amx_bf16"} & cpu_flags() else "float32"


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> set[str]:
    """Return the processor's feature flags, empty where the system does not tell."""
    try:
        text = cpuinfo.read_text()
    except OSError:
        return set()
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return set(line.partition(":")[2].split())
