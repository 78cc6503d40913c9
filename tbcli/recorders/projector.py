"""Projector: where the penultimate layer puts the validation samples, with their labels, predictions and thumbnails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from google.protobuf import text_format
from tensorboard.plugins.projector import ProjectorConfig

from tbcli.figures.answers import describe_answers
from tbcli.figures.png.thumbnails import as_thumbnails, draw_sprite, sprite_columns
from tbcli.naming import tags
from tbcli.naming.shortening import number_duplicates
from tbcli.recorders.base import Evidence, Recorder, Snapshot, Writer
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION, Task

if TYPE_CHECKING:
    from tbcli.data.dataset import Split

WHERE = "projector"
CONFIG, VECTORS, METADATA, SPRITE = "projector_config.pbtxt", "vectors.bytes", "metadata.tsv", "sprite.png"
BOOKMARKS = "bookmarks.json"
_LABEL, _CLASS_NUMBER = "label", "class number"  # columns
_LABELS, _LABEL_COUNT = "labels", "number of labels"
_MOST_OWN_COLUMNS = 50  # labels or values that have columns of their own
_NUMBER = "{:.6g}".format
_THUMBNAIL = 32  # pixels of its longer side, where so many fit
_LARGEST_SPRITE = 8192  # pixels of a side; the projector shows none that is larger
_MOST_COLOURS = 50  # values up to which the projector offers a column of words to colour by
_SIDES = ("XLeft", "XRight", "YUp", "YDown")  # of the projection that a person defines
_BATCH = 250  # samples looked at together, so that large images need little memory


class ProjectorRecorder(Recorder):
    """Writes vectors, metadata, sprite and their description to ``projector``, over and over the same files.

    A running TensorBoard reads a description only when it first sees its directory: so the event file, by which it
    sees that, comes last, and from then on the description and the number of rows stay as they are.
    """

    is_spaced = True

    def __init__(self) -> None:
        self._is_listed = False

    def unsuitable(self, snapshot: Snapshot) -> str | None:
        """Without samples held out or without a layer to take vectors from there is nothing to show."""
        if snapshot.dataset.validation is None:
            return "there are no validation samples"
        if not snapshot.has_features:
            return "the model has no layer with weights"
        return None

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Replace the vectors and what is said of each of them."""
        validation = snapshot.dataset.validation
        if snapshot.validation is None or validation is None:
            return
        seen = snapshot.validation.first(snapshot.config.record.projector_points)
        if seen.features is None:
            return
        vectors = seen.features.reshape(len(seen.labels), -1)
        writer.file(VECTORS, encode_vectors(vectors), where=WHERE)
        writer.file(METADATA, describe_points(seen, snapshot.dataset.class_names).encode(), where=WHERE)
        if not self._is_listed:
            thumbnails = thumbnails_of(validation, len(vectors))
            if thumbnails is not None:
                writer.file(SPRITE, draw_sprite(thumbnails), where=WHERE)
            columns = first_colour(seen.task, snapshot.dataset.class_names)
            writer.file(BOOKMARKS, describe_bookmark(vectors.shape, *columns).encode(), where=WHERE)
            writer.file(CONFIG, describe_files(vectors.shape, thumbnails).encode(), where=WHERE)
            writer.announce(where=WHERE)
            self._is_listed = True

    def on_end(self, snapshot: Snapshot, writer: Writer) -> None:
        """Leave behind what the saved model answers, which can be asked again."""
        self.on_epoch(snapshot, writer)


def encode_vectors(vectors: np.ndarray) -> bytes:
    """Return vectors ``[n, width]`` as a file that TensorBoard's projector reads back to the last bit.

    TensorBoard takes every file for tab-separated text first, and for raw little-endian float32 when a line is not
    UTF-8 (``_read_tensor_tsv_file`` in its projector_plugin.py). Most raw numbers are not; where the first line of them
    happens to be, as with zeros, they are written as the text it expects.
    """
    raw = vectors.astype("<f4").tobytes()
    try:
        raw.partition(b"\n")[0].decode()
    except UnicodeDecodeError:
        return raw
    # The shortest decimals that give the same float64, and so the same float32.
    return "\n".join("\t".join(map(repr, row)) for row in vectors.astype(np.float32).tolist()).encode()


def describe_points(seen: Evidence, class_names: Sequence[str]) -> str:
    """Return what is known of each point as tab-separated lines below a header.

    The projector labels by the first column that is not of numbers, else by the first: so that whether a prediction is
    correct must be a number, 1 or 0, as class names may be.
    """
    columns = {**_COLUMNS[seen.task.name](seen, _cells(class_names)), "index": map(str, seen.indices.tolist())}
    lines = ["\t".join(columns), *map("\t".join, zip(*columns.values(), strict=True))]
    return "\n".join(lines) + "\n"


def _cells(names: Sequence[str]) -> list[str]:
    return [as_cell(name) for name in names]


def _columns_of_classes(seen: Evidence, names: Sequence[str]) -> dict[str, Iterable[str]]:
    """Of more classes than the projector has colours for, the class number is told too: numbers get a gradient."""
    labels, guesses = seen.labels.tolist(), seen.predictions.tolist()
    columns: dict[str, Iterable[str]] = {
        _LABEL: [names[label] for label in labels],
        "prediction": [names[guess] for guess in guesses],
        "correct": [str(int(label == guess)) for label, guess in zip(labels, guesses, strict=True)],
        "confidence": [f"{value:.4f}" for value in seen.outputs.max(axis=-1).tolist()],
    }
    return columns | ({_CLASS_NUMBER: map(str, labels)} if len(names) > _MOST_COLOURS else {})


