"""An error of a file has its words and its advice, whichever library it comes out of."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tbcli.runs import disk
from tbcli.runs.disk import disk_words, is_of_all_files, is_of_disk, system_number


class UnknownError(Exception):
    """As TensorFlow has it."""


@pytest.mark.parametrize("number", disk._WORDS)
@pytest.mark.parametrize("form", ["system", "h5py", "tensorflow"])
def test_every_error_of_files_is_known_by_its_number_or_its_text(number: int, form: str) -> None:
    text = f"[Errno {number}] Unable to write (file write failed: time = x, '{os.strerror(number)}')"
    errors = {
        "system": OSError(number, os.strerror(number), "a/file"),
        "h5py": OSError(text),
        "tensorflow": UnknownError(f"events.out.tfevents; {os.strerror(number)}"),
    }
    error = errors[form]
    assert is_of_disk(error)
    assert system_number(error) == number
    words, advice = disk_words(error, Path("/"))
    assert words
    assert advice == disk._WORDS[number][1]


@pytest.mark.parametrize("error", [ValueError("no luck"), ZeroDivisionError(), UnknownError("it is full of errors")])
def test_other_errors_are_none_of_files(error: Exception) -> None:
    assert not is_of_disk(error)
    assert not is_of_all_files(error, Path("/no/such/directory"))


def test_a_directory_that_is_gone_is_named_as_that_and_concerns_all_files(tmp_path: Path) -> None:
    error = FileNotFoundError(errno.ENOENT, "No such file or directory", "x")
    assert disk_words(error, tmp_path)[0] == "No such file or directory"
    assert not is_of_all_files(error, tmp_path)
    assert disk_words(error, tmp_path / "gone")[0] == "the run's directory was removed or moved while it trained"
    assert is_of_all_files(error, tmp_path / "gone")


def test_permission_is_no_room_and_a_full_disk_is_no_permission(tmp_path: Path) -> None:
    assert "clean" in disk_words(OSError(errno.ENOSPC, ""), tmp_path)[1]
    assert "owns" in disk_words(OSError(errno.EACCES, "Permission denied"), tmp_path)[1]
    assert "ulimit -n" in disk_words(OSError(errno.EMFILE, "Too many open files"), tmp_path)[1]
