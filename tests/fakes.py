"""Fakes we own: runs on disk without training."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tbcli.config import Config, PathsConfig
from tbcli.naming.direction import summarize
from tbcli.runs import Run, RunStore
from tbcli.runs.files import utc_text
from tbcli.runs.history import HistoryWriter, read_history

SOME_MOMENT = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def make_run(
    workspace: Path,
    *,
    name: str = "",
    status: str = "finished",
    started: datetime = SOME_MOMENT,
    epochs: int = 3,
    val_accuracy: float = 0.98,
    settings: Mapping[str, object] | None = None,
    record: Mapping[str, Any] | None = None,
    files: bool = True,
) -> Run:
    """Make a run that looks as if it had been trained; its `val_accuracy` is the best, at the last epoch."""
    store = RunStore(PathsConfig(workspace=str(workspace)))
    config = Config().updated(
        {"paths.workspace": str(workspace), "train.name": name, "model.name": "cnn", **(settings or {})}
    )
    run = store.create(config, now=started)
    history = HistoryWriter(run.history_file)
    for epoch in range(1, epochs + 1):
        left = (epochs - epoch) * 0.02
        history.append(
            {
                "epoch": epoch,
                "step": epoch * 100,
                "seconds": epoch * 5.0,
                "learning_rate": 0.001,
                "loss": 0.1 + left,
                "accuracy": 0.97 - left,
                "val_loss": 0.08 + left,
                "val_accuracy": val_accuracy - left,
            }
        )
    kept = read_history(run.history_file)
    metrics: dict[str, Any] = summarize(kept.columns, kept.epochs)
    if status == "finished":
        metrics |= {"test_accuracy": val_accuracy, "test_loss": 0.08}
    if files:
        made = {
            run.logs / "train": "events.out.tfevents.1.fake",
            run.plots: "training_history.png",
            run.models: f"{run.model_stem}.keras",
        }
        for root, file in made.items():
            root.mkdir(parents=True, exist_ok=True)
            (root / file).write_bytes(b"x" * 1000)
    ended = None if status == "running" else utc_text(started + timedelta(seconds=20))
    splits, data = ("train", "validation", "test"), (record or {}).get("data", config.data.source)
    facts = {
        "task": "classification",
        "evaluation_data": {split: f"{split} of {data}" for split in splits},
    }
    facts |= {"status": status, "ended": ended, "seconds": 20.0, "epochs": epochs, "metrics": metrics}
    run.update(**{**facts, "bytes": run.walk_bytes(), **(record or {})})
    return run


def make_trial(
    workspace: Path,
    number: int,
    params: Mapping[str, object],
    *,
    sweep: str = "s",
    seed: int | None = None,
    metric: str = "val_accuracy",
    **known: Any,
) -> Run:
    """Make a run that looks as if a sweep had trained it; trials began in the order of their numbers, unless said."""
    seeds = {} if seed is None else {"train.seed": seed}
    told = {"name": sweep, "trial": number, "params": dict(params), "seed": seed}
    goal = {"metric": metric, "selector": "last", "sense": "min" if "loss" in metric else "max"}
    known.setdefault("started", SOME_MOMENT + timedelta(seconds=number))
    record = {"sweep": {**told, **goal}, **known.pop("record", {})}
    own = {key: value for key, value in params.items() if key.count(".") == 1}  # an argument is part of a list
    settings = {**own, **seeds, **known.pop("settings", {})}
    return make_run(workspace, name=f"{sweep}-{number}", settings=settings, record=record, **known)
