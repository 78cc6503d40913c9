"""``tbcli stop``: asks trainings to finish their step, save and end, and waits until they have."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.completing import complete_live_run
from tbcli.cli.options import Common, with_common_options
from tbcli.cli.output import Output, counted_seconds, printable
from tbcli.errors import ConfigError, Refused

if TYPE_CHECKING:
    from tbcli.runs import Run, RunStore

_PAUSE_SECONDS = 0.1


@with_common_options
def stop(
    common: Common,
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", help="latest, an id, its beginning, a name or a path.", autocompletion=complete_live_run
        ),
    ],
    wait: Annotated[
        str, typer.Option("--wait", metavar="TIME", help="Time to wait for the end, such as 30s or 5m.")
    ] = "10m",
) -> None:
    """Ask trainings to finish their step, save and end, and wait until they have.

    Works from another shell, container or machine that can write to the run's directory, and for runs of `tbcli run`
    too. The run is then interrupted, as by SIGTERM; `tbcli train --resume RUN` goes on with one of `tbcli train`.
    """
    from tbcli.config.checks import read_duration
    from tbcli.runs import RunStore
    from tbcli.runs.stopping import ask_to_stop

    seconds = read_duration(wait)
    if seconds is None:
        raise ConfigError(f"--wait must be a time with its unit, got {wait!r}", hint="such as 30s or 5m")
    config, output = common.settle(), common.output
    store = RunStore(config.paths, config.direction)
    chosen = list({run.logs.resolve(): run for run in (_find_live(store, reference) for reference in runs)}.values())
    for run in chosen:
        try:
            ask_to_stop(run)
        except OSError as error:
            raise Refused(
                f"cannot ask run {run.label} to stop: {error.strerror}", hint=f"{_kill('TERM', run)} does the same"
            ) from error
        output.say(f"asked {printable(run.label)} to stop")
    _wait(chosen, seconds, output)


def _find_live(store: RunStore, reference: str) -> Run:
    """Return the run in training that a reference means.

    Raises:
        NotFound: It names nothing.
        Refused: It does not train, or several do.
    """
    named = store.named(reference) if reference else []  # an empty one is no name, though most runs have it
    live = [run for run in named if run.is_live()]
    if len(live) > 1:
        listed = ", ".join(run.id for run in live)
        raise Refused(f"{len(live)} runs named {reference!r} are training: {listed}", hint="name them by their ids")
    run = live[0] if live else store.find(reference)
    if not run.is_live():
        raise Refused(f"run {run.label} is not training: {run.status()}", hint="`tbcli runs` shows what is")
    return run


def _wait(runs: Sequence[Run], seconds: float, output: Output) -> None:
    """Wait until all have ended, and say how each did.

    Raises:
        Refused: One has not ended in time.
    """
    from tbcli.runs.stopping import has_ended

    deadline, waiting = time.monotonic() + seconds, list(runs)
    while True:
        for run in [run for run in waiting if has_ended(run)]:
            waiting.remove(run)
            output.say(f"{printable(run.label)}: {run.status()} after {_counted(run)}")
        if not waiting:
            return
        if time.monotonic() >= deadline:
            late = waiting[0]
            raise Refused(
                f"run {late.label} still trains, {counted_seconds(seconds)} after it was asked to stop",
                hint=f"it stops after its step; {_kill('KILL', late)} ends it at once, without its last steps",
            )
        time.sleep(_PAUSE_SECONDS)


def _counted(run: Run) -> str:
    epochs = run.record.get("epochs") or 0
    return "1 epoch" if epochs == 1 else f"{epochs} epochs"


def _kill(signal: str, run: Run) -> str:
    """Return the command that sends the process of a run a signal."""
    return f"`kill -{signal} {run.record.get('pid')}` on {run.record.get('host')}"
