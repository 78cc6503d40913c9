"""Training progress on stderr: a live display on a terminal, one plain line per epoch elsewhere."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from tbcli.cli.output import (
    Output,
    counted_seconds,
    is_terminal,
    printable,
    result_at_once,
    say_at_once,
    stderr_hushed,
    wants_colour,
)
from tbcli.naming.direction import NOT_METRICS
from tbcli.naming.series import is_of_validation
from tbcli.training import Narrator

if TYPE_CHECKING:
    from tbcli.runs import Run

_WIDEST_BAR, _NARROWEST_BAR = 20, 6
_SECONDS_BETWEEN_LINES = 15  # on progress, in a log
_TABLE_LEAVES = ("steps/s", "time")  # what a narrow terminal does without, the first first


def choose_narrator(output: Output, *, is_live: bool = True) -> QuietNarrator:
    """Return the narrator: warnings only under ``--quiet``, a live display only where a terminal can show it.

    Args:
        output: Where it speaks.
        is_live: Whether there may be a live display.
    """
    if output.quiet:
        return QuietNarrator(output)
    if is_live and is_terminal(sys.stderr) and wants_cursor():
        return LiveNarrator(output)
    return PlainNarrator(output)


def wants_cursor() -> bool:
    """Say whether the terminal can move its cursor."""
    return os.environ.get("TERM", "") not in ("", "dumb")


class QuietNarrator(Narrator):
    """Shows warnings only."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self.run: Run | None = None
        """The run that this process trains, once there is one."""
        self.on_claim: Callable[[Run], None] = lambda run: None

    def claimed(self, run: Run) -> None:
        """The run is made, or taken up again."""
        self.run = run
        self.on_claim(run)

    def hushed_libraries(self) -> AbstractContextManager[None]:
        """Silence them, except under ``--verbose``."""
        return nullcontext() if self._output.verbose else stderr_hushed()

    def warn(self, text: str) -> None:
        """Something that may be wrong."""
        self._output.warn(text)

    def interrupted(self, text: str) -> None:
        """A signal came: whoever sent it is answered, also under ``--quiet`` and while libraries are hushed."""
        say_at_once(text)

    def leaving(self, text: str) -> None:
        """The process ends now: the id of a run that was claimed is its result."""
        self.close()
        say_at_once(text)
        if self.run:
            result_at_once(self.run.id)


