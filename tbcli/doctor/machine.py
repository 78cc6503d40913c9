"""Processor, memory and graphics card, as the kernel tells of them: nothing is started, nothing is imported."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tbcli.doctor.findings import Finding
from tbcli.doctor.packages import Packages, is_unmet
from tbcli.doctor.system import System, pip
from tbcli.naming.shortening import few

_FEATURES = ("avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve")
_SHARED = "/dev/shm"  # noqa: S108 - asked for its size
_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
_GIGABYTE = 1_000_000_000
_LEAST_MEMORY, _LEAST_SHARED = 1_000_000_000, 512 << 20  # TensorFlow alone takes 600 MB
_CUDA_PLACES = ("/usr/local/cuda*/lib64", "/usr/local/cuda*/targets/*/lib", "/usr/lib/x86_64-linux-gnu",
                "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/opt/cuda/lib64")  # fmt: skip


def check_machine(system: System, *, wants_bfloat16: bool = False) -> tuple[dict[str, Any], list[Finding]]:
    """Return facts about processor, memory and graphics card, and what is wrong with them.

    Args:
        system: What is asked.
        wants_bfloat16: Whether the workspace's settings ask for training in bfloat16.
    """
    processor, memory, cards = _processor(system), _memory(system), _graphics(system)
    findings = [
        *_processor_findings(processor, wants_bfloat16=wants_bfloat16),
        *_memory_findings(memory),
        *_graphics_findings(system, cards),
    ]
    return {"processor": processor, "memory": memory, "gpu": cards}, findings


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return os.cpu_count() or 1


def _processor(system: System) -> dict[str, Any]:
    told: dict[str, str] = {}
    for line in system.text("/proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        told.setdefault(key.strip().lower(), value.strip())
    flags = set(told.get("flags", told.get("features", "")).split())
    has_bfloat16 = bool(flags.intersection(_BFLOAT16))
    return {
        "model": told.get("model name", platform.processor() or platform.machine()),
        "cores": usable_cores(),
        "quota": _quota(system),
        "features": [name for name in _FEATURES if name in flags],
        "bfloat16": ("hardware" if has_bfloat16 else "emulated") if flags else "unknown",
    }


def _quota(system: System) -> float | None:
    """Return how many cores' time the container may use; None for no limit."""
    for inside in system.groups("cpu"):
        period: int | None
        if system.has(f"{inside}/cpu.max"):
            words = system.text(f"{inside}/cpu.max").split()
            quota, period = (words[0], int(words[1])) if len(words) == 2 and words[1].isdecimal() else ("max", 0)
        else:
            quota = str(system.number(f"{inside}/cpu.cfs_quota_us") or "max")
            period = system.number(f"{inside}/cpu.cfs_period_us")
        if quota.isdecimal() and period:
            return int(quota) / period
    return None


def _processor_findings(processor: dict[str, Any], *, wants_bfloat16: bool) -> Iterator[Finding]:
    features, cores, quota = processor["features"], processor["cores"], processor["quota"]
    if processor["bfloat16"] != "unknown" and platform.machine() in ("x86_64", "AMD64") and "avx" not in features:
        yield Finding(  # TensorFlow's release notes of 1.6
            level="error",
            name="no-avx",
            what=f"the processor ({processor['model']}) does not have AVX instructions",
            why="`import tensorflow` ends with 'Illegal instruction': its packages are compiled for AVX",
            fix="on a virtual machine pass the host's processor through (QEMU: -cpu host); else use another machine",
        )
    if wants_bfloat16 and processor["bfloat16"] == "emulated":
        yield Finding(
            level="warning",
            name="bfloat16-emulated",
            what="the settings ask for bfloat16, which this processor does not have in hardware",
            why="emulated, it is slower than float32, and less exact",
            fix="tbcli train --precision float32",
        )
    if quota and math.ceil(quota) < cores:
        yield Finding(
            level="note",
            name="cpu-quota",
            what=f"the container may use {quota:g} of the {cores} cores that it sees",
            why="TensorFlow starts a thread for each core that it sees; they wait for each other",
            fix=f"export TF_NUM_INTRAOP_THREADS={math.ceil(quota)}",
        )


def _memory(system: System) -> dict[str, Any]:
    told = {}
    for line in system.text("/proc/meminfo").splitlines():
        words = line.replace(":", "").split()
        if len(words) >= 2 and words[1].isdecimal():
            told[words[0]] = int(words[1]) * 1024
    total, available = told.get("MemTotal"), told.get("MemAvailable")
    limit = _memory_limit(system)
    if limit and (total is None or limit.bytes < total):
        left = max(0, limit.bytes - limit.used)
        available = left if available is None else min(available, left)
    else:
        limit = None
    return {"total": total, "available": available, "limit": limit.bytes if limit else None}


class _Limit(NamedTuple):
    bytes: int
    used: int


def _memory_limit(system: System) -> _Limit | None:
    """Return the tightest limit of the control groups around this process; the page cache is not counted as used."""
    found = []
    for inside in system.groups("memory"):
        most = system.number(f"{inside}/memory.max") or system.number(f"{inside}/memory.limit_in_bytes")
        used = system.number(f"{inside}/memory.current") or system.number(f"{inside}/memory.usage_in_bytes") or 0
        if most:
            cached = [line.split()[1] for line in system.text(f"{inside}/memory.stat").splitlines()
                      if line.startswith(("inactive_file ", "total_inactive_file "))]  # fmt: skip
            found.append(_Limit(most, max(0, used - max(map(int, cached), default=0))))
    return min(found, default=None, key=lambda limit: limit.bytes - limit.used)


