"""What is wrong, with what was looked at: as text for a person, and as one document."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tbcli.cli.output import counted_bytes, printable, styled
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.doctor.findings import Finding

_WIDTH, _MARGIN = 80, 9
_STYLES = {"note": "cyan", "warning": "yellow", "error": "red"}


def as_document(facts: dict[str, Any], findings: Sequence[Finding]) -> dict[str, Any]:
    """Return facts and findings for JSON; keys are only ever added."""
    keys = ("level", "name", "where", "what", "why", "fix")
    return {
        "schema": schemas.OTHERS,
        "worst": findings[0].level if findings else None,
        "findings": [{key: getattr(finding, key) for key in keys} for finding in findings],
        "facts": facts,
    }


def counted_findings(findings: Sequence[Finding]) -> str:
    """Return ``2 errors, 1 warning``; notes are not counted."""
    counts = Counter(finding.level for finding in findings if finding.severity)
    return ", ".join(f"{count} {level}{'s' if count > 1 else ''}" for level, count in counts.items())


def finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield what is wrong, why, and what mends it."""
    for finding in findings:
        yield ""
        level = styled(finding.level.ljust(_MARGIN), _STYLES[finding.level], sys.stdout)
        yield level + printable(f"{finding.name}{f': {finding.where}' if finding.where else ''}")
        for text in (finding.what, finding.why):
            yield from _folded(text)
        if finding.fix:
            yield " " * _MARGIN + styled("fix: ", "bold", sys.stdout) + printable(finding.fix)
    if not findings:
        yield ""
        yield "No problems found."


def _folded(text: str) -> list[str]:
    """Return a sentence as lines behind the margin."""
    return [" " * _MARGIN + line for line in _wrapped(text, _WIDTH - _MARGIN)]


def _wrapped(text: str, width: int) -> list[str]:
    """Return a text as lines; words are never cut."""
    return textwrap.wrap(printable(text), width, break_long_words=False, break_on_hyphens=False)


def fact_lines(facts: dict[str, Any]) -> Iterator[str]:
    """Yield a few lines on what was looked at."""
    told = list(_facts(facts))
    width = max((len(name) for name, _ in told), default=0) + 2
    for name, text in told:
        parts = text.split("\n")
        lines = [line for part in parts for line in _wrapped(part, _WIDTH - width)]
        for number, line in enumerate(lines):
            yield ("" if number else name).ljust(width) + line


def _facts(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "run" in facts:
        yield "run", facts["run"]
    if "versions" in facts:
        yield from _machine_facts(facts)
    if "logdir" in facts:
        yield "logs", _logs_told(facts["logdir"])


def _machine_facts(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    shown = ("python", "tbcli", "tensorflow", "keras", "tensorboard", "numpy")
    yield "versions", ", ".join(f"{name} {facts['versions'][name]}" for name in shown if name in facts["versions"])
    processor, memory, cards = (facts["machine"][name] for name in ("processor", "memory", "gpu"))
    bfloat16 = {"hardware": ", bfloat16 in hardware", "emulated": ", bfloat16 emulated (slow)"}
    cores = "1 core" if processor["cores"] == 1 else f"{processor['cores']} cores"
    yield "processor", f"{processor['model']}, {cores}{bfloat16.get(processor['bfloat16'], '')}"
    yield "gpu", ", ".join(cards["cards"]) + (f" (driver {cards['driver']})" if cards["driver"] else "") or "none"
    if memory["available"] is not None and memory["total"]:
        yield (
            "memory",
            f"{counted_bytes(memory['available'])} of {counted_bytes(memory['limit'] or memory['total'])} free",
        )
    for disk in facts["disk"]:
        yield "disk", f"{counted_bytes(disk['free'])} free at {disk['path']} ({', '.join(disk['names'])})"
    browsing = facts["browsing"]
    yield "port", f"{browsing['port']} is {'in use by ' + browsing['holder'] if browsing['holder'] else 'free'}"
    if browsing["ssh"]:
        yield "ssh", f"{browsing['ssh']}\non your own machine; then open http://localhost:{browsing['port']} there"
    if browsing["container"]:
        yield "container", browsing["container"]
    if facts["settings"]["files"] or facts["settings"]["variables"]:
        yield "settings", ", ".join([*facts["settings"]["files"], *facts["settings"]["variables"]])
    if facts["trash"]["runs"]:
        yield "trash", f"{facts['trash']['runs']:,} runs, {counted_bytes(facts['trash']['bytes'])}"
    if facts.get("deep"):
        yield "tensorflow", _answers_told(facts["deep"])


def _answers_told(answers: dict[str, Any]) -> str:
    told = [", ".join(name.rpartition("physical_device:")[2] for _, name in answers["devices"])]
    told.append(f"oneDNN {'on' if answers['onednn'] else 'off'}, Keras on {answers['backend']}")
    if "bfloat16_seconds" in answers:
        float32, bfloat16 = (1e3 * answers[f"{kind}_seconds"] for kind in ("float32", "bfloat16"))
        told.append(f"768 x 768 product in {float32:.1f} ms (float32) and {bfloat16:.1f} ms (bfloat16)")
    return "; ".join(told)


def _logs_told(logs: dict[str, Any]) -> str:
    files = f"{logs['files']:,} event file{'' if logs['files'] == 1 else 's'}"
    places = f"{logs['directories']:,} director{'y' if logs['directories'] == 1 else 'ies'}"
    part = (
        f"; only the newest {logs['files_read']:,} were read" if logs["files_read"] else "; too large to be read here"
    )
    part = "" if logs["whole"] else part
    return f"{files} in {places} at {logs['path']}, {counted_bytes(logs['bytes'])}{part}"
