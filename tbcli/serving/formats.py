"""Which scalars a reader of TensorBoard drops without a word: its fast one knows float32 alone, none knows bfloat16."""

from __future__ import annotations

import mmap
import os
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from tbcli.config import ServeConfig
from tbcli.naming.shortening import few

# In `Summary.Value` a short tensor (field 8) that begins with a dtype (field 1) which is neither float32 nor a text, or
# with float32 and a shape (field 2) of one dimension or more.
_SUSPECT = re.compile(rb"\x42[\x04-\x3f]\x08(?:[\x02-\x06\x08-\x1f]|\x01\x12[\x02-\x20]\x12)", re.DOTALL)
_MOST_BYTES = 1 << 26  # of one file; of a larger one its two ends are looked at
_MOST_SUSPECTS = 50_000  # of one file
_LONGEST_TAG, _LONGEST_RECORD = 127, 1 << 16
_HEADER = struct.Struct("<QI")
_FLOAT32 = 1  # the dtype's number
_NAMES = {2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 9: "int64", 10: "bool", 14: "bfloat16",
          8: "complex64", 17: "uint16", 18: "complex128", 19: "float16", 22: "uint32", 23: "uint64",
          24: "float8_e5m2", 25: "float8_e4m3fn"}  # fmt: skip


class ScalarFormat(NamedTuple):
    """A scalar series with the format of its values, of which the fast reader drops many.

    Args:
        run: Its directory, as TensorBoard names it.
        tag: Its tag.
        format: As ``float64``, or ``float32 [1]``; ``""`` for a plain float32, which every reader shows.
        is_readable: Whether TensorBoard's slow reader shows it and its fast one does not.
    """

    run: str
    tag: str
    format: str
    is_readable: bool

    @property
    def name(self) -> str:
        """The run and the tag."""
        return self.tag if self.run == "." else f"{self.run}/{self.tag}"


def choose_reader(config: ServeConfig, odd: Sequence[ScalarFormat]) -> tuple[ServeConfig, list[ScalarFormat]]:
    """Return the configuration with a reader that shows all it can, and the series that it cannot show.

    Args:
        config: ``load_fast`` is taken as it is, except for ``auto``.
        odd: From `find_odd_scalars`.
    """
    if config.load_fast == "auto" and any(scalar.is_readable for scalar in odd):
        config = replace(config, load_fast="false")
    return config, [scalar for scalar in odd if config.load_fast == "true" or not scalar.is_readable]


def find_odd_scalars(places: Iterable[tuple[str, Path]], *, skip_runs: bool = False) -> list[ScalarFormat]:
    """Return the scalar series that the fast reader drops, at about 2 GB a second.

    Args:
        places: Name and path of log directories; the name is ``"."`` for one that is served as it is.
        skip_runs: Leave out the runs of `tbcli train`, which writes float32 only.
    """
    found: dict[tuple[str, str], ScalarFormat] = {}
    for name, top in places:
        for directory, folders, files in os.walk(top):
            if skip_runs and "run.json" in files:
                folders.clear()
                continue
            run = os.path.normpath(os.path.join(name, os.path.relpath(directory, top)))  # noqa: PTH118 - as TensorBoard
            for file in sorted(files):
                if "tfevents" in file:
                    for odd in _odd_scalars_of(Path(directory, file), run):
                        found.setdefault((odd.run, odd.tag), odd)
    return list(found.values())


def _odd_scalars_of(path: Path, run: str) -> Iterator[ScalarFormat]:
    seen: set[tuple[bytes, bytes]] = set()
    for data in _parts(path):
        for count, suspect in enumerate(_SUSPECT.finditer(data)):
            if count > _MOST_SUSPECTS:
                break
            place = suspect.start()
            kind = _tag_before(data, place), data[place + 2 : place + 4]
            if kind in seen:
                continue
            seen.add(kind)
            yield from _odd_values(_record_around(data, place), run)


def _parts(path: Path) -> Iterator[bytes | mmap.mmap]:
    """Yield the content of a file, or of a very large one its beginning and its end; nothing of an unreadable one."""
    try:
        if not path.is_file():  # a pipe would never answer
            return
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if 0 < size <= _MOST_BYTES:
                yield mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            elif size:
                yield file.read(_MOST_BYTES // 2)
                file.seek(-_MOST_BYTES // 2, os.SEEK_END)
                yield file.read()
    except (OSError, ValueError):
        return


def _tag_before(data: bytes | mmap.mmap, place: int) -> bytes:
    """Return the tag (field 1) that ends at a place; ``b""`` where there is none."""
    start = max(0, place - _LONGEST_TAG - 2)
    window = bytes(data[start:place])
    begin = window.rfind(b"\x0a")
    while begin >= 0:
        if begin + 1 < len(window) and window[begin + 1] == len(window) - begin - 2:
            return window[begin + 2 :]
        begin = window.rfind(b"\x0a", 0, begin)
    return b""


def _record_around(data: bytes | mmap.mmap, place: int) -> bytes:
    """Return the data of the record that a place is in, found by the checksum of its length; ``b""`` for none."""
    from tbcli.events.crc import checksum, masked  # only where there is a suspect

    for start in range(place - _HEADER.size, max(-1, place - _LONGEST_RECORD), -1):
        if data[start + 3 : start + 8] != bytes(5):  # the length of a record that is not too long
            continue
        length, proof = _HEADER.unpack_from(data, start)
        begin = start + _HEADER.size
        if (
            length
            and begin <= place < begin + length
            and masked(checksum(memoryview(data[start : start + 8]))) == proof
        ):
            return bytes(data[begin : begin + length])
    return b""


def _odd_values(record: bytes, run: str) -> Iterator[ScalarFormat]:
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event

    try:
        event = Event.FromString(record)
    except DecodeError:
        return
    for value in event.summary.value:
        if value.WhichOneof("value") == "tensor" and value.metadata.plugin_data.plugin_name == "scalars":
            tensor = value.tensor
            shape = [dimension.size for dimension in tensor.tensor_shape.dim]
            if tensor.dtype != _FLOAT32 or shape:
                kind = "float32" if tensor.dtype == _FLOAT32 else _NAMES.get(tensor.dtype, f"type {tensor.dtype}")
                yield ScalarFormat(run, value.tag, f"{kind} {shape}" if shape else kind, _is_number(tensor))


def _is_number(tensor: Any) -> bool:
    """Say whether TensorBoard's slow reader makes a number of it."""
    from tensorboard.util.tensor_util import make_ndarray

    try:
        array = make_ndarray(tensor)
        return bool(array.size == 1 and array.dtype.kind in "fiub")
    except (TypeError, ValueError, KeyError):
        return False


def describe_scalars(scalars: Sequence[ScalarFormat], most: int = 8) -> str:
    """Return ``2 scalar series (float64): a/loss, b/loss``, with at most so many names."""
    formats = ", ".join(sorted({scalar.format for scalar in scalars} - {""}))
    names = few([scalar.name for scalar in scalars], most)
    return f"{len(scalars)} scalar series{f' ({formats})' if formats else ''}: {names}"