def _memory_findings(memory: dict[str, Any]) -> Iterator[Finding]:
    available = memory["available"]
    if available is not None and available < _LEAST_MEMORY:
        limited = f" (the container's limit is {memory['limit'] / _GIGABYTE:.1f} GB)" if memory["limit"] else ""
        yield Finding(
            level="warning",
            name="memory-low",
            what=f"{available / _GIGABYTE:.2f} GB of memory are free{limited}",
            why="TensorFlow alone takes 0.6 GB; the kernel kills a process that finds no more, silently",
            fix="ps -eo rss,pid,args --sort=-rss | head",
        )


def _graphics(system: System) -> dict[str, Any]:
    """Return what the drivers tell of graphics cards."""
    cards = []
    places = system.path("/proc/driver/nvidia/gpus")
    for name in _names_in(places):
        told = system.text(f"/proc/driver/nvidia/gpus/{name}/information")
        model = next((line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("Model")), "")
        cards.append(model or name)
    told = system.text("/proc/driver/nvidia/version")
    words = told.partition("Module")[2].split()
    driver = next((word for word in words if word[0].isdecimal()), "")
    return {
        "driver": driver or None,
        "cards": cards,
        "devices": sum(system.has(f"/dev/nvidia{number}") for number in range(16)),
        "wsl": system.has("/dev/dxg"),
        "amd": system.has("/dev/kfd"),
    }


def _graphics_findings(system: System, cards: dict[str, Any]) -> Iterator[Finding]:
    hidden = system.environ.get("CUDA_VISIBLE_DEVICES")
    has_card = bool(cards["cards"] or cards["wsl"])
    if has_card and hidden is not None and hidden.strip() in ("", "-1"):
        yield Finding(
            level="warning",
            name="gpu-hidden",
            where="CUDA_VISIBLE_DEVICES",
            what=f"CUDA_VISIBLE_DEVICES={hidden!r} hides the graphics card",
            why="training runs on the processor",
            fix="unset CUDA_VISIBLE_DEVICES",
        )
    if cards["cards"] and not cards["devices"] and not cards["wsl"]:
        yield Finding(
            level="warning",
            name="gpu-not-passed",
            what="the driver knows a graphics card, but there is no /dev/nvidia0",
            why="a container that was started without its GPUs trains on the processor",
            fix="docker run --gpus all ..." if in_container(system) else "nvidia-modprobe -u -c=0",
        )
    elif has_card:
        yield from _missing_cuda(system)
    if cards["amd"] and not has_card:
        yield Finding(
            level="note",
            name="gpu-amd",
            what="there is an AMD graphics card; TensorFlow's own packages support NVIDIA's only",
            why="training runs on the processor",
            fix=f"{pip('uninstall', '-y', 'tensorflow')} && {pip('install', 'tensorflow-rocm')}",
        )
    room = shared_room(system)
    if cards["devices"] > 1 and room is not None and room < _LEAST_SHARED:
        yield Finding(
            level="note",
            name="shared-memory-small",
            where=_SHARED,
            what=f"{_SHARED} has {room >> 20} MB, and there are {cards['devices']} graphics cards",
            why="NCCL, by which they exchange gradients, fails or crashes where it finds too little of it",
            fix="docker run --shm-size=1g ..." if in_container(system) else f"mount -o remount,size=1g {_SHARED}",
        )


def _missing_cuda(system: System) -> Iterator[Finding]:
    packages = Packages(system.packages)
    cpu_only = next((name for name in ("tensorflow-cpu", "tf-nightly-cpu") if packages.version(name)), "")
    if cpu_only:
        yield Finding(
            level="warning",
            name="gpu-unused",
            where=cpu_only,
            what=f"there is a graphics card, but {cpu_only} cannot use it",
            why="training runs on the processor",
            fix=f"{pip('uninstall', '-y', cpu_only)} && {pip('install', 'tensorflow[and-cuda]')}",
        )
        return
    needed = packages.requirements("tensorflow", "and-cuda")
    unmet = [each for each in needed if is_unmet(each, packages.version(each.name))]
    if not unmet or (len(unmet) == len(needed) and _has_system_cuda(system)):
        return
    some = few([each.name for each in unmet], 3)
    yield Finding(  # tensorflow/tensorflow#63362
        level="warning",
        name="gpu-without-cuda",
        where="tensorflow",
        what=f"there is a graphics card, but CUDA's packages are missing or of another version: {some}",
        why="TensorFlow says 'Cannot dlopen some GPU libraries' and trains on the processor",
        fix=pip("install", f"tensorflow[and-cuda]=={packages.version('tensorflow')}"),
    )


def _has_system_cuda(system: System) -> bool:
    """Say whether CUDA and cuDNN lie where the dynamic linker may find them."""
    said = [place for place in system.environ.get("LD_LIBRARY_PATH", "").split(":") if place]
    places = [*said, *(str(each) for place in _CUDA_PLACES for each in system.root.glob(place.lstrip("/")))]
    names = {name for place in places for name in _names_in(Path(place))}
    return all(any(name.startswith(part) for name in names) for part in ("libcudart.so", "libcudnn.so"))


def _names_in(place: Path) -> list[str]:
    try:
        return sorted(os.listdir(place))  # noqa: PTH208
    except OSError:
        return []


def shared_room(system: System) -> int | None:
    """Return the size of the shared memory in bytes; None where there is none."""
    try:
        facts = os.statvfs(system.path(_SHARED))
    except OSError:
        return None
    return facts.f_blocks * facts.f_frsize


def in_container(system: System) -> bool:
    """Say whether this process runs in a container."""
    return (
        system.has("/.dockerenv")
        or system.has("/run/.containerenv")
        or any(word in system.text("/proc/1/cgroup") for word in ("docker", "kubepods", "containerd", "lxc"))
    )
