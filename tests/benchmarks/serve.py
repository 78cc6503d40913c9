"""Serving: seconds from process start to the first scalar over HTTP, and resident memory, against `tensorboard`.

Resident memory is that of the whole process tree (the fast reader is a child of both), pages shared with others
counted as PSS counts them, one second after the first scalar.
"""

from __future__ import annotations

import http.client
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.measure import TBCLI
from tests.serving.events import write_scalars

ROUNDS = 5
RUNS, STEPS, TAGS = 16, 2000, 12
GOAL_SECONDS, GOAL_MEMORY = 0.25, 0.2
TENSORBOARD = [str(Path(sys.executable).with_name("tensorboard"))]


def bench() -> None:
    """Print both figures of both programs over the same log, taken in turn."""
    with tempfile.TemporaryDirectory() as directory:
        logdir = Path(directory, "logs")
        megabytes = _write_log(logdir) / 1e6
        contestants = {"tensorboard": [*TENSORBOARD], "tbcli serve": [*TBCLI, "serve"]}
        samples: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
        for turn in range(ROUNDS + 1):  # the first fills the page cache and does not count
            for name, argv in contestants.items():
                sample = _first_scalar([*argv, "--logdir", str(logdir)])
                if turn:
                    samples[name].append(sample)
        _report(samples, megabytes)


def _write_log(logdir: Path) -> int:
    """Write one run and copy it; generating each would take minutes."""
    curves = {f"epoch_metric_{number}": [1 / (step + 1) for step in range(STEPS)] for number in range(TAGS)}
    write_scalars(logdir / "run00" / "train", curves)
    for number in range(1, RUNS):
        shutil.copytree(logdir / "run00", logdir / f"run{number:02}")
    return sum(path.stat().st_size for path in logdir.rglob("*tfevents*"))


def _first_scalar(argv: Sequence[str]) -> tuple[float, float]:
    """Return seconds to the first scalar, and resident megabytes a second later."""
    port = _free_port()
    began = time.perf_counter()
    process = subprocess.Popen([*argv, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _answers(port, "/data/plugin/scalars/scalars?run=run00/train&tag=epoch_metric_0"):
            if process.poll() is not None:
                raise RuntimeError(f"{' '.join(argv)} left with {process.returncode}")
            time.sleep(0.01)
        seconds = time.perf_counter() - began
        time.sleep(1)
        return seconds, _resident_mb(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    own = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(_resident_mb(int(child)) for child in children)


def _report(samples: dict[str, list[tuple[float, float]]], megabytes: float) -> None:
    print(
        f"\nserve: {RUNS} runs, {megabytes:.0f} MB of scalars (medians of {ROUNDS}, memory is PSS of the process tree)"
    )
    print(f"  {'':<20} {'first scalar s':>14} {'MB':>6}")
    for name, taken in samples.items():
        seconds, memory = (statistics.median(column) for column in zip(*taken, strict=True))
        print(f"  {name:<20} {seconds:>14.2f} {memory:>6.0f}")
    pairs = list(zip(samples["tbcli serve"], samples["tensorboard"], strict=True))
    for figure, index, goal in (("time", 0, GOAL_SECONDS), ("memory", 1, GOAL_MEMORY)):
        ratio = statistics.median(ours[index] / theirs[index] for ours, theirs in pairs)
        print(f"  {figure:<20} {ratio:>13.2f}x  goal <= {goal:g}  {'met' if ratio <= goal else 'MISSED'}", flush=True)
