"""Decode one record with TensorBoard's protobuf classes: slow, but correct for any writer."""

from __future__ import annotations

from typing import NamedTuple

from tbcli.events.tensors import NoNumberError, as_float, only_number
from tbcli.events.wire import SCALARS, UNKNOWN

_KINDS = {"image": "images", "histo": "histograms", "audio": "audio", "obsolete_old_style_histogram": "histograms"}
_OTHERS = {"graph_def": "graph", "log_message": "log", "session_log": "session", "meta_graph_def": "meta_graph"}


class MalformedError(Exception):
    """The bytes are not an event."""


class PlainValue(NamedTuple):
    """One value: who shows it, its bytes in the file, its number where it is one, and what is odd about it."""

    tag: str
    plugin: str
    size: int
    number: float | None
    oddity: str = ""


class PlainEvent(NamedTuple):
    """One event."""

    wall_time: float
    step: int
    values: tuple[PlainValue, ...]


def read_plainly(data: bytes) -> PlainEvent:
    """Return the event.

    A number is a simple value, or the only element of a numeric tensor which the scalars dashboard shows or of which
    nothing is said; integers beyond 2**53 lose their last digits in a float64.

    Raises:
        MalformedError: The bytes are no event.
    """
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event

    try:
        event = Event.FromString(data)
    except DecodeError as error:
        raise MalformedError from error
    values: list[PlainValue] = []
    kind = event.WhichOneof("what")
    if kind == "summary":
        for value in event.summary.value:
            form = value.WhichOneof("value")
            plugin, number, oddity = value.metadata.plugin_data.plugin_name or UNKNOWN, None, ""
            if form == "simple_value":
                plugin, number = SCALARS, float(value.simple_value)
            elif form == "tensor" and plugin in (SCALARS, UNKNOWN):
                try:
                    number, oddity = as_float(only_number(value.tensor))
                except NoNumberError as error:
                    oddity = f"no scalars ({error}): left out"
            elif form in _KINDS and plugin == UNKNOWN:
                plugin = _KINDS[form]
            values.append(PlainValue(value.tag, plugin, value.ByteSize(), number, oddity))
    elif kind == "tagged_run_metadata":
        tagged = event.tagged_run_metadata
        values.append(PlainValue(tagged.tag, "run_metadata", tagged.ByteSize(), None))
    elif kind in _OTHERS:
        content = getattr(event, kind)
        size = len(content) if isinstance(content, bytes) else content.ByteSize()
        values.append(PlainValue(_OTHERS[kind], _OTHERS[kind], size, None))
    return PlainEvent(event.wall_time, event.step, tuple(values))
