"""What the reader makes of sound files: every encoding, several values, several files."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto

from tbcli.errors import ConfigError, NotFound
from tbcli.readers import open_logdir, read_scalars
from tests.events.records import curve, event, framed, metadata, ours, points, simple, tensor, write

MANY = 40  # enough for a template
KINDS = {"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "int64": 9, "float16": 19}
KINDS |= {"uint16": 17, "uint32": 22, "uint64": 23}


def values(top: Path, tag: str = "x", run: str = ".") -> list[float]:
    return [value for _, _, value in ours(top)[run, tag]]


@pytest.mark.parametrize("count", [2, MANY])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["field", "content"])
def test_a_tensor_of_any_type_in_either_form_is_its_number(tmp_path: Path, kind: str, form: str, count: int) -> None:
    numbers = (np.arange(count) * 3).astype(kind)
    if form == "field":
        tensors = [_in_a_field(number) for number in numbers]
    else:
        tensors = [
            TensorProto(dtype=KINDS[kind], tensor_shape={}, tensor_content=number.tobytes()) for number in numbers
        ]
    write(tmp_path, *(event(step, tensor("x", content)) for step, content in enumerate(tensors)))
    assert values(tmp_path) == numbers.astype(float).tolist()


SMALL = {  # what NumPy has no type for: dtype, and the bits of some numbers
    "bfloat16": (14, {0x3FC0: 1.5, 0xC000: -2.0, 0x7F80: math.inf, 0x0000: 0.0}),
    "float8_e5m2": (24, {0x3E: 1.5, 0xC0: -2.0, 0x7C: math.inf, 0x00: 0.0}),
    "float8_e4m3fn": (25, {0x3C: 1.5, 0xC0: -2.0, 0x7E: 448.0, 0x01: 2.0**-9}),
}


@pytest.mark.parametrize("count", [4, MANY])
@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("form", ["field", "content"])
def test_numbers_of_few_bits_are_read(tmp_path: Path, kind: str, form: str, count: int) -> None:
    dtype, numbers = SMALL[kind]
    bits = list(numbers) * (count // 4)
    width = 2 if dtype == 14 else 1
    contents = [each.to_bytes(width, "little") for each in bits]
    if form == "content":
        tensors = [TensorProto(dtype=dtype, tensor_shape={}, tensor_content=content) for content in contents]
    elif dtype == 14:
        tensors = [TensorProto(dtype=dtype, tensor_shape={}, half_val=[each]) for each in bits]
    else:
        tensors = [TensorProto(dtype=dtype, tensor_shape={}, float8_val=content) for content in contents]
    write(tmp_path, *(event(step, tensor("x", content)) for step, content in enumerate(tensors)))
    assert values(tmp_path) == [numbers[each] for each in bits]


def test_a_float8_may_be_no_number(tmp_path: Path) -> None:
    for number, dtype in enumerate((24, 25)):
        write(tmp_path, event(0, tensor(f"x{dtype}", TensorProto(dtype=dtype, tensor_content=b"\x7f"))), number=number)
    assert all(math.isnan(value) for tag in ("x24", "x25") for value in values(tmp_path, tag))


@pytest.mark.parametrize("form", ["field", "content"])
@pytest.mark.parametrize(("dtype", "kind"), [(22, "uint32"), (23, "uint64"), (10, "bool")])
def test_types_that_tensorboards_reader_lacks_are_read(tmp_path: Path, dtype: int, kind: str, form: str) -> None:
    number = np.ones(1, kind) if kind == "bool" else np.full(1, 7, kind)
    if form == "content":
        content = TensorProto(dtype=dtype, tensor_content=number.tobytes())
    else:
        content = TensorProto(dtype=dtype, **{f"{kind}_val": number.tolist()})
    write(tmp_path, event(0, tensor("x", content)))
    assert values(tmp_path) == [float(number[0])]


ODD = {
    "complex64": (np.complex64(1 + 2j), "type complex64"),
    "string": (b"text", "type string"),
    "several": (np.zeros(3, np.float32), "float32 with 3 elements"),
    "none": (np.zeros(0, np.float32), "float32 with 0 elements"),
    "unknown": (TensorProto(dtype=33, tensor_content=b"1"), "type number 33"),
    "large": (np.arange(600, dtype=np.float32), "larger tensors"),
    "huge": (np.arange(9000, dtype=np.float32), "larger tensors"),
}


@pytest.mark.parametrize("count", [1, MANY])
@pytest.mark.parametrize("case", ODD)
def test_what_is_no_number_among_scalars_is_said(tmp_path: Path, case: str, count: int) -> None:
    content, reason = ODD[case]
    pairs = [(event(step, tensor("odd", content)), event(step, simple("x", 1.0))) for step in range(count)]
    write(tmp_path, *(one for pair in pairs for one in pair))
    scalars = read_scalars(tmp_path, cache=False)
    assert scalars.names == ((".", "x"),)
    (incident,) = scalars.damage
    assert incident.is_loss
    assert "'odd'" in incident.detail
    assert reason in incident.detail
    assert incident.detail.startswith("1 value " if count == 1 else f"{count} values ")


@pytest.mark.parametrize("count", [1, MANY])
@pytest.mark.parametrize("kind", ["int64", "uint64"])
def test_whole_numbers_that_no_float64_holds_are_told(tmp_path: Path, kind: str, count: int) -> None:
    exact, odd = np.array([2**53, 2**53 + 2, 2**62], kind), np.array([2**53 + 1, 2**62 + 1, 2**63 - 1], kind)
    form = {"int64": 9, "uint64": 23}[kind]
    for tag, numbers in (("exact", exact), ("odd", odd)):
        contents = [TensorProto(dtype=form, tensor_content=number.tobytes()) for number in numbers] * count
        write(tmp_path / tag, *(event(step, tensor("x", content)) for step, content in enumerate(contents)))
    scalars = read_scalars(tmp_path, cache=False)
    assert values(tmp_path, run="exact") == exact.astype(float).tolist() * count
    (incident,) = scalars.damage
    assert incident.path.startswith("odd/")
    assert incident.detail.startswith(f"{3 * count} values of 'x' are whole numbers beyond 2**53")


def _in_a_field(number: np.generic) -> TensorProto:
    content = TensorProto(dtype=KINDS[number.dtype.name], tensor_shape={})
    fields = {"float32": "float_val", "float64": "double_val", "int64": "int64_val", "float16": "half_val"}
    fields |= {"uint32": "uint32_val", "uint64": "uint64_val"}
    name = fields.get(number.dtype.name, "int_val")
    if name == "uint32_val" or name == "uint64_val":  # TensorBoard's reader knows these as contents alone
        content.tensor_content = number.tobytes()
    else:
        getattr(content, name).append(int(number.view(np.uint16)) if name == "half_val" else number.item())
    return content


@pytest.mark.parametrize("count", [2, MANY])
def test_extreme_numbers_come_back_exactly(tmp_path: Path, count: int) -> None:
    extreme = [0.0, -0.0, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 0.1, math.pi]
    numbers = [extreme[step % len(extreme)] for step in range(count)]
    write(tmp_path, *(event(step, tensor("x", np.float64(number))) for step, number in enumerate(numbers)))
    assert values(tmp_path) == numbers
    assert [math.copysign(1, value) for value in values(tmp_path)] == [math.copysign(1, number) for number in numbers]


@pytest.mark.parametrize("count", [2, MANY])
def test_not_a_number_stays_a_point(tmp_path: Path, count: int) -> None:
    write(tmp_path, *(event(step, simple("x", math.nan)) for step in range(count)))
    assert len(values(tmp_path)) == count
    assert all(map(math.isnan, values(tmp_path)))


def test_steps_of_every_size_and_sign_come_back(tmp_path: Path) -> None:
    steps = sorted({sign * ((1 << bits) + add) for bits in range(63) for add in (-1, 0, 1) for sign in (1, -1)})
    steps += [2**63 - 1, -(2**63)]
    write(tmp_path, *(event(step, simple("x", 1.0), wall_time=5.0) for step in steps * 8))
    assert [step for step, _, _ in ours(tmp_path)[".", "x"]] == steps * 8


@pytest.mark.parametrize("count", [3, MANY])
@pytest.mark.parametrize("width", [2, 5, 200])
def test_one_event_may_hold_several_values(tmp_path: Path, count: int, width: int) -> None:
    def summary(step: int) -> list[Summary.Value]:
        return [(simple if tag % 2 else tensor)(f"tag{tag}", np.float32(step + tag / 8)) for tag in range(width)]

    write(tmp_path, *(event(step, *summary(step)) for step in range(count)))
    found = ours(tmp_path)
    assert len(found) == width
    for tag in range(width):
        assert [value for _, _, value in found[".", f"tag{tag}"]] == [step + tag / 8 for step in range(count)]


def test_an_event_of_thousands_of_values_is_read_whole(tmp_path: Path) -> None:
    write(tmp_path, *(event(step, *(simple(f"tag{tag}", step + tag) for tag in range(5000))) for step in range(3)))
    found = ours(tmp_path)
    assert len(found) == 5000
    assert [value for _, _, value in found[".", "tag4999"]] == [4999, 5000, 5001]


def test_one_tag_twice_in_an_event_keeps_both_values_in_order(tmp_path: Path) -> None:
    write(tmp_path, *(event(step, simple("x", step), simple("x", -step)) for step in range(MANY)))
    assert values(tmp_path) == [value for step in range(MANY) for value in (step, -step)]


def test_many_tags_of_one_length_are_told_apart(tmp_path: Path) -> None:
    events = [event(step, tensor(f"layer{tag:03}", np.float32(tag))) for step in range(5) for tag in range(300)]
    write(tmp_path, *events)
    found = ours(tmp_path)
    assert {tag: {value for _, _, value in series} for (_, tag), series in found.items()} == {
        f"layer{tag:03}": {float(tag)} for tag in range(300)
    }


@pytest.mark.parametrize("count", [3, MANY])
def test_the_kind_of_a_tag_may_be_told_at_its_first_record_alone(tmp_path: Path, count: int) -> None:
    others = [event(step, tensor("x", np.float32(step), None)) for step in range(1, count)]
    write(tmp_path, event(0, tensor("x", np.float32(0))), *others)
    assert values(tmp_path) == list(range(count))


def test_records_with_and_without_metadata_keep_their_order(tmp_path: Path) -> None:
    kinds = [None if step % 3 else metadata("scalars") for step in range(MANY)]
    write(tmp_path, *(event(step, tensor("x", np.float32(step), kind)) for step, kind in enumerate(kinds)))
    assert values(tmp_path) == list(range(MANY))


def test_a_tensor_of_which_nothing_tells_that_it_is_a_scalar_is_counted_and_no_point(tmp_path: Path) -> None:
    write(tmp_path, *(event(step, tensor("x", np.float32(step), None)) for step in range(MANY)))
    content = open_logdir(tmp_path)
    assert len(content.scalars()) == 0
    assert [(entry.tag, entry.plugin, entry.count) for entry in content.inventory()] == [("x", "", MANY)]


@pytest.mark.parametrize("count", [3, MANY])
def test_a_number_of_another_plugin_is_no_scalar(tmp_path: Path, count: int) -> None:
    write(
        tmp_path,
        *(event(step, tensor("x", np.float32(step), metadata("scalars"))) for step in range(count)),
        *(event(step, tensor("y", np.float32(step), metadata("strange"))) for step in range(count)),
    )
    assert set(ours(tmp_path)) == {(".", "x")}


def test_a_record_like_those_of_another_plugin_is_still_a_scalar(tmp_path: Path) -> None:
    alike = [tensor("x", _in_a_field(np.int64(step)), metadata(kind)) for step in range(MANY) for kind in ("another",)]
    scalars = [tensor("x", _in_a_field(np.int64(step)), metadata("scalars")) for step in range(MANY)]
    assert len(alike[0].SerializeToString()) == len(scalars[0].SerializeToString())
    write(tmp_path, *(event(step % MANY, value) for step, value in enumerate([*alike, *scalars])))
    assert values(tmp_path) == list(range(MANY))


def test_names_in_any_script_come_back(tmp_path: Path) -> None:
    names = ["потери", "損失/訓練", "loss🎉", "with space", ""]
    write(tmp_path, *(event(step, simple(name, step)) for step in range(MANY) for name in names))
    assert sorted(tag for _, tag in ours(tmp_path)) == sorted(names)


def test_runs_are_the_directories_and_come_in_order(tmp_path: Path) -> None:
    for run in ("b/train", "a", "b"):
        write(tmp_path / run, *curve("x", range(3)))
    scalars = read_scalars(tmp_path)
    assert scalars.names == (("a", "x"), ("b", "x"), ("b/train", "x"))
    assert scalars.run.tolist() == ["a"] * 3 + ["b"] * 3 + ["b/train"] * 3
    assert scalars.tag.tolist() == ["x"] * 9
    assert scalars.step.tolist() == [0, 1, 2] * 3
    assert len(scalars) == 9


def test_small_files_read_together_are_told_apart(tmp_path: Path) -> None:
    for run in range(50):
        write(tmp_path / f"run{run:02}", *(event(step, tensor("x", np.float32(run))) for step in range(run + 1)))
    found = ours(tmp_path)
    assert {run: [value for _, _, value in series] for (run, _), series in found.items()} == {
        f"run{run:02}": [float(run)] * (run + 1) for run in range(50)
    }


def test_one_file_can_be_read_alone(tmp_path: Path) -> None:
    write(tmp_path, *curve("x", range(3)), number=1)
    path = write(tmp_path, *curve("x", range(5)), number=2)
    assert points(read_scalars(path)).keys() == {(".", "x")}
    assert len(read_scalars(path)) == 5


def test_a_later_file_takes_over_from_its_first_step(tmp_path: Path) -> None:
    write(tmp_path, *curve("x", range(10)), *curve("only before", range(10)), number=1)
    write(tmp_path, *curve("x", range(6, 9), 10.0, began=200.0), number=2)
    scalars = read_scalars(tmp_path)
    series = scalars.series(".", "x")
    assert series is not None
    assert series.step.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert series.value.tolist() == [0, 1, 2, 3, 4, 5, 60, 70, 80]
    assert scalars.superseded == 4
    before = scalars.series(".", "only before")
    assert before is not None
    assert len(before.step) == 10


def test_of_three_files_the_newest_that_wrote_a_step_counts(tmp_path: Path) -> None:
    write(tmp_path, *curve("x", range(10)), number=1)
    write(tmp_path, *curve("x", range(5, 9), 10.0, began=200.0), number=2)
    write(tmp_path, *curve("x", range(3, 5), 100.0, began=300.0), number=3)
    scalars = read_scalars(tmp_path)
    assert scalars.value.tolist() == [0, 1, 2, 300, 400]
    reduced = read_scalars(tmp_path, buckets=100)
    assert reduced.value.tolist() == [0, 1, 2, 300, 400]
    assert reduced.superseded == scalars.superseded == 11


def test_all_points_are_there_when_asked_for(tmp_path: Path) -> None:
    write(tmp_path, *curve("x", range(10)), number=1)
    write(tmp_path, *curve("x", range(5, 9), 10.0, began=200.0), number=2)
    scalars = read_scalars(tmp_path, keep_all=True)
    assert scalars.step.tolist() == [*range(10), *range(5, 9)]
    assert scalars.superseded == 0


@pytest.mark.parametrize("count", [3, 200])
def test_a_reset_of_the_steps_within_a_file_loses_nothing(tmp_path: Path, count: int) -> None:
    write(tmp_path, *curve("x", range(count)), *curve("x", range(count), 2.0))
    scalars = read_scalars(tmp_path)
    assert scalars.step.tolist() == [*range(count)] * 2
    assert scalars.value.tolist() == [*range(count), *range(0, 2 * count, 2)]


def test_tags_and_runs_can_be_chosen(tmp_path: Path) -> None:
    for run in ("one/train", "one/validation"):
        write(tmp_path / run, *curve("epoch_loss", range(3)), *curve("gradients/a", range(3)))
    assert read_scalars(tmp_path, tags=["epoch_*"], runs=["*/train"]).names == (("one/train", "epoch_loss"),)
    assert read_scalars(tmp_path, tags=["nothing"]).names == ()
    assert len(read_scalars(tmp_path, tags=["nothing"])) == 0


def test_a_directory_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        read_scalars(tmp_path / "nowhere")


def test_a_directory_without_event_files_holds_nothing(tmp_path: Path) -> None:
    scalars = read_scalars(tmp_path)
    assert (len(scalars), scalars.names, scalars.damage) == (0, (), ())
    assert read_scalars(tmp_path, buckets=10).names == ()
    assert open_logdir(tmp_path).inventory() == ()


def test_links_in_a_circle_end_and_linked_runs_are_read_once(tmp_path: Path) -> None:
    write(tmp_path / "logs" / "a", *curve("x", range(3)))
    write(tmp_path / "elsewhere", *curve("y", range(3)))
    (tmp_path / "logs" / "a" / "up").symlink_to(tmp_path / "logs")
    (tmp_path / "logs" / "again").symlink_to(tmp_path / "logs" / "a")
    (tmp_path / "logs" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "logs" / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "logs" / "self.tfevents").symlink_to(tmp_path / "logs" / "self.tfevents")
    scalars = read_scalars(tmp_path / "logs")
    assert scalars.names == (("a", "x"), ("linked", "y"))
    assert [(incident.path, incident.kind) for incident in scalars.damage] == [("self.tfevents", "unreadable")]


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    write(tmp_path, *curve("x", range(3)))
    os.mkfifo(tmp_path / "events.out.tfevents.9.pipe")
    scalars = read_scalars(tmp_path)
    assert len(scalars) == 3
    assert [(incident.path, incident.kind) for incident in scalars.damage] == [
        ("events.out.tfevents.9.pipe", "unreadable")
    ]


def test_files_for_the_profiler_are_passed_by(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.1.host.profile-empty").write_bytes(framed(b""))
    assert open_logdir(tmp_path).files == ()


def test_the_last_point_of_each_series_is_the_last_written(tmp_path: Path) -> None:
    write(tmp_path / "a", *curve("x", range(5)), *curve("y", range(3)))
    write(tmp_path / "b", *curve("x", [7, 2]))
    last = read_scalars(tmp_path).last()
    assert points(last) == {
        ("a", "x"): [(4, 104.0, 4.0)],
        ("a", "y"): [(2, 102.0, 2.0)],
        ("b", "x"): [(2, 102.0, 2.0)],
    }
    assert len(read_scalars(tmp_path, tags=["nothing"]).last()) == 0


def test_a_frame_library_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    scalars = read_scalars(tmp_path)
    with pytest.raises(ConfigError, match="pandas"):
        scalars.to_pandas()
    with pytest.raises(ConfigError, match="polars"):
        scalars.to_polars()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_has_the_same_columns(tmp_path: Path, library: str) -> None:
    write(tmp_path / "a", *curve("x", range(3)), *curve("y", range(2)))
    scalars = read_scalars(tmp_path)
    frame = getattr(scalars, f"to_{library}")()
    assert list(frame.columns) == ["run", "tag", "step", "wall_time", "value"]
    for name in frame.columns:
        assert frame[name].to_list() == getattr(scalars, name).tolist()
