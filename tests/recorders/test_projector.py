"""The projector's files are what TensorBoard reads back, row by row with their labels."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector import ProjectorConfig

from tbcli.data.dataset import Split
from tbcli.recorders.base import Evidence
from tbcli.recorders.projector import (
    BOOKMARKS,
    CONFIG,
    METADATA,
    SPRITE,
    VECTORS,
    ProjectorRecorder,
    as_cell,
    describe_points,
    encode_vectors,
    thumbnails_of,
)
from tests.recorders.memory import MemoryWriter, snapshot
from tests.tiny import Tiny

RANDOM = np.random.default_rng(2)
NAMES = ("cat", "dog", "odd\t\nname", " ", "漢字")
IN_ORDER = [VECTORS, METADATA, SPRITE, BOOKMARKS, CONFIG, ""]  # the last is the event file


def seen_of(count: int, *, width: int = 6, classes: int = len(NAMES)) -> Evidence:
    probabilities = RANDOM.dirichlet(np.ones(classes), count).astype(np.float32)
    features = RANDOM.normal(size=(count, width)).astype(np.float32)
    return Evidence(np.arange(count) + 100, np.arange(count) % classes, probabilities, features, {})


def moment(seen: Evidence | None, *, shape: tuple[int, ...] = (8, 8, 1), **settings: object) -> Any:
    count = 0 if seen is None else len(seen.labels)
    images = RANDOM.integers(0, 256, (max(count, 1), *shape)).astype(np.uint8)
    validation = Split(images, np.zeros(len(images), np.int64), np.arange(len(images)))
    found = snapshot(1, names=NAMES, settings=settings, validation=seen, has_features=True)
    found.dataset.validation = validation
    return found


def written(found: Any) -> dict[str, bytes]:
    writer = MemoryWriter()
    ProjectorRecorder().on_epoch(found, writer)
    return {name: parts[0][1] for (_, name), parts in writer.written.items()}


def config_of(files: dict[str, bytes]) -> Any:
    (embedding,) = text_format.Parse(files[CONFIG].decode(), ProjectorConfig()).embeddings
    return embedding


def read_back(content: bytes, shape: tuple[int, ...], tmp_path: Any) -> np.ndarray:
    """Return what TensorBoard's plugin makes of a file of vectors."""
    from tensorboard.plugins.projector import projector_plugin

    path = tmp_path / VECTORS
    path.write_bytes(content)
    try:
        return projector_plugin._read_tensor_tsv_file(str(path))
    except UnicodeDecodeError:
        return projector_plugin._read_tensor_binary_file(str(path), shape)


VECTOR_CASES = {
    "normal": RANDOM.normal(size=(50, 9)),
    "after a ReLU": np.maximum(RANDOM.normal(size=(200, 128)), 0),
    "all zero": np.zeros((4, 3)),
    "zeros and twos": np.array([[0, 2, 2], [2, 0, 2]]),
    "a line break first": np.frombuffer(b"\n\x00\x00\x3f\xff\xff\xff\x3f" * 3, np.float32).reshape(3, 2),
    "a line break after zeros": np.frombuffer(bytes(8) + b"\x01\n\x00\x3f" + b"\xff" * 3 + b"\x3e", np.float32)[None],
    "one value": np.array([[0.1]]),
    "tiny and huge": np.array([[1e-42, 3e38], [-0.0, 1.1754944e-38]]),
    "not finite": np.array([[np.nan, np.inf, -np.inf]]),
}


@pytest.mark.tf
@pytest.mark.parametrize("case", VECTOR_CASES)
def test_tensorboard_reads_vectors_back_to_the_last_bit(case: str, tmp_path: Any) -> None:
    vectors = VECTOR_CASES[case].astype(np.float32)
    found = read_back(encode_vectors(vectors), vectors.shape, tmp_path)
    assert np.array_equal(found, vectors, equal_nan=True)
    assert found.dtype == np.float32


def test_usual_vectors_are_raw_numbers() -> None:
    vectors = RANDOM.normal(size=(2000, 128)).astype(np.float32)
    vectors[0, 0] = 0.1  # its first byte is no text
    assert encode_vectors(vectors) == vectors.tobytes()


