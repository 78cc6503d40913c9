"""Kept samples are there whole or not at all, and never those of another version."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from typer.testing import Result

from tbcli.data.raw_cache import RawWriter, open_raw, raw_cache_directory, raw_cache_file, raw_writer

SAMPLES = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3)


def keep(path: Path, samples: np.ndarray = SAMPLES) -> None:
    with raw_writer(path) as writer:
        for sample in samples:
            writer.add(sample)
        writer.finish({"why": "a test"})


def cached_files() -> list[Path]:
    return sorted(raw_cache_directory().glob("*"))


def test_samples_come_back_as_they_were_with_what_was_written_beside_them(cache_home: Path) -> None:
    path = raw_cache_file("photos", "/a", "1")
    assert open_raw(path) is None
    keep(path)
    found = open_raw(path)
    assert found
    assert np.array_equal(found[0], SAMPLES)
    assert found[1]["why"] == "a test"
    assert path.is_relative_to(cache_home / "tbcli" / "data")
    assert cached_files() == [path]


def test_values_of_other_types_are_kept(cache_home: Path) -> None:
    path = raw_cache_file("numbers", "/a", "1")
    keep(path, np.linspace(0, 1, 6, dtype=np.float32).reshape(3, 2))
    found = open_raw(path)
    assert found
    assert found[0].dtype == np.float32
    assert found[0][2, 1] == 1


def test_whoever_is_interrupted_leaves_nothing(cache_home: Path) -> None:
    path = raw_cache_file("photos", "/a", "1")
    with suppress(KeyboardInterrupt), raw_writer(path) as writer:
        writer.add(SAMPLES[0])
        raise KeyboardInterrupt
    with raw_writer(path) as writer:
        writer.add(SAMPLES[0])  # and is never finished
    assert cached_files() == []


def test_what_a_killed_process_left_is_removed(cache_home: Path) -> None:
    raw_cache_directory().mkdir(parents=True)
    host = f"{crc32(platform.node().encode()):08x}"
    names = (f"{host}-999999999", f"{host}-{os.getppid()}", "elsewhere-999999999", "elsewhere-1")
    dead, alive, elsewhere, old = (raw_cache_directory() / f"x-1.{name}.part" for name in names)
    for path in (dead, alive, elsewhere, old):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    keep(raw_cache_file("photos", "/a", "1"))
    assert [path.exists() for path in (dead, alive, elsewhere, old)] == [False, True, True, False]


@pytest.mark.parametrize("damage", ["cut", "longer", "empty", "flipped", "older"])
def test_a_damaged_file_is_never_used(cache_home: Path, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = raw_cache_file("photos", "/a", "1")
    keep(path)
    content = path.read_bytes()
    damaged = {
        "cut": content[:-1],
        "longer": b"x" + content,
        "empty": b"",
        "flipped": content[:-30] + b"?" + content[-29:],
        "older": content,
    }
    path.write_bytes(damaged[damage])
    if damage == "older":
        monkeypatch.setattr("tbcli.data.raw_cache._VERSION", 99)
    assert open_raw(path) is None


def test_of_one_place_the_newest_version_stays_alone(cache_home: Path) -> None:
    first, second, other = (
        raw_cache_file("photos", place, version) for place, version in (("/a", "1"), ("/a", "2"), ("/b", "1"))
    )
    keep(first)
    mapped = open_raw(first)
    keep(other)
    keep(second)
    assert not first.exists()
    assert open_raw(other)
    assert mapped
    assert np.array_equal(mapped[0], SAMPLES)  # whoever trains on it goes on


def test_clean_cache_removes_it_too(cache_home: Path, cli: Callable[..., Result]) -> None:
    path = raw_cache_file("photos", "/a", "1")
    keep(path)
    assert str(path.stat().st_size) in cli("clean", "--cache", "--dry-run").stderr
    assert path.exists()
    cli("clean", "--cache")
    assert cached_files() == []


def test_a_full_disk_is_an_error_that_leaves_nothing(cache_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: RawWriter, sample: np.ndarray) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RawWriter, "add", full)
    with pytest.raises(OSError, match="No space"):
        keep(raw_cache_file("photos", "/a", "1"))
    assert cached_files() == []
