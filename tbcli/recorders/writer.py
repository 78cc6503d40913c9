"""Write the event files of one run, one writer per directory, in the encodings of TensorFlow 2."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.compat.proto.config_pb2 import RunMetadata
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.histogram import metadata as histogram_metadata
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.text import metadata as text_metadata
from tensorboard.util.tensor_util import make_tensor_proto

from tbcli.events.encode import framed
from tbcli.events.framing import AROUND, HEADER, length_in
from tbcli.events.writing import EventFile
from tbcli.runs.files import atomic_file, walk_files

_STAMP = re.compile(r"tfevents\.(\d{1,18})[^/]*$")


class EventWriter:
    """Writes the event files below one run's directory; what is written is on disk, see `tbcli.events.writing`.

    Args:
        top: The run's own directory.
    """

    def __init__(self, top: Path) -> None:
        self._top = top
        self._files: dict[str, EventFile] = {}
        self._scalar_tags: set[str] = set()
        self._after = 0  # seconds that the names of new files stand for, at least
        self.written = 0
        """Bytes on the disk so far, in event files and beside them."""
        self.lost: list[str] = []
        """The event files that lack what they held when the state was saved that was restored."""

    def state(self) -> Mapping[str, Any]:
        """Return how long each event file is: those of a profiler, or of an earlier process, too."""
        return {"files": dict(_event_files(self._top)), "scalar_tags": set(self._scalar_tags)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Cut the event files back to what they were; what comes next goes to new ones, which sort behind them."""
        sizes = dict(_event_files(self._top))
        for name, size in sizes.items():
            if name not in state["files"]:
                (self._top / name).unlink()
            elif size > state["files"][name]:
                os.truncate(self._top / name, state["files"][name])
        self.lost = [name for name, size in state["files"].items() if sizes.get(name, 0) < size]
        self._after = max((stamp + 1 for stamp in map(_stamp_of, state["files"])), default=0)
        self._scalar_tags = set(state["scalar_tags"])

    def scalars(self, values: Mapping[str, float], step: int, *, where: str) -> None:
        """Write several scalars of one step, in one event."""
        self.written += self._file(where).scalars(tuple(values), values.values(), step)
        self._scalar_tags.update(values)

    def histogram(self, tag: str, buckets: np.ndarray, step: int, *, where: str) -> None:
        """Write a distribution as buckets ``[k, 3]`` of left edge, right edge and count."""
        metadata = histogram_metadata.create_summary_metadata(display_name="", description="")
        self.tensor(tag, buckets.astype(np.float64), metadata, step, where=where)

    def image(self, tag: str, png: bytes, size: tuple[int, int], step: int, *, where: str) -> None:
        """Write a ready PNG of ``size`` (width, height) in pixels, in the format ``[width, height, png]``."""
        content = [str(size[0]).encode(), str(size[1]).encode(), png]
        metadata = image_metadata.create_summary_metadata(display_name="", description="", converted_to_tensor=False)
        self.tensor(tag, np.array(content, dtype=object), metadata, step, where=where)

    def text(self, tag: str, markdown: str, step: int, *, where: str) -> None:
        """Write Markdown; TensorBoard shows its tables, lists and fenced code."""
        metadata = text_metadata.create_summary_metadata(display_name="", description="")
        self.tensor(tag, np.array(markdown.encode(errors="replace"), dtype=object), metadata, step, where=where)

    def tensor(self, tag: str, value: np.ndarray, metadata: Any, step: int, *, where: str) -> None:
        """Write a tensor as one of TensorBoard's plugins reads it; its ``SummaryMetadata`` says which and how."""
        summary = Summary(value=[Summary.Value(tag=tag, tensor=make_tensor_proto(value), metadata=metadata)])
        self._write(where, step, summary=summary)

    @property
    def scalar_tags(self) -> Set[str]:
        """The tags of all scalars written so far, in any directory."""
        return self._scalar_tags

    def graph(self, graph_def: bytes, *, where: str) -> None:
        """Write a serialized ``GraphDef``: the op graph of a directory, one each."""
        self._write(where, 0, graph_def=graph_def)

    def tagged_graph(self, tag: str, graph_def: bytes, *, where: str) -> None:
        """Write a further op graph of a directory: the dashboard takes it from the metadata of a traced function."""
        trace = RunMetadata()
        trace.function_graphs.add().pre_optimization_graph.ParseFromString(graph_def)
        plugin = SummaryMetadata.PluginData(plugin_name="graph_run_metadata_graph", content=b"1")
        content = np.array(trace.SerializeToString(), dtype=object)
        self.tensor(tag, content, SummaryMetadata(plugin_data=plugin), 0, where=where)

    def keras_graph(self, model_json: str, *, where: str) -> None:
        """Write a model's JSON, from which TensorBoard draws the conceptual graph."""
        metadata = SummaryMetadata(
            plugin_data=SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1")
        )
        self.tensor("keras", np.array(model_json.encode(), dtype=object), metadata, 0, where=where)

    def file(self, name: str, content: bytes, *, where: str) -> None:
        """Write a file beside the event files, whole, in place of an older one."""
        path = Path(self.directory(where)) / name
        before = path.stat().st_size if path.exists() else 0
        with atomic_file(path, is_lasting=False) as temporary:  # which takes longer than all else; `conclude` does it
            temporary.write_bytes(content)
        self.written += len(content) - before

    def announce(self, *, where: str) -> None:
        """Create an event file in a directory of other files, because TensorBoard ignores directories without one."""
        self._file(where)

    def amend(self, tag: str, change: Callable[[Any], Any], *, where: str) -> bool:
        """Change the ``SummaryMetadata`` of a tag that an earlier process wrote; return whether that could be done.

        Only to what takes as many bytes: nothing else in the file moves, and a state still knows where to cut it.
        """
        for name, size in _event_files(self._top / where):
            path = self._top / where / name
            for place, data in _records(path.read_bytes()[:size]) if "/" not in name else ():
                event = Event.FromString(data)
                for value in event.summary.value:
                    if value.tag == tag:
                        value.metadata.CopyFrom(change(value.metadata))
                        return _replaced(path, place, data, event.SerializeToString())
        return False

    def directory(self, where: str) -> str:
        """Return the directory itself, made if need be."""
        path = self._top / where
        path.mkdir(exist_ok=True)
        return str(path)

    def close(self) -> None:
        """Close the files; safe to call again."""
        files, self._files = self._files, {}
        for file in files.values():
            with suppress(OSError):  # of a network file system, where what is written may fail as late as now
                file.close()

    def _write(self, where: str, step: int, **what: Any) -> None:
        event = Event(wall_time=time.time(), step=step, **what)
        self.written += self._file(where).event(event.SerializeToString())

    def _file(self, where: str) -> EventFile:
        if where not in self._files:
            self._files[where] = EventFile(self.directory(where), after=self._after)
        return self._files[where]


def _replaced(path: Path, place: int, old: bytes, new: bytes) -> bool:
    if len(new) == len(old) and new != old:
        with path.open("r+b") as file:
            file.seek(place)
            file.write(framed(new))
    return len(new) == len(old)


def _event_files(top: Path) -> Iterator[tuple[str, int]]:
    """Yield path below a directory, and bytes, of each event file there; what is no file is passed over."""
    for path, size in walk_files(top):
        if _STAMP.search(path) and os.path.isfile(path) and not os.path.islink(path):  # noqa: PTH113, PTH114 - as they come
            yield os.path.relpath(path, top), size


def _records(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield where each whole record begins, and its data."""
    at = 0
    while (length := length_in(content[at : at + HEADER])) is not None and at + length + AROUND <= len(content):
        yield at, content[at + HEADER : at + HEADER + length]
        at += length + AROUND


def _stamp_of(name: str) -> int:
    found = _STAMP.search(name)
    return int(found[1]) if found else 0
