"""What errors of libraries mean that end a training: no memory, no disk; all else is a bug, or the user's own code."""

from __future__ import annotations

from pathlib import Path

from tbcli.data.dataset import unreadable_sample
from tbcli.errors import TbcliError, TrainingFailed
from tbcli.runs.disk import disk_words, is_of_disk

_NO_MEMORY = ("std::bad_alloc", "oom when allocating", "cannot allocate memory", "failed to allocate", "out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether there was no memory for what was tried, on whichever device."""
    if isinstance(error, TbcliError) or is_of_disk(error):
        return False  # TensorFlow's `ResourceExhaustedError` is also that of a full disk
    kinds, text = {kind.__name__ for kind in type(error).__mro__}, str(error).lower()
    return bool(kinds & {"MemoryError", "ResourceExhaustedError"}) or any(words in text for words in _NO_MEMORY)


def out_of_memory(batch_size: int, where: str = "") -> TrainingFailed:
    """Return what to say of a training that had no memory.

    Args:
        batch_size: The size of its batches.
        where: As ``at step 12``.
    """
    smaller = f"use a `--batch-size` below {batch_size}" if batch_size > 1 else "use a smaller model"
    return TrainingFailed(f"out of memory {where}".rstrip(), hint=f"{smaller}, or fewer samples (`--limit-samples`)")


def explained(error: BaseException, directory: Path, batch_size: int) -> TbcliError | None:
    """Return what to say of an error that ended a training; None for one that only its traceback explains.

    Args:
        error: Not one of ours.
        directory: Of the run.
        batch_size: The size of its batches.
    """
    if failed := unreadable_sample(error):
        return failed
    if is_out_of_memory(error):
        return out_of_memory(batch_size)
    if is_of_disk(error):
        what, hint = disk_words(error, directory)
        return TrainingFailed(f"training stopped, {what}: {getattr(error, 'filename', None) or directory}", hint=hint)
    return None
