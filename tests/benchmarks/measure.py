"""Whole processes, timed cold and in turn, by the operating system's own accounting."""

from __future__ import annotations

import os
import pty
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PYTHON = sys.executable
TBCLI = [PYTHON, "-m", "tbcli"]


@dataclass(frozen=True)
class Cost:
    """What one process, its threads and the children it waited for cost."""

    cpu: float  # seconds, user and system
    wall: float  # seconds
    peak_mb: float  # largest resident set of the process itself, or of one of its children


def run_once(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    terminal: bool = False,
    expect: int = 0,
) -> Cost:
    """Run one process to its end, its output read and thrown away."""
    # An installed package has its bytecode; a checkout gets it at the warm-up.
    whole_env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(env or {})}
    leader = follower = None
    if terminal:
        leader, follower = pty.openpty()
        sink: int = follower
    else:
        sink = subprocess.DEVNULL
    began = time.perf_counter()
    process = subprocess.Popen(argv, cwd=cwd, env=whole_env, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    if leader is not None and follower is not None:
        os.close(follower)
        reader = threading.Thread(target=_drain, args=(leader,), daemon=True)
        reader.start()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if leader is not None:
        reader.join(1)
        os.close(leader)
    if process.returncode != expect:
        raise RuntimeError(f"{' '.join(argv)} left with {process.returncode}, not {expect}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 65536):
            pass
    except OSError:
        return


def interleaved(
    contestants: Mapping[str, Sequence[str]],
    *,
    rounds: int = 5,
    warmups: int = 1,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    terminal: Sequence[str] = (),
) -> dict[str, list[Cost]]:
    """Run the contestants in turn, A B C A B C ..., so that a machine that drifts drifts for all.

    Args:
        contestants: ``{name: argv}``.
        rounds: Counted runs of each.
        warmups: Runs before, not counted.
        cwd: Working directory of all.
        env: Added to the environment of all.
        terminal: Names of those that get a terminal for their output.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in contestants}
    for turn in range(warmups + rounds):
        for name, argv in contestants.items():
            cost = run_once(argv, cwd=cwd, env=env, terminal=name in terminal)
            if turn >= warmups:
                costs[name].append(cost)
    return costs


def ratio(costs: Mapping[str, Sequence[Cost]], ours: str, peer: str, figure: str = "cpu") -> float:
    """Return the median over the rounds of ours / peer."""
    pairs = zip(costs[ours], costs[peer], strict=True)
    return statistics.median(getattr(a, figure) / getattr(b, figure) for a, b in pairs)


def report(
    title: str, costs: Mapping[str, Sequence[Cost]], *, peer: str, goals: Mapping[str, float] | None = None
) -> None:
    """Print a row a contestant: medians, the ratio to the peer, and the goal for the CPU ratio where one is set."""
    print(f"\n{title} (medians of {len(costs[peer])}, ratios to {peer})")
    print(f"  {'':<34} {'CPU s':>8} {'wall s':>8} {'MB':>6} {'CPU x':>7} {'wall x':>7}  goal")
    for name, samples in costs.items():
        cpu, wall, peak = (
            statistics.median(getattr(sample, figure) for sample in samples) for figure in ("cpu", "wall", "peak_mb")
        )
        cpu_ratio, wall_ratio = ratio(costs, name, peer), ratio(costs, name, peer, "wall")
        goal = (goals or {}).get(name)
        verdict = "" if goal is None else f"<= {goal:g}  {'met' if cpu_ratio <= goal else 'MISSED'}"
        print(
            f"  {name:<34} {cpu:>8.3f} {wall:>8.3f} {peak:>6.0f} {cpu_ratio:>6.2f}x {wall_ratio:>6.2f}x  {verdict}",
            flush=True,
        )
