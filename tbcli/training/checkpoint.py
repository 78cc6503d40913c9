"""The state to continue a run from: everything that the next step depends on, in one checked file."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tbcli.runs.files import write_atomically, write_json

STATE_FILE = "state.npz"
POSITION_FILE = "position.json"


def save_state(directory: Path, model: keras.Model, *, epoch: int, step: int, steps_per_epoch: int) -> None:
    """Write the state after ``step`` optimizer steps, each file whole, the one that makes it valid last.

    The variables are those of the model (weights, and the seed state of dropout) and of its optimizer. The order of the
    data needs no state: it is a function of the configuration's seed and the epoch.

    Args:
        directory: Made if need be.
        model: The compiled model in training.
        epoch: Epochs that are complete.
        step: Optimizer steps done.
        steps_per_epoch: Steps of a whole epoch.

    Raises:
        OSError: It could not be written; an older state is untouched.
    """
    directory.mkdir(parents=True, exist_ok=True)
    # By position, not by path: two layers of a model may carry the same path.
    variables = [*model.variables, *model.optimizer.variables]
    arrays: dict[str, Any] = {f"{number:05}": variable.numpy() for number, variable in enumerate(variables)}
    arrays["paths"] = np.array([variable.path for variable in variables])
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    content = buffer.getvalue()
    write_atomically(directory / STATE_FILE, content)
    # A flipped bit in a file of weights loads without a word and trains to NaN: keep a checksum.
    checksum = hashlib.sha256(content).hexdigest()
    position = {"epoch": epoch, "step": step, "step_in_epoch": step - epoch * steps_per_epoch, "sha256": checksum}
    write_json(directory / POSITION_FILE, position)
