"""What TensorBoard's own reader finds in the event files of the tiny run."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.util import tensor_util

from tbcli.data.mnist import load_mnist
from tbcli.runs.history import read_history
from tests.tiny import STEPS_PER_EPOCH, Tiny

pytestmark = pytest.mark.tf

SAVED_TAGS = {"epoch_macro_f1"}  # of the saved model, at the epoch that it is of
EPOCH_TAGS = {"epoch_loss", "epoch_accuracy"}
TRAIN_TAGS = EPOCH_TAGS | {"epoch_learning_rate", "epoch_steps_per_second"}
BATCH_TAGS = {"batch_loss", "batch_accuracy", "batch_learning_rate"}


def read(directory: Path) -> EventAccumulator:
    """Return everything in a directory; TensorBoard's own default keeps ten tensors a tag."""
    accumulator = EventAccumulator(str(directory), size_guidance={"tensors": 0})
    accumulator.Reload()
    return accumulator


@pytest.fixture(scope="module")
def train(tiny: Tiny) -> EventAccumulator:
    return read(tiny.run.logs / "train")


@pytest.fixture(scope="module")
def validation(tiny: Tiny) -> EventAccumulator:
    return read(tiny.run.logs / "validation")


def tags(events: EventAccumulator, plugin: str) -> set[str]:
    return {
        tag
        for tag in events.Tags()["tensors"]
        if events.SummaryMetadata(tag).plugin_data.plugin_name == plugin
    }  # fmt: skip


def points(events: EventAccumulator, tag: str) -> list[tuple[int, Any]]:
    return [(event.step, tensor_util.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]


def test_the_scalars_are_those_of_the_contract(train: EventAccumulator, validation: EventAccumulator) -> None:
    assert {tag for tag in tags(train, "scalars") if "/" not in tag} == TRAIN_TAGS | BATCH_TAGS
    assert {tag for tag in tags(validation, "scalars") if "/" not in tag} == EPOCH_TAGS | SAVED_TAGS


def test_epochs_count_from_one_and_equal_the_history(
    tiny: Tiny, train: EventAccumulator, validation: EventAccumulator
) -> None:
    columns = read_history(tiny.run.history_file).columns
    for events, prefix, names in (
        (train, "", ("loss", "accuracy", "learning_rate")),
        (validation, "val_", ("loss", "accuracy")),
    ):
        for name in names:
            steps, values = zip(*points(events, f"epoch_{name}"), strict=True)
            assert steps == (1, 2, 3)
            assert np.allclose(values, columns[prefix + name], rtol=1e-6, atol=1e-6)


def test_batch_points_stand_at_every_third_step(train: EventAccumulator) -> None:
    for tag in BATCH_TAGS:
        assert [step for step, _ in points(train, tag)] == list(range(3, 3 * STEPS_PER_EPOCH + 1, 3))


def test_every_variable_has_a_histogram_before_training_and_at_each_epoch(train: EventAccumulator) -> None:
    layers = ("conv1", "conv2", "features", "probabilities")
    found = {tag for tag in tags(train, "histograms") if tag.startswith("weights/")}
    assert found == {f"weights/{layer}/{kind}" for layer in layers for kind in ("kernel", "bias")}
    for tag in found:
        assert [step for step, _ in points(train, tag)] == [0, 1, 2, 3]


def test_the_last_histogram_is_of_the_weights_that_were_saved(tiny: Tiny, train: EventAccumulator) -> None:
    import keras

    model = keras.models.load_model(tiny.run.saved_model)
    kernel = np.asarray(model.get_layer("conv1").kernel)
    buckets = points(train, "weights/conv1/kernel")[-1][1]
    assert buckets[:, 2].sum() == kernel.size
    assert buckets[0, 0] == pytest.approx(kernel.min())
    assert buckets[-1, 1] == pytest.approx(kernel.max())


def test_sample_predictions_are_a_picture_of_the_size_that_is_said(validation: EventAccumulator) -> None:
    assert "samples/predictions" in tags(validation, "images")
    found = points(validation, "samples/predictions")
    assert [step for step, _ in found] == [1, 2, 3]
    for _, (width, height, png) in found:
        with Image.open(io.BytesIO(png)) as picture:
            picture.load()
            assert picture.format == "PNG"
            assert picture.size == (int(width), int(height))
    assert len({png for _, (_, _, png) in found}) == 3


def test_the_op_graph_and_the_conceptual_graph_have_nodes(train: EventAccumulator) -> None:
    import json

    nodes = GraphDef.FromString(train.Graph().SerializeToString()).node
    operations = {node.op for node in nodes}
    assert {"Conv2D", "MaxPool", "MatMul", "Softmax"} <= operations
    assert tags(train, "graph_keras_model") == {"keras"}
    layers = json.loads(points(train, "keras")[0][1].item())["config"]["layers"]
    assert {layer["config"]["name"] for layer in layers} >= {"conv1", "conv2", "features", "probabilities"}


def test_tensorboard_can_draw_the_conceptual_graph(train: EventAccumulator) -> None:
    import json

    from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def

    drawn = keras_model_to_graph_def(json.loads(points(train, "keras")[0][1].item()))
    assert len(drawn.node) == 12  # eleven layers and the model around them


def test_the_weights_at_step_zero_are_those_before_training(train: EventAccumulator) -> None:
    before = points(train, "weights/features/bias")[0][1]
    assert before[:, 2].sum() == 128
    assert before[-1].tolist() == [0.0, 0.0, 128.0]


def test_the_probe_is_the_beginning_of_validation(tiny: Tiny) -> None:
    dataset = load_mnist(tiny.config.data)
    with np.load(tiny.run.evidence_file) as evidence:
        assert np.array_equal(evidence["validation_indices"][: len(dataset.probe)], dataset.probe.positions)
