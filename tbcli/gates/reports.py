"""Verdicts for machines: Markdown for a job's summary, a JUnit file for continuous integration, and JSON."""

from __future__ import annotations

from collections.abc import Sequence

from tbcli.gates.verdicts import Outcome, Verdict

_SIGNS: dict[Outcome, str] = {"passed": "✅ passed", "failed": "❌ failed", "missing": "⚠️ missing"}


def as_markdown(verdicts: Sequence[Verdict], label: str) -> str:
    """Return a heading and a table, one row per gate; with the run in each row where there are several."""
    passed = sum(verdict.outcome == "passed" for verdict in verdicts)
    has_runs = len({verdict.run for verdict in verdicts}) > 1
    lines = [
        f"### {passed} of {len(verdicts)} gates passed: {markdown_text(label)}",
        "",
        f"|{' run |' if has_runs else ''} gate | value | verdict |",
        f"|{'---|' if has_runs else ''}---|---:|---|",
    ]
    for verdict in verdicts:
        run = f" {markdown_text(verdict.run)} |" if has_runs else ""
        cells = markdown_code(verdict.gate), markdown_text(verdict.found), _SIGNS[verdict.outcome]
        lines.append(f"|{run} {' | '.join(cells)} |")
    return "\n".join(lines)


def markdown_text(text: str) -> str:
    """Return user text escaped for Markdown and the HTML in it, on one line."""
    shown = "".join(f"\\{char}" if char in "\\`*_{}[]<>#|~$" else char for char in text)
    return " ".join("".join(char if char.isprintable() or char.isspace() else "\ufffd" for char in shown).split())


def markdown_code(text: str) -> str:
    """Return user text as code for a Markdown table; as plain text where code cannot show it."""
    plain = "`" in text or "|" in text or not text.isprintable()
    return markdown_text(text) if plain else f"`{text}`"


def as_junit(verdicts: Sequence[Verdict], label: str) -> str:
    """Return the verdicts as a JUnit test suite, one test case per gate.

    Format: the ``testsuite``, ``testcase``, ``failure`` and ``error`` elements that all readers of JUnit XML share.
    """
    from xml.sax.saxutils import escape, quoteattr

    def quoted(text: str) -> str:
        # XML 1.0 has no place at all for most control characters.
        return quoteattr("".join(char if char.isprintable() or char == " " else "\ufffd" for char in text))

    counts = {outcome: sum(verdict.outcome == outcome for verdict in verdicts) for outcome in _SIGNS}
    suite = f'name={quoted(f"tbcli check {label}")} tests="{len(verdicts)}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite {suite} failures="{counts["failed"]}" errors="{counts["missing"]}" skipped="0">',
    ]
    for verdict in verdicts:
        case = f"  <testcase classname={quoted(verdict.run or label)} name={quoted(verdict.gate)}"
        if verdict.outcome == "passed":
            said = " ".join(filter(None, (verdict.note, verdict.warning)))
            note = f"><system-out>{escape(said)}</system-out></testcase>" if said else "/>"
            lines.append(case + note)
            continue
        kind, message = ("failure", f"is {verdict.found}") if verdict.outcome == "failed" else ("error", verdict.hint)
        lines += [f"{case}>", f"    <{kind} message={quoted(message)}/>", "  </testcase>"]
    return "\n".join([*lines, "</testsuite>", ""])


def as_documents(verdicts: Sequence[Verdict]) -> list[dict[str, object]]:
    """Return the verdicts for JSON; keys are only ever added."""
    return [
        {
            "gate": verdict.gate,
            "outcome": verdict.outcome,
            "actual": verdict.actual,
            "shown": verdict.shown,
            "at": verdict.at,
            "tag": verdict.tag or None,
            "is_guessed": bool(verdict.note),
            "note": verdict.note,
            "warning": verdict.warning,
            "hint": verdict.hint,
        }
        for verdict in verdicts
    ]
