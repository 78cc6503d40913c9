"""Choose the device, and the precision that is fast on it without costing accuracy."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf


def choose_device() -> str:
    """Return what the run says of its device, ``CPU`` or the GPU's name; on a GPU memory grows as needed."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if not gpus:
        return "CPU"
    details = tf.config.experimental.get_device_details(gpus[0])
    name = str(details.get("device_name", "GPU"))
    return name if len(gpus) == 1 else f"{len(gpus)} x {name}"


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
