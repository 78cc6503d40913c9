"""Time to accuracy: ``tbcli train --recipe fast`` to 99 % on MNIST's test set against the tutorial script to its own.

Whole processes, from their start to the saved model, in turn. No seed of these was used to choose the recipe.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from pathlib import Path

from tests.benchmarks.measure import PYTHON, TBCLI, Cost, report, run_once
from tests.benchmarks.train import TUTORIAL

SEEDS = range(61_811, 61_821)
COUNT = int(os.environ.get("BENCH_ACCURACY_SEEDS", len(SEEDS)))
TUTORIAL_EPOCHS = 5
ACCURACY = 0.99
OURS, PEER = "tbcli train --recipe fast", "tutorial script, 5 epochs"


def bench() -> None:
    """Train both with each seed; print costs, accuracies, and how many trainings reached the goal."""
    costs: dict[str, list[Cost]] = {OURS: [], PEER: []}
    accuracies: dict[str, list[float]] = {OURS: [], PEER: []}
    for seed in SEEDS[:COUNT]:
        with tempfile.TemporaryDirectory() as top:
            argv = [*TBCLI, "train", "--workspace", top, "--recipe", "fast", "--seed", str(seed)]
            costs[OURS].append(run_once(argv))
            record = json.loads(next(Path(top).glob("logs/*/run.json")).read_text())
            accuracies[OURS].append(record["metrics"]["test_accuracy"])
            costs[PEER].append(run_once([PYTHON, str(TUTORIAL), f"{top}/peer", str(TUTORIAL_EPOCHS), str(seed)]))
            accuracies[PEER].append(float(Path(top, "peer", "accuracy.txt").read_text()))
        _show_seed(seed, costs, accuracies)
    report("Time to accuracy on MNIST", costs, peer=PEER, goals={OURS: 0.30})
    for name, values in accuracies.items():
        reached = sum(value >= ACCURACY for value in values)
        enough = reached >= 0.9 * len(values)
        verdict = f"; goal: nine of ten  {'met' if enough else 'MISSED'}" if name == OURS else ""
        print(
            f"  {name}: {reached} of {len(values)} seeds reach {ACCURACY:.3f} on test; mean"
            f" {statistics.mean(values):.4f}, least {min(values):.4f}{verdict}"
        )


def _show_seed(seed: int, costs: dict[str, list[Cost]], accuracies: dict[str, list[float]]) -> None:
    """Print what a seed cost as soon as it is known: the whole takes long."""
    parts = [
        f"{name} {costs[name][-1].cpu:.1f} CPU s {costs[name][-1].wall:.1f} s {accuracies[name][-1]:.4f}"
        for name in costs
    ]
    print(f"  seed {seed}: {'; '.join(parts)}", flush=True)
