"""How a training looks on stderr: a live display on a terminal, one plain line an epoch elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from tbcli.cli.output import Output, counted_seconds, is_terminal, printable, stderr_hushed, wants_colour
from tbcli.naming.direction import NOT_METRICS
from tbcli.training import Narrator


def choose_narrator(output: Output) -> Narrator:
    """Return who tells of the training: nobody under ``--quiet``, a live display only where a terminal can show it."""
    if output.quiet:
        return QuietNarrator(output)
    if is_terminal(sys.stderr) and wants_cursor():
        return LiveNarrator(output)
    return PlainNarrator(output)


def wants_cursor() -> bool:
    """Say whether the terminal can move its cursor."""
    return os.environ.get("TERM", "") not in ("", "dumb")


class QuietNarrator(Narrator):
    """Tells only what may be wrong."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def hushed_libraries(self) -> AbstractContextManager[None]:
        """Hush them, unless ``--verbose`` wants to hear."""
        return nullcontext() if self._output.verbose else stderr_hushed()

    def warn(self, text: str) -> None:
        """Something that may be wrong."""
        self._output.warn(text)


class PlainNarrator(QuietNarrator):
    """One line a stage and an epoch, for logs and pipes."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._epochs = 0

    def stage(self, text: str) -> None:
        """A part of the story begins."""
        self._output.say(f"{text} ...")

    def note(self, text: str) -> None:
        """Something worth knowing."""
        self._output.say(text)

    def begin(self, epochs: int, steps: int) -> None:
        """Training begins."""
        self._epochs = epochs
        self._output.say(
            f"Training {epochs} epoch{'s' if epochs > 1 else ''} of {steps} step{'s' if steps > 1 else ''} ..."
        )

    def epoch(self, epoch: int, logs: Mapping[str, float], best: Mapping[str, tuple[float, int]]) -> None:
        """An epoch is done."""
        shown = "  ".join(f"{name} {value:.4f}" for name, value in logs.items() if name not in NOT_METRICS)
        marks = [name for name, (_, of) in best.items() if of == epoch and name.startswith("val_")]
        new_best = f"  (best {', '.join(marks)})" if marks else ""
        count = f"{epoch:>{len(str(self._epochs))}}/{self._epochs}"
        self._output.say(f"epoch {count}  {shown}  {logs['steps_per_second']:.0f} steps/s{new_best}")


class LiveNarrator(QuietNarrator):
    """A table of epochs that grows, and below it the epoch that runs: step, speed, time left, metrics now."""

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

    def note(self, text: str) -> None:
        """Something worth knowing; stays above the display."""
        self._console.print(Text(printable(text), style="dim"))

    def warn(self, text: str) -> None:
        """Something that may be wrong; stays above the display."""
        self._console.print(Text.assemble(("warning: ", "yellow"), printable(text)))

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
            self._stage = "Looking at the validation samples"

    def epoch(self, epoch: int, logs: Mapping[str, float], best: Mapping[str, tuple[float, int]]) -> None:
        """An epoch is done."""
        seconds = time.monotonic() - self._epoch_began
        self._rows.append((epoch, logs, seconds))
        self._best = dict(best)
        self._epoch, self._step, self._now, self._stage = epoch + 1, 0, {}, ""
        self._epoch_began = time.monotonic()
        self._mark = self._epoch_began, 0

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
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("epoch", *names, "steps/s", "time"):
            table.add_column(heading, justify="right")
        # A display taller than the screen cannot be redrawn: the latest epochs are what matters.
        room = max(3, self._console.height - 8)
        for epoch, logs, seconds in self._rows[-room:]:
            cells = [self._cell(name, logs.get(name), epoch) for name in names]
            table.add_row(
                f"{epoch}/{self._epochs}", *cells, f"{logs['steps_per_second']:.0f}", counted_seconds(seconds)
            )
        return table

    def _cell(self, name: str, value: float | None, epoch: int) -> Text:
        is_best = self._best.get(name, (0.0, 0))[1] == epoch and name.startswith("val_")
        return Text("" if value is None else f"{value:.4f}", style="bold green" if is_best else "")

    def _bar(self) -> RenderableType:
        now = time.monotonic()
        began, first = self._mark or (now, self._step)
        speed = (self._step - first) / max(1e-9, now - began)
        left = (self._steps * (self._epochs - self._epoch + 1) - self._step) / speed if speed else 0
        metrics = "  ".join(f"{name} {value:.4f}" for name, value in self._now.items())
        line = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=self._steps, completed=self._step, width=20)
        facts = f"{self._step}/{self._steps}"
        if speed:
            facts += f"  {speed:.0f} steps/s  {counted_seconds(left)} left"
        line.add_row(Text(f"epoch {self._epoch}/{self._epochs}"), bar, Text(facts), Text(metrics, style="cyan"))
        return line
