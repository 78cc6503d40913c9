"""A state is read back as it was, a damaged one is noticed wherever it is damaged, and an older one takes its place."""

from __future__ import annotations

import json
import math
import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.training.continuing import state
from tbcli.training.continuing.packing import CannotKeep
from tbcli.training.continuing.state import DamagedState, Generations, pack, read_state

PARTS: dict[str, Any] = {
    "model": {
        "arrays": [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7, np.int64)],
        "empty": np.zeros((0, 4)),
    },
    "half": np.array([1.5, -2.0], ml_dtypes.bfloat16),
    "recorders": {"a": {"sums": {"loss": 0.1}, "seen": {1, 2}, "raw": b"\0\xff", "pair": (1, None), "~": [math.inf]}},
    "by number": {1: "a", (2, 3): "b"},
    "number": np.float32(0.1),
}


def same(one: Any, other: Any) -> bool:
    """Compare type for type, arrays bit for bit."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) or (one != one and other != other)


def saved(directory: Path, step: int = 5, parts: dict[str, Any] = PARTS) -> Path:
    Generations(directory).save(step, parts)
    return directory / f"step-{step:08}.state"


def test_what_is_saved_is_read_back_type_for_type_and_bit_for_bit(tmp_path: Path) -> None:
    found = read_state(saved(tmp_path / "checkpoints"))
    assert found.step == 5
    assert same(found.parts, PARTS)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)


@given(value=VALUES)
def test_any_plain_value_survives(tmp_path: Path, value: Any) -> None:
    assert same(read_state(saved(tmp_path, parts={"value": value})).parts["value"], value)


def test_the_state_is_a_copy_of_the_moment(tmp_path: Path) -> None:
    weights = np.zeros(3)
    pieces = pack({"weights": weights})
    weights += 1
    (tmp_path / "step-1.state").write_bytes(b"".join(pieces))
    assert read_state(tmp_path / "step-1.state").parts["weights"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "value", [object(), lambda: None, np.array([None]), np.array(["a"])], ids=["object", "function", "objects", "texts"]
)
def test_a_value_that_cannot_be_kept_is_refused_and_leaves_nothing(tmp_path: Path, value: Any) -> None:
    with pytest.raises(CannotKeep):
        Generations(tmp_path).save(1, {"part": {"value": value}})
    assert not list(tmp_path.iterdir())


def test_damage_anywhere_is_noticed(tmp_path: Path) -> None:
    path = saved(tmp_path, parts={"weights": np.arange(3.0), "epoch": 1})
    whole = path.read_bytes()
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1 << position % 8
        for content in (bytes(changed), whole[:position]):
            path.write_bytes(content)
            with pytest.raises(DamagedState, match="is damaged"):
                read_state(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(DamagedState):
        read_state(path)


def as_json(value: Any) -> bytes:
    return json.dumps(value, default=str).encode()


@given(header=st.binary(max_size=60) | st.dictionaries(st.sampled_from(["parts", "arrays"]), VALUES).map(as_json))
def test_a_header_that_somebody_made_up_is_damage_and_no_other_error(tmp_path: Path, header: bytes) -> None:
    front = state._MAGIC + state._SIZES.pack(len(header), 0, zlib.crc32(header), 0)
    path = tmp_path / "step-1.state"
    path.write_bytes(front + state._SUM.pack(zlib.crc32(front)) + header)
    with suppress(DamagedState):
        read_state(path)


def test_the_newest_that_is_whole_is_taken_and_damage_is_told(tmp_path: Path) -> None:
    warnings: list[str] = []
    generations = Generations(tmp_path)
    assert generations.newest(warnings.append) is None
    for step in (5, 9, 13):
        saved(tmp_path, step)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000009.state", "step-00000013.state"]
    assert generations.newest(warnings.append).step == 13  # type: ignore[union-attr]
    (tmp_path / "step-00000013.state").write_bytes(b"torn")
    assert warnings == []
    assert generations.newest(warnings.append).step == 9  # type: ignore[union-attr]
    assert len(warnings) == 1
    assert "the state of step 9 is used" in warnings[0]
    (tmp_path / "step-00000009.state").write_bytes(b"")
    with pytest.raises(DamagedState, match="step-00000013"):
        generations.newest(warnings.append)


def test_what_a_killed_process_left_and_what_was_found_damaged_goes(tmp_path: Path) -> None:
    saved(tmp_path, 5)
    (tmp_path / "step-00000009.state").write_bytes(b"torn")
    (tmp_path / ".step-00000009.1.state").write_bytes(b"half")
    Generations(tmp_path).keep(2, up_to=5)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000005.state"]
    Generations(tmp_path).keep(0)
    assert not tmp_path.exists()


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_state_that_cannot_be_written_leaves_the_older_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    saved(tmp_path, 5)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os if broken == "fsync" else Path, broken, full)
        with pytest.raises(OSError, match="No space"):
            saved(tmp_path, 9)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000005.state"]


def test_what_is_no_file_of_state_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "step-00000007.state")
    (tmp_path / "step-00000008.state").mkdir()
    (tmp_path / "position.json").write_text("{}")
    assert Generations(tmp_path).newest(pytest.fail) is None