def test_each_point_is_described_in_a_line_below_a_header() -> None:
    seen = seen_of(7)
    header, *lines = describe_points(seen, NAMES).splitlines()
    assert header.split("\t") == ["label", "prediction", "correct", "confidence", "index"]
    cells = [line.split("\t") for line in lines]
    clean = ["cat", "dog", "odd name", "?", "漢字"]
    assert [row[0] for row in cells] == [clean[label] for label in seen.labels]
    assert [row[1] for row in cells] == [clean[guess] for guess in seen.predictions]
    assert [row[2] for row in cells] == ["1" if right else "0" for right in seen.predictions == seen.labels]
    assert [float(row[3]) for row in cells] == pytest.approx(seen.probabilities.max(axis=1), abs=1e-4)
    assert [int(row[4]) for row in cells] == seen.indices.tolist()


def test_of_many_classes_the_number_is_told_which_can_be_coloured() -> None:
    seen = seen_of(120, classes=60)
    header, *lines = describe_points(seen, tuple(f"class {number}" for number in range(60))).splitlines()
    column = header.split("\t").index("class number")
    assert [int(line.split("\t")[column]) for line in lines] == seen.labels.tolist()


@pytest.mark.parametrize("name", ["a\tb", "a\nb", "a\rb", "a\x85b", "a\u2028b", "\x1b[31m", "", " \t "])
def test_a_cell_is_one_line_without_tabs_and_never_empty(name: str) -> None:
    cell = as_cell(name)
    assert cell
    assert cell.isprintable()


def test_the_files_come_first_then_their_description_and_the_event_file_last() -> None:
    assert list(written(moment(seen_of(5)))) == IN_ORDER


def test_later_epochs_replace_vectors_and_metadata_alone() -> None:
    writer, recorder = MemoryWriter(), ProjectorRecorder()
    for _ in range(3):
        recorder.on_epoch(moment(seen_of(5)), writer)
    recorder.on_end(moment(seen_of(5)), writer)
    counts = {name: len(parts) for (_, name), parts in writer.written.items()}
    assert counts == {VECTORS: 4, METADATA: 4, SPRITE: 1, BOOKMARKS: 1, CONFIG: 1, "": 1}
    assert {where for where, _ in writer.written} == {"projector"}


def test_the_description_names_relative_paths_and_the_true_sizes() -> None:
    files = written(moment(seen_of(5, width=3), shape=(8, 12, 3)))
    embedding = config_of(files)
    assert (embedding.tensor_path, embedding.metadata_path, embedding.sprite.image_path) == (VECTORS, METADATA, SPRITE)
    assert (embedding.tensor_name, list(embedding.tensor_shape)) == ("features", [5, 3])
    assert list(embedding.sprite.single_image_dim) == [12, 8]  # width first
    with Image.open(io.BytesIO(files[SPRITE])) as picture:
        assert picture.size == (3 * 12, 3 * 8)


@pytest.mark.parametrize(("classes", "column"), [(5, "label"), (60, "class number")])
def test_a_bookmark_colours_the_points_by_their_class(classes: int, column: str) -> None:
    found = moment(seen_of(120, classes=classes))
    found.dataset.class_names = tuple(f"class {number}" for number in range(classes))
    files = written(found)
    (bookmark,) = json.loads(files[BOOKMARKS])
    assert bookmark["selectedColorOptionName"] == column
    assert column in files[METADATA].decode().splitlines()[0].split("\t")
    assert bookmark["dataSetDimensions"] == list(config_of(files).tensor_shape)
    assert config_of(files).bookmarks_path == BOOKMARKS


def test_not_more_points_are_shown_than_asked_for() -> None:
    files = written(moment(seen_of(9), **{"record.projector_points": 4}))
    assert list(config_of(files).tensor_shape) == [4, 6]
    assert len(files[METADATA].splitlines()) == 5
    with Image.open(io.BytesIO(files[SPRITE])) as picture:
        assert picture.size == (16, 16)


def test_features_with_more_dimensions_are_laid_out_flat() -> None:
    seen = seen_of(4, width=12)
    assert seen.features is not None
    deep = Evidence(seen.indices, seen.labels, seen.probabilities, seen.features.reshape(4, 2, 2, 3), {})
    files = written(moment(deep))
    assert list(config_of(files).tensor_shape) == [4, 12]
    assert np.array_equal(np.frombuffer(files[VECTORS], np.float32), seen.features.ravel())


