"""Training: ``tbcli train`` with its defaults against the tutorial script, whole processes, same network and epochs."""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from pathlib import Path

from tbcli.training.hardware import cpu_flags
from tests.benchmarks.measure import PYTHON, TBCLI, Cost, report, run_once

EPOCHS = int(os.environ.get("BENCH_EPOCHS", "5"))
ROUNDS = int(os.environ.get("BENCH_TRAIN_ROUNDS", "3"))
TUTORIAL = Path(__file__).with_name("peers") / "tutorial.py"


def bench() -> None:
    goal = 0.62 if {"avx512_bf16", "amx_bf16"} & cpu_flags() else 0.95
    costs: dict[str, list[Cost]] = {"tbcli train": [], "tutorial script": []}
    accuracies: dict[str, list[float]] = {name: [] for name in costs}
    with tempfile.TemporaryDirectory() as top:
        for seed in range(ROUNDS):
            ours, theirs = Path(top, f"ours{seed}"), Path(top, f"theirs{seed}")
            argv = [*TBCLI, "train", "--workspace", str(ours), "--epochs", str(EPOCHS), "--seed", str(seed)]
            costs["tbcli train"].append(run_once(argv))
            record = json.loads(next(ours.glob("logs/*/run.json")).read_text())
            accuracies["tbcli train"].append(record["metrics"]["test_accuracy"])
            costs["tutorial script"].append(run_once([PYTHON, str(TUTORIAL), str(theirs), str(EPOCHS), str(seed)]))
            accuracies["tutorial script"].append(float((theirs / "accuracy.txt").read_text()))
    report(f"Training {EPOCHS} epochs of MNIST", costs, peer="tutorial script", goals={"tbcli train": goal})
    for name, values in accuracies.items():
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        each = ", ".join(f"{value:.4f}" for value in values)
        print(
            f"  {name}: test accuracy {statistics.mean(values):.4f} +- {spread:.4f} over {len(values)} seeds ({each})"
        )
