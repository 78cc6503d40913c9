"""What is done to the files of a run, and what must hold of them whatever happens meanwhile."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from typer.testing import CliRunner

from tbcli.cli.app import app
from tbcli.config import Config
from tbcli.errors import TbcliError
from tbcli.readers import read_scalars
from tbcli.recorders.writer import EventWriter
from tbcli.runs import Run, RunStore
from tbcli.runs.cleaning.trash import Trash
from tbcli.runs.history import HistoryWriter, read_history
from tbcli.runs.run import STATUSES
from tbcli.training.conclusion import conclude
from tbcli.training.continuing.resuming import reopen, saved_parts
from tbcli.training.continuing.state import Generations
from tests.events.records import event, metadata, tensor, write
from tests.fakes import make_run
from tests.serving.events import write_scalars

KILLED = -signal.SIGKILL
SLIM = ("--slim", "images,checkpoints", "--yes")
COMMANDS = ("--damaged", "--all", "--damaged", "--purge")
FILES = 7  # of a run that `make_run` makes


@dataclass(frozen=True)
class Scenario:
    """Something that is done to a run.

    Args:
        prepare: Makes the workspace in which it is done.
        act: Does it, and returns the exit code.
        codes: The exit codes that are allowed where it is killed or the disk fails.
        check: Yields what is wrong with the workspace afterwards, beyond what must hold always.
    """

    prepare: Callable[[Path], object]
    act: Callable[[Path], int]
    codes: frozenset[int]
    check: Callable[[Path], Iterator[str]] = lambda workspace: iter(())


def store_of(workspace: Path) -> RunStore:
    return RunStore(config_of(workspace).paths)


def config_of(workspace: Path) -> Config:
    return Config().updated({"paths.workspace": str(workspace), "plot.automatic": False})


def tbcli(workspace: Path, *words: str) -> tuple[int, str]:
    """Run a command in this process; return its exit code and what it said, a bug as itself."""
    result = CliRunner().invoke(app, [*words, "--workspace", str(workspace)], prog_name="tbcli")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def look_at(workspace: Path, scenario: Scenario) -> Iterator[str]:
    """Yield what is wrong with a workspace: a run that cannot be listed, read or cleaned."""
    try:
        yield from _what_is_wrong(workspace)
        yield from scenario.check(workspace)
        yield from _what_stays(workspace)
    except Exception as error:  # noqa: BLE001 - that none does is what is tested
        yield f"{type(error).__name__} escaped: {error}"


def _what_is_wrong(workspace: Path) -> Iterator[str]:
    code, said = tbcli(workspace, "runs")
    if code:
        yield f"runs exits with {code}: {said}"
    for run in store_of(workspace).list():
        if run.status() not in STATUSES:
            yield f"the status of {run.id} is {run.status()}"
        if run.is_live():
            yield f"{run.id} counts as live"
        if damage := read_history(run.history_file).damage:
            yield f"history {damage}"
        try:
            Generations(run.checkpoints).newest(list[str]().append)
        except TbcliError as error:
            yield error.message


def _what_stays(workspace: Path) -> Iterator[str]:
    """Yield what no command removes an hour later; until then another process may be at work on it."""
    _let_an_hour_pass(workspace)
    if used := [wreck.what for wreck in store_of(workspace).wreckage() if wreck.in_use]:
        yield f"wreckage in use: {used}"
    for option in COMMANDS:
        code, said = tbcli(workspace, "clean", option, "--yes")
        if code:
            yield f"clean {option} exits with {code}: {said}"
        hidden = [path for root in ("logs", "plots", "models") for path in (workspace / root).rglob(".*")]
        if hidden:
            yield f"clean {option} leaves {hidden}"
    left = [str(path.relative_to(workspace)) for path in workspace.rglob("*") if path.parent != workspace]
    if left:
        yield f"nothing removes {left}"


def _let_an_hour_pass(workspace: Path) -> None:
    for path in workspace.rglob("*"):
        moment = path.stat().st_mtime - 3600
        os.utime(path, (moment, moment))


def _create(workspace: Path) -> int:
    return _coded(lambda: store_of(workspace).create(config_of(workspace)))


def _the_run(workspace: Path) -> Run:
    (run,) = store_of(workspace).list()
    return run


def _update(workspace: Path) -> int:
    return _coded(lambda: _the_run(workspace).update(note="seen", metrics={"a": 1.0}))


def _append(workspace: Path) -> int:
    rows = [
        {"epoch": epoch, "step": epoch * 100, "seconds": 1.0, "learning_rate": 0.1, "loss": 1.0} for epoch in (4, 5)
    ]
    writer = HistoryWriter(_the_run(workspace).history_file)
    return _coded(lambda: [writer.append(row) for row in [rows[0], {**rows[1], "new": 1.0}]])


def _finish(workspace: Path) -> int:
    run, said = _the_run(workspace), list[str]()
    conclude(run, config_of(workspace), "finished", "", 1.0, warn=said.append)
    return 5 if said else 0


def _coded(act: Callable[[], object]) -> int:
    """Return the exit code that a failure has; documented ones of the system count as 5, as a training makes them."""
    try:
        act()
    except TbcliError as error:
        return error.exit_code
    except OSError:
        return 5
    return 0


def _save(workspace: Path) -> int:
    generations = Generations(_the_run(workspace).checkpoints)
    return _coded(lambda: [generations.save(step, _parts(step)) for step in (20, 30)])


def _parts(step: int) -> dict[str, Any]:
    return {"model": {"step": step, "weights": np.full((64, 64), step, np.float32)}}


def _a_whole_state_is_there(workspace: Path) -> Iterator[str]:
    saved = Generations(_the_run(workspace).checkpoints).newest(list[str]().append)
    if not saved or saved.step not in (10, 20, 30) or (saved.parts["model"]["weights"] != saved.step).any():
        yield f"the state is {saved}"


def _resumable(workspace: Path) -> None:
    """Make a run that was killed two epochs after its last state."""
    run = make_run(workspace, name="first", status="running", epochs=0, files=False)
    history, writer = HistoryWriter(run.history_file), EventWriter(run.logs)
    for epoch in (1, 2, 3, 4):
        _record(epoch, history, writer)
        if epoch == 2:
            _keep(run, epoch, history, writer)
    write_scalars(run.logs / "validation", {"epoch_loss": [0.5, 0.25]})


def _resume(workspace: Path) -> int:
    return _coded(lambda: _go_on(_the_run(workspace)))


def _go_on(run: Run) -> None:
    """Take a run up as `tbcli.training.resume` does, and train an epoch."""
    parts = saved_parts(run, list[str]().append)
    reopen(run, parts)
    history, writer = HistoryWriter(run.history_file), EventWriter(run.logs)
    history.restore(parts["history"])
    writer.restore(parts["writer"])
    _record(3, history, writer)
    _keep(run, 3, history, writer)


def _record(epoch: int, history: HistoryWriter, writer: EventWriter) -> None:
    history.append({"epoch": epoch, "step": epoch * 10, "seconds": 1.0, "learning_rate": 0.1, "loss": 1 / epoch})
    writer.scalars({"epoch_loss": 1 / epoch}, epoch, where="train")


def _keep(run: Run, epoch: int, history: HistoryWriter, writer: EventWriter) -> None:
    epochs = {"plan": (40, ()), "epochs_done": epoch, "steps_done": epoch * 10, "seconds": 1.0}
    parts = {"epochs": epochs, "feed": {"epoch": epoch, "position": 0}}
    Generations(run.checkpoints).save(epoch * 10, parts | {"history": history.state(), "writer": writer.state()})


def _goes_on_from_there(workspace: Path) -> Iterator[str]:
    """Yield what is lost or twice there once a run was resumed again, whatever came between."""
    run = _the_run(workspace)
    saved = Generations(run.checkpoints).newest(list[str]().append)
    state = saved.parts if saved else {}
    history, writer = HistoryWriter(run.history_file), EventWriter(run.logs)
    history.restore(state["history"])
    writer.restore(state["writer"])
    epochs = tuple(range(1, saved.step // 10 + 1)) if saved else ()
    if history.missing or writer.lost or read_history(run.history_file).epochs != epochs:
        yield f"history {read_history(run.history_file)}, lost {writer.lost}"
    scalars = read_scalars(run.logs, cache=False)
    found = {(series.run, series.tag): series.step.tolist() for series in scalars}
    if scalars.damage or found != {("train", "epoch_loss"): list(epochs)}:
        yield f"curves {found} {scalars.damage}"


def _clean(*words: str) -> Callable[[Path], int]:
    return lambda workspace: tbcli(workspace, "clean", *words, "--yes")[0]


def _nothing_is_lost(workspace: Path) -> Iterator[str]:
    """Yield what is wrong with the only run once it was restored, if it lay in the trash at all."""
    if not store_of(workspace).list():
        code, said = tbcli(workspace, "clean", "--restore", "first")
        if code:
            yield f"--restore exits with {code}: {said}"
    files = _the_run(workspace).files()
    if len(files) != FILES:
        yield f"the run has {files}"
    if trashed := Trash(store_of(workspace)).list():
        yield f"the trash has {trashed} too"


def _recorded(workspace: Path) -> None:
    run = make_run(workspace, name="first")
    write_scalars(run.logs / "validation", {"epoch_loss": [0.5, 0.25]})
    picture = tensor("picture", [b"8", b"8", b"x" * 3000], metadata("images"))
    write(run.logs / "validation", event(1, picture), event(2, picture))
    Generations(run.checkpoints).save(10, _parts(10))


def _the_curves_are_whole(workspace: Path) -> Iterator[str]:
    run = _the_run(workspace)
    scalars = read_scalars(run.logs / "validation", cache=False)
    if scalars.damage or [series.value.tolist() for series in scalars] != [[0.5, 0.25]]:
        yield f"curves {scalars.damage or list(scalars)}"
    code, said = tbcli(workspace, "clean", "first", *SLIM)
    if code or run.checkpoints.exists():
        yield f"slimmed again (exit {code}): {run.files()} {said}"


def _nothing(workspace: Path) -> None:
    (workspace / "logs").mkdir()


def _trained(workspace: Path) -> None:
    make_run(workspace, name="first")


def _training(workspace: Path) -> None:
    run = make_run(workspace, name="first", status="running")
    Generations(run.checkpoints).save(10, _parts(10))


def _trashed(workspace: Path) -> None:
    _trained(workspace)
    assert _clean("first")(workspace) == 0


def _epochs_are_whole(workspace: Path) -> Iterator[str]:
    epochs = read_history(_the_run(workspace).history_file).epochs
    if epochs not in ((1, 2, 3), (1, 2, 3, 4), (1, 2, 3, 4, 5)):
        yield f"the history has the epochs {epochs}"


_STOPPED = frozenset({0, 5, KILLED})
_REFUSED = frozenset({0, 2, 5, 8, KILLED})
SCENARIOS = {
    "create": Scenario(_nothing, _create, frozenset({0, 2, 5, KILLED})),
    "update": Scenario(_training, _update, _STOPPED),
    "history": Scenario(_training, _append, _STOPPED, _epochs_are_whole),
    "save": Scenario(_training, _save, _STOPPED, _a_whole_state_is_there),
    "resume": Scenario(_resumable, _resume, _STOPPED, _goes_on_from_there),
    "finish": Scenario(_training, _finish, _STOPPED),
    # 2: the trash cannot be made
    "clean": Scenario(_trained, _clean("first"), _REFUSED, _nothing_is_lost),
    "clean --permanent": Scenario(_trained, _clean("first", "--permanent"), _REFUSED),
    "clean --restore": Scenario(_trashed, _clean("--restore", "first"), _REFUSED, _nothing_is_lost),
    "clean --slim": Scenario(_recorded, _clean("first", *SLIM[:-1]), _REFUSED, _the_curves_are_whole),
    "clean --purge": Scenario(_trashed, _clean("--purge"), _REFUSED),
}
