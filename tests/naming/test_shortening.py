"""Short names fit, and as many are different as before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tbcli.naming.shortening import number_duplicates, shortened_names

NAMES = st.lists(st.text("ab_-é日\u0301", min_size=1, max_size=40), min_size=1, max_size=12)


def test_names_that_fit_stay_as_they_are() -> None:
    assert shortened_names(["cat", "dog"], 3) == ["cat", "dog"]
    assert shortened_names([], 3) == []


def test_a_long_name_is_cut_in_the_middle() -> None:
    assert shortened_names(["golden retriever puppy", "cat"], 11) == ["golde…puppy", "cat"]


def test_twelve_names_that_differ_only_at_their_end_stay_twelve() -> None:
    names = [f"photographs of the common household animal number {number}" for number in range(12)]
    short = shortened_names(names, 16)
    assert len(set(short)) == 12
    assert short == [f"…{number}" for number in range(12)]


def test_names_that_differ_in_the_middle_lose_what_they_share() -> None:
    names = [f"a_shared_beginning_{word}_and_a_shared_end" for word in ("cat", "dog", "horse")]
    assert shortened_names(names, 10) == ["…cat…", "…dog…", "…horse…"]


def test_names_of_two_families_are_cut_where_they_differ() -> None:
    names = [
        f"{family}-{number}-with-the-same-very-long-end-of-a-name"
        for family in ("the-first-family-of-names", "another-family-of-names")
        for number in range(6)
    ]
    short = shortened_names(names, 14)
    assert len(set(short)) == 12
    assert max(map(len, short)) <= 14


def test_a_letter_keeps_its_marks() -> None:
    assert not shortened_names(["हिन्दीहिन्दीहिन्दीहिन्दी"], 8)[0].partition("…")[2].startswith("ि")


def test_equal_names_stay_equal() -> None:
    one, two, three = shortened_names(["a" * 30, "a" * 30, "b" * 30], 10)
    assert one == two != three


def test_a_name_that_occurs_twice_is_numbered() -> None:
    assert number_duplicates(["cat", "dog", "cat"]) == ["cat #0", "dog", "cat #2"]
    assert len(set(number_duplicates(["cat", "cat", "cat #0"]))) == 3


@given(NAMES, st.integers(6, 20))
def test_different_names_stay_different_and_fit(names: list[str], room: int) -> None:
    short = shortened_names(names, room)
    assert len(short) == len(names)
    assert len(set(short)) == len(set(names))
    assert all(len(text) <= room for text in short)
