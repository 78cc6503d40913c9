"""Listing runs: time and memory of ``tbcli runs`` as runs become many, against a process that only imports Typer."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tbcli.config import Config
from tbcli.runs.files import utc_text
from tbcli.runs.ids import new_id
from tests.benchmarks.measure import PYTHON, TBCLI, Cost, interleaved, report

FLOOR = "import typer"
THOUSAND, TEN_THOUSAND = "1,000 runs, piped", "10,000 runs, piped"
GOALS = {THOUSAND: 2.2, "1,000 runs, terminal": 3.0}
MOST_MB_MORE = 15  # what 9,000 more runs may add: their rows, and nothing else of them
EPOCHS = 5
METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")
RECORDERS = (
    "scalars", "data", "graphs", "samples", "confusion", "mistakes", "gradients", "train_graph", "activations",
    "histograms", "projector", "pr_curves", "text", "hparams", "process", "layout",
)  # fmt: skip


def make_many(workspace: Path, count: int) -> None:
    """Make runs whose records are as long as those of a real training with everything recorded, 2 kB."""
    config = json.dumps(Config().as_dict(), indent=2)
    for i in range(count):
        moment = datetime.now(UTC) - timedelta(minutes=i)
        logs = workspace / "logs" / new_id(moment)
        logs.mkdir(parents=True)
        (logs / "run.json").write_text(json.dumps(_record(logs.name, moment, i), indent=2))
        (logs / "config.json").write_text(config)


def _record(run_id: str, moment: datetime, i: int) -> dict[str, Any]:
    series = {name: {"best": 0.9 + i * 1e-6, "best_epoch": EPOCHS, "last": 0.9} for name in METRICS}
    return {
        "schema": 1,
        "id": run_id,
        "name": f"run {i}",
        "note": "",
        "status": "finished",
        "started": utc_text(moment),
        "ended": utc_text(moment),
        "seconds": 63.659,
        "model": "cnn",
        "data": "mnist",
        "pid": 4711,
        "pid_started": 1_276_830,
        "host": "a-machine",
        "versions": dict.fromkeys(("python", "tbcli", "tensorflow", "keras", "tensorboard", "numpy"), "1.2.3"),
        "git": {"commit": "7b067f09024c7afe8236f285a16bf5202d5f7642", "dirty": True},
        "device": "CPU",
        "precision": "mixed_bfloat16",
        "parameters": 225_034,
        "saved_epoch": EPOCHS,
        "metrics": {**series, "test_loss": 0.023239750880748034, "test_accuracy": 0.9918000102043152},
        "recording": {
            "percent": 1.9,
            "milliseconds": dict.fromkeys(RECORDERS, 129.3),
            "bytes": dict.fromkeys(RECORDERS, 213_381),
            "switched_off": {},
        },
        "epochs": EPOCHS,
        "bytes": 9_288_924,
    }


def bench() -> None:
    """Measure the listing in every form, and how it grows."""
    with tempfile.TemporaryDirectory() as place:
        thousand, ten_thousand = Path(place, "thousand"), Path(place, "ten_thousand")
        make_many(thousand, 1000)
        make_many(ten_thousand, 10_000)
        runs = [*TBCLI, "runs", "--workspace", str(thousand)]
        contestants = {
            FLOOR: [PYTHON, "-c", "import typer"],
            THOUSAND: runs,
            "1,000 runs, terminal": runs,
            "1,000 runs, --json": [*runs, "--json"],
            "1,000 runs, --csv": [*runs, "--csv"],
            "1,000 runs, --where and --sort": [*runs, "--where", "val_accuracy.best>0.9", "--sort", "val_loss.best"],
            "1,000 runs, --where a setting": [*runs, "--where", "train.seed=0"],
            TEN_THOUSAND: [*TBCLI, "runs", "--workspace", str(ten_thousand)],
        }
        costs = interleaved(contestants, rounds=7, terminal=["1,000 runs, terminal"])
    report("Listing runs", costs, peer=FLOOR, goals=GOALS)
    floor, less, more = (statistics.median(c.cpu for c in costs[name]) for name in (FLOOR, THOUSAND, TEN_THOUSAND))
    print(f"  CPU over the import, 10,000 against 1,000 runs: {(more - floor) / (less - floor):.1f}x (linear: <= 10x)")
    grown = _peak(costs[TEN_THOUSAND]) - _peak(costs[THOUSAND])
    verdict = "met" if grown <= MOST_MB_MORE else "MISSED"
    print(f"  memory that 9,000 more runs add: {grown:.0f} MB (goal <= {MOST_MB_MORE}: {verdict})")


def _peak(costs: Sequence[Cost]) -> float:
    return statistics.median(cost.peak_mb for cost in costs)