@pytest.mark.parametrize("shape", [(5,), (4, 4), (4, 4, 2)])
def test_samples_that_are_no_images_have_no_sprite(shape: tuple[int, ...]) -> None:
    files = written(moment(seen_of(5), shape=shape))
    assert list(files) == [name for name in IN_ORDER if name != SPRITE]
    assert not config_of(files).HasField("sprite")


@pytest.mark.parametrize(("count", "side"), [(5, 32), (70_000, 30)])
def test_a_sprite_is_never_larger_than_the_projector_shows(count: int, side: int) -> None:
    images = np.zeros((1, 64, 64, 1), np.uint8)
    thumbnails = thumbnails_of(Split(images, np.zeros(1), np.zeros(count, np.int64)), min(count, 5))
    assert thumbnails is not None
    assert thumbnails.shape[1:3] == (32, 32)
    asked = SimpleNamespace(inputs=images, batch=lambda chosen: (images, None))
    found = thumbnails_of(asked, count)  # type: ignore[arg-type]
    assert found is not None
    assert found.shape[1] == side


def test_what_cannot_be_shown_is_said() -> None:
    found = moment(None)
    assert ProjectorRecorder().unsuitable(found) is None
    without = snapshot(0, has_features=False)
    assert ProjectorRecorder().unsuitable(without) == "the model has no layer with weights"
    assert ProjectorRecorder().unsuitable(snapshot(0, has_validation=False)) == "there are no validation samples"


def test_nothing_is_written_before_the_first_epoch() -> None:
    assert written(moment(None)) == {}


@pytest.mark.tf
def test_the_vectors_are_those_the_saved_model_predicts_row_by_row_with_their_labels(tiny: Tiny) -> None:
    import keras

    from tbcli.data.mnist import load_mnist

    directory = tiny.run.logs / "projector"
    validation = load_mnist(tiny.config.data).validation
    assert validation
    model = keras.models.load_model(tiny.run.saved_model)
    inputs, labels = validation.batch(slice(None))
    penultimate = keras.Model(model.inputs, [model.get_layer("features").output, model.output])
    features, probabilities = penultimate.predict(inputs, verbose=0)
    vectors = np.frombuffer((directory / VECTORS).read_bytes(), np.float32).reshape(60, 128)
    assert np.allclose(vectors, features, atol=1e-4)
    rows = [line.split("\t") for line in (directory / METADATA).read_text().splitlines()[1:]]
    assert [int(row[0]) for row in rows] == labels.tolist()
    assert [int(row[1]) for row in rows] == probabilities.argmax(axis=1).tolist()
    assert [int(row[4]) for row in rows] == validation.positions.tolist()
    with np.load(tiny.run.evidence_file) as evidence:
        assert np.array_equal(evidence["projector_features"], vectors)
        assert np.array_equal(evidence["projector_labels"], labels)
        assert np.array_equal(evidence["projector_indices"], validation.positions)
        assert np.allclose(evidence["projector_probabilities"], probabilities, atol=1e-5)
        assert np.array_equal(evidence["projector_thumbnails"], inputs)


@pytest.mark.tf
def test_the_sprite_shows_each_sample_in_its_place(tiny: Tiny) -> None:
    from tbcli.data.mnist import load_mnist

    validation = load_mnist(tiny.config.data).validation
    assert validation
    with Image.open(tiny.run.logs / "projector" / SPRITE) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (8 * 28, 8 * 28)
    for number in (0, 7, 8, 59):
        row, column = divmod(number, 8)
        tile = pixels[row * 28 : row * 28 + 28, column * 28 : column * 28 + 28]
        assert np.array_equal(tile, validation.batch(np.array([number]))[0][0, ..., 0])


@pytest.mark.tf
def test_the_projectors_directory_holds_what_is_described_and_one_event_file(tiny: Tiny) -> None:
    names = sorted(path.name for path in (tiny.run.logs / "projector").iterdir())
    events = [name for name in names if "tfevents" in name]
    assert len(events) == 1
    assert sorted({*names} - {*events}) == sorted([VECTORS, METADATA, SPRITE, BOOKMARKS, CONFIG])
