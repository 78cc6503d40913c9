"""A sweep in progress on stderr: one live table on a terminal, one plain line per event elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tbcli.cli.output import (
    Output,
    counted_seconds,
    is_terminal,
    padded,
    printable,
    result_at_once,
    say_at_once,
    shortened,
)
from tbcli.cli.render.sweep import spoken_number, spoken_setting, spoken_settings
from tbcli.sweeps.definition import EPOCHS, Definition, Trial
from tbcli.sweeps.endings import Outcome
from tbcli.sweeps.goal import Goal
from tbcli.sweeps.view import SweepView

_WIDTHS = (16, 10, 6)  # of the cell of a setting, tried in turn


def choose_view(output: Output) -> QuietView:
    """Return the view: warnings only under ``--quiet``, a live table only where a terminal can show it."""
    from tbcli.cli.render.progress import wants_cursor

    if output.quiet:
        return QuietView(output)
    return LiveView(output) if is_terminal(sys.stderr) and wants_cursor() else PlainView(output)


class QuietView(SweepView):
    """Shows warnings only, and trials that failed."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.prints_ids = True
        """Whether the ids of the runs are the result, where the process leaves at once."""

    def warn(self, text: str) -> None:
        """Something that may be wrong."""
        self.output.warn(text)

    def ended(self, slot: int, outcome: Outcome, seconds: float) -> None:
        """A trial has ended."""
        if not outcome.has_result:
            self.warn(f"trial {outcome.trial} {outcome.status}: {outcome.reason}")

    def leaving(self, text: str, runs: Sequence[str]) -> None:
        """The process ends now: the ids of the runs are its result."""
        self.close()
        say_at_once(text)
        for each in runs if self.prints_ids else ():
            result_at_once(each)


@dataclass
class _Progress:
    """What is known of the sweep so far."""

    total: int = 0
    slots: int = 1
    epochs: int = 0
    goal: Goal | None = None
    best: Outcome | None = None
    ended: int = 0
    seconds: list[float] = field(default_factory=list)
    names: tuple[str, ...] = ()

    def count(self, outcome: Outcome) -> bool:
        """Take up an outcome; return whether it is the best so far."""
        self.ended += 1
        is_better = (
            outcome.value is not None
            and self.goal is not None
            and outcome.status == "finished"
            and self.goal.is_better(outcome.value, self.best.value if self.best else None)
        )
        if is_better:
            self.best = outcome
        return is_better

    def left(self, running: Sequence[float]) -> str:
        """Return how long the rest takes, if trials take as long as those so far; empty while nothing tells."""
        if not self.seconds:
            return ""
        mean = sum(self.seconds) / len(self.seconds)
        waiting = self.total - self.ended - len(running)
        rest = sum(max(0.0, mean - spent) for spent in running) + waiting * mean
        return counted_seconds(rest / max(1, min(self.slots, waiting + len(running))))


