"""Verdicts for machines: the Markdown of a job's summary, and the JUnit file that continuous integration reads."""

from __future__ import annotations

from collections.abc import Sequence

from tbcli.gates.verdicts import Outcome, Verdict

_SIGNS: dict[Outcome, str] = {"passed": "✅ passed", "failed": "❌ failed", "missing": "⚠️ missing"}


def as_markdown(verdicts: Sequence[Verdict], label: str) -> str:
    """Return a heading and a table, a row a gate."""
    passed = sum(verdict.outcome == "passed" for verdict in verdicts)
    lines = [
        f"### {passed} of {len(verdicts)} gates passed: {markdown_text(label)}",
        "",
        "| gate | value | verdict |",
        "|---|---:|---|",
    ]
    lines += [
        f"| {markdown_code(verdict.gate)} | {markdown_text(verdict.found)} | {_SIGNS[verdict.outcome]} |"
        for verdict in verdicts
    ]
    return "\n".join(lines)


def markdown_text(text: str) -> str:
    """Return text of users so that Markdown, and HTML in it, shows it as it is, on one line."""
    shown = "".join(f"\\{char}" if char in "\\`*_{}[]<>#|~$" else char for char in text)
    return " ".join("".join(char if char.isprintable() or char.isspace() else "\ufffd" for char in shown).split())


def markdown_code(text: str) -> str:
    """Return text of users as code in a table of Markdown; what code cannot hold there, as plain text."""
    plain = "`" in text or "|" in text or not text.isprintable()
    return markdown_text(text) if plain else f"`{text}`"


def as_junit(verdicts: Sequence[Verdict], label: str) -> str:
    """Return the verdicts as a JUnit test suite, a test case a gate.

    Format: the ``testsuite``, ``testcase``, ``failure`` and ``error`` elements that all readers of JUnit XML share.
    """
    from xml.sax.saxutils import quoteattr

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
        case = f"  <testcase classname={quoted(label)} name={quoted(verdict.gate)}"
        if verdict.outcome == "passed":
            lines.append(f"{case}/>")
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
            "hint": verdict.hint,
        }
        for verdict in verdicts
    ]
