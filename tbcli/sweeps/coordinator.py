"""Runs the trials of a sweep: asks for one, hands it to a free slot, and writes down what became of it.

One process without TensorFlow; trials run in others. A trial that fails ends nothing but itself. What was trained when
the sweep is stopped or killed stays, and `Coordinator.recall` takes it up again: the number of runs is that of the
trials.
"""

from __future__ import annotations

import os
import selectors
import shlex
import signal
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

from tbcli.config import Config
from tbcli.errors import Interrupted, Refused, TbcliError
from tbcli.runs.cleaning.trash import Trash
from tbcli.runs.run import Run
from tbcli.runs.store import RunStore
from tbcli.sweeps.definition import Definition, SweepDirectory, Trial
from tbcli.sweeps.endings import ENDED, RESULTS, Outcome, OutcomeLog, judged, outcome_of, runs_of_sweep
from tbcli.sweeps.goal import Goal, goal_from
from tbcli.sweeps.slots import SCRIPT_WORKER, WORKER, Slot, Worker, count_slots, own_cores, share_cores
from tbcli.sweeps.space import Value
from tbcli.sweeps.study import Study, open_study
from tbcli.sweeps.view import SweepView

LOST = "lost"
_LOOK_SECONDS = 1.0
_ORPHAN_SECONDS = 120.0


@dataclass(slots=True)
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


@dataclass(slots=True)
class Running:
    """A trial in a slot.

    Args:
        task: What was asked.
        trial: Which it is.
        run: Id of its run, once there is one.
    """

    task: Assignment
    trial: Trial
    run: str = ""
    began: float = field(default_factory=time.monotonic)
    end: dict[str, Any] | None = None


