"""The cache: what was read once is read again only where it has changed."""

from __future__ import annotations

import os
import struct
from functools import cache as cache_of_calls
from pathlib import Path

import numpy as np
import pytest

from tbcli.readers import cache, clear_cache, logdir, open_logdir, read_scalars, reading
from tests.events.records import VERSION, curve, event, framed, points, simple, write

MANY = 8000  # more than the cache passes by


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What is read: name of the file and the byte it is read from."""
    found: list[tuple[str, int]] = []
    real = reading.read_files

    def record(index, tasks, take, *, verify):  # type: ignore[no-untyped-def]
        found.extend((task.file.name, task.start) for task in tasks)
        real(index, tasks, take, verify=verify)

    monkeypatch.setattr(reading, "read_files", record)
    return found


@cache_of_calls
def long_content(tag: str, number: int) -> bytes:
    began = 100.0 + number * MANY  # one file after the other
    records = (event(step, simple(tag, step / 7), wall_time=began + step) for step in range(MANY))
    return b"".join(map(framed, (VERSION, *records)))


def write_long(directory: Path, tag: str = "x", number: int = 0) -> Path:
    path = write(directory, number=number)
    path.write_bytes(long_content(tag, number))
    return path


def kept() -> list[Path]:
    return sorted(cache.cache_directory().glob("*"))


def test_an_unchanged_tree_is_not_read_again_and_gives_the_same(tmp_path: Path, reads: list) -> None:
    for run in ("a", "b"):
        write_long(tmp_path / run)
    first = read_scalars(tmp_path)
    assert len(reads) == 2
    second = read_scalars(tmp_path)
    assert len(reads) == 2
    assert points(first) == points(second)
    assert second.value.dtype == np.float64
    assert points(read_scalars(tmp_path, cache=False)) == points(first)
    assert len(reads) == 4


def test_only_what_was_added_to_a_file_is_read(tmp_path: Path, reads: list) -> None:
    path = write_long(tmp_path / "a")
    write_long(tmp_path / "b")
    read_scalars(tmp_path)
    size = path.stat().st_size
    reads.clear()
    with path.open("ab") as file:
        file.write(framed(event(MANY, simple("x", 1.0))) + framed(event(MANY, simple("new", 2.0)))[:-3])
    scalars = read_scalars(tmp_path)
    assert reads == [(f"a/{path.name}", size)]
    assert [incident.kind for incident in scalars.damage] == ["torn"]
    with path.open("ab") as file:
        file.write(framed(event(MANY, simple("new", 2.0)))[-3:])
    scalars = read_scalars(tmp_path)
    assert scalars.damage == ()
    assert scalars.names == (("a", "new"), ("a", "x"), ("b", "x"))
    assert points(scalars) == points(read_scalars(tmp_path, cache=False))


def test_a_growing_file_is_reduced_to_the_same_with_and_without_cache(tmp_path: Path, reads: list) -> None:
    path = write_long(tmp_path / "a")
    read_scalars(tmp_path, buckets=100)
    with path.open("ab") as file:
        file.write(b"".join(framed(event(step, simple("x", -step))) for step in range(MANY, MANY + 50)))
    reads.clear()
    scalars = read_scalars(tmp_path, buckets=100)
    assert len(reads) == 1
    assert reads[0][1] > 0
    assert points(scalars) == points(read_scalars(tmp_path, buckets=100, cache=False))
    assert scalars.value.min() == -(MANY + 49)


def test_what_was_kept_while_reducing_serves_exact_reading(tmp_path: Path, reads: list) -> None:
    write_long(tmp_path / "a", number=1)
    write_long(tmp_path / "a", number=2)
    write_long(tmp_path / "b")
    reduced = read_scalars(tmp_path, buckets=64)
    reads.clear()
    scalars = read_scalars(tmp_path)
    assert reads == []
    assert points(scalars) == points(read_scalars(tmp_path, cache=False))
    assert points(read_scalars(tmp_path, buckets=64)) == points(reduced)
    assert reduced.superseded == scalars.superseded == MANY


@pytest.mark.parametrize("change", ["rewritten", "longer but new", "removed", "new inode"])
def test_a_file_that_is_another_is_read_whole(tmp_path: Path, reads: list, change: str) -> None:
    path = write_long(tmp_path / "a")
    write_long(tmp_path / "b")
    read_scalars(tmp_path)
    reads.clear()
    if change == "rewritten":
        content = path.read_bytes()
        path.write_bytes(content)
        os.utime(path, ns=(1, 1))
    elif change == "longer but new":
        path.write_bytes(b"".join(framed(event(step, simple("y", -step))) for step in range(2 * MANY)))
    elif change == "removed":
        path.unlink()
    else:
        write_long(tmp_path / "other").replace(path)
        (tmp_path / "other").rmdir()
    scalars = read_scalars(tmp_path)
    assert reads == ([] if change == "removed" else [(f"a/{path.name}", 0)])
    assert points(scalars) == points(read_scalars(tmp_path, cache=False))


def test_a_new_run_among_old_ones_is_all_that_is_read(tmp_path: Path, reads: list) -> None:
    write_long(tmp_path / "b")
    read_scalars(tmp_path)
    reads.clear()
    write_long(tmp_path / "a", "y")
    scalars = read_scalars(tmp_path)
    assert [name.split("/")[0] for name, _ in reads] == ["a"]
    assert points(scalars) == points(read_scalars(tmp_path, cache=False))


def test_directories_that_have_not_changed_are_not_listed_again(
    tmp_path: Path, reads: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logdir, "_SETTLED", -(1 << 62))  # as if they had been made long ago
    path = write_long(tmp_path / "a" / "train")
    write_long(tmp_path / "b")
    read_scalars(tmp_path)
    real, listed = os.scandir, []
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(str(path)) or real(path))
    assert len(read_scalars(tmp_path)) == 2 * MANY
    with path.open("ab") as file:
        file.write(framed(event(MANY, simple("x", 1.0))))
    assert len(read_scalars(tmp_path)) == 2 * MANY + 1
    assert not [place for place in listed if place.startswith(str(tmp_path))]
    write_long(tmp_path / "a" / "validation")
    assert len(read_scalars(tmp_path)) == 3 * MANY + 1
    path.unlink()
    assert len(read_scalars(tmp_path)) == 2 * MANY
    path.mkdir()
    assert len(read_scalars(tmp_path)) == 2 * MANY


def test_a_directory_that_has_just_changed_is_listed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_long(tmp_path / "a")
    read_scalars(tmp_path)
    kept_time = (tmp_path / "a").stat().st_mtime_ns
    write_long(tmp_path / "a", number=1)
    os.utime(tmp_path / "a", ns=(kept_time, kept_time))  # within one tick of the clock
    assert len(read_scalars(tmp_path, keep_all=True)) == 2 * MANY


def test_damage_is_told_from_the_cache_too(tmp_path: Path, reads: list) -> None:
    path = write_long(tmp_path)
    content = bytearray(path.read_bytes())
    offset = len(content) - 2 * len(framed(event(MANY - 1, simple("x", 1.0))))
    content[offset + 20] ^= 1
    path.write_bytes(content)
    first = read_scalars(tmp_path)
    assert [incident.kind for incident in first.damage] == ["payload"]
    assert read_scalars(tmp_path).damage == first.damage
    assert len(reads) == 1


def test_a_file_that_could_not_be_read_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_long(tmp_path / "a")
    closed = write_long(tmp_path / "b")
    real_open = os.open

    def refuse(path: str, *more: int) -> int:
        if path == str(closed):
            raise PermissionError(13, "Permission denied")
        return real_open(path, *more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        assert len(read_scalars(tmp_path)) == MANY
    scalars = read_scalars(tmp_path)
    assert len(scalars) == 2 * MANY
    assert scalars.damage == ()


@pytest.mark.parametrize("at", [0, 5, 100_000, -5, -20, -60])
def test_a_damaged_cache_counts_as_none_or_is_not_noticed(tmp_path: Path, at: int) -> None:
    write_long(tmp_path)
    expected = points(read_scalars(tmp_path))
    (path,) = kept()
    content = bytearray(path.read_bytes())
    if at == 100_000:
        del content[at:]
    else:
        content[at] ^= 0xFF
    path.write_bytes(content)
    assert points(read_scalars(tmp_path)) == expected


def test_a_cache_of_another_version_counts_as_none(tmp_path: Path, reads: list) -> None:
    write_long(tmp_path)
    read_scalars(tmp_path)
    (path,) = kept()
    content = bytearray(path.read_bytes())
    content[-4:] = struct.pack("<I", cache.VERSION + 1)
    path.write_bytes(content)
    read_scalars(tmp_path)
    assert len(reads) == 2


def test_little_is_not_kept(tmp_path: Path) -> None:
    write(tmp_path, *curve("x", range(10)))
    read_scalars(tmp_path)
    assert kept() == []


def test_nothing_is_kept_when_no_cache_is_wanted_or_all_is_verified(tmp_path: Path) -> None:
    write_long(tmp_path)
    read_scalars(tmp_path, cache=False)
    read_scalars(tmp_path, buckets=10, cache=False)
    open_logdir(tmp_path, verify=True)
    assert kept() == []


def test_the_cache_can_be_removed_at_any_time(tmp_path: Path) -> None:
    write_long(tmp_path)
    scalars = read_scalars(tmp_path)
    held = read_scalars(tmp_path)
    (path,) = kept()
    size = path.stat().st_size
    assert clear_cache() == size
    assert kept() == []
    assert clear_cache() == 0
    assert points(held) == points(scalars)  # still there: the file lives as long as it is in use


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("old", "used", "new"):
        write_long(tmp_path / name)
    read_scalars(tmp_path / "old")
    (first,) = kept()
    monkeypatch.setattr(cache, "MOST_BYTES", int(2.5 * first.stat().st_size))
    os.utime(first, ns=(1, 1))
    read_scalars(tmp_path / "used")
    read_scalars(tmp_path / "new")
    assert len(kept()) == 2
    assert first not in kept()


def test_what_is_too_large_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_BYTES", 1000)
    write_long(tmp_path)
    assert len(read_scalars(tmp_path)) == MANY
    assert len(read_scalars(tmp_path, buckets=10)) > 0
    assert kept() == []


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "a file"
    place.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    write_long(tmp_path / "logs")
    assert len(read_scalars(tmp_path / "logs")) == MANY
    assert len(read_scalars(tmp_path / "logs", buckets=10)) > 0


def test_nothing_is_written_beside_the_users_files(tmp_path: Path) -> None:
    write_long(tmp_path / "logs")
    before = sorted(tmp_path.rglob("*"))
    read_scalars(tmp_path / "logs")
    assert sorted(tmp_path.rglob("*")) == before
