"""What there is besides scalars: counted, and texts and hyperparameters read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

from tbcli.events import scan
from tbcli.readers import open_logdir, read_scalars
from tests.events.records import curve, event, framed, metadata, simple, tensor, write
from tests.serving.events import write_hparams


@pytest.mark.parametrize("count", [2, 50])
def test_everything_else_is_counted_with_its_bytes(tmp_path: Path, count: int) -> None:
    picture = tensor("p", [b"2", b"2", bytes(100)], metadata("images"))
    others = [
        event(0, picture),
        event(0, Summary.Value(tag="h", histo={"min": 1.0})),
        Event(graph_def=b"12345"),
        Event(tagged_run_metadata={"tag": "step 1", "run_metadata": b"12"}),
    ]
    write(tmp_path / "a", *(one for one in others for _ in range(count)), *curve("x", range(3)))
    found = {(entry.tag, entry.plugin): (entry.count, entry.bytes) for entry in open_logdir(tmp_path).inventory()}
    assert found["p", "images"] == (count, count * picture.ByteSize())
    assert found["h", "histograms"][0] == count
    assert found["graph", "graph"] == (count, 5 * count)
    assert found["step 1", "run_metadata"][0] == count
    assert len(found) == 4


def test_large_pictures_are_counted_by_tag_and_plugin_whatever_their_size(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kinds = [("p", "images"), ("q", "images"), ("p", "audio"), ("größer", "")]
    values = [
        tensor(tag, [rng.bytes(size)], metadata(plugin) if plugin else None)
        for size in (9000, 20_000, 70_000)
        for tag, plugin in kinds
    ]
    write(tmp_path, *(event(step, value) for step in (0, 5, 1000) for value in values))
    found = {(entry.tag, entry.plugin): (entry.count, entry.bytes) for entry in open_logdir(tmp_path).inventory()}
    sizes = [sum(value.ByteSize() for value in values[kind::4]) for kind in range(4)]
    assert found == {kind: (9, 3 * size) for kind, size in zip(kinds, sizes, strict=True)}


def test_a_plugin_told_at_the_first_record_holds_for_the_others(tmp_path: Path) -> None:
    kinds = [metadata("images"), None, None]
    write(tmp_path, *(event(step, tensor("p", [b"1", b"1", b"png"], kind)) for step, kind in enumerate(kinds)))
    assert [(entry.plugin, entry.count) for entry in open_logdir(tmp_path).inventory()] == [("images", 3)]


def test_texts_come_back_in_order(tmp_path: Path) -> None:
    texts = [["one"], ["two", "cells"], ["größer"]]
    values = [tensor("t", np.array(text, object), metadata("text")) for text in texts]
    write(tmp_path / "a", *(event(step, value) for step, value in enumerate(values)))
    found = open_logdir(tmp_path).documents()
    assert [(text.run, text.tag, text.step, text.texts) for text in found.texts] == [
        ("a", "t", step, tuple(text)) for step, text in enumerate(texts)
    ]
    assert found.damage == ()


def test_hyperparameters_come_back(tmp_path: Path) -> None:
    write_hparams(tmp_path / "a", 64.0)
    hparams = open_logdir(tmp_path).documents().hparams["a"]
    assert hparams.values == {"batch_size": 64.0}
    assert hparams.metrics == [("validation", "epoch_accuracy")]
    assert hparams.status == "unknown"


def test_a_damaged_text_is_left_out_and_told(tmp_path: Path) -> None:
    values = [tensor("t", np.array(["x" * 9000], object), metadata("text")) for _ in range(3)]
    path = write(tmp_path, *(event(step, value) for step, value in enumerate(values)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    found = open_logdir(tmp_path).documents()
    assert [text.step for text in found.texts] == [0, 2]
    assert [incident.kind for incident in found.damage] == ["payload"]


def test_a_file_that_grows_while_it_is_read_is_told_apart_from_a_torn_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, *(event(step, simple("x", step)) for step in range(20_000)))
    last = framed(event(20_000, simple("x", 20_000)))
    with path.open("ab") as file:
        file.write(last[:10])
    read, grown = scan.frame, []

    def grow(*place: object) -> object:
        if not grown:
            grown.append(True)
            with path.open("ab") as file:
                file.write(last[10:])
        return read(*place)

    monkeypatch.setattr(scan, "frame", grow)
    scalars = read_scalars(tmp_path)
    assert [(incident.kind, incident.is_loss) for incident in scalars.damage] == [("growing", False)]
    assert len(scalars) == 20_000
    monkeypatch.undo()
    again = read_scalars(tmp_path, cache=False)
    assert (len(again), again.damage) == (20_001, ())


def test_reading_leaves_no_file_open(tmp_path: Path) -> None:
    write(tmp_path, *curve("x", range(3)))
    (tmp_path / "events.out.tfevents.8").write_bytes(b"garbage")
    before = len(list(Path("/proc/self/fd").iterdir()))
    read_scalars(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_neither_tensorflow_nor_protobuf_is_loaded_for_common_files(tmp_path: Path) -> None:
    write(tmp_path, *curve("x", range(100)), event(1, simple("y", 1.0)), Event(graph_def=b"1"))
    program = (
        "import sys; from tbcli.readers import read_scalars; assert len(read_scalars(sys.argv[1])) == 101; "
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert {"tensorflow", "google.protobuf", "tensorboard", "keras"}.isdisjoint(done.stdout.split())
