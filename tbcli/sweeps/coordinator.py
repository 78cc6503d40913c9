"""Runs the trials of a sweep: asks for one, hands it to a free slot, and writes down what became of it.

One process without TensorFlow; trials run in others. A trial that fails ends nothing but itself. What was trained when
the sweep is stopped or killed stays, and the next process takes it up again: the number of runs is that of the trials.
"""

from __future__ import annotations

import selectors
import shlex
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tbcli.config import Config
from tbcli.errors import Interrupted
from tbcli.runs.run import Run
from tbcli.runs.store import RunStore
from tbcli.sweeps.definition import Definition, Trial
from tbcli.sweeps.directory import SweepDirectory
from tbcli.sweeps.endings import ENDED, FAILED, Outcome, OutcomeLog, judged, runs_of_sweep
from tbcli.sweeps.goal import Goal, goal_from
from tbcli.sweeps.remains import Assignment, Remains
from tbcli.sweeps.room import open_slots
from tbcli.sweeps.slots import SCRIPT_WORKER, WORKER, Slot, Worker
from tbcli.sweeps.study import Study, open_study
from tbcli.sweeps.view import SweepView
from tbcli.sweeps.wakening import Wakening
from tbcli.sweeps.worker import LOST
from tbcli.training.interruption import Interruption

_LOOK_SECONDS = 1.0


