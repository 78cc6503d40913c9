"""Which scalars the readers of TensorBoard drop, known before one of them is chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tensorboard.compat.proto.tensor_pb2 import TensorProto

from tbcli.config import ServeConfig
from tbcli.serving.formats import ScalarFormat, choose_reader, describe_scalars, find_odd_scalars
from tests.serving.events import write_scalars, write_tensors

READABLE = ("float64", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "bool")
UNREADABLE = {14: "bfloat16", 23: "uint64", 25: "float8_e4m3fn"}


def values(kind: str, count: int = 3) -> list[np.ndarray]:
    return [np.asarray(step * 1.5, kind) for step in range(count)]


def raw(number: int, content: bytes) -> TensorProto:
    tensor = TensorProto(dtype=number, tensor_content=content)
    tensor.tensor_shape.SetInParent()
    return tensor


def formats(top: Path, *, skip_runs: bool = False) -> dict[str, tuple[str, bool]]:
    return {odd.name: odd[2:] for odd in find_odd_scalars([(".", top)], skip_runs=skip_runs)}


@pytest.mark.parametrize("kind", READABLE)
def test_numbers_that_are_no_float32_are_found_and_the_slow_reader_reads_them(tmp_path: Path, kind: str) -> None:
    write_tensors(tmp_path / "a" / "train", {"loss": values(kind), "usual": values("float32")})
    assert formats(tmp_path) == {"a/train/loss": (kind, True)}


@pytest.mark.parametrize(("number", "kind"), UNREADABLE.items())
def test_numbers_that_no_reader_knows_are_found_too(tmp_path: Path, number: int, kind: str) -> None:
    write_tensors(tmp_path, {"loss": [raw(number, bytes(2))]})
    assert formats(tmp_path) == {"loss": (kind, False)}


@pytest.mark.parametrize(("shape", "is_readable"), [([1], True), ([1, 1], True), ([2], False), ([0], False)])
def test_a_number_in_a_list_is_odd_too(tmp_path: Path, shape: list[int], is_readable: bool) -> None:
    write_tensors(tmp_path, {"loss": [np.zeros(shape, np.float32)]})
    assert formats(tmp_path) == {"loss": (f"float32 {shape}", is_readable)}


def test_other_plugins_and_usual_scalars_are_not(tmp_path: Path) -> None:
    write_scalars(tmp_path / "a", {"loss": [0.5] * 100})
    write_tensors(tmp_path / "b", {"buckets": [np.zeros((1, 3))]}, plugin="histograms")
    write_tensors(tmp_path / "c", {"_hparams_/session_start_info": [np.zeros(1, np.float32)]}, plugin="hparams")
    write_tensors(tmp_path / "d", {"note": [np.array(b"text", object)]}, plugin="text")
    assert formats(tmp_path) == {}


def test_they_are_found_behind_damage_and_pictures_and_in_any_file_of_a_directory(tmp_path: Path) -> None:
    write_scalars(tmp_path, {"loss": [0.5]})
    path = write_tensors(tmp_path / "a", {"loss": values("float64"), "acc": values("int32")})
    content = bytearray(path.read_bytes())
    content[40:40] = np.random.default_rng(0).bytes(100_000)  # within the first record, which is lost
    path.rename(path.with_name("events.out.tfevents.2.later")).write_bytes(content)
    assert set(formats(tmp_path)) == {"a/loss", "a/acc"}


def test_every_tag_is_found_among_very_many_points(tmp_path: Path) -> None:
    write_tensors(tmp_path, {"x": values("float64", 500), "loss/train": values("float64", 500)})
    assert set(formats(tmp_path)) == {"x", "loss/train"}


def test_runs_of_ours_need_no_look(tmp_path: Path) -> None:
    write_tensors(tmp_path / "run" / "train", {"loss": values("float64")})
    (tmp_path / "run" / "run.json").write_text("{}")
    assert formats(tmp_path, skip_runs=True) == {}
    assert formats(tmp_path) == {"run/train/loss": ("float64", True)}


def test_what_cannot_be_read_or_is_not_there_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.1").write_bytes(b"")
    (tmp_path / "events.out.tfevents.2").symlink_to("nowhere")
    assert formats(tmp_path) == formats(tmp_path / "missing") == {}


FLOAT64, BFLOAT16 = ScalarFormat("a", "loss", "float64", True), ScalarFormat("a", "x", "bfloat16", False)


@pytest.mark.parametrize(
    ("asked", "odd", "chosen", "missing"),
    [
        ("auto", [], "auto", []),
        ("auto", [FLOAT64], "false", []),
        ("auto", [BFLOAT16], "auto", [BFLOAT16]),
        ("auto", [FLOAT64, BFLOAT16], "false", [BFLOAT16]),
        ("true", [FLOAT64, BFLOAT16], "true", [FLOAT64, BFLOAT16]),
        ("false", [FLOAT64, BFLOAT16], "false", [BFLOAT16]),
    ],
)
def test_the_reader_is_the_one_that_shows_most_unless_it_was_asked_for(
    asked: str, odd: list[ScalarFormat], chosen: str, missing: list[ScalarFormat]
) -> None:
    config, not_shown = choose_reader(ServeConfig(load_fast=asked), odd)
    assert (config.load_fast, not_shown) == (chosen, missing)


def test_a_description_is_never_longer_than_a_few_lines() -> None:
    many = [ScalarFormat(".", f"tag{number}", "int32", True) for number in range(1000)]
    assert describe_scalars(many[:1]) == "1 scalar series (int32): tag0"
    assert describe_scalars(many).endswith("tag7 and 992 more")
