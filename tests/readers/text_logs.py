"""Training logs as text, as other programs write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Numbers = Callable[[int], float]


def write_text(path: Path, text: str, *, newline: str = "\n", encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.replace("\n", newline).encode(encoding))
    return path


def keras_csv(epochs: int = 6, separator: str = ",", first: int = 0) -> str:
    """Return what Keras' ``CSVLogger`` writes."""
    rows = [["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]]
    for epoch in range(first, first + epochs):
        numbers = (1 - 1 / (epoch + 2), 1 / (epoch + 1), 1 - 1 / (epoch + 3), 2 / (epoch + 1))
        rows += [[str(epoch), *map(str, numbers)]]
    return "".join(f"{separator.join(row)}\n" for row in rows)


def lightning_csv(epochs: int = 3) -> str:
    """Return what Lightning's ``CSVLogger`` writes: a row per call, most cells empty."""
    rows = ["epoch,lr-Adam,step,train_loss_epoch,train_loss_step,val_loss"]
    for epoch in range(epochs):
        step = 10 * epoch + 4
        rows.append(f"{epoch},0.001,{step},,{5 / (step + 1)},")
        rows.append(f"{epoch},,{step + 5},,,{6 / (step + 1)}")
        rows.append(f"{epoch},,{step + 5},{5.5 / (step + 1)},,")
    return "\n".join(rows) + "\n"


def ultralytics_csv(epochs: int = 5, first: int = 1, width: int = 0) -> str:
    """Return what Ultralytics writes; older versions pad each cell, the header too, and count from 0."""
    names = ["epoch", "train/box_loss", "metrics/mAP50(B)", "val/box_loss", "lr/pg0"]
    rows = [names]
    for epoch in range(epochs):
        values = (2 / (epoch + 1), epoch / 10, 2.1 / (epoch + 1), 0.01)
        rows.append([str(epoch + first), *(f"{value:.5g}" for value in values)])
    return "".join(",".join(cell.rjust(width) for cell in row) + "\n" for row in rows)


def trainer_state(steps: int, every: int = 10) -> str:
    """Return the ``trainer_state.json`` of a Hugging Face Trainer."""
    history: list[dict[str, Any]] = []
    for step in range(every, steps + 1, every):
        history.append({"epoch": step / 100, "learning_rate": 5e-5, "loss": 3 / step, "step": step})
        if step % (5 * every) == 0:
            history.append({"epoch": step / 100, "eval_loss": 4 / step, "eval_runtime": 3.2, "step": step})
    document = {"best_metric": None, "epoch": steps / 100, "global_step": steps, "log_history": history}
    return json.dumps(document, indent=2)
