"""Output of `serve --audit` and `train --audit`: one line per dashboard, then what is missing and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from tbcli.cli.output import Output, counted_bytes, padded, stdout_kept_clean
from tbcli.errors import CheckFailed, Interrupted
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.config import ServeConfig
    from tbcli.runs import LogDirectory, Run
    from tbcli.serving.audit import Audit, Gap


def audit_chosen(output: Output, config: ServeConfig, chosen: Sequence[Run | LogDirectory], *, as_json: bool) -> None:
    """Audit runs, print what each dashboard holds, and warn of what is missing.

    Raises:
        CheckFailed: Something that was promised or recorded is not shown.
        Interrupted: A signal came.
    """
    from tbcli.serving import StopSignals
    from tbcli.serving.audit import audit_runs

    names = [item.logs.resolve().name for item in chosen]
    output.say(f"Auditing {', '.join(names)}")
    audit = None
    with StopSignals() as signals, stdout_kept_clean():
        audit = audit_runs(config, chosen, verbose=output.verbose)
    if audit is None:
        raise Interrupted(signals.received or 0, "the audit was stopped", hint="nothing was changed; run it again")
    if as_json:
        output.document(audit_document(audit, names))
    else:
        output.results(audit_lines(audit))
    tell_gaps(audit, output)


def audit_trained(output: Output, config: ServeConfig, run: Run) -> None:
    """Audit a run after its training, whose result on stdout is the run's id: all of this is said beside it.

    Raises:
        CheckFailed: Something that was promised or recorded is not shown.
    """
    from tbcli.serving.audit import audit_runs

    output.say(f"Auditing {run.id}")
    with stdout_kept_clean():
        audit = audit_runs(config, [run], verbose=output.verbose)
    for line in audit_lines(audit):
        output.say(line)
    tell_gaps(audit, output)


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