@dataclass(slots=True)
class Running:
    """A trial in a slot.

    Args:
        task: What was asked.
        trial: Which it is.
        attempts: How often it was begun by this process, this time too.
        run: Id of its run, once there is one.
    """

    task: Assignment
    trial: Trial
    attempts: int
    run: str = ""
    began: float = field(default_factory=time.monotonic)


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
        self._study: Study = open_study(definition, directory.journal_file, view.warn)
        self._log = OutcomeLog(directory.log_file)
        self._store = RunStore(config.paths, definition.base.get("direction"))
        self._todo: deque[Assignment] = deque(map(Assignment, range(definition.count)))
        self._remains = Remains(definition, self._store, self._goal, view)
        self._slots: list[Slot] = []
        self._running: dict[int, Running] = {}
        self._selector = selectors.DefaultSelector()
        self._wakening = Wakening(self._leave)
        self._signals = Interruption(self._wakening, "the sweep")
        self._signals.what_is_lost = lambda: "trials lose what they trained since their last state was saved"
        self._is_late = False
        self.outcomes: dict[int, Outcome] = {}

    def run(self, *, goes_on: bool = False) -> list[Outcome]:
        """Run the sweep, or what an earlier process has left of it, and return how its trials ended, in their order.

        Raises:
            Refused: A worker of that process still trains.
            Interrupted: A signal came; all that was trained is kept.
        """
        try:
            with self._signals:
                if goes_on:
                    self._take_up()
                self._run()
                self._signals.check()
        except Interrupted as interrupted:
            interrupted.hint = f"`tbcli sweep --resume {shlex.quote(self._definition.name)}` goes on with it"
            raise
        finally:
            self._view.close()
            self._selector.close()
            self._wakening.close()
        return [self.outcomes[number] for number in sorted(self.outcomes)]

    def _take_up(self) -> None:
        """Find out what is left to do."""
        logged, runs = self._log.read(), self._remains.await_runs(self._signals.check)
        left: list[Assignment] = []
        for number in range(self._definition.count):
            known = logged.get(number)
            state = self._remains.state(number, runs.get(number), known, retries=self._config.sweep.retry > 0)
            if isinstance(state, Assignment):
                left.append(state)
            else:
                is_new = known is None or (known.status, known.run) != (state.status, state.run)
                self._conclude(state, is_new=is_new)
        self._todo = deque(sorted(left, key=lambda task: not task.resume))  # first what has begun
        self._remains.remove_beginnings()

    def _run(self) -> None:
        asked = self._config, len(self._todo), self._directory, self._command, self._view.say
        self._selector.register(self._wakening, selectors.EVENT_READ, None)
        deadline = time.monotonic() + (self._config.sweep.max_seconds or float("inf"))
        with open_slots(*asked) as self._slots:
            self._view.begin(self._definition, len(self._slots), [*self.outcomes.values()], self._goal)
            while self._running or (self._todo and not self._stops):
                self._fill()
                self._await_events()
                if time.monotonic() > deadline and not self._stops:
                    self._is_late = True
                    self._stop_all(f"{self.why_late}: stopping")

    @property
    def _stops(self) -> bool:
        return self._is_late or bool(self._signals.signal_number)

    @property
    def why_late(self) -> str:
        """Why the sweep has stopped before its end, if it was time."""
        return f"--max-time {self._config.sweep.max_time} is over" if self._is_late else ""

    @property
    def left(self) -> int:
        """How many trials have not ended."""
        return self._definition.count - sum(outcome.status in ENDED for outcome in self.outcomes.values())

    def runs(self) -> dict[int, Run]:
        """Return the run of each trial that has one."""
        return runs_of_sweep(self._store, self._definition.name)

    def _fill(self) -> None:
        """Hand trials to free slots."""
        for slot in self._slots:
            task = None if slot.number in self._running or self._stops else self._next()
            if task is None:
                continue
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
            self._running[slot.number] = Running(task, trial, task.attempts + 1, task.resume)
            self._view.started(slot.number, trial)

    def _next(self) -> Assignment | None:
        """Take the next trial; one whose run another machine may still train has to wait."""
        for position, task in enumerate(self._todo):
            run = self._store.load(task.resume) if task.resume else None
            if run is None or not run.is_live():
                del self._todo[position]
                return task
        return None

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
        ready = self._selector.select(_LOOK_SECONDS)
        for key, _ in ready:
            slot = key.data
            if slot is None:
                self._selector.unregister(self._wakening)
                self._stop_all(self._wakening.text)
                continue
            for event in slot.worker.events():
                if event is None:
                    self._selector.unregister(slot.worker)
                    self._lost_worker(slot)
                    break
                self._heard(slot, event)
        for slot in self._slots:
            if not ready and slot.worker and slot.worker.has_ended():
                self._selector.unregister(slot.worker)
                self._lost_worker(slot)
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
        """Answer the death of a worker: it ends no trial but its own, which can be gone on with if it was killed."""
        how = slot.drop()
        running = self._running.get(slot.number)
        if running is None:
            return
        number = running.trial.number
        run = self._store.load(running.run) if running.run else self.runs().get(number)  # made, and not told yet
        running.run = run.id if run else ""
        known = run.status() if run else ""
        if run and known in ENDED and not self._definition.script:  # it died between the end of the run and its word
            self._ended(slot, running, {"end": known, "reason": run.record.get("reason")})
            return
        was_killed = how.startswith(("by ", "with its node")) or self._stops or known == "interrupted"
        why = ", as the system ends one when memory is short" if how == "by SIGKILL" else ""
        reason = f"the worker process ended {how}".rstrip() + why
        self._ended(
            slot, running, {"end": "interrupted" if was_killed else "failed", "reason": reason, "is_lost": True}
        )

    def _ended(self, slot: Slot, running: Running, event: Mapping[str, Any]) -> None:
        """Write down how a trial ended, or begin it again."""
        del self._running[slot.number]
        status, reason, trial = event["end"], event.get("reason") or "", running.trial
        run = self._store.load(running.run) if running.run else None
        if status == "interrupted" and self._stops:  # it goes on when the sweep does
            self._view.freed(slot.number)
            return
        if status == LOST:
            self._remains.remove(run)
            self._begin_again(slot, running, attempts=running.attempts - 1)
            return
        if (
            (status in FAILED or "is_lost" in event)
            and running.attempts <= self._config.sweep.retry
            and not self._stops
        ):
            is_live = run is not None and run.is_live()  # as far as is known: it was trained on another machine
            when = " once nothing trains it any more" if is_live else ""
            self._view.note(f"trial {trial.number} failed, and begins again{when}: {reason}")
            goes_on = is_live or (run is not None and run.status() == "interrupted")  # its worker is dead
            if not goes_on:
                self._remains.remove(run)
            self._begin_again(slot, running, attempts=running.attempts, resume=running.run if goes_on else "")
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

    def _begin_again(self, slot: Slot, running: Running, *, attempts: int, resume: str = "") -> None:
        self._todo.appendleft(Assignment(running.trial.number, running.trial.params, resume, attempts))
        self._view.freed(slot.number)

    def _conclude(self, outcome: Outcome, *, is_new: bool) -> None:
        self.outcomes[outcome.trial] = outcome
        self._study.end(outcome)
        if is_new:
            self._log.append(outcome)

    def _stop_all(self, why: str) -> None:
        self._view.say(why)
        for slot in self._slots:
            if slot.number in self._running and slot.worker:
                slot.worker.stop()

    def _leave(self, why: str) -> None:
        """End all workers at once; this process ends next."""
        for slot in self._slots:
            if slot.worker:
                slot.worker.kill()
        self._view.leaving(why, [run.id for _, run in sorted(self.runs().items())])
