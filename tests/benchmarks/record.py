"""Recording: whole processes with ``--record standard`` and ``full`` against ``off``, for few and for many samples.

And saving the state to resume from: what it cost in each, which is to stay within 1 % of the time.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from pathlib import Path

from tests.benchmarks.measure import TBCLI, Cost, interleaved, report

EPOCHS = int(os.environ.get("BENCH_EPOCHS", "5"))
ROUNDS = int(os.environ.get("BENCH_RECORD_ROUNDS", "5"))
SIZES = [int(size) for size in os.environ.get("BENCH_RECORD_SAMPLES", "300,2000,60000").split(",")]
LEVELS = ("off", "standard", "full")
LONG_SECONDS = 30.0  # of training; a shorter one may cost more of itself, but no more than this in all:
MOST_SECONDS = 0.8


def bench() -> None:
    for samples in SIZES:
        with tempfile.TemporaryDirectory() as top:
            contestants = {f"--record {level}": _train(Path(top, level), samples, level) for level in LEVELS}
            costs = interleaved(contestants, rounds=ROUNDS, warmups=0)
            for level in LEVELS[1:]:
                _show_recorders(level, Path(top, level))
        report(f"Recording over {EPOCHS} epochs of {samples:,} samples of MNIST", costs, peer="--record off")
        for level in LEVELS[1:]:
            _show_verdict(level, costs[f"--record {level}"], costs["--record off"])


def _train(workspace: Path, samples: int, level: str) -> list[str]:
    words = ["--epochs", str(EPOCHS), "--limit-samples", str(samples), "--record", level, "--no-plots"]
    return [*TBCLI, "train", "--workspace", str(workspace), *words]


def _show_verdict(level: str, costs: list[Cost], without: list[Cost]) -> None:
    """Say whether a level stays within its goal: 5 % of a long training, 0.8 CPU seconds of a short one."""
    more = statistics.median(cost.cpu - other.cpu for cost, other in zip(costs, without, strict=True))
    whole = statistics.median(cost.cpu for cost in without)
    goal = 0.05 * whole if whole >= LONG_SECONDS else MOST_SECONDS
    verdict = "met" if more <= goal else "MISSED"
    print(f"  --record {level}: {more:+.2f} CPU s, goal <= {goal:.2f}: {verdict}", flush=True)


def _show_recorders(level: str, workspace: Path) -> None:
    """Print one row per recorder of the latest run, and the bytes of all event files."""
    run = max(workspace.glob("logs/*/run.json"))
    record = json.loads(run.read_text())
    recording = record["recording"]
    print(
        f"\n--record {level}, {record['epochs']} epochs: "
        f"{recording['cpu_seconds']} CPU s, {recording['percent']} % of the training time"
    )
    print(f"  {'recorder':<14} {'ms':>9} {'kB':>9}")
    for name, milliseconds in sorted(recording["milliseconds"].items(), key=lambda item: -item[1]):
        print(f"  {name:<14} {milliseconds:>9.1f} {recording['bytes'][name] / 1000:>9.1f}")
    saving = record["saving"]
    share = 100 * saving["seconds"] / record["seconds"]
    print(
        f"  saving: {saving['states']} states of {saving['bytes'] / 1e6:.2f} MB, {saving['cpu_seconds']} CPU s, "
        f"{saving['seconds']} s or {share:.2f} % of the time (goal <= 1; the last state is always saved)"
    )
    events = sum(file.stat().st_size for file in run.parent.rglob("events.*"))
    print(f"  event files {events / 1e6:.2f} MB in all")
