"""Optimizer steps: our own loop against Keras' ``fit`` with the feed of before, by turns, a process each."""

from __future__ import annotations

import json
import math
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tbcli.data.dataset import Dataset

STEPS = int(os.environ.get("BENCH_STEPS", "48"))
ROUNDS = int(os.environ.get("BENCH_STEP_ROUNDS", "6"))


class Clock:
    """Times each epoch but the first, in which all is traced: CPU and wall milliseconds per step."""

    def __init__(self, feed: Any) -> None:
        self.feed = feed
        self.costs: list[tuple[float, float]] = []

    def begin(self) -> None:
        self.first = True

    def begin_epoch(self, epoch: int) -> None:
        self.feed.begin_epoch(epoch)
        self.began = time.process_time(), time.perf_counter()

    def after_steps(self, steps_done: int, logs: Mapping[str, float]) -> None:
        pass

    def end_epoch(self, logs: Mapping[str, float]) -> bool:
        cpu, wall = time.process_time() - self.began[0], time.perf_counter() - self.began[1]
        if not self.first:
            self.costs.append((1000 * cpu / self.feed.steps, 1000 * wall / self.feed.steps))
        self.first = False
        return False


WAYS = {
    "Keras' fit": (False, False, False),
    "our own loop": (True, False, False),
    "with fused Adam": (True, True, False),
    "and own threads": (True, True, True),
}
"""Name -> whether the loop is ours, Adam is fused, and threads are chosen as `tbcli train` chooses them."""


def bench() -> None:
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    for turn in range(ROUNDS):
        for name in random.Random(turn).sample(list(WAYS), len(WAYS)):  # a process each: threads are set once in it
            argv = [sys.executable, "-m", "tests.benchmarks.steps", name]
            cpu, wall = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
            costs[name].append((cpu, wall))
    print(f"\nOptimizer steps of 128 samples, 16 per execution (medians of {ROUNDS} rounds of {STEPS} steps)")
    print(f"  {'':<16} {'CPU ms':>8} {'wall ms':>8} {'CPU x':>7} {'wall x':>7}")
    for name, found in costs.items():
        cpu, wall = (statistics.median(cost[figure] for cost in found) for figure in (0, 1))
        pairs = list(zip(found, costs["Keras' fit"], strict=True))
        ratios = [statistics.median(ours[figure] / theirs[figure] for ours, theirs in pairs) for figure in (0, 1)]
        print(f"  {name:<16} {cpu:>8.2f} {wall:>8.2f} {ratios[0]:>6.2f}x {ratios[1]:>6.2f}x", flush=True)
    print("  goal for the last, which is what `tbcli train` does: CPU <= 0.85x, wall <= 0.9x")


def measure(name: str) -> tuple[float, float]:
    """Time one way in this process."""
    from tbcli.config import DataConfig
    from tbcli.data import load_dataset
    from tbcli.training.hardware import choose_threads, use_threads
    from tbcli.training.steps import run_epochs
    from tests.training.keras_fit import fit

    is_ours, is_fused, has_threads = WAYS[name]
    dataset = load_dataset(DataConfig())
    if has_threads:
        use_threads(choose_threads(128 * math.prod(dataset.input_shape)))
    return time_steps(dataset, STEPS, run_epochs if is_ours else fit, is_fused)


def time_steps(dataset: Dataset, steps: int, way: Callable[..., None], fused: bool) -> tuple[float, float]:
    """Return CPU and wall milliseconds per step of a new cnn, after its first epoch."""
    import keras

    from tbcli.config import Config, ModelConfig
    from tbcli.models import build_model
    from tbcli.training.feed import TrainingFeed
    from tbcli.training.hardware import choose_precision
    from tbcli.training.objective import usual_objective
    from tbcli.training.optimizing import StepPlan, compile_model
    from tbcli.training.taps.backward import BackwardTap

    keras.utils.set_random_seed(1)
    config = Config()
    model = build_model(ModelConfig(name="cnn"), dataset, choose_precision("auto"))
    objective = usual_objective(dataset.task, len(dataset.class_names))
    compile_model(model, config.train, StepPlan(3 * steps), 16, objective, fused=fused)
    BackwardTap(model, 16, config.record.backward_every)
    clock = Clock(TrainingFeed(dataset.train, config.train.batch_size, steps, 1))
    way(model, clock.feed, clock, 3)
    return min(clock.costs)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
