"""Texts become pixels, whatever characters they are of, and are cut to the room there is."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tbcli.figures.png.letters import Letters, letters_for

ODD = ("日本語", "🐱 cat", "a\nb\tc", "<b>bold</b>", "\x1b[31m", "ünïcode", "", "x" * 500)


@pytest.mark.parametrize("text", ODD)
def test_any_text_is_one_line_as_high_as_any_other(text: str) -> None:
    letters = Letters(ODD)
    ink = letters.pixels(text, 10)
    assert ink.dtype == np.uint8
    assert ink.shape[0] == letters.pixels("plain", 10).shape[0]
    assert ink.shape[1] == letters.width(text, 10)


@pytest.mark.parametrize("text", ["plain", "ünïcode", "日本語"])
def test_letters_leave_ink_and_a_blank_none(text: str) -> None:
    letters = Letters((text,))
    assert letters.pixels(text, 10).max() > 128
    assert letters.pixels(" ", 10).max() == 0


def test_what_cannot_be_printed_is_a_blank() -> None:
    letters = Letters()
    assert np.array_equal(letters.pixels("a\nb", 10), letters.pixels("a b", 10))


@pytest.mark.parametrize("text", ["W" * 50, "a rather long name", "日本語日本語日本語日本語"])
@pytest.mark.parametrize("room", [12, 30, 60])
def test_a_text_is_cut_to_the_room_with_an_ellipsis(text: str, room: int) -> None:
    letters = Letters((text,))
    cut = letters.fitted(text, 10, room)
    assert cut.endswith("…")
    assert text.startswith(cut[:-1].rstrip())
    assert letters.width(cut, 10) <= max(room, letters.width("…", 10))


def test_a_text_that_fits_stays() -> None:
    assert Letters().fitted("cat", 10, 100) == "cat"
    assert Letters().fitted("", 10, 0) == ""


def test_letters_are_remembered_for_the_same_names() -> None:
    assert letters_for(("cat", "dog")) is letters_for(("cat", "dog"))
    letters = letters_for(("cat",))
    letters.pixels("epoch 1: 0123456789", 10)
    began = time.process_time()
    for _ in range(100):
        letters.pixels("epoch 1: 0123456789", 10)
    assert time.process_time() - began < 0.5  # a hundred times fewer than drawing each again