class PlainNarrator(QuietNarrator):
    """One line per stage and per epoch, for logs and pipes."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._epochs = 0
        self._said_at = -math.inf

    def stage(self, text: str) -> None:
        """A part of the story begins."""
        self._output.say(f"{printable(text)} ...")

    def progress(self, text: str) -> None:
        """How far it is; now and then."""
        if time.monotonic() - self._said_at >= _SECONDS_BETWEEN_LINES:
            self._said_at = time.monotonic()
            self._output.say(f"{printable(text)} ...")

    def note(self, text: str) -> None:
        """Something worth knowing."""
        self._output.say(printable(text))

    def begin(self, epochs: int, steps: int) -> None:
        """Training begins."""
        self._epochs = epochs
        self._output.say(
            f"Training {epochs} epoch{'s' if epochs > 1 else ''} of {steps} step{'s' if steps > 1 else ''} ..."
        )

    def epoch(self, epoch: int, logs: Mapping[str, float], best: Mapping[str, tuple[float, int]]) -> None:
        """An epoch is done."""
        shown = "  ".join(f"{name} {_shown(value)}" for name, value in logs.items() if name not in NOT_METRICS)
        marks = [name for name, (_, of) in best.items() if of == epoch and is_of_validation(name)]
        new_best = f"  (best {', '.join(marks)})" if marks else ""
        count = f"{epoch:>{len(str(self._epochs))}}/{self._epochs}"
        speed = f"  {logs['steps_per_second']:.0f} steps/s" if "steps_per_second" in logs else ""
        self._output.say(f"epoch {count}  {shown}{speed}{new_best}")


class LiveNarrator(QuietNarrator):
    """A growing table of epochs, and one line on the current epoch: step, time left of the training, metrics."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        # On stderr, for stdout is the script's; on a descriptor of its own, so that hushed libraries do not hush it.
        self._stream = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")
        self._console = Console(file=self._stream, no_color=not wants_colour(sys.stderr), highlight=False)
        self._stage = ""
        self._epochs = self._steps = self._epoch = self._step = 0
        self._rows: list[tuple[int, Mapping[str, float], float]] = []
        self._now: Mapping[str, float] = {}
        self._best: Mapping[str, tuple[float, int]] = {}
        self._epoch_began = time.monotonic()
        self._mark: tuple[float, int] | None = None  # when, and at which step, the speed is measured from
        self._steps_ended = self._seconds_besides = 0.0  # the latter: an epoch's validation and recording
        self._speed = 0.0  # steps a second, as last measured
        self._spinner = Spinner("dots")
        self._live = Live(
            console=self._console,
            refresh_per_second=8,
            get_renderable=self._render,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def stage(self, text: str) -> None:
        """A part of the story begins."""
        self._stage = text

    def progress(self, text: str) -> None:
        """How far it is."""
        self._stage = text

    def note(self, text: str) -> None:
        """Something worth knowing; stays above the display."""
        self._console.print(Text(printable(text), style="dim"))

    def warn(self, text: str) -> None:
        """Something that may be wrong; stays above the display."""
        self._console.print(Text.assemble(("warning: ", "yellow"), printable(text)))

    def interrupted(self, text: str) -> None:
        """A signal came; stays above the display."""
        self._console.print(Text(text, style="yellow"))

    def begin(self, epochs: int, steps: int) -> None:
        """Training begins."""
        self._stage, self._epochs, self._steps, self._epoch = "Compiling the first step", epochs, steps, 1
        self._epoch_began = time.monotonic()

    def step(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        """An execution of steps is done."""
        self._stage = ""
        self._epoch, self._step = epoch, step
        self._now = {"loss": logs["loss"], **logs} if "loss" in logs else logs  # whatever Keras' order
        if self._mark is None:
            self._mark = time.monotonic(), step  # the very first execution was mostly compilation
        if step >= self._steps:
            self._stage, self._steps_ended = "Evaluating the validation samples", time.monotonic()

    def epoch(self, epoch: int, logs: Mapping[str, float], best: Mapping[str, tuple[float, int]]) -> None:
        """An epoch is done."""
        now = time.monotonic()
        self._rows.append((epoch, logs, now - self._epoch_began))
        self._best = dict(best)
        self._seconds_besides = now - self._steps_ended
        self._epoch, self._step, self._now, self._stage = epoch + 1, 0, {}, ""
        self._epoch_began = now
        self._mark = now, 0

    def close(self) -> None:
        """Leave the table of epochs on the screen and give the terminal back."""
        self._stage, self._epoch = "", self._epochs + 1
        self._live.stop()
        self._stream.flush()

    def _render(self) -> RenderableType:
        parts: list[RenderableType] = []
        if self._rows:
            parts.append(self._table())
        if 0 < self._epoch <= self._epochs:
            parts.append(self._bar())
        if self._stage:
            self._spinner.update(text=Text(self._stage, style="cyan"))
            parts.append(self._spinner)
        return Group(*parts)

    def _table(self) -> RenderableType:
        names = [name for name in self._rows[0][1] if name not in NOT_METRICS]
        # A display taller than the screen cannot be redrawn: the latest epochs are what matters.
        rows = [self._row(*row) for row in self._rows[-max(3, self._console.height - 8) :]]
        shown = fitting_columns(["epoch", *names, "steps/s", "time"], rows, self._console.width)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in shown:
            table.add_column(heading, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(*(row.get(heading, Text()) for heading in shown))
        return table

    def _row(self, epoch: int, logs: Mapping[str, float], seconds: float) -> dict[str, Text]:
        cells = {name: self._cell(name, value, epoch) for name, value in logs.items() if name not in NOT_METRICS}
        speed = logs.get("steps_per_second")
        return {
            "epoch": Text(f"{epoch}/{self._epochs}"),
            **cells,
            "steps/s": Text("" if speed is None else f"{speed:.0f}"),
            "time": Text(counted_seconds(seconds)),
        }

    def _cell(self, name: str, value: float, epoch: int) -> Text:
        is_best = self._best.get(name, (0.0, 0))[1] == epoch and is_of_validation(name)
        return Text(_shown(value), style="bold green" if is_best else "")

    def _bar(self) -> RenderableType:
        now = time.monotonic()
        began, first = self._mark or (now, self._step)
        if self._step > first:
            ended = self._steps_ended if self._step >= self._steps else now
            self._speed = (self._step - first) / max(1e-9, ended - began)
        facts = [f"{self._step}/{self._steps}"]
        if self._speed:
            epochs = self._epochs - self._epoch + 1
            left = (self._steps * epochs - self._step) / self._speed + epochs * self._seconds_besides
            facts += [f"{self._speed:.0f} steps/s", f"{counted_seconds(left)} left"]
        metrics = [f"{name} {_shown(value)}" for name, value in self._now.items()]
        return progress_line(
            f"epoch {self._epoch}/{self._epochs}", self._step, self._steps, facts, metrics, self._width
        )

    @property
    def _width(self) -> int:
        return self._console.width - 1  # a line as long as the terminal wraps in some


def _shown(value: float) -> str:
    is_usual = 0.001 <= abs(value) < 1000 or not value
    return f"{value:.4f}" if is_usual else f"{value:.4g}"


def fitting_columns(headings: Sequence[str], rows: Sequence[Mapping[str, Text]], width: int) -> list[str]:
    """Return the headings of a table that fits a width: without speed and time, then with fewer metrics.

    Args:
        headings: All of them; the first one stays, and so do the validation metrics as long as they can.
        rows: ``{heading: cell}``.
        width: Of the terminal, in characters.
    """
    widths = {name: max(len(name), *(row[name].cell_len for row in rows if name in row), 0) for name in headings}
    shown = list(headings)
    metrics = [name for name in reversed(headings[1:]) if name not in _TABLE_LEAVES]
    first_to_go = sorted(metrics, key=is_of_validation)
    for name in (*_TABLE_LEAVES, *first_to_go):
        if sum(widths[heading] + 2 for heading in shown) - 2 <= width:
            break
        shown.remove(name)
    return shown


def progress_line(
    epoch: str, step: int, steps: int, facts: Sequence[str], metrics: Sequence[str], width: int
) -> RenderableType:
    """Return one line of an epoch that fits a width: what matters least is left out, the bar takes the rest.

    Args:
        epoch: As ``epoch 3/40``.
        step: Steps of the epoch done.
        steps: Steps of an epoch.
        facts: The step and, once they are known, the speed and the time left.
        metrics: As ``loss 0.1234``.
        width: Characters there are.
    """
    position, *speed_and_time = facts
    by_importance = [epoch, *speed_and_time[1:], position, *metrics, *speed_and_time[:1]]
    kept, room = set[str](), width - _NARROWEST_BAR - 2
    for part in by_importance:
        if len(part) + 2 > room:
            break
        kept.add(part)
        room -= len(part) + 2
    bar = ProgressBar(total=steps, completed=step, width=min(_WIDEST_BAR, room + _NARROWEST_BAR + 2))
    said = Text("  ").join(
        Text(part, style="cyan" if part in metrics else "", no_wrap=True) for part in (*facts, *metrics) if part in kept
    )
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_row(Text(epoch, no_wrap=True), bar, said)
    return line
