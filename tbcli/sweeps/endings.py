"""How trials ended: a line each in ``trials.jsonl``, and what the runs themselves say."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tbcli.config import PathsConfig
from tbcli.naming.matching import did_you_mean
from tbcli.runs.run import Run
from tbcli.runs.run_summary import summary_of
from tbcli.runs.store import RunStore
from tbcli.runs.summary import Summary
from tbcli.runs.trials import number_of_trial
from tbcli.sweeps.goal import Goal
from tbcli.sweeps.space import Value

RESULTS = ("finished", "pruned")
FAILED = ("failed", "diverged")
ENDED = (*RESULTS, *FAILED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ended.

    Args:
        trial: Its number.
        params: Its settings.
        seed: Its seed, where trials differ only in it.
        status: One of `tbcli.runs.run.STATUSES`.
        run: Id of its run, ``""`` where there is none.
        value: What it reached, None where that was not measured.
        reason: Why it failed, or was pruned.
    """

    trial: int
    params: Mapping[str, Value]
    seed: int | None
    status: str
    run: str = ""
    value: float | None = None
    reason: str = ""

    @property
    def has_result(self) -> bool:
        """Whether the trial can be judged: it ended well, and what trials are judged by was measured."""
        return self.status in RESULTS and self.value is not None


def judged(outcome: Outcome, run: Run | None, goal: Goal) -> Outcome:
    """Return the outcome with what its run reached, or with why nothing can be said of that."""
    if run is None or outcome.status not in RESULTS:
        return outcome
    value = goal.value(run)
    if value is None:
        why = f"it has no number for {goal.text} ({did_you_mean(goal.metric, summary_of(run).metrics)})"
        return replace(outcome, reason=f"{outcome.reason}; {why}" if outcome.reason else why)
    return replace(outcome, value=value)


class OutcomeLog:
    """The outcomes of a sweep, appended one by one.

    Args:
        file: The log of the sweep; see `tbcli.sweeps.directory.SweepDirectory`.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        cut_torn_tail(self._file)

    def append(self, outcome: Outcome) -> None:
        """Write an outcome, to stay through a loss of power."""
        with self._file.open("ab") as file:
            file.write(f"{json.dumps(asdict(outcome))}\n".encode())
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> dict[int, Outcome]:
        """Return the latest outcome of each trial; a damaged line is none."""
        return read_outcomes(self._file)


def read_outcomes(file: Path) -> dict[int, Outcome]:
    """Return the latest outcome of each trial that a log tells; a damaged line is none."""
    return {each.trial: each for each in _each_outcome(file)}


def _each_outcome(file: Path) -> Iterator[Outcome]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield Outcome(**json.loads(line))
        except (ValueError, TypeError):
            continue


def trials_without_runs(store: RunStore, paths: PathsConfig) -> list[Summary]:
    """Return what is known of the trials of a sweep that ended, or were stopped, before they had a run.

    Args:
        store: The runs of the sweep.
        paths: Of the workspace.
    """
    from tbcli.sweeps.directory import SweepDirectory, sweeps_root

    known = {number_of_trial(run) for run in store.each()}
    outcomes = read_outcomes(SweepDirectory(sweeps_root(paths) / store.sweep).log_file).values()
    without = [each for each in outcomes if not each.run and each.trial not in known]
    names = [(f"{store.sweep}-{each.trial}", each.status) for each in without]
    return [Summary(name, name, {}, read_fact={"status": status, "name": name}.get) for name, status in names]


def outcome_of(run: Run, goal: Goal) -> Outcome:
    """Return what the record of a run says of its trial."""
    said = run.sweep
    outcome = Outcome(
        trial=int(said["trial"]),
        params=said.get("params") or {},
        seed=said.get("seed"),
        status=run.status(),
        run=run.id,
        reason=str(run.record.get("reason") or ""),
    )
    return judged(outcome, run, goal)


def runs_of_sweep(store: RunStore, name: str) -> dict[int, Run]:
    """Return the newest run of each trial of a sweep."""
    found = (run for run in store.list() if run.sweep.get("name") == name and not run.is_copy)
    return {int(run.sweep["trial"]): run for run in found}


def cut_torn_tail(journal: Path) -> None:
    """Cut a file back to the end of its last line of JSON: a writer was killed in the next, or power was lost."""
    try:
        content = journal.read_bytes()
    except FileNotFoundError:
        return
    whole = content.rfind(b"\n") + 1
    while whole and not _is_json(content[content.rfind(b"\n", 0, whole - 1) + 1 : whole]):
        whole = content.rfind(b"\n", 0, whole - 1) + 1
    if whole < len(content):
        with journal.open("r+b") as file:
            file.truncate(whole)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
