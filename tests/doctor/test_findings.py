"""Findings: their order, and from which level on the exit code says so."""

from __future__ import annotations

import pytest

from tbcli.doctor.findings import LEVELS, Finding, Level, needs_action, worst_first


def finding(level: Level, name: str = "x") -> Finding:
    return Finding(level=level, name=name, what="what", why="why")


def test_the_worst_come_first_and_else_the_order_stays() -> None:
    mixed = [finding("note", "a"), finding("error", "b"), finding("warning", "c"), finding("error", "d")]
    assert [each.name for each in worst_first(mixed)] == ["b", "d", "c", "a"]


@pytest.mark.parametrize("level", LEVELS)
def test_only_notes_need_no_action(level: Level) -> None:
    assert needs_action([finding("note"), finding(level)]) == (level != "note")
    assert not needs_action([])
