"""Texts and hyperparameters, read from the few records that contain them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tbcli.events import damage
from tbcli.events.crc import checksum, masked
from tbcli.events.damage import Damage
from tbcli.events.framing import FOOTER
from tbcli.events.scan import open_file
from tbcli.readers.event_index import EventIndex, FileNotes
from tbcli.readers.plain_yaml import Setting
from tbcli.readers.settings_files import SettingsFiles

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary


@dataclass(frozen=True, slots=True)
class Text:
    """One text: Markdown, as it was written; a list or table of texts has one entry a cell, row by row."""

    run: str
    tag: str
    step: int
    wall_time: float
    texts: tuple[str, ...]


@dataclass(slots=True)
class HParams:
    """What the HParams dashboard knows of one run.

    Args:
        run: The directory of the files, relative to the log directory.
        values: ``{name: value}`` of the hyperparameters.
        status: ``running``, ``success``, ``failure`` or ``unknown``.
        metrics: ``(group, tag)`` of each metric that the experiment's description names.
    """

    run: str
    values: dict[str, Setting] = field(default_factory=dict)
    status: str = "unknown"
    metrics: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Documents:
    """Texts in the order of writing, hyperparameters by run, and records that could not be read."""

    texts: tuple[Text, ...]
    hparams: dict[str, HParams]
    damage: tuple[Damage, ...]


def read_documents(index: EventIndex) -> Documents:
    """Return the texts and the hyperparameters of all runs; where a run wrote its hyperparameters again, the last.

    Of a run that recorded none, those that lie in a file beside its log; see `tbcli.readers.settings_files`.
    """
    texts: list[Text] = []
    hparams: dict[str, HParams] = {}
    lost: list[Damage] = []
    for notes in index.notes:
        run = notes.file.run
        for event in _events(notes, lost):
            for value in event.summary.value:
                plugin = value.metadata.plugin_data
                if plugin.plugin_name == "text" and value.WhichOneof("value") == "tensor":
                    lines = tuple(line.decode(errors="replace") for line in value.tensor.string_val)
                    texts.append(Text(run, value.tag, event.step, event.wall_time, lines))
                elif plugin.plugin_name == "hparams":
                    _add_hparams(hparams.setdefault(run, HParams(run)), value)
    _add_settings_files(index, hparams, lost)
    return Documents(tuple(texts), hparams, tuple(lost))


def _add_settings_files(index: EventIndex, hparams: dict[str, HParams], lost: list[Damage]) -> None:
    """Add what stands in files beside the logs of runs that recorded no hyperparameters themselves."""
    files = SettingsFiles()
    for run, file in {notes.file.run: notes.file for notes in index.notes}.items():
        if run not in hparams or not hparams[run].values:
            settings = files.read_beside(file.path, file.name)
            if settings:
                hparams.setdefault(run, HParams(run)).values = settings
    lost += files.damage()


def _events(notes: FileNotes, lost: list[Damage]) -> Iterator[Event]:
    """Yield the events of a file that hold documents, each once, its checksum proved."""
    places = sorted({(offset, length) for offset, length, _ in notes.documents})
    if not places:
        return
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event

    try:
        handle = open_file(notes.file.path)
    except OSError as error:
        lost.append(Damage(notes.file.name, 0, damage.UNREADABLE, f"cannot be read: {error.strerror or error}"))
        return
    try:
        for offset, length in places:
            content = os.pread(handle, length + FOOTER, offset)
            data, proof = content[:length], content[length:]
            if masked(checksum(data)) != int.from_bytes(proof, "little"):
                lost.append(Damage(notes.file.name, offset, damage.PAYLOAD, "a text or hyperparameters: left out"))
                continue
            try:
                yield Event.FromString(data)
            except DecodeError:
                lost.append(Damage(notes.file.name, offset, damage.MALFORMED, "a text or hyperparameters: left out"))
    finally:
        os.close(handle)


def _add_hparams(hparams: HParams, value: Summary.Value) -> None:
    from google.protobuf.message import DecodeError
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    try:
        content = HParamsPluginData.FromString(value.metadata.plugin_data.content)
    except DecodeError:
        return
    match content.WhichOneof("data"):
        case "session_start_info":
            hparams.values = {
                name: getattr(given, given.WhichOneof("kind") or "string_value")
                for name, given in sorted(content.session_start_info.hparams.items())
            }
        case "session_end_info":
            names = {1: "success", 2: "failure", 3: "running"}
            hparams.status = names.get(content.session_end_info.status, "unknown")
        case "experiment":
            infos = content.experiment.metric_infos
            hparams.metrics = [(info.name.group, info.name.tag) for info in infos]
