"""Gradient health: the means of the steps that were measured, of an epoch and of every N steps."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from tbcli.recorders.base import Steps
from tbcli.recorders.gradients import GradientsRecorder, share_of_dead
from tests.recorders.memory import MemoryWriter, snapshot

NORMS = np.array([1, np.nan, 3, 5, np.nan, np.nan, 7, 9], np.float32)  # of steps 1 to 8


def recorded(log_every: int, executions: list[tuple[int, int]]) -> MemoryWriter:
    """Return what is written of an epoch whose steps come in these executions."""
    recorder, writer = GradientsRecorder(), MemoryWriter()
    moment = snapshot(settings={"record.log_every": log_every}, activations=SimpleNamespace(peaks={}))
    recorder.on_begin(moment, writer)
    for first, last in executions:
        values = {"gradients/a": NORMS[first - 1 : last], "loss": np.ones(last - first + 1)}
        recorder.on_steps(Steps(first, last, values), writer)
    recorder.on_epoch(moment, writer)
    return writer


@pytest.mark.parametrize("executions", [[(1, 8)], [(1, 4), (5, 8)], [(1, 3), (4, 5), (6, 8)]])
def test_an_epoch_is_the_mean_of_its_measured_steps(executions: list[tuple[int, int]]) -> None:
    assert recorded(0, executions).written == {("train", "gradients/a"): [(1, 5.0)]}


@pytest.mark.parametrize("executions", [[(1, 8)], [(1, 2), (3, 8)], [(1, 5), (6, 8)], [(n, n) for n in range(1, 9)]])
def test_every_n_steps_are_a_point_wherever_executions_end(executions: list[tuple[int, int]]) -> None:
    written = recorded(3, executions).written
    # Steps 1 to 3, and of 4 to 6 the one that was measured; 7 and 8 are no whole group.
    assert written["train", "batch_gradients/a"] == [(3, 2.0), (6, 5.0)]
    assert written["train", "gradients/a"] == [(1, 5.0)]


def test_units_are_dead_that_never_answer() -> None:
    assert share_of_dead(np.array([0, 0.1, -1, 2])) == 0.5