class Coordinator:
    """Runs a sweep.

    Args:
        definition: The sweep.
        directory: Its directory, which this process has locked.
        config: The settings of this command: places, ``--parallel``, ``--retry``, ``--max-time``.
        view: Shown what happens.
        command: What workers are, unless those of `tbcli.sweeps`.
    """

    def __init__(
        self,
        definition: Definition,
        directory: SweepDirectory,
        config: Config,
        view: SweepView,
        command: Sequence[str] = (),
    ) -> None:
        self._definition, self._directory, self._config, self._view = definition, directory, config, view
        self._command = command or (SCRIPT_WORKER if definition.script else WORKER)
        self._goal: Goal = goal_from(definition.metric, definition.sense)
        self._study: Study = open_study(definition, directory.journal_file)
        self._log = OutcomeLog(directory)
        self._store = RunStore(config.paths, definition.base.get("direction"))
        self._todo: deque[Assignment] = deque(map(Assignment, range(definition.count)))
        self._running: dict[int, Running] = {}
        self._selector = selectors.DefaultSelector()
        self._signals: list[int] = []
        self._is_late = False
        self.outcomes: dict[int, Outcome] = {}

    def recall(self) -> None:
        """Take up what an earlier process has left: ended trials stay, stopped ones go on, others begin anew.

        Raises:
            Refused: A worker of that process still trains.
        """
        logged, runs = self._log.read(), self._await_orphans()
        self._todo.clear()
        for number in range(self._definition.count):
            run = runs.get(number)
            task = self._left_of(number, run, logged.get(number))
            if task:
                self._todo.append(task)
        self._todo = deque(sorted(self._todo, key=lambda task: not task.resume))  # first what has begun
        self._remove_beginnings()

    def _left_of(self, number: int, run: Run | None, logged: Outcome | None) -> Assignment | None:
        """Return what is left to do of a trial, None if nothing."""
        if run is None and (logged is None or logged.status not in ENDED):
            return Assignment(number, logged.params if logged else None)
        outcome = outcome_of(run, self._goal) if run else logged
        assert outcome is not None
        params = outcome.params or None
        if outcome.status not in ENDED:
            return Assignment(number, params, resume=outcome.run)
        if outcome.status not in RESULTS and self._config.sweep.retry:
            self._remove(run)
            return Assignment(number, params, attempts=1)
        if not outcome.reason and logged and logged.run == outcome.run:
            outcome = replace(outcome, reason=logged.reason)
        self._conclude(outcome, is_new=logged is None or (logged.status, logged.run) != (outcome.status, outcome.run))
        return None

    def _await_orphans(self) -> dict[int, Run]:
        """Return the runs of the trials, once nothing trains them: workers end when the coordinator has."""
        deadline = time.monotonic() + _ORPHAN_SECONDS
        while True:
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

    def _remove(self, run: Run | None) -> None:
        """Move a run that is to be begun again to the trash."""
        if run:
            try:
                Trash(self._store).move(run)
            except (TbcliError, OSError) as error:
                self._view.warn(f"run {run.id} stays beside the one that repeats its trial: {error}")

    def _remove_beginnings(self) -> None:
        """Move what is left of runs that were killed before they had a record to the trash."""
        from tbcli.naming.slugs import slug_of
        from tbcli.runs.ids import looks_like_id, without_slug

        slugs = {slug_of(f"{self._definition.name}-{number}") for number in range(self._definition.count)}
        for name in self._store.ids():
            path = self._store.logs_root / name
            is_ours = looks_like_id(name) and name.removeprefix(without_slug(name)).removeprefix("-") in slugs
            if is_ours and not any(not each.name.startswith(".") for each in path.iterdir()):
                for each in path.iterdir():
                    each.unlink()
                path.rmdir()

    def run(self) -> list[Outcome]:
        """Run what is left of the sweep, and return how its trials ended, in their order.

        Raises:
            Interrupted: A signal came; all that was trained is kept.
        """
        slots = self._slots()
        deadline = time.monotonic() + (self._config.sweep.max_seconds or float("inf"))
        self._view.begin(self._definition, len(slots), [*self.outcomes.values()], self._goal)
        try:
            with self._taking_signals():
                while self._running or (self._todo and not self._stops):
                    self._fill(slots)
                    self._await_events()
                    if time.monotonic() > deadline and not self._is_late:
                        self._is_late = True
                        self._stop_all(self.why_late)
        finally:
            for slot in slots:
                if slot.worker and slot.number not in self._running:
                    slot.drop()
                elif slot.worker:
                    slot.worker.kill()
            self._view.close()
        if self._signals:
            name = signal.Signals(self._signals[0]).name
            raise Interrupted(
                self._signals[0],
                f"the sweep was interrupted by {'Ctrl-C' if name == 'SIGINT' else name}",
                hint=f"`tbcli sweep --resume {shlex.quote(self._definition.name)}` goes on with it",
            )
        return [self.outcomes[number] for number in sorted(self.outcomes)]

    @property
    def _stops(self) -> bool:
        return self._is_late or bool(self._signals)

    @property
    def why_late(self) -> str:
        """Why the sweep has stopped before its end, if it was time."""
        return f"--max-time {self._config.sweep.max_time} is over" if self._is_late else ""

    @property
    def left(self) -> int:
        """How many trials have not ended."""
        return self._definition.count - len(self.outcomes)

    def runs(self) -> dict[int, Run]:
        """Return the run of each trial that has one."""
        return runs_of_sweep(self._store, self._definition.name)

    def _slots(self) -> list[Slot]:
        cores = own_cores()
        count = count_slots(self._config.sweep.parallel, len(self._todo), cores)
        shares = share_cores(count, cores)
        return [Slot(number, share, self._directory, self._command) for number, share in enumerate(shares)]

    def _fill(self, slots: Sequence[Slot]) -> None:
        """Hand trials to free slots."""
        for slot in slots:
            if slot.number in self._running or not self._todo or self._stops:
                continue
            task = self._todo.popleft()
            trial = self._study.begin(task.number, task.params)
            config = self._definition.config(trial, self._config.paths).as_dict()
            worker = self._worker_for(slot, config)
            sweep = {
                "name": self._definition.name, "trial": trial.number, "params": dict(trial.params), "seed": trial.seed,
                **self._goal._asdict(),
            }  # fmt: skip
            script = self._definition.script
            job = {"config": config, "sweep": sweep, "resume": task.resume, "asks": bool(self._definition.prune)}
            worker.send({**job, "script": script.as_dict()} if script else job)
            task.attempts += 1
            self._running[slot.number] = Running(task, trial, task.resume)
            self._view.started(slot.number, trial)

    def _worker_for(self, slot: Slot, config: Mapping[str, Mapping[str, Any]]) -> Worker:
        """Return the process in a slot, a new one where the old one cannot train this or has trained enough."""
        if slot.worker and not slot.suits(config):
            self._selector.unregister(slot.worker)
            slot.drop()
        if slot.worker is None:
            slot.worker = slot.start(config)
            self._selector.register(slot.worker, selectors.EVENT_READ, slot)
        slot.worker.trials += 1
        return slot.worker

    def _await_events(self) -> None:
        for key, _ in self._selector.select(_LOOK_SECONDS):
            slot = key.data
            if slot is None:
                self._answer_signals(key.fd)
                continue
            for event in slot.worker.events():
                if event is None:
                    self._selector.unregister(slot.worker)
                    self._lost_worker(slot)
                    break
                self._heard(slot, event)
        self._view.tick()

    def _heard(self, slot: Slot, event: dict[str, Any]) -> None:
        running = self._running.get(slot.number)
        if running is None:
            return
        if "run" in event:
            running.run = event["run"] or running.run
        if "end" in event:
            self._ended(slot, running, event)
        elif "epoch" in event:
            self._epoch(slot, running, event)
        elif "warn" in event:
            self._view.warn(f"trial {running.trial.number}: {event['warn']}")
        elif "stage" in event:
            self._view.stage(slot.number, event["stage"])

    def _epoch(self, slot: Slot, running: Running, event: Mapping[str, Any]) -> None:
        epoch, value = event["epoch"], self._goal.in_epoch(event["logs"])
        why = ""
        if value is not None and self._study.report(running.trial.number, epoch, value) and event["asks"]:
            why = f"pruned after epoch {epoch}: {self._goal.metric} {value:.4g} lags behind other trials"
        if event["asks"] and slot.worker:
            slot.worker.send({"prune": "" if self._stops else why})
        self._view.epoch(slot.number, epoch, value)

    def _lost_worker(self, slot: Slot) -> None:
        """Answer the death of a worker: only its trial has failed."""
        how = slot.drop()
        running = self._running.get(slot.number)
        if running:
            reason = f"the worker process ended {how}".rstrip()
            self._ended(slot, running, {"end": "interrupted" if self._stops else "failed", "reason": reason})

    def _ended(self, slot: Slot, running: Running, event: Mapping[str, Any]) -> None:
        """Write down how a trial ended, or begin it again."""
        del self._running[slot.number]
        status, reason, trial, task = event["end"], event.get("reason") or "", running.trial, running.task
        run = self._store.load(running.run) if running.run else None
        if status == LOST:
            self._remove(run)
            self._todo.appendleft(Assignment(trial.number, trial.params, attempts=task.attempts - 1))
            self._view.freed(slot.number)
            return
        if status == "interrupted" and self._stops:  # it goes on when the sweep does
            self._view.freed(slot.number)
            return
        is_failed = status in ("failed", "diverged")
        if is_failed and task.attempts <= self._config.sweep.retry and not self._stops:
            self._view.note(f"trial {trial.number} failed, and begins again: {reason}")
            goes_on = run is not None and run.status() == "interrupted"
            if not goes_on:
                self._remove(run)
            again = Assignment(
                trial.number, trial.params, resume=run.id if run and goes_on else "", attempts=task.attempts
            )
            self._todo.appendleft(again)
            self._view.freed(slot.number)
            return
        outcome = Outcome(
            trial=trial.number,
            params=dict(trial.params),
            seed=trial.seed,
            status=status,
            run=run.id if run else "",
            reason=reason,
        )
        outcome = judged(outcome, run, self._goal)
        self._conclude(outcome, is_new=True)
        self._view.ended(slot.number, outcome, time.monotonic() - running.began)

    def _conclude(self, outcome: Outcome, *, is_new: bool) -> None:
        self.outcomes[outcome.trial] = outcome
        self._study.end(outcome)
        if is_new:
            self._log.append(outcome)

    def _stop_all(self, why: str) -> None:
        self._view.say(f"{why}: stopping {len(self._running)} trial{'s' if len(self._running) != 1 else ''}")
        for key in list(self._selector.get_map().values()):
            slot = key.data
            if slot is not None and slot.number in self._running and slot.worker:
                slot.worker.stop()

    @contextmanager
    def _taking_signals(self) -> Iterator[None]:
        """Answer the first signal by stopping all trials, and the second by ending them at once."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        before_fd = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        before = {}
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # started by nohup
                before[number] = signal.signal(number, _ignore)
        self._selector.register(reader, selectors.EVENT_READ, None)
        try:
            yield
        finally:
            self._selector.unregister(reader)
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before_fd)
            os.close(reader)
            os.close(writer)

    def _answer_signals(self, reader: int) -> None:
        for number in os.read(reader, 64):
            if number not in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                continue
            self._signals.append(number)
            if len(self._signals) == 1:
                name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
                self._stop_all(f"{name} received, a second one leaves at once")
                continue
            for key in list(self._selector.get_map().values()):
                if key.data is not None and key.data.worker:
                    with suppress(OSError):
                        self._selector.unregister(key.data.worker)
                        key.data.worker.kill()
                        key.data.worker = None
            self._running.clear()


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing: the wakeup descriptor tells."""
