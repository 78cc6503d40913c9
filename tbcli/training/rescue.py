"""Whatever ends a training keeps its weights: room is checked before, and at the end they go where there is some."""

from __future__ import annotations

import errno
import math
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import keras
import numpy as np

from tbcli.errors import TrainingFailed, describe_error
from tbcli.runs import Run
from tbcli.runs.disk import ROOM, disk_words, is_of_disk
from tbcli.runs.files import sync

_OVERHEAD = 200_000  # bytes: what a file says besides the weights, the history, the record
_PER_VARIABLE, _BYTES = 4096, 4  # of its description, and of each of its values
_STATES = 2  # generations that are on the disk at a time


def prove_room(model: keras.Model, directory: Path) -> None:
    """Check that a file with all variables of a model fits in a directory: HDF5 crashes at its end where it did not.

    Raises:
        OSError: It does not fit: the disk is full, or a quota or a limit is reached.
    """
    optimizer = getattr(model, "optimizer", None)  # of a compiled one only
    variables = [*model.variables, *(optimizer.variables if optimizer else ())]
    size = _OVERHEAD + sum(_PER_VARIABLE + _BYTES * math.prod(each.shape) for each in variables)
    with tempfile.TemporaryFile(dir=directory) as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):  # a file system that cannot do that
                raise


def save_weights(model: keras.Model, path: Path) -> Path:
    """Write the weights alone, and return the file."""
    prove_room(model, path.parent)
    temporary = path.with_name(f".{path.name}")  # Keras insists on the end of the name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras' own
            model.save_weights(temporary)
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
        return path
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def keep_weights(model: keras.Model, directories: Iterable[Path], stem: str) -> Path | None:
    """Write the weights alone, into the first of some directories that takes them; None where none does."""
    for directory in directories:
        with suppress(Exception):  # whatever is wrong with this one, the next may do
            directory.mkdir(parents=True, exist_ok=True)
            return save_weights(model, directory / f"{stem}.weights.h5")
    return None


def places_for_weights(run: Run) -> tuple[Path, ...]:
    """Return where weights go, first to last choice."""
    return run.models, run.logs, Path(tempfile.gettempdir()) / f"tbcli-{run.id}"


@contextmanager
def weights_kept(
    model: keras.Model, run: Run, warn: Callable[[str], None], is_kept: Callable[[], bool]
) -> Iterator[None]:
    """Let no failure to keep a state end in nothing: tell it, and keep the weights where there is room.

    Args:
        model: In training.
        run: Of which a saved model would do as well.
        warn: Told where the weights are.
        is_kept: Says afterwards whether there is a state with all that was learnt.
    """
    what = "an error came in its middle"
    try:
        yield
    except Exception as error:  # noqa: BLE001 - what ended the training is what is told
        what = disk_words(error, run.logs)[0] if is_of_disk(error) else describe_error(error)
    if is_kept() or run.saved_model.is_file():
        return
    place = keep_weights(model, places_for_weights(run), run.model_stem)
    where = f"the weights are in {str(place)!r}" if place else "there is no room for its weights either"
    warn(f"the latest state could not be saved: {what}; {where}")


def require_space(run: Run, model: keras.Model, formats: Sequence[str]) -> None:
    """Check before training that there is room for what must not be lost: the model, and states to continue from.

    Raises:
        TrainingFailed: There is not.
    """
    weights = 4 * model.count_params()
    trained = 4 * sum(int(np.prod(each.shape)) for each in model.trainable_variables)
    needed: dict[int, int] = {}
    free: dict[int, tuple[int, Path]] = {}
    wanted = {
        run.models: _OVERHEAD + weights * len({"keras", *formats}) + 2 * trained,
        run.logs: _OVERHEAD + _STATES * (2 * weights + 2 * trained),
    }
    for directory, count in wanted.items():
        nearest = next(path for path in (directory, *directory.parents) if path.exists())
        device = nearest.stat().st_dev
        needed[device] = needed.get(device, 0) + count
        free[device] = shutil.disk_usage(nearest).free, nearest
    for device, count in needed.items():
        there, place = free[device]
        if there < count:
            raise TrainingFailed(
                f"the disk is too full to keep the model and its states: {count / 1e6:,.1f} MB are needed in "
                f"{str(place)!r}, {there / 1e6:,.1f} MB are free",
                hint=f"{ROOM}; `--workspace DIR` uses another disk",
            )
