"""Recording: what each recorder costs, and whole processes with ``--record standard`` and ``full`` against ``off``."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from tests.benchmarks.measure import TBCLI, interleaved, report

EPOCHS = int(os.environ.get("BENCH_EPOCHS", "5"))
ROUNDS = int(os.environ.get("BENCH_RECORD_ROUNDS", "5"))
LEVELS = ("off", "standard", "full")


def bench() -> None:
    with tempfile.TemporaryDirectory() as top:
        contestants = {
            f"--record {level}": [
                *TBCLI,
                "train",
                "--workspace",
                f"{top}/{level}",
                "--epochs",
                str(EPOCHS),
                "--record",
                level,
            ]
            for level in LEVELS
        }
        costs = interleaved(contestants, rounds=ROUNDS, warmups=0)
        for level in LEVELS[1:]:
            _show_recorders(level, Path(top, level))
    goals = {"--record standard": 1.05, "--record full": 1.05}
    report(f"Recording over {EPOCHS} epochs of MNIST", costs, peer="--record off", goals=goals)


def _show_recorders(level: str, workspace: Path) -> None:
    """Print a row a recorder of the latest run, and the bytes of all event files."""
    run = max(workspace.glob("logs/*/run.json"))
    record = json.loads(run.read_text())
    recording = record["recording"]
    alone = sum(recording["milliseconds"].values()) / recording["percent"]  # a hundredth of the training time alone
    print(
        f"\n--record {level}, {record['epochs']} epochs: recording took {recording['percent']} % of the training time"
    )
    print(f"  {'recorder':<14} {'ms/epoch':>9} {'kB/epoch':>9} {'percent':>8}")
    for name, milliseconds in sorted(recording["milliseconds"].items(), key=lambda item: -item[1]):
        kilobytes = recording["bytes"][name] / 1000
        print(f"  {name:<14} {milliseconds / EPOCHS:>9.1f} {kilobytes / EPOCHS:>9.1f} {milliseconds / alone:>7.2f}%")
    events = sum(file.stat().st_size for file in run.parent.rglob("events.*"))
    print(f"  event files {events / 1e6:.2f} MB in all")
