"""What an earlier process has left of a sweep: trials that ended stay, stopped ones go on, others begin anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from tbcli.errors import Refused, TbcliError
from tbcli.runs.cleaning.trash import Trash
from tbcli.runs.run import Run
from tbcli.runs.store import RunStore
from tbcli.sweeps.definition import Definition
from tbcli.sweeps.endings import ENDED, RESULTS, Outcome, outcome_of, runs_of_sweep
from tbcli.sweeps.goal import Goal
from tbcli.sweeps.space import Value
from tbcli.sweeps.view import SweepView

_LOOK_SECONDS = 1.0
_ORPHAN_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Assignment:
    """A trial to run.

    Args:
        number: Of the trial.
        params: Its settings, where they are known.
        resume: The run to go on with, ``""`` to begin one.
        attempts: How often it was begun by this process.
    """

    number: int
    params: Mapping[str, Value] | None = None
    resume: str = ""
    attempts: int = 0


class Remains:
    """The runs of a sweep that has begun.

    Args:
        definition: The sweep.
        store: Where its runs are.
        goal: What trials are judged by.
        view: Told what cannot be removed.
    """

    def __init__(self, definition: Definition, store: RunStore, goal: Goal, view: SweepView) -> None:
        self._definition, self._store, self._goal, self._view = definition, store, goal, view

    def await_runs(self, check: Callable[[], None]) -> dict[int, Run]:
        """Return the runs of the trials, once nothing trains them: workers end when their coordinator has.

        Args:
            check: Called while waiting; may raise.

        Raises:
            Refused: A worker still trains.
        """
        deadline = time.monotonic() + _ORPHAN_SECONDS
        while True:
            check()
            runs = runs_of_sweep(self._store, self._definition.name)
            live = [run for run in runs.values() if run.is_live()]
            if not live:
                return runs
            if time.monotonic() > deadline:
                raise Refused(
                    f"{len(live)} trials of sweep {self._definition.name!r} are still training, such as {live[0].id}",
                    hint=f"`tbcli stop {live[0].id}` ends it",
                )
            self._view.say("waiting for trials of an earlier process to stop")
            time.sleep(_LOOK_SECONDS)

    def state(self, number: int, run: Run | None, logged: Outcome | None, *, retries: bool) -> Assignment | Outcome:
        """Return how a trial has ended, or what is left to do of it.

        Args:
            number: Of the trial.
            run: Its run, if there is one.
            logged: How it ended, by the log of the sweep.
            retries: Whether one that failed begins again.
        """
        if run is None and (logged is None or logged.status not in ENDED):
            return Assignment(number, logged.params if logged else None)
        if run and self._definition.script and (logged is None or logged.run != run.id):
            return Assignment(number, run.sweep.get("params"), resume=run.id)  # whose script has not come to its end
        outcome = outcome_of(run, self._goal) if run else logged
        assert outcome is not None
        params = outcome.params or None
        if outcome.status not in ENDED:
            return Assignment(number, params, resume=outcome.run)
        if outcome.status not in RESULTS and retries:
            self.remove(run)
            return Assignment(number, params, attempts=1)
        if not outcome.reason and logged and (logged.run, logged.status) == (outcome.run, outcome.status):
            return replace(outcome, reason=logged.reason)
        return outcome

    def remove(self, run: Run | None) -> None:
        """Move the run of a trial that is to be begun again to the trash, with the earlier fits of its script."""
        for each in [*self._fits_before(run), run] if run else ():
            try:
                if each.record.get("status") == "running" and each.status() == "interrupted":
                    each.update(status="interrupted")  # its worker is dead, however fresh the last sign of life
                Trash(self._store).move(each)
            except (TbcliError, OSError) as error:
                self._view.warn(f"run {each.id} stays beside the one that repeats its trial: {error}")

    def _fits_before(self, run: Run) -> list[Run]:
        if not self._definition.script:
            return []
        mine = (run.sweep.get("name"), run.sweep.get("trial"))
        trials = ((each, each.sweep or each.earlier_fit_of) for each in self._store.list() if each.id != run.id)
        return [each for each, said in trials if (said.get("name"), said.get("trial")) == mine and not each.is_copy]

    def remove_beginnings(self) -> None:
        """Remove what is left of runs that were killed before they had a record: a directory without anything."""
        from tbcli.naming.slugs import slug_of
        from tbcli.runs.ids import looks_like_id, without_slug

        slugs = {slug_of(f"{self._definition.name}-{number}") for number in range(self._definition.count)}
        for name in self._store.ids():
            path = self._store.logs_root / name
            is_ours = looks_like_id(name) and name.removeprefix(without_slug(name)).removeprefix("-") in slugs
            if is_ours and not any(not each.name.startswith(".") for each in path.iterdir()):
                with suppress(OSError):
                    for each in path.iterdir():
                        each.unlink()
                    path.rmdir()
