"""Graphs: the operations of the forward pass, and the Keras layers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from tbcli.naming import tags
from tbcli.recorders.base import Recorder, Snapshot, Writer


class GraphsRecorder(Recorder):
    """Writes the op graph and, for a model that can tell its layers, the conceptual graph; once."""

    def leaves_out(self, snapshot: Snapshot) -> Mapping[str, str]:
        """A subclassed model has no layers to draw; operations of another backend are no graph."""
        missing = {}
        if not _tells_layers(snapshot.model):
            missing[tags.CONCEPTUAL_GRAPH] = "the layers of a subclassed model are not known"
        if keras.config.backend() != "tensorflow":
            missing[tags.RUN_GRAPH] = f"the op graph is TensorFlow's, and Keras runs on {keras.config.backend()}"
        return missing

    def unsuitable(self, snapshot: Snapshot) -> str | None:
        """A model that does not tell its inputs is drawn by the shape of a sample, as soon as that is known."""
        is_known = _tells_layers(snapshot.model) or snapshot.dataset.input_shape
        return None if is_known else "neither the model nor the data tell the shape of a sample"

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Trace the forward pass once: Keras' own training function keeps no graph that could be shown."""
        model = snapshot.model
        if keras.config.backend() == "tensorflow":
            writer.graph(trace_forward_pass(model, snapshot.dataset.input_shape), where="train")
        if _tells_layers(model):
            writer.keras_graph(describe_layers(model.to_json()), where="train")


def trace_forward_pass(model: Any, sample_shape: tuple[int, ...]) -> bytes:
    """Return the serialized op graph of a model's forward pass.

    Args:
        model: A `keras.Model` on TensorFlow.
        sample_shape: Of a sample, for a model that does not tell its inputs.
    """
    import tensorflow as tf

    def spec(tensor: Any) -> tf.TensorSpec:
        return tf.TensorSpec(tensor.shape, tensor.dtype, name=re.sub(r"[^\w.-]", "_", tensor.name))

    samples = (
        keras.tree.map_structure(spec, _inputs_of(model))
        if _tells_layers(model)
        else tf.TensorSpec((None, *sample_shape), tf.float32, name="samples")
    )
    forward = tf.function(lambda inputs: model(inputs, training=False)).get_concrete_function(samples)
    content: bytes = forward.graph.as_graph_def().SerializeToString()
    return content


def _inputs_of(model: Any) -> Any:
    """Return the symbolic inputs of a model in the structure in which it takes them."""
    try:
        return model.input
    except (AttributeError, ValueError):  # of a Sequential it is not known before its first call
        return model.inputs[0] if len(model.inputs) == 1 else model.inputs


def describe_layers(model_json: str) -> str:
    """Return a model's JSON without the model's name: TensorBoard then opens on the layers, not on one box."""
    document = json.loads(model_json)
    document["config"]["name"] = ""
    return json.dumps(_readable(document))


def _readable(value: Any, key: str = "") -> Any:
    """Return a part of the JSON as TensorBoard reads it.

    Inputs and outputs that have names are lists. What a layer is called with are tensors alone: it fails at numbers and
    at lists in lists, and overlooks tensors that are given by keyword.
    """
    if isinstance(value, dict) and key in ("input_layers", "output_layers"):
        return list(value.values())
    if isinstance(value, list) and key == "inbound_nodes":
        return [{"args": list(_tensors(call)), "kwargs": {}} if isinstance(call, dict) else call for call in value]
    if isinstance(value, dict):
        return {name: _readable(part, name) for name, part in value.items()}
    return [_readable(part) for part in value] if isinstance(value, list) else value


def _tensors(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the tensors in what a layer is called with."""
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        yield value
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tensors(part)


def _tells_layers(model: Any) -> bool:
    return bool(getattr(model, "inputs", None))
