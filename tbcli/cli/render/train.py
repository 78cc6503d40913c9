"""What a training says at its end, with what went wrong in it; and what it can record."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tbcli.cli.output import Output, counted_bytes, counted_seconds, padded, printable, styled
from tbcli.errors import describe_error

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.runs import Run

_MOST = 3
_SAID_ALREADY = ("nan-loss", "training-failed", "training-interrupted")
"""Findings of a training that did not come to its end: its error says the same."""


def tell_findings(run: Run, output: Output) -> None:
    """Say in two lines each what is wrong with a training that ended; none if it is healthy, or under ``--quiet``."""
    if output.quiet:
        return
    from tbcli.doctor.diagnosis import diagnose

    try:
        findings = diagnose(run)
    except Exception as error:  # noqa: BLE001 - whatever it is, what was trained is there and whole
        output.warn(f"no findings: {describe_error(error)}")
        return
    told = [finding for finding in findings if finding.severity and finding.name not in _SAID_ALREADY]
    advice: set[str] = set()
    for finding in told[:_MOST]:
        output.say(styled(f"{finding.level}:", "yellow", sys.stderr) + f" {printable(finding.what)}")
        if finding.fix not in advice:
            output.say(styled("try:", "cyan", sys.stderr) + f"   {printable(finding.fix)}")
        advice.add(finding.fix)
    if told[_MOST:]:
        output.say(f"        tbcli doctor {run.id}    shows {len(told) - _MOST} more")


def tell_ending(run: Run, config: Config, output: Output, *, has_trained: bool) -> None:
    """Say what came of it, where it is and what to do next; what it cost, where that is of now."""
    from tbcli.runs.run_summary import ending_of

    recording = run.record.get("recording") or {}
    seconds = float(run.record.get("seconds") or 0)
    tested = _tested(run)
    took = f"after {counted_seconds(seconds)}"
    if has_trained:
        output.say(f"{tested}, {took} in all" if tested else f"done {took}")
    elif tested:
        output.say(tested)
    if has_trained and recording.get("percent") is not None:
        written = counted_bytes(sum((recording.get("bytes") or {}).values()))
        seconds, percent = recording["cpu_seconds"], recording["percent"]
        output.say(f"recording cost {seconds:.1f} CPU s, {percent:.1f} % of the training time, {written}")
    output.say(f"logs    {printable(str(run.logs))}")
    saved, epochs = run.record.get("saved_epoch"), run.record.get("epochs")
    ending = ending_of(run)
    if ending:
        output.say(f"epochs  {epochs}/{config.train.epochs}, {printable(ending)}")
    of_best = f" (weights of epoch {saved}, the best of {epochs})" if config.train.saves_best else ""
    if (step := run.number("saved_step")) is not None:
        of_best = f" (weights after step {step:,.0f}, within epoch {int(epochs or 0) + 1})"
    output.say(f"model   {printable(str(run.saved_model))}{of_best}")
    if config.plot.automatic and any(run.plots.glob("*")):
        output.say(f"plots   {printable(str(run.plots))}")
    output.say("next    tbcli serve")
    output.say(f"        tbcli plot {run.id}")
    tell_findings(run, output)


def _tested(run: Run) -> str:
    """Return the metric of the test set that the task leads with, as ``test mae 3.21``; empty without a test set."""
    from tbcli.tasks import CLASSIFICATION, TASKS

    judge = TASKS.get(str(run.record.get("task")), CLASSIFICATION).judge
    value = run.metric(f"test_{judge}")
    if value is None:
        return ""
    return f"test {judge.replace('_', ' ')} " + (f"{value:.2%}" if judge.endswith("accuracy") else f"{value:.4g}")


def recorder_lines(config: Config) -> list[str]:
    """Return the recorders with level, help and, where a run here has measured it, cost an epoch."""
    from tbcli.recorders.registry import known_recorders
    from tbcli.runs import RunStore

    runs = [run for run in RunStore(config.paths).list() if (run.record.get("recording") or {}).get("milliseconds")]
    spent = runs[-1].record["recording"]["milliseconds"] if runs else {}
    epochs = max(1, int(runs[-1].record.get("epochs") or 1)) if runs else 1
    rows = [["recorder", "level", "ms/epoch", "what it shows"]]
    for name, entry in known_recorders().items():
        rows.append([name, entry.level, f"{spent[name] / epochs:.1f}" if name in spent else "-", entry.help])
    return padded(rows, right=frozenset({2}))
