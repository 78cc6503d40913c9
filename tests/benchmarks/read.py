"""Reading event files: our reader, checksums and all, against EventAccumulator, tbparse and the Rust data server.

Each contestant is a cold process that reads all scalars of a log directory into memory. The Rust server verifies no
checksums by default, and is asked over gRPC, as TensorBoard asks it. `BENCH_READ_SCALE=0.1` makes everything smaller,
`BENCH_READ_ROUNDS` sets the rounds, `BENCH_READ_PEERS=none` leaves the slow Python readers out, and
`BENCH_READ_CORPORA="tensors blobs"` reads these alone.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.measure import PYTHON, Cost, interleaved

SCALE = float(os.environ.get("BENCH_READ_SCALE", "1"))
ROUNDS = int(os.environ.get("BENCH_READ_ROUNDS", "5"))
CORPORA = os.environ.get("BENCH_READ_CORPORA", "tensors simple runs blobs").split()
SLOW_PEERS = os.environ.get("BENCH_READ_PEERS", "all") != "none"
PEERS = Path(__file__).with_name("peers")
OURS, RUST = "tbcli reader", "Rust data server"
GOAL_PYTHON, GOAL_CACHE = 25, 10


def bench() -> None:
    """Make the corpora and measure each."""
    if SLOW_PEERS and importlib.util.find_spec("tbparse") is None:
        print("\nread: tbparse is not installed and left out (`pip install tbparse`)")
    with tempfile.TemporaryDirectory() as place:
        steps, runs, megabytes = round(100_000 * SCALE), round(1000 * SCALE), max(1, round(64 * SCALE))
        blob_steps = 8 * megabytes
        for kind, size, title, facts, goal in (
            ("tensors", steps, f"{10 * steps:,} TF2 tensors, one file", (10 * steps, steps - 1, 10), 3),
            ("simple", steps, f"{10 * steps:,} simple values, one file", (10 * steps, steps - 1, 10), 3),
            ("runs", runs, f"{runs:,} runs x 1,000 points, two files each", (1000 * runs, 99, 10 * runs), 3),
            (
                "blobs",
                megabytes,
                f"{megabytes} MB of images and histograms, few scalars",
                (blob_steps // 4, blob_steps - 1, 2),
                1,
            ),
        ):
            if kind not in CORPORA:
                continue
            # In a process of its own: what this one holds in memory would count as the contestants'.
            argv = [PYTHON, "-m", "tests.benchmarks.corpus", kind, f"{place}/{kind}", str(size)]
            subprocess.run(argv, check=True)
            _compare(title, Path(place, kind), facts, goal_rust=goal)


def _compare(title: str, logdir: Path, facts: tuple[int, int, int], *, goal_rust: float) -> None:
    """Measure all readers on one log directory.

    Args:
        title: What it is.
        logdir: Where it is.
        facts: Its points, its last step and its series.
        goal_rust: How many times less than the Rust server's CPU seconds ours should be.
    """
    points, last_step, series = map(str, facts)
    notes = logdir.with_suffix(".seconds")

    def script(name: str, *more: str) -> list[str]:
        return [PYTHON, str(PEERS / f"{name}.py"), str(logdir), points, *more]

    contestants = {OURS: script("reader", "read"), RUST: script("rust_server", last_step, series)}
    if SLOW_PEERS:
        contestants["EventAccumulator"] = script("accumulator")
        if importlib.util.find_spec("tbparse"):
            contestants["tbparse"] = script("frames")
    again = {
        "  first read, cache written": script("reader", "first", str(notes)),
        "  second read, from the cache": script("reader", "again", str(notes)),
        "  reduced to extremes": script("reader", "reduced"),
        "  interpreter and NumPy alone": [PYTHON, "-c", "import numpy"],
    }
    env = {"XDG_CACHE_HOME": str(logdir.with_suffix(".cache")), "PYTHONPATH": str(PEERS.parents[2])}
    env["OPENBLAS_NUM_THREADS"] = "1"  # for all: NumPy's idle threads else spin through the life of a short process
    costs = interleaved({**contestants, **again}, rounds=ROUNDS, env=env)
    goals = {RUST: goal_rust, "EventAccumulator": GOAL_PYTHON, "tbparse": GOAL_PYTHON}
    _report(title, costs, goals)
    _report_cache(notes)


def _report(title: str, costs: Mapping[str, Sequence[Cost]], goals: Mapping[str, float]) -> None:
    print(f"\nread: {title} (medians of {ROUNDS}; x is the peer's cost over ours)")
    print(f"  {'':<30} {'CPU s':>8} {'wall s':>8} {'MB':>6} {'CPU x':>8} {'wall x':>8}  goal")
    for name, samples in costs.items():
        cpu, wall, peak = (
            statistics.median(getattr(sample, figure) for sample in samples) for figure in ("cpu", "wall", "peak_mb")
        )
        times = [
            statistics.median(
                getattr(a, figure) / getattr(b, figure) for a, b in zip(samples, costs[OURS], strict=True)
            )
            for figure in ("cpu", "wall")
        ]
        goal = goals.get(name)
        verdict = "" if goal is None else f">= {goal:g}x  {'met' if times[0] >= goal else 'MISSED'}"
        print(f"  {name:<30} {cpu:>8.3f} {wall:>8.3f} {peak:>6.0f} {times[0]:>7.1f}x {times[1]:>7.1f}x  {verdict}")


def _report_cache(notes: Path) -> None:
    """Print what reading alone costs, without the interpreter and its imports, the first time and the second."""
    rows = [line.split() for line in notes.read_text().splitlines()]
    first, again = ([float(seconds) for mode, seconds in rows if mode == wanted][1:] for wanted in ("first", "again"))
    times = statistics.median(a / b for a, b in zip(first, again, strict=True))
    verdict = "met" if times >= GOAL_CACHE else "MISSED"
    print(
        f"  reading alone, CPU ms: first {1000 * statistics.median(first):.1f}, from the cache "
        f"{1000 * statistics.median(again):.1f}: {times:.1f}x  goal >= {GOAL_CACHE}x  {verdict}",
        flush=True,
    )
