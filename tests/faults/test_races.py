"""Processes that meet over one run: the one that writes it, and those that read, remove or claim it."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tbcli.runs import RunStore
from tbcli.runs.claim import claim
from tbcli.runs.cleaning.trash import Trash
from tbcli.runs.history import HistoryWriter, read_history
from tbcli.training.conclusion import conclude
from tests.faults.scenarios import config_of, store_of, tbcli

pytestmark = pytest.mark.slow
MOMENT = datetime(2026, 11, 26, 7, 0, 0, tzinfo=UTC)


@contextmanager
def beside(act: Callable[[], object]) -> Iterator[Callable[[], bool]]:
    """Do something in a process of its own; yield what says whether it has ended, which must be well in the end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            act()
            code = 0
        except BaseException:  # noqa: BLE001 - shown
            traceback.print_exc()
        os._exit(code)
    status: list[int] = []

    def has_ended() -> bool:
        if not status and (found := os.waitpid(child, os.WNOHANG))[0]:
            status.append(found[1])
        return bool(status)

    yield has_ended
    assert (status or [os.waitpid(child, 0)[1]]) == [0]


def rows(count: int) -> Iterator[dict[str, float]]:
    for epoch in range(1, count + 1):
        further = {f"metric{epoch // 20}": 1.0}
        yield {"epoch": epoch, "step": epoch, "seconds": 1.0, "learning_rate": 0.1, "loss": 0.5, **further}


def test_a_run_that_finishes_while_clean_is_at_work_is_kept_or_in_the_trash(tmp_path: Path) -> None:
    def train() -> None:
        for _ in range(10):
            run = store_of(tmp_path).create(config_of(tmp_path))
            with claim(run.logs):
                HistoryWriter(run.history_file).append(next(rows(1)))
                conclude(run, config_of(tmp_path), "finished", "", 1.0, warn=pytest.fail)

    with beside(train) as has_ended:
        while not has_ended():
            code, said = tbcli(tmp_path, "clean", "--all", "--yes")
            assert code in (0, 8), said  # 8: it came to life, or was claimed, since it was chosen
            assert tbcli(tmp_path, "clean", "--damaged", "--yes")[0] == 0
    assert tbcli(tmp_path, "clean", "--all", "--yes")[0] == 0
    assert len(Trash(store_of(tmp_path)).list()) == 10
    assert not store_of(tmp_path).list()


def test_runs_of_one_second_have_ids_of_their_own(tmp_path: Path) -> None:
    def create() -> None:
        for _ in range(40):
            store_of(tmp_path).create(config_of(tmp_path), now=MOMENT)

    with beside(create), beside(create), beside(create):
        create()
    assert len({run.id for run in RunStore(config_of(tmp_path).paths).list()}) == 160


def test_a_history_that_is_being_written_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"

    def write() -> None:
        writer = HistoryWriter(path)
        for row in rows(150):
            writer.append(row)

    seen = 0
    with beside(write) as has_ended:
        while not has_ended():
            history = read_history(path)
            assert not history.damage
            assert history.epochs == tuple(range(1, len(history.epochs) + 1))
            assert len(history.epochs) >= seen
            seen = len(history.epochs)
    assert len(read_history(path).epochs) == 150
