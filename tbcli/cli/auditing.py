"""Output of `serve --audit` and `train --audit`: one line per dashboard, then what is missing and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from tbcli.cli.output import Output, counted_bytes, padded
from tbcli.errors import CheckFailed
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.serving.audit import Audit, Gap


def audit_lines(audit: Audit) -> list[str]:
    """Return the table of the dashboards."""
    rows = [["dashboard", "state", "tags", "points", "bytes"]]
    rows += [
        [line.title, line.state, str(line.tags), str(line.points), counted_bytes(line.bytes)] for line in audit.lines
    ]
    return padded(rows, right=frozenset({2, 3, 4}))


def audit_document(audit: Audit, runs: Sequence[str]) -> dict[str, object]:
    """Return the audit for ``--json``."""
    return {
        "schema": schemas.OTHERS,
        "runs": list(runs),
        "passed": not audit.findings,
        "dashboards": [{**asdict(line), "state": line.state} for line in audit.lines],
        "findings": [asdict(gap) for gap in audit.findings],
        "excused": [asdict(gap) for gap in audit.excused],
        "not_shown": [{"run": each.run, "tag": each.tag, "format": each.format} for each in audit.not_shown],
    }


def tell_gaps(audit: Audit, output: Output) -> None:
    """Report what could not be there, and warn of what should be there and is not.

    Raises:
        CheckFailed: Something that was promised or recorded is not shown.
    """
    for gap in audit.excused:
        output.say(f"{gap.dashboard}: {gap.recorder!r} of {gap.run} is excused: {gap.what}")
    for gap in audit.findings:
        output.warn(f"{gap.dashboard}: {f'{gap.recorder!r} of ' if gap.recorder else ''}{gap.run}: {gap.what}")
    if audit.findings:
        raise CheckFailed(
            f"the audit found {_counted(audit.findings)}: {_by_dashboard(audit.findings)}",
            hint="see the warnings above; `tbcli serve` shows what is there",
        )


def _counted(findings: Sequence[Gap]) -> str:
    return "one gap" if len(findings) == 1 else f"{len(findings)} gaps"


def _by_dashboard(findings: Sequence[Gap]) -> str:
    """Return ``Images (recorder confusion, mistakes), Text (recorder text)``."""
    recorders: dict[str, dict[str, None]] = {}
    for gap in findings:
        recorders.setdefault(gap.dashboard, {}).update({gap.recorder: None} if gap.recorder else {})
    return ", ".join(
        f"{dashboard} (recorder {', '.join(names)})" if names else dashboard for dashboard, names in recorders.items()
    )
