"""Sweeps: trials with 1, 2 and ``auto`` slots against one ``tbcli train`` after another; the coordinator's own cost."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.measure import TBCLI

TRIALS = int(os.environ.get("BENCH_TRIALS", "8"))
SAMPLES = os.environ.get("BENCH_SAMPLES", "2000")
RATES = [f"{0.001 * (number + 1):g}" for number in range(TRIALS)]
COMMON = ["--limit-samples", SAMPLES, "--epochs", "2", "--record", "light", "--no-plots", "--quiet"]
_TICKS = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """What a number of trials took."""

    wall: float
    cpu: float
    own_cpu: float = 0.0
    own_bytes: float = 0.0


def bench() -> None:
    with tempfile.TemporaryDirectory() as top:
        costs = {"train, one by one": _trainings(Path(top, "trainings"))}
        for parallel in ("1", "2", "auto"):
            costs[f"sweep, {parallel}"] = _sweep(Path(top, parallel), parallel)
    print(f"\n{TRIALS} trials of 2 epochs of {SAMPLES} samples")
    print(f"  {'':18}  {'s/trial':>8}  {'CPU s/trial':>11}  {'trials/min':>10}  coordinator")
    for name, cost in costs.items():
        own = f"{cost.own_cpu:.2f} CPU s, {cost.own_bytes / 1e6:.0f} MB" if cost.own_bytes else ""
        print(
            f"  {name:18}  {cost.wall / TRIALS:8.2f}  {cost.cpu / TRIALS:11.2f}  {60 * TRIALS / cost.wall:10.1f}  {own}"
        )


def _trainings(workspace: Path) -> Cost:
    began, before = time.perf_counter(), _children_cpu()
    for rate in RATES:
        words = [*TBCLI, "train", "--workspace", str(workspace), "--lr", rate, *COMMON]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return Cost(time.perf_counter() - began, _children_cpu() - before)


def _sweep(workspace: Path, parallel: str) -> Cost:
    began, before = time.perf_counter(), _children_cpu()
    words = [*TBCLI, "sweep", "--workspace", str(workspace), f"lr={','.join(RATES)}", "--parallel", parallel, *COMMON]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        own = (0.0, 0.0)
        while process.poll() is None:
            own = _own(process.pid) or own
            time.sleep(0.1)
    assert process.returncode == 0
    assert len(list(workspace.glob("logs/*-sweep-1-[0-9]*/run.json"))) == TRIALS
    return Cost(time.perf_counter() - began, _children_cpu() - before, *own)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _own(pid: int) -> tuple[float, float] | None:
    """Return the CPU seconds of one process without those it started, and the most memory that it has held."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        held = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return None
    return ((int(fields[11]) + int(fields[12])) / _TICKS, float(held[1]) * 1024) if held else None
