"""Writing: ten floats per training step, against `tf.summary`, tensorboardX and Keras' own callback.

Each writer has a process of its own, in turn. One writes its steps back to back, for the processor time (threads and
closing included) and the bytes; another pauses between steps as a training does, for the time that a step waits for its
writer, and is killed by SIGKILL after the last one, for what is lost. Peers flush every two seconds where they can be
told to.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

from tbcli.readers import read_scalars
from tests.benchmarks.measure import PYTHON
from tests.benchmarks.peers.writer import TAGS, WARM_UP, WRITERS

ROUNDS = int(os.environ.get("BENCH_WRITE_ROUNDS", "3"))
STEPS, PACED_STEPS, PAUSE = 5000, 1500, 0.002
OURS = "tbcli"
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


def bench() -> None:
    """Print a row per writer, and whether ours is first where it should be."""
    figures: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in WRITERS}
    for _ in range(ROUNDS):
        for name in WRITERS:
            with tempfile.TemporaryDirectory() as top:
                _back_to_back(name, f"{top}/whole", figures[name])
                _killed(name, f"{top}/killed", figures[name])
    _report(figures)


def _back_to_back(name: str, directory: str, figures: dict[str, list[float]]) -> None:
    told = _run(name, directory, STEPS, 0)
    points = _points(directory)
    assert points == TAGS * (STEPS + WARM_UP), (name, points)
    figures["cpu"].append(told["cpu"] / (TAGS * STEPS) * 1e6)
    figures["bytes"].append(sum(path.stat().st_size for path in Path(directory).rglob("*tfevents*")) / points)


def _killed(name: str, directory: str, figures: dict[str, list[float]]) -> None:
    told = _run(name, directory, PACED_STEPS, PAUSE)
    cuts = statistics.quantiles(told["stalls"], n=100)
    figures["p50"].append(cuts[49] * 1e6)
    figures["p99"].append(cuts[98] * 1e6)
    figures["max"].append(max(told["stalls"]) * 1e6)
    lost = TAGS * (PACED_STEPS + WARM_UP) - _points(directory)
    figures["lost"].append(lost)
    first_lost = -(lost // TAGS) - (lost % TAGS > 0)  # counted from the end
    figures["behind"].append(told["ago"][first_lost] if lost else 0.0)


def _run(name: str, directory: str, steps: int, pause: float) -> dict[str, object]:
    argv = [PYTHON, "-m", "tests.benchmarks.peers.writer", name, directory, str(steps), str(pause)]
    done = subprocess.run(argv, capture_output=True, env={**os.environ, **QUIET}, check=False)
    if done.returncode != (-signal.SIGKILL if pause else 0):
        raise RuntimeError(f"{name} exited with {done.returncode}: {done.stderr.decode()[-500:]}")
    told: dict[str, object] = json.loads(done.stdout)
    return told


def _points(directory: str) -> int:
    return len(read_scalars(directory, cache=False))


def _report(figures: dict[str, dict[str, list[float]]]) -> None:
    print(f"\nWriting {TAGS} floats per step (medians of {ROUNDS}; max, lost and behind: the worst of them)")
    heads = ("CPU us/point", "x tbcli", "bytes/point", "p50 us", "p99 us", "max us", "lost points", "s behind")
    print(f"  {'':<28} " + " ".join(f"{head:>12}" for head in heads))
    shown = {name: _settled(values) for name, values in figures.items()}
    for name, values in shown.items():
        row = [values["cpu"], values["cpu"] / shown[OURS]["cpu"], *(values[key] for key in list(values)[1:])]
        print(f"  {name:<28} " + " ".join(f"{value:>12.2f}" for value in row))
    for key, title in (("cpu", "CPU per point"), ("p99", "p99 of a step's wait")):
        first = min(shown, key=lambda name: shown[name][key])
        print(f"  first in {title}: {first}  {'met' if first == OURS else 'MISSED'}")
    print(f"  readable within 2 s: {shown[OURS]['behind']:.2f} s  {'met' if shown[OURS]['behind'] <= 2 else 'MISSED'}")


def _settled(values: dict[str, list[float]]) -> dict[str, float]:
    """Return one figure of all rounds, in the order of the report."""
    medians = {key: statistics.median(values[key]) for key in ("cpu", "bytes", "p50", "p99")}
    return medians | {key: max(values[key]) for key in ("max", "lost", "behind")}
