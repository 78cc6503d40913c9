"""The reader against TensorBoard's own, value for value, on files of every writer; both paths against each other."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboardX import SummaryWriter

from tbcli.readers import open_logdir, read_scalars
from tests.events.records import Points, event, metadata, ours, theirs, write

MANY = 150  # steps: their varints take one byte and two

names = st.text(max_size=12)
floats = st.floats(width=32)
described = st.sampled_from([None, metadata("scalars"), metadata("scalars", display_name="shown"), metadata("images")])
tensors = st.one_of(
    st.builds(lambda x: TensorProto(dtype=1, tensor_shape={}, float_val=[x]), floats),
    st.builds(lambda x: TensorProto(dtype=1, float_val=[x]), floats),
    st.builds(lambda x: TensorProto(dtype=2, tensor_shape={}, double_val=[x]), st.floats()),
    st.builds(lambda x: TensorProto(dtype=1, tensor_content=np.float32(x).tobytes()), floats),
    st.builds(lambda x: TensorProto(dtype=9, int64_val=[x]), st.integers(-(2**53), 2**53)),
    st.builds(lambda x: TensorProto(dtype=3, int_val=[x]), st.integers(-(2**31), 2**31 - 1)),
    st.builds(lambda x: TensorProto(dtype=19, half_val=[x]), st.integers(0, 0x7BFF)),
    st.builds(lambda x: TensorProto(dtype=1, tensor_shape={"dim": [{"size": 1}]}, float_val=[x]), floats),
    st.builds(lambda x: TensorProto(dtype=1, tensor_shape={"dim": [{"size": len(x)}]}, float_val=x), st.lists(floats)),
    st.builds(lambda x: TensorProto(dtype=7, string_val=x), st.lists(st.binary(max_size=5))),
)
values = st.one_of(
    st.builds(lambda tag, x: Summary.Value(tag="s" + tag, simple_value=x), names, floats),
    # TensorBoard's reader keeps simple values and tensors of one tag apart, which tells nothing of their order.
    st.builds(lambda tag, x, kind: Summary.Value(tag="t" + tag, tensor=x, metadata=kind), names, tensors, described),
    st.builds(lambda tag: Summary.Value(tag=tag, histo={"min": 1.0, "bucket": [1.0] * 9}), names),
    st.builds(lambda tag, node: Summary.Value(tag="s" + tag, node_name=node, simple_value=1.0), names, names),
    st.builds(lambda tag: Summary.Value(tag=tag), names),
)
walls = st.floats(allow_nan=False, allow_infinity=False)
events = st.one_of(
    st.builds(
        lambda step, wall, held: Event(step=step, wall_time=wall, summary=Summary(value=held)),
        st.integers(-(2**63), 2**63 - 1),
        walls,
        st.lists(values, max_size=4),
    ),
    st.builds(lambda graph: Event(graph_def=graph), st.binary(max_size=20)),
    st.builds(lambda text: Event(log_message={"message": text}), names),
)


def same(left: Points, right: Points) -> None:
    assert left.keys() == right.keys()
    for name, expected in right.items():
        np.testing.assert_array_equal(np.array(left[name]), np.array(expected), err_msg=str(name))


def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let protobuf alone read every record."""

    def unusual(*_: object) -> None:
        raise Unusual

    from tbcli.events import decode, single, template
    from tbcli.events.fields import Unusual

    for module in (decode, single, template):
        monkeypatch.setattr(module, "read_event", unusual)


@given(st.lists(st.tuples(events, st.integers(1, 12)), max_size=8))
def test_both_paths_read_whatever_can_be_written(tmp_path: Path, repeated: list) -> None:
    top = tmp_path / "any"
    write(top, *(one for one, times in repeated for _ in range(times)))
    quick, counted = ours(top), open_logdir(top).inventory()
    told = read_scalars(top).damage
    assert {incident.kind for incident in told} <= {"values"}  # tensors that are no scalars
    with pytest.MonkeyPatch.context() as patch:
        slowly(patch)
        same(quick, ours(top))
        assert told == read_scalars(top, cache=False).damage
        assert counted == open_logdir(top).inventory()


edits = st.tuples(st.sampled_from(["set", "insert", "delete"]), st.floats(0, 0.999), st.integers(0, 255))


def edited(data: bytes, changes: list[tuple[str, float, int]]) -> bytes:
    content = bytearray(data)
    for kind, place, byte in changes:
        at = int(place * len(content))
        if kind == "insert":
            content.insert(at, byte)
        elif content:
            content[at : at + 1] = bytes([byte]) if kind == "set" else b""
    return bytes(content)


@given(st.lists(st.tuples(events, st.lists(edits, max_size=2), st.sampled_from([1, 7])), max_size=6))
def test_both_paths_find_the_same_numbers_in_whatever_bytes(tmp_path: Path, repeated: list) -> None:
    top = tmp_path / "any"
    write(top, *(edited(one.SerializeToString(), by) for one, by, times in repeated for _ in range(times)))
    quick = ours(top)
    with pytest.MonkeyPatch.context() as patch:
        slowly(patch)
        same(quick, ours(top))


