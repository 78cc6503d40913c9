"""What the reader makes of damaged files: all that is sound, and a word about the rest."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

from tbcli.readers import open_logdir, read_scalars
from tests.events.records import VERSION, curve, event, framed, metadata, tensor, write

MANY = 100
HEAD = len(framed(VERSION))


def damaged(tmp_path: Path, change: Callable[[bytearray, list[int]], None]) -> tuple[list[int], list[tuple[int, str]]]:
    """Write points 0 to 99, change the bytes, and return the steps that are read and offset and kind of the damage."""
    events = curve("x", range(MANY))
    offsets = (HEAD + np.cumsum([0, *(len(framed(one)) for one in events)])).tolist()
    path = write(tmp_path, *events)
    content = bytearray(path.read_bytes())
    change(content, offsets)
    path.write_bytes(content)
    scalars = read_scalars(tmp_path)
    assert all(incident.path == path.name for incident in scalars.damage)
    assert scalars.value.tolist() == scalars.step.tolist()  # what is kept is right
    return scalars.step.tolist(), [(incident.offset, incident.kind) for incident in scalars.damage]


def without(*steps: int) -> list[int]:
    return [step for step in range(MANY) if step not in steps]


@pytest.mark.parametrize("cut", [1, 4, 5, 20, 50])
def test_a_torn_last_record_is_left_out_and_told(tmp_path: Path, cut: int) -> None:
    offsets_seen: list[int] = []

    def change(content: bytearray, offsets: list[int]) -> None:
        del content[-cut:]
        offsets_seen.extend(offsets)

    steps, damage = damaged(tmp_path, change)
    assert steps == without(99)
    assert damage == [(offsets_seen[99], "torn")]


@pytest.mark.parametrize("left", [1, 7, 11])
def test_a_torn_header_is_left_out_and_told(tmp_path: Path, left: int) -> None:
    def change(content: bytearray, offsets: list[int]) -> None:
        del content[offsets[99] + left :]

    steps, damage = damaged(tmp_path, change)
    assert steps == without(99)
    assert [kind for _, kind in damage] == ["torn"]


def test_a_flipped_byte_costs_its_own_record_alone(tmp_path: Path) -> None:
    found: list[int] = []

    def change(content: bytearray, offsets: list[int]) -> None:
        content[offsets[50] + 15] ^= 0x41
        found.append(offsets[50] + 12)

    steps, damage = damaged(tmp_path, change)
    assert steps == without(50)
    assert damage == [(found[0], "payload")]


def test_each_bit_of_each_byte_of_a_record_is_guarded(tmp_path: Path) -> None:
    events = curve("x", range(20))
    path = write(tmp_path, *events)
    sound = path.read_bytes()
    start = HEAD + sum(len(framed(one)) for one in events[:10])
    for place in range(start, start + len(framed(events[10]))):
        content = bytearray(sound)
        content[place] ^= 1 << (place % 8)
        path.write_bytes(content)
        scalars = read_scalars(tmp_path)
        assert scalars.step.tolist() == [step for step in range(20) if step != 10], place - start
        assert len(scalars.damage) == 1, place - start


@pytest.mark.parametrize("place", range(12))
def test_after_a_damaged_length_reading_goes_on_with_the_next_record(tmp_path: Path, place: int) -> None:
    def change(content: bytearray, offsets: list[int]) -> None:
        content[offsets[50] + place] ^= 0xFF

    steps, damage = damaged(tmp_path, change)
    assert steps == without(50)
    assert [kind for _, kind in damage] == ["length"]


def test_a_huge_length_with_the_right_checksum_costs_one_record_where_others_follow(tmp_path: Path) -> None:
    def change(content: bytearray, offsets: list[int]) -> None:
        huge = struct.pack("<Q", 1 << 62)
        content[offsets[50] : offsets[50] + 12] = huge + struct.pack("<I", masked_crc32c(huge))

    steps, damage = damaged(tmp_path, change)
    assert steps == without(50)
    assert [kind for _, kind in damage] == ["length"]


@pytest.mark.parametrize("verify", [False, True])
def test_a_record_larger_than_any_message_is_not_read_into_memory(tmp_path: Path, verify: bool) -> None:
    path = write(tmp_path, *curve("x", range(50)))
    length = struct.pack("<Q", 1 << 40)  # a hole in the file: it takes no room on the disk
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(length + struct.pack("<I", masked_crc32c(length)))
        file.truncate(size + 12 + (1 << 40) + 4)
        file.seek(0, os.SEEK_END)
        file.write(b"".join(framed(one) for one in curve("x", range(50, 60))))
    scalars = read_scalars(tmp_path, verify=verify, cache=False)
    assert scalars.step.tolist() == list(range(60))
    assert [(incident.offset, incident.kind) for incident in scalars.damage] == [(size + 12, "malformed")]


def test_bytes_that_are_no_event_under_a_right_checksum_are_told(tmp_path: Path) -> None:
    bad = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    write(tmp_path, *curve("x", range(50)), bad, *curve("x", range(50, 100)))
    scalars = read_scalars(tmp_path)
    assert scalars.step.tolist() == list(range(100))
    assert [incident.kind for incident in scalars.damage] == ["malformed"]


def test_zeros_at_the_end_are_told_and_cost_nothing(tmp_path: Path) -> None:
    def change(content: bytearray, offsets: list[int]) -> None:
        content.extend(bytes(100_000))

    steps, damage = damaged(tmp_path, change)
    assert steps == without()
    assert [kind for _, kind in damage] == ["zeros"]


def test_garbage_at_the_end_is_told_and_costs_nothing(tmp_path: Path) -> None:
    def change(content: bytearray, offsets: list[int]) -> None:
        content.extend(np.random.default_rng(0).bytes(5_000_000))

    steps, damage = damaged(tmp_path, change)
    assert steps == without()
    assert [kind for _, kind in damage] == ["length"]


def test_a_hole_of_zeros_is_stepped_over(tmp_path: Path) -> None:
    def change(content: bytearray, offsets: list[int]) -> None:
        content[offsets[20] : offsets[30]] = bytes(offsets[30] - offsets[20])

    steps, damage = damaged(tmp_path, change)
    assert steps == without(*range(20, 30))
    assert [kind for _, kind in damage] == ["length"]


def test_garbage_is_no_event_file(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.1").write_bytes(np.random.default_rng(0).bytes(100_000))
    scalars = read_scalars(tmp_path)
    assert len(scalars) == 0
    assert [(incident.offset, incident.kind) for incident in scalars.damage] == [(0, "foreign")]


def test_an_empty_file_is_told_and_is_no_loss(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.1").touch()
    (incident,) = read_scalars(tmp_path).damage
    assert (incident.kind, incident.is_loss) == ("empty", False)
    assert str(incident).startswith("events.out.tfevents.1 at byte 0: empty")


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a", *curve("x", range(3)))
    closed = write(tmp_path / "b", *curve("x", range(3)))
    real_open = os.open

    def refuse(path: str, *more: int) -> int:  # the superuser, who may run this, can read everything
        if path == str(closed):
            raise PermissionError(13, "Permission denied")
        return real_open(path, *more)

    monkeypatch.setattr(os, "open", refuse)
    scalars = read_scalars(tmp_path)
    assert scalars.names == (("a", "x"),)
    assert [incident.kind for incident in scalars.damage] == ["unreadable"]


def test_one_torn_file_does_not_hurt_those_that_are_read_with_it(tmp_path: Path) -> None:
    for run in range(10):
        path = write(tmp_path / f"run{run}", *curve("x", range(20)))
        if run in (0, 4, 9):
            path.write_bytes(path.read_bytes()[:-7])
    scalars = read_scalars(tmp_path)
    assert scalars.counts.tolist() == [19, 20, 20, 20, 19, 20, 20, 20, 20, 19]
    assert [incident.path.split("/")[0] for incident in scalars.damage] == ["run0", "run4", "run9"]


def test_damage_in_great_number_is_summed_up(tmp_path: Path) -> None:
    def change(content: bytearray, offsets: list[int]) -> None:
        for offset in offsets[:60]:
            content[offset + 20] ^= 1

    steps, damage = damaged(tmp_path, change)
    assert steps == list(range(60, 100))
    assert [kind for _, kind in damage] == ["payload"] * 20 + ["more"]


def test_a_damaged_picture_is_noticed_only_when_all_is_verified(tmp_path: Path) -> None:
    pictures = [event(step, tensor("p", [b"2", b"2", bytes(500)], metadata("images"))) for step in range(20)]
    path = write(tmp_path, *pictures, *curve("x", range(5)))
    content = bytearray(path.read_bytes())
    content[HEAD + 10 * len(framed(pictures[10])) + 300] ^= 1
    path.write_bytes(content)
    assert open_logdir(tmp_path).damage == ()
    checked = open_logdir(tmp_path, verify=True)
    assert [incident.kind for incident in checked.damage] == ["payload"]
    assert [(entry.tag, entry.count) for entry in checked.inventory()] == [("p", 19)]
    assert len(checked.scalars()) == 5


def test_a_large_record_is_stepped_over_and_verified_when_asked(tmp_path: Path) -> None:
    large = event(1, tensor("p", [b"2", b"2", np.random.default_rng(0).bytes(6_000_000)], metadata("images")))
    path = write(tmp_path, *curve("x", range(50)), large, *curve("x", range(50, 60)))
    content = bytearray(path.read_bytes())
    content[3_000_000] ^= 1
    path.write_bytes(content)
    loose = open_logdir(tmp_path, cache=False)
    assert loose.damage == ()
    assert [(entry.tag, entry.plugin, entry.count) for entry in loose.inventory()] == [("p", "images", 1)]
    checked = open_logdir(tmp_path, verify=True)
    assert [incident.kind for incident in checked.damage] == ["payload"]
    for content_read in (loose, checked):
        assert content_read.scalars().step.tolist() == list(range(60))


def test_a_scalar_beside_a_large_picture_in_one_event_is_found(tmp_path: Path) -> None:
    picture = tensor("p", [b"2", b"2", bytes(3_000_000)], metadata("images"))
    write(tmp_path, event(7, picture, tensor("x", np.float32(3))))
    content = open_logdir(tmp_path, cache=False)
    assert content.scalars().value.tolist() == [3.0]
    assert [(entry.tag, entry.count) for entry in content.inventory()] == [("p", 1)]


@pytest.mark.slow
def test_of_a_file_that_is_cut_anywhere_all_whole_records_are_read(tmp_path: Path) -> None:
    picture = event(2, tensor("picture", [b"1", b"1", b"x" * 20], metadata("images")))
    events = [*curve("x", [0, 1]), picture, *curve("x", [3])]
    path = write(tmp_path, *events)
    content, ends = path.read_bytes(), np.cumsum([HEAD, *(len(framed(one)) for one in events)])
    steps = {0: [], 1: [0], 2: [0, 1], 3: [0, 1], 4: [0, 1, 3]}
    for size in range(len(content) + 1):
        path.write_bytes(content[:size])
        scalars = read_scalars(tmp_path, cache=False)
        assert scalars.step.tolist() == steps[max(0, int((ends <= size).sum()) - 1)]
        is_torn = size not in (0, *ends)
        assert [incident.kind for incident in scalars.damage] in ([["torn"]] if is_torn else [[], ["empty"]]), size
