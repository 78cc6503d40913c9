"""What a training says at its end of what went wrong in it, in two lines each."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tbcli.cli.output import Output, printable, styled
from tbcli.errors import describe_error

if TYPE_CHECKING:
    from tbcli.runs import Run

_MOST = 3
_SAID_ALREADY = ("nan-loss", "training-failed", "training-interrupted")
"""Findings of a training that did not come to its end: its error says the same."""


def tell_findings(run: Run, output: Output) -> None:
    """Say what is wrong with a training that ended; nothing where it is healthy, or under ``--quiet``."""
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