def _columns_of_labels(seen: Evidence, names: Sequence[str]) -> dict[str, Iterable[str]]:
    """Tell all labels, how many they are, how many are predicted wrongly, and of each whether the sample has it."""
    answers = describe_answers(seen.task, seen.labels, seen.outputs, names)
    wrong = (seen.labels != seen.predictions).sum(axis=1)
    columns: dict[str, Iterable[str]] = {
        _LABELS: [answer.true for answer in answers],
        "prediction": [answer.predicted for answer in answers],
        _LABEL_COUNT: map(str, seen.labels.astype(np.int64).sum(axis=1).tolist()),
        "wrong labels": map(str, wrong.tolist()),
    }
    own = {
        name: map(str, seen.labels[:, number].astype(np.int64).tolist())
        for number, name in enumerate(number_duplicates(names)[:_MOST_OWN_COLUMNS])
        if name not in columns
    }
    return columns | own


def _columns_of_values(seen: Evidence, names: Sequence[str]) -> dict[str, Iterable[str]]:
    """Tell of each value what is true, what was predicted, and the error."""
    columns: dict[str, Iterable[str]] = {}
    for number, name in enumerate(number_duplicates(names)[:_MOST_OWN_COLUMNS]):
        true, predicted = seen.labels[:, number], seen.outputs[:, number]
        columns[name] = map(_NUMBER, true.tolist())
        columns[f"predicted {name}"] = map(_NUMBER, predicted.tolist())
        columns[f"error of {name}"] = map(_NUMBER, (predicted - true).tolist())
    return columns


_COLUMNS: Mapping[str, Callable[[Evidence, Sequence[str]], dict[str, Iterable[str]]]] = {
    CLASSIFICATION.name: _columns_of_classes,
    MULTI_LABEL.name: _columns_of_labels,
    REGRESSION.name: _columns_of_values,
}
"""Task -> columns of the metadata."""


def first_colour(task: Task, names: Sequence[str]) -> tuple[str, str]:
    """Return the columns that the bookmark labels the points by, and colours them by."""
    if task.has_classes:
        return _LABEL, _LABEL if len(names) <= _MOST_COLOURS else _CLASS_NUMBER
    if task.outputs_are == "values":
        first = number_duplicates(_cells(names))[0]
        return first, first
    return _LABELS, _LABEL_COUNT


def as_cell(name: str) -> str:
    """Return a name as one cell of tab-separated UTF-8, never empty."""
    printable = "".join(char if char.isprintable() else " " for char in name)
    return " ".join(printable.split()) or "?"


def describe_files(shape: tuple[int, ...], thumbnails: np.ndarray | None) -> str:
    """Return the description by which TensorBoard finds the files: by relative paths, for it refuses all others.

    Args:
        shape: Of the vectors ``(n, width)``.
        thumbnails: ``[n, height, width, 1 or 3]``; None where there is no sprite.
    """
    config = ProjectorConfig()
    embedding = config.embeddings.add(
        tensor_name=tags.FEATURES,
        tensor_path=VECTORS,
        tensor_shape=shape,
        metadata_path=METADATA,
        bookmarks_path=BOOKMARKS,
    )
    if thumbnails is not None:
        embedding.sprite.image_path = SPRITE
        embedding.sprite.single_image_dim.extend([thumbnails.shape[2], thumbnails.shape[1]])
    return str(text_format.MessageToString(config))


def describe_bookmark(shape: tuple[int, ...], label: str, colour: str) -> str:
    """Return one bookmark of the projector's: its first view, with the points coloured by what they are.

    TensorBoard colours nothing at first, and applies no bookmark by itself; it lists this one, a click away. It needs
    every value that a bookmark of its own has.

    Args:
        shape: Of the vectors ``(n, width)``.
        label: The column that the points are labelled by.
        colour: The column that they are coloured by.
    """
    searches = {f"custom{side}{what}": empty for side in _SIDES for what, empty in (("Text", ""), ("Regex", False))}
    bookmark = {
        "label": f"coloured by {colour}",
        "isSelected": False,
        "dataSetDimensions": shape,
        "projections": [],
        "selectedPoints": [],
        "selectedProjection": "pca",
        "pcaComponentDimensions": [0, 1, 2],
        "tSNEIteration": 0,
        "tSNEPerplexity": 25,
        "tSNELearningRate": 10,
        "tSNEis3d": True,
        "umapIs3d": True,
        "umapNeighbors": 15,
        "umapMinDist": 0.1,
        "selectedColorOptionName": colour,
        "forceCategoricalColoring": False,
        "selectedLabelOption": label,
        "customSelectedSearchByMetadataOption": label,
        **searches,
    }
    return json.dumps([bookmark])


def thumbnails_of(split: Split, count: int) -> np.ndarray | None:
    """Return the first samples as small pictures ``[count, height, width, 1 or 3]`` uint8; None of what is no image."""
    shape = split.inputs.shape[1:]
    if len(shape) != 3 or shape[-1] not in (1, 3):
        return None
    side = max(1, min(_THUMBNAIL, _LARGEST_SPRITE // sprite_columns(count)))
    parts = (split.batch(slice(first, min(first + _BATCH, count)))[0] for first in range(0, count, _BATCH))
    return np.concatenate([as_thumbnails(part, side) for part in parts])
