"""Recording: ``--record full`` and ``--record standard`` against ``--record off``, whole processes in turn."""

from __future__ import annotations

import os
import tempfile

from tests.benchmarks.measure import TBCLI, interleaved, report

EPOCHS = os.environ.get("BENCH_EPOCHS", "5")
ROUNDS = int(os.environ.get("BENCH_RECORD_ROUNDS", "5"))


def bench() -> None:
    with tempfile.TemporaryDirectory() as top:
        train = [*TBCLI, "train", "--quiet", "--workspace", top, "--epochs", EPOCHS]
        contestants = {f"--record {level}": [*train, "--record", level] for level in ("off", "standard", "full")}
        costs = interleaved(contestants, rounds=ROUNDS, warmups=0)
    report(
        f"Recording over {EPOCHS} epochs of MNIST",
        costs,
        peer="--record off",
        goals={"--record standard": 1.05, "--record full": 1.05},
    )