class PlainView(QuietView):
    """One line per trial that begins or ends, and per epoch."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.progress = _Progress()
        self._trials: dict[int, Trial] = {}

    def begin(self, definition: Definition, slots: int, ended: Sequence[Outcome], goal: Goal) -> None:
        """The sweep begins, or goes on."""
        epochs = 0 if definition.script else int(definition.base.get("train", {}).get("epochs", 0))
        self.progress = _Progress(definition.count, slots, epochs, goal)
        self.progress.names = tuple(each.name for each in definition.dimensions)
        for outcome in ended:
            self.progress.count(outcome)
        before = f", {len(ended)} ended before" if ended else ""
        self.say(
            f"sweep {printable(definition.name)}: {definition.count} trials{before}, {slots} at once, by {goal.text}"
        )

    def say(self, text: str) -> None:
        """Something that a person waits for."""
        self.output.say(printable(text))

    def note(self, text: str) -> None:
        """Something worth knowing."""
        self.output.say(printable(text))

    def started(self, slot: int, trial: Trial) -> None:
        """A trial begins, or goes on."""
        self._trials[slot] = trial
        self.say(f"{self._name(trial.number)}  {spoken_settings(trial)}")

    def epoch(self, slot: int, epoch: int, value: float | None) -> None:
        """An epoch of a trial is done."""
        metric = self.progress.goal.metric if self.progress.goal else ""
        self.say(f"{self._name(self._trials[slot].number)}  epoch {epoch}  {metric} {spoken_number(value)}")

    def ended(self, slot: int, outcome: Outcome, seconds: float) -> None:
        """A trial has ended."""
        self.progress.seconds.append(seconds)
        is_best = self.progress.count(outcome)
        if outcome.has_result:
            metric = self.progress.goal.text if self.progress.goal else ""
            best = "  (best so far)" if is_best else ""
            left = self.progress.left([])
            rest = f"  {left} left" if left and self.progress.ended < self.progress.total else ""
            value = f"{metric} {spoken_number(outcome.value)}"
            self.say(f"{self._name(outcome.trial)}  {outcome.status}  {value}{best}  {counted_seconds(seconds)}{rest}")
        super().ended(slot, outcome, seconds)

    def _name(self, number: int) -> str:
        width = len(str(max(0, self.progress.total - 1)))
        return f"trial {number:>{width}} of {self.progress.total}"


@dataclass
class _Row:
    """A trial in the live table."""

    trial: Trial
    began: float
    stage: str = ""
    epoch: int = 0
    value: float | None = None


def _some(cells: Sequence[str], widest: int, shown: int, count: int) -> list[str]:
    """Return the first cells, and a sign for those that are left out."""
    return [*(shortened(cell, widest) for cell in cells[:shown]), *(["..."] if shown < count else [])]


class LiveView(PlainView):
    """A table of the trials that run, with the best so far and the time left; what has ended scrolls by above it."""

    def __init__(self, output: Output, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(output)
        from rich.console import Console
        from rich.live import Live

        self._now = now
        self._rows: dict[int, _Row] = {}
        self._console = Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._has_begun = False

    def begin(self, definition: Definition, slots: int, ended: Sequence[Outcome], goal: Goal) -> None:
        """The sweep begins, or goes on."""
        super().begin(definition, slots, ended, goal)
        self._live.start()
        self._has_begun = True
        self.tick()

    def say(self, text: str) -> None:
        """Something that a person waits for."""
        self._print(printable(text))

    def note(self, text: str) -> None:
        """Something worth knowing."""
        self._print(printable(text))

    def warn(self, text: str) -> None:
        """Something that may be wrong."""
        self._print(f"warning: {printable(text)}")

    def _print(self, text: str) -> None:
        from rich.text import Text

        self._console.print(Text(text))

    def started(self, slot: int, trial: Trial) -> None:
        """A trial begins, or goes on."""
        self._rows[slot] = _Row(trial, self._now())
        self.tick()

    def stage(self, slot: int, text: str) -> None:
        """A stage of a trial begins."""
        if slot in self._rows:
            self._rows[slot].stage = text
            self.tick()

    def epoch(self, slot: int, epoch: int, value: float | None) -> None:
        """An epoch of a trial is done."""
        if slot in self._rows:
            self._rows[slot].epoch, self._rows[slot].value = epoch, value
            self.tick()

    def ended(self, slot: int, outcome: Outcome, seconds: float) -> None:
        """A trial has ended."""
        self._rows.pop(slot, None)
        super().ended(slot, outcome, seconds)
        self.tick()

    def freed(self, slot: int) -> None:
        """A slot is free."""
        self._rows.pop(slot, None)

    def tick(self) -> None:
        """Draw the table anew."""
        from rich.text import Text

        if self._has_begun:
            width = max(20, self._console.width)
            lines = [shortened(line, width) for line in self.lines(width, self._console.height)]
            self._live.update(Text("\n".join(lines), no_wrap=True), refresh=True)

    def lines(self, width: int, height: int) -> list[str]:
        """Return the table and the line below it; what is too much for the terminal is left out."""
        progress, best = self.progress, self.progress.best
        spent = [self._now() - row.began for row in self._rows.values()]
        left = progress.left(spent)
        parts = [
            f"{progress.ended}/{progress.total} trials ended",
            f"best so far {spoken_number(best.value)} (trial {best.trial})" if best else "",
            f"{left} left" if left else "",
        ]
        hidden = max(0, len(self._rows) - max(1, height - 4))  # of the header, this line and the next
        more = [f"... and {hidden} more at work"] if hidden else []
        table = self._table(width, len(self._rows) - hidden) if self._rows else []
        return [*table, *more, "  ".join(filter(None, parts))]

    def _table(self, width: int, count: int) -> list[str]:
        """Return the first trials that run, with as many settings as fit beside the rest."""
        rows = [row for _, row in sorted(self._rows.items())][:count]
        names = [*self.progress.names, *(["seed"] if any(row.trial.seed is not None for row in rows) else [])]
        fitting = [(widest, len(names)) for widest in _WIDTHS] + [(_WIDTHS[-1], shown) for shown in range(len(names))][
            ::-1
        ]
        lines: list[str] = []
        for widest, shown in fitting:
            cells = [self._cells(row, widest, shown, len(names)) for row in rows]
            metric = self.progress.goal.metric if self.progress.goal else ""
            header = ["trial", *_some(names, widest, shown, len(names)), "epoch", metric, "time"]
            lines = [printable(line) for line in padded([header, *cells], right={0})]
            if max(map(len, lines)) <= width:
                break
        return lines

    def _cells(self, row: _Row, widest: int, shown: int, count: int) -> list[str]:
        seed = [str(row.trial.seed)] if row.trial.seed is not None else []
        settings = _some([*map(spoken_setting, row.trial.params.values()), *seed], widest, shown, count)
        epochs = row.trial.params.get(EPOCHS, self.progress.epochs)
        epoch = f"{row.epoch}/{epochs}" if row.epoch and epochs else str(row.epoch or row.stage or "starting")
        spent = counted_seconds(self._now() - row.began)
        return [str(row.trial.number), *settings, shortened(epoch, widest + 8), spoken_number(row.value), spent]

    def close(self) -> None:
        """Nothing more happens."""
        if self._has_begun:
            self._live.stop()