@pytest.mark.tf
@given(st.lists(st.tuples(events, st.integers(1, 12)), max_size=8))
def test_it_agrees_with_tensorboard_on_whatever_can_be_written(tmp_path: Path, repeated: list) -> None:
    top = tmp_path / "any"
    held = [one for one, times in repeated for _ in range(times) if not _is_beyond_tensorboard(one)]
    write(top, *held)
    same(ours(top), theirs(top))


def _is_beyond_tensorboard(one: Event) -> bool:
    """Say whether TensorBoard stumbles, or takes only the first of what is said of a tag."""
    kinds = [value.metadata.plugin_data.plugin_name for value in one.summary.value if value.HasField("tensor")]
    return (
        bool(one.graph_def)
        or any(kind != "scalars" for kind in kinds)
        or any(not value.WhichOneof("value") or value.HasField("histo") for value in one.summary.value)
    )


@pytest.mark.tf
def test_it_agrees_on_what_tensorflow_2_writes(tmp_path: Path) -> None:
    import tensorflow as tf

    for run in ("train", "validation"):
        with tf.summary.create_file_writer(str(tmp_path / run)).as_default():
            for step in range(MANY):
                for tag in ("epoch_loss", "epoch_accuracy", "gradients/dense"):
                    tf.summary.scalar(tag, 1 / (step + 1), step=step)
                tf.summary.scalar("zero", 0.0, step=step)
                tf.summary.scalar("bad", math.nan if step % 7 else math.inf, step=step)
            tf.summary.histogram("weights", tf.random.normal([100]), step=1)
            tf.summary.text("words", "some **text**", step=1)
            tf.summary.image("picture", tf.zeros([1, 8, 8, 1]), step=1)
    same(ours(tmp_path), theirs(tmp_path))
    content = open_logdir(tmp_path)
    assert [(entry.run, entry.tag, entry.plugin) for entry in content.inventory()] == [
        (run, tag, plugin)
        for run in ("train", "validation")
        for tag, plugin in (("picture", "images"), ("weights", "histograms"), ("words", "text"))
    ]
    assert [(text.run, text.texts) for text in content.documents().texts] == [
        ("train", ("some **text**",)),
        ("validation", ("some **text**",)),
    ]


@pytest.mark.tf
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.slow
def test_it_agrees_on_what_keras_writes(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    data, labels = np.random.default_rng(0).random((20, 3)), np.zeros((20, 1))
    callback = keras.callbacks.TensorBoard(str(tmp_path), histogram_freq=1, write_graph=True, update_freq=1)
    model.fit(data, labels, epochs=12, validation_data=(data, labels), batch_size=4, callbacks=[callback], verbose=0)
    found = ours(tmp_path)
    assert ("train", "epoch_loss") in found
    same(found, theirs(tmp_path))


@pytest.mark.tf
def test_it_agrees_on_what_tensorflow_1_writes(tmp_path: Path) -> None:
    import tensorflow as tf

    with tf.Graph().as_default():
        writer = tf.compat.v1.summary.FileWriter(str(tmp_path))
        number = tf.compat.v1.placeholder(tf.float32, [])
        for name in ("loss", "accuracy"):
            tf.compat.v1.summary.scalar(name, number)
        tf.compat.v1.summary.histogram("weights", tf.ones([10]) * number)
        merged = tf.compat.v1.summary.merge_all()
        with tf.compat.v1.Session() as session:
            writer.add_graph(session.graph)
            for step in range(MANY):
                writer.add_summary(session.run(merged, {number: step / 3}), step)
        writer.close()
    found = ours(tmp_path)
    assert len(found[".", "loss"]) == MANY
    same(found, theirs(tmp_path))


@pytest.mark.tf
def test_it_agrees_on_what_pytorch_users_write(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path)) as log:  # PyTorch's own writer began as a copy of this one
        for step in range(MANY):
            log.add_scalar("loss/train", 1 / (step + 1), step)
            log.add_scalar("accuracy", step, step, walltime=1.5e9 + step)
            log.add_scalars("both", {"a": step, "b": -step}, step)
        log.add_histogram("weights", np.arange(10.0), 1)
        log.add_text("words", "some text", 1)
        log.add_hparams({"lr": 0.1, "name": "x", "flag": True}, {"metric": 1.0})
    same(ours(tmp_path), theirs(tmp_path))
    documents = open_logdir(tmp_path).documents()
    assert [text.texts for text in documents.texts] == [("some text",)]
    (hparams,) = documents.hparams.values()
    assert (hparams.values, hparams.status) == ({"flag": True, "lr": 0.1, "name": "x"}, "success")
    assert hparams.metrics == [("", "metric")]


@pytest.mark.tf
def test_it_agrees_on_a_run_of_several_files(tmp_path: Path) -> None:
    for number in range(4):
        write(
            tmp_path, *(event(step, Summary.Value(tag="x", simple_value=number)) for step in range(50)), number=number
        )
    same(ours(tmp_path), theirs(tmp_path))
