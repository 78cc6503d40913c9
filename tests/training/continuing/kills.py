"""Kill trainings at chosen moments and resume them; a process of its own, which imports TensorFlow once and forks.

Prints a line of JSON per point: its name, and what differs from a training that was left alone.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SETTINGS: Mapping[str, object] = {
    "data.limit_samples": 300,  # 270 to train on: 6 steps an epoch, 18 in all
    "train.batch_size": 50,
    "train.epochs": 3,
    "train.patience": 2,
    "train.schedule": "cosine",
    "train.deterministic": True,
    "train.steps_per_execution": 2,
    "train.checkpoint_every": "2",
    "record.log_every": 5,
    "record.spacing": 1,
    "plot.automatic": False,
}
AT_ONCE = 2


@dataclass(frozen=True)
class Point:
    """A moment to kill a training at: after so many calls of a function, the last of which ends or only begins.

    Args:
        name: What the moment is.
        target: ``module:name`` of the function.
        calls: How many.
        ends: Whether the last call ends before the kill.
        is_frugal: Whether states are saved as seldom as in an ordinary training, which is too short for one.
        then: Where the resumed training is killed once more.
        changed: What the resumed training has other settings for.
    """

    name: str
    target: str
    calls: int
    ends: bool = True
    is_frugal: bool = False
    then: Point | None = None
    changed: Mapping[str, object] = field(default_factory=dict)


_STEP, _STATE = "tbcli.training.steps:StepLoop.run", "tbcli.training.continuing.state"
_SPLIT = "tbcli.training.evaluation:evaluation_batches"
POINTS = {
    "float32": [
        Point("after step 2, before it was recorded", _STEP, 1),
        Point("in steps 7 and 8", _STEP, 4, ends=False),
        Point("after step 10, with a group of batches open", "tbcli.recorders.recording:Recording.steps", 5),
        Point("in the first validation", _SPLIT, 2, ends=False),
        Point("before epoch 2", "tbcli.training.feed:TrainingFeed.begin_epoch", 2, ends=False),
        Point("after the history of epoch 2", "tbcli.runs.history:HistoryWriter.append", 2),
        Point("a state is written, not yet renamed", f"{_STATE}:_check_whole", 4),
        Point("a state is renamed, the older ones are there", f"{_STATE}:_sync_directory", 3, ends=False),
        Point("before any state", _STEP, 5, is_frugal=True),
        Point("in the last validation", _SPLIT, 4, ends=False),
    ],
    "mixed_bfloat16": [
        Point("after step 4", _STEP, 2, changed={"train.steps_per_execution": 1}),
        Point("after step 14", _STEP, 7, changed={"train.steps_per_execution": 6}),
        Point("after step 16", "tbcli.training.epoch:Epochs.after_steps", 8),
        Point("while epoch 1 is recorded", "tbcli.recorders.pr_curves:PrCurvesRecorder.on_epoch", 1),
        Point("while epoch 3 is recorded", "tbcli.recorders.layout:LayoutRecorder.on_epoch", 3, ends=False),
        Point("a state is written by halves", "os:fsync", 12, ends=False),
        Point("after the model is saved", "tbcli.training.pipeline:save_model", 1),
        Point("after the evidence is written", "tbcli.training.pipeline:keep_evidence", 1),
        Point("after the end is recorded", "tbcli.recorders.recording:Recording.end", 1),
        Point("twice", _STEP, 3, then=Point("again", _STEP, 3)),
    ],
}


def main() -> None:
    """Try all points of a precision, in a directory of the test's own."""
    precision, top = sys.argv[1], Path(sys.argv[2])
    import_module("tbcli.training.pipeline")
    import_module("tests.training.continuing.outcome")
    _wait([_fork(lambda: _train_alone(precision, top))])
    waiting: list[int] = []
    for number, point in enumerate(POINTS[precision]):
        waiting.append(_fork(lambda number=number, point=point: _try(point, precision, top, number)))
        if len(waiting) == AT_ONCE:
            _wait(waiting)
    _wait(waiting)


def _train_alone(precision: str, top: Path) -> None:
    from tests.training.continuing.outcome import outcome

    (top / "alone.pickle").write_bytes(pickle.dumps(outcome(_train(precision, top / "alone"))))


def _try(point: Point, precision: str, top: Path, number: int) -> None:
    from tests.training.continuing.outcome import differences, outcome

    workspace = top / str(number)
    _killed(point, lambda: _train(precision, workspace))
    if point.then:
        _killed(point.then, lambda: _resume(workspace, point.changed))
    found = differences(pickle.loads((top / "alone.pickle").read_bytes()), outcome(_resume(workspace, point.changed)))
    print(json.dumps([point.name, repr(found) if found else ""]), flush=True)  # noqa: T201


def _train(precision: str, workspace: Path) -> Any:
    from tbcli.config import Config
    from tbcli.training import train

    settings = {**SETTINGS, "train.precision": precision, "paths.workspace": str(workspace)}
    return train(Config().updated(settings))


def _resume(workspace: Path, changed: Mapping[str, object]) -> Any:
    from tbcli.config import PathsConfig
    from tbcli.runs import RunStore
    from tbcli.training.continuing.changes import config_of
    from tbcli.training.session import resume

    (run,) = RunStore(PathsConfig(workspace=str(workspace))).list()
    return resume(run, config_of(run).updated(changed))


def _killed(point: Point, act: Callable[[], Any]) -> None:
    """Let a process act and be killed."""

    def arm_and_act() -> None:
        if not point.is_frugal:
            import_module("tbcli.training.continuing.keeping").MOST_SHARE = 1e9
        _arm(point)
        act()

    child = _fork(arm_and_act)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == -signal.SIGKILL, f"{point.name}: exit code {code}, never killed"


def _arm(point: Point) -> None:
    module, _, path = point.target.partition(":")
    *owners, name = path.split(".")
    owner: Any = import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    function, calls = getattr(owner, name), _count()

    def call(*args: Any, **kwargs: Any) -> Any:
        is_last = next(calls) == point.calls
        if is_last and not point.ends:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **kwargs)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, call)


def _count() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


def _fork(act: Callable[[], Any]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            act()
            code = 0
        except BaseException:  # noqa: BLE001 - shown, and an exit code of its own
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    return child


def _wait(children: list[int]) -> None:
    """Wait for all of them."""
    while children:
        assert os.waitstatus_to_exitcode(os.waitpid(children.pop(0), 0)[1]) == 0


if __name__ == "__main__":
    main()
