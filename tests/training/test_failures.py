"""No memory and no disk are told apart, although libraries have one class for both; all else stays a bug."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tbcli.errors import DoesNotFit, TrainingFailed
from tbcli.training.failures import explained, is_out_of_memory


class ResourceExhaustedError(Exception):
    """As TensorFlow has it."""


class InternalError(Exception):
    """As TensorFlow has it."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("std::bad_alloc"),
        ResourceExhaustedError("OOM when allocating tensor with shape[9,9]"),
        ResourceExhaustedError("failed to allocate memory"),
        InternalError("Failed to allocate 1234 bytes"),
        RuntimeError("std::bad_alloc"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_no_memory_names_the_batch_size(error: Exception, tmp_path: Path) -> None:
    failed = explained(error, tmp_path, 64)
    assert isinstance(failed, TrainingFailed)
    assert failed.message == "out of memory"
    assert "`--batch-size` below 64" in failed.hint


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        ResourceExhaustedError("a/events; No space left on device"),
        InternalError("a/file: No space left on device"),
        OSError("Unable to synchronously create file (errno = 28, error message = 'No space left on device')"),
    ],
)
def test_a_full_disk_is_no_lack_of_memory(error: Exception, tmp_path: Path) -> None:
    assert not is_out_of_memory(error)
    failed = explained(error, tmp_path, 64)
    assert failed is not None
    assert failed.message.startswith("training stopped, the disk is full: ")


@pytest.mark.parametrize("error", [ZeroDivisionError("oops"), KeyError("x"), InternalError("x"), ValueError("shape")])
def test_a_bug_is_not_explained_away(error: Exception, tmp_path: Path) -> None:
    assert explained(error, tmp_path, 64) is None


def test_what_was_explained_already_is_no_lack_of_memory() -> None:
    assert not is_out_of_memory(DoesNotFit("the data function fails: MemoryError", hint="x"))
