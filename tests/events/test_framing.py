"""The chain of records: however lengths follow one another, every path finds the same."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tbcli.events.framing import HEADER, Alike, chain, find_headers, frame, proved
from tests.events.records import framed

lengths = st.lists(st.tuples(st.lists(st.integers(0, 40), min_size=1, max_size=5), st.integers(1, 60)), max_size=6)


def written(rhythms: list[tuple[list[int], int]]) -> tuple[bytearray, list[int]]:
    sizes = [size for rhythm, times in rhythms for _ in range(times) for size in rhythm]
    return bytearray(b"".join(framed(bytes(size)) for size in sizes)), sizes


@given(lengths, st.integers(0, 30))
def test_whatever_the_rhythm_all_whole_records_are_found(rhythms: list, cut: int) -> None:
    buffer, sizes = written(rhythms)
    ends = np.cumsum([0, *(size + 16 for size in sizes)])
    stop = max(0, len(buffer) - cut)
    frames = frame(buffer, 0, stop)
    whole = int((ends <= stop).sum()) - 1
    assert frames.lengths.tolist() == sizes[:whole]
    assert (frames.offsets == ends[:whole] + HEADER).all()
    assert frames.end == ends[whole]


@given(lengths, lengths)
def test_a_likeness_is_a_hint_and_never_believed(first: list, second: list) -> None:
    known, _ = written(first)
    buffer, sizes = written(second)
    headers, end = chain(known, 0, len(known))
    like = Alike.of(headers, end) if len(headers) else None
    frames = proved(buffer, *chain(buffer, 0, len(buffer), like))
    assert frames.lengths.tolist() == sizes
    assert frames.end == len(buffer)


def test_a_wrong_length_ends_the_chain_where_it_stands() -> None:
    buffer, sizes = written([([10, 20, 30], 50)])
    place = sum(size + 16 for size in sizes[:70])
    buffer[place + 1] ^= 0x40
    frames = frame(buffer, 0, len(buffer))
    assert len(frames.offsets) == 70
    assert frames.end == place
    assert place + sizes[70] + 16 in find_headers(buffer, place + 1, len(buffer))
