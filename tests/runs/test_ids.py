from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tbcli.naming.slugs import slug_of
from tbcli.runs.ids import looks_like_id, new_id, without_slug
from tests.fakes import SOME_MOMENT


def test_ids_sort_by_time_in_utc_whatever_the_time_zone() -> None:
    there = datetime(2026, 11, 23, 1, 52, 12, tzinfo=timezone(timedelta(hours=2)))
    assert new_id(there).startswith("20261122-235212-")
    assert looks_like_id(new_id(there))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "latest",
        "base",
        "20261122",
        "2026-11-22-1234",
        "20261122-235212",
        "2026112a-235212-k3f9",
        "20261122-235212-k3f9-",
        "20261122-235212-k3f9-First",
        "20261122-235212-k3f9.old",
        "20261122-235212-k3f9first",
    ],
)
def test_other_words_do_not_look_like_ids(name: str) -> None:
    assert not looks_like_id(name)


def test_ids_do_not_repeat_under_a_seed() -> None:
    import random

    random.seed(0)
    first = new_id(SOME_MOMENT)
    random.seed(0)
    assert new_id(SOME_MOMENT) != first


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("first", "first"),
        ("Wide ResNet, lr=0.1", "wide-resnet-lr-0-1"),
        ("Größe Ærø Łódź", "grosse-aero-lodz"),
        ("ﬁne²", "fine2"),
        ("a_b/c..d", "a-b-c-d"),
        ("--x--", "x"),
        ("漢字", ""),
        ("漢字 2", "2"),
        ("../../etc", "etc"),
        ("\x1b[31mred", "31mred"),
        ("", ""),
        ("a" * 60, "a" * 40),
        ("a" * 39 + " tail", "a" * 39),
    ],
)
def test_a_slug_is_what_of_a_name_can_stand_in_every_path(name: str, slug: str) -> None:
    assert slug_of(name) == slug
    run_id = new_id(SOME_MOMENT, name)
    assert looks_like_id(run_id)
    assert run_id.removeprefix(without_slug(run_id)) == (f"-{slug}" if slug else "")
    assert len(without_slug(run_id)) == len("20261122-120000-k3f9")


@pytest.mark.parametrize("name", ["logs", "20261122-235212-k3f9", "version_0", ""])
def test_a_name_without_a_slug_stays_as_it_is(name: str) -> None:
    assert without_slug(name) == name
