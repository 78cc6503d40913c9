"""What mattered over 1,000 runs with 10 settings: whole processes, against one that lists their settings."""

from __future__ import annotations

import json
import math
import random
import statistics
import tempfile
from pathlib import Path

from tests.benchmarks.measure import TBCLI, interleaved, report
from tests.benchmarks.runs import make_many

RUNS = 1000
FLOOR, OURS = "runs --columns a setting", "effects of 10 settings"
GOALS = {OURS: 2.5}
MOST_SECONDS = 2.0
SETTINGS = {
    "train.learning_rate": lambda source: round(10 ** source.uniform(-4, -1), 8),
    "train.batch_size": lambda source: 2 ** source.randint(4, 9),
    "train.optimizer": lambda source: source.choice(["adam", "sgd", "rmsprop"]),
    "train.weight_decay": lambda source: source.uniform(0, 0.1),
    "train.epochs": lambda source: source.randint(1, 20),
    "train.label_smoothing": lambda source: source.uniform(0, 0.2),
    "train.patience": lambda source: source.randint(1, 9),
    "model.name": lambda source: source.choice(["cnn", "dense", "resnet"]),
    "train.precision": lambda source: source.choice(["float32", "bfloat16"]),
    "train.steps_per_execution": lambda source: source.choice([1, 4, 16]),
}


def give_settings(workspace: Path) -> None:
    """Give runs settings of their own, of which the learning rate decides how good a run is."""
    source = random.Random(0)
    for logs in (workspace / "logs").iterdir():
        config, record = (json.loads((logs / name).read_text()) for name in ("config.json", "run.json"))
        for key, draw in SETTINGS.items():
            section, _, name = key.partition(".")
            config[section][name] = draw(source)
        rate = math.log10(config["train"]["learning_rate"])
        best = 0.95 - 0.02 * (rate + 2.5) ** 2 + source.gauss(0, 0.01)
        record["metrics"]["val_accuracy"] = {"best": best, "best_epoch": 5, "last": best - 0.001}
        (logs / "config.json").write_text(json.dumps(config))
        (logs / "run.json").write_text(json.dumps(record))


def bench() -> None:
    """Measure ``tbcli effects``."""
    with tempfile.TemporaryDirectory() as place:
        workspace = Path(place)
        make_many(workspace, RUNS)
        give_settings(workspace)
        where = ["--workspace", str(workspace)]
        contestants = {
            FLOOR: [*TBCLI, "runs", *where, "--columns", "id,train.learning_rate,val_accuracy.best", "--csv"],
            OURS: [*TBCLI, "effects", "val_accuracy.best", *where],
        }
        costs = interleaved(contestants, rounds=5)
    report(f"What mattered, {RUNS:,} runs", costs, peer=FLOOR, goals=GOALS)
    seconds = statistics.median(cost.cpu for cost in costs[OURS])
    print(f"  CPU seconds: {seconds:.2f} (goal <= {MOST_SECONDS:g}: {'met' if seconds <= MOST_SECONDS else 'MISSED'})")
