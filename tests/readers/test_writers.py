"""Files of one run that were written one after the other, or at the same time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from tbcli.readers import Scalars, open_logdir, read_scalars
from tbcli.readers.writers import Span, concurrent_files, left_out
from tests.events.records import curve, event, points, simple, write

Cli = Callable[..., Result]


def write_ranks(top: Path, ranks: int = 4, steps: int = 10, first: int = 0, began: float = 1000.0) -> None:
    """Write what the ranks of one training leave: the same tag at the same time, and from rank 0 one tag more."""
    for rank in range(ranks):
        records = [event(step, simple("loss", step + rank), wall_time=began + step + rank / 8) for step in range(steps)]
        extra = [event(steps - 1, simple("val_loss", 0.5), wall_time=began + steps)] if rank == 0 else []
        write(top, *records, *extra, number=first + rank)


def read(top: Path, buckets: int) -> Scalars:
    return read_scalars(top, buckets=buckets, cache=False)


@pytest.mark.parametrize("buckets", [0, 4, 100])
def test_of_ranks_that_write_at_once_one_serves_and_the_others_are_named(tmp_path: Path, buckets: int) -> None:
    write_ranks(tmp_path / "ddp")
    scalars = read(tmp_path, buckets)
    loss = scalars.series("ddp", "loss")
    assert loss is not None
    assert loss.step[[0, -1]].tolist() == loss.value[[0, -1]].tolist() == [0, 9]
    assert scalars.series("ddp", "val_loss") is not None
    assert scalars.superseded == 0
    (incident,) = scalars.damage
    assert (incident.path, incident.kind, incident.is_loss) == ("ddp", "writers", True)
    assert "4 files" in incident.detail
    assert all(f"tfevents.{rank}.host" in incident.detail for rank in range(4))
    assert open_logdir(tmp_path, cache=False).damage == scalars.damage


@pytest.mark.parametrize("buckets", [0, 100])
def test_ranks_that_were_resumed_are_both(tmp_path: Path, buckets: int) -> None:
    write_ranks(tmp_path, ranks=2, steps=10)
    write_ranks(tmp_path, ranks=2, steps=6, first=5, began=5000.0)
    scalars = read(tmp_path, buckets)
    loss = scalars.series(".", "loss")
    assert loss is not None
    assert loss.step.tolist() == [0, 1, 2, 3, 4, 5]
    assert loss.wall_time[0] == 5000.0
    assert [incident.kind for incident in scalars.damage] == ["writers", "writers"]
    assert scalars.superseded == 11  # ten of the loss, one of the validation


@pytest.mark.parametrize("buckets", [0, 100])
def test_all_writers_points_are_there_when_asked_for(tmp_path: Path, buckets: int) -> None:
    write_ranks(tmp_path)
    assert len(read_scalars(tmp_path, buckets=buckets, keep_all=True, cache=False)) == 41


@pytest.mark.parametrize("count", [5, 3000])
def test_reduced_and_whole_agree_on_a_part_that_was_written_again(tmp_path: Path, count: int) -> None:
    write(tmp_path, *curve("x", range(count)), number=1)
    write(tmp_path, *curve("x", range(count // 2, count), 10.0, began=1e5), number=2)
    whole, reduced = read(tmp_path, 0), read(tmp_path, 2 * count)
    assert points(whole) == points(reduced)
    assert whole.superseded == reduced.superseded == count - count // 2
    assert whole.damage == reduced.damage == ()


@pytest.mark.parametrize("wall_time", [0.5, 100.0])
def test_files_without_a_clock_are_taken_for_a_resumed_run(tmp_path: Path, wall_time: float) -> None:
    for number in range(2):
        write(tmp_path, *(event(step, simple("x", number), wall_time=wall_time) for step in range(3)), number=number)
    scalars = read(tmp_path, 0)
    assert (scalars.value.tolist(), scalars.damage, scalars.superseded) == ([1, 1, 1], (), 3)


def test_a_time_of_zero_makes_no_writer_early() -> None:
    assert Span.of(1, np.array([0.0, 7.0, 8.0])) == (1, 7.0, 8.0)
    assert Span.of(1, np.array([0.0])) == (1, 0.0, 0.0)


def test_writers_of_different_tags_are_nobodys_rivals(tmp_path: Path) -> None:
    write(tmp_path, *curve("x", range(9)), number=1)
    write(tmp_path, *curve("y", range(9)), number=2)
    scalars = read(tmp_path, 0)
    assert (len(scalars), scalars.damage) == (18, ())


def test_a_clock_that_is_a_little_slow_makes_no_second_writer() -> None:
    assert concurrent_files([[Span(0, 0, 1000), Span(1, 995, 2000)]], {}) == []
    assert concurrent_files([[Span(0, 0, 1000), Span(1, 900, 2000)]], {}) == [(0, 1)]
    assert concurrent_files([[Span(0, 0, 1000), Span(1, 995, 995)]], {}) == [(0, 1)]


def test_groups_are_found_through_all_series() -> None:
    series = [
        [Span(0, 1, 5), Span(1, 2, 6), Span(2, 10, 20)],
        [Span(1, 3, 3), Span(3, 2, 9)],
        [Span(2, 20, 20), Span(4, 20, 21)],
    ]
    groups = concurrent_files(series, {0: 1, 1: 5, 3: 5})
    assert groups == [(1, 3, 0)]
    assert left_out(groups, [0, 2, 3]) == {0}
    assert left_out(groups, [0, 2]) == set()


COMMANDS = {
    "runs": ["runs", "./ddp"],
    "check": ["check", "./ddp", "loss>0"],
    "export": ["export", "./ddp"],
    "compare": ["compare", "./ddp", "./other"],
    "plot": ["plot", "./ddp", "--terminal"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_so(cli: Cli, workspace: Path, command: str) -> None:
    write_ranks(workspace / "ddp")
    write(workspace / "other", *curve("loss", range(3)))
    result = cli(*COMMANDS[command])
    assert result.exit_code == 0, result.stderr
    assert "4 files were written at the same time" in result.stderr
    assert "resumed" not in result.stderr
