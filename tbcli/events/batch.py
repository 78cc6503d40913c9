"""Records in a buffer, the numbers decoded from them, and everything else found in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tbcli.events.framing import FOOTER, Offsets, strided
from tbcli.events.template import Quads, row_width
from tbcli.events.wire import SCALARS

VALUES_A_RECORD = 1 << 20  # of more than that, the order of the last is that of writing all the same
SPARE = 8  # bytes that a buffer must have behind its last record


class Batch(NamedTuple):
    """Framed records, of one file or of several.

    Args:
        buffer: Their bytes, and `SPARE` more.
        offsets: Where the data of each begin in the buffer ``[n]``.
        lengths: Bytes of the data of each ``[n]``.
        files: The number of the file of each ``[n]``.
        shifts: ``{file: what to add to a place in the buffer for the place in the file}``.
    """

    buffer: bytearray
    offsets: Offsets
    lengths: Offsets
    files: NDArray[np.int32]
    shifts: dict[int, int]

    def place(self, index: int) -> tuple[int, int]:
        """Return the file of a record and where its data begin in it."""
        file = int(self.files[index])
        return file, int(self.offsets[index]) + self.shifts[file]

    def data(self, index: int) -> memoryview:
        """Return the data of a record and the checksum behind them, not copied."""
        offset = int(self.offsets[index])
        return memoryview(self.buffer)[offset : offset + int(self.lengths[index]) + FOOTER]

    def rows(self, members: Offsets, length: int) -> Quads:
        """Return the data of records of one length as a table ``[n, width / 8]``."""
        width = row_width(length)
        items = strided(self.buffer, f"V{width}", 0, len(self.buffer) - width + 1, 1)
        return items[self.offsets[members]].view(np.uint64).reshape(len(members), width // 8)


class Points(NamedTuple):
    """Numbers ``[n]``: their order in the batch, `Catalog.number_code` of their name, step, seconds since 1970, value.

    The order is ``record * VALUES_A_RECORD + number within the record``.
    """

    order: Offsets
    codes: Offsets
    steps: Offsets
    wall_times: NDArray[np.float64]
    values: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: list[Points]) -> Points:
        """Return all of them, one part behind the other."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            whole = np.empty(0, np.int64)
            return cls(whole, whole, whole, np.empty(0), np.empty(0))
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


class Catalog:
    """The names met so far: a code for each pair of tag and plugin.

    Args:
        names: The names by code; new ones are added.
    """

    def __init__(self, names: list[tuple[str, str]]) -> None:
        self.names = names
        self._codes = {name: code for code, name in enumerate(names)}

    def code(self, tag: str, plugin: str) -> int:
        """Return the code of a name, a new one for a new name."""
        found = self._codes.setdefault((tag, plugin), len(self.names))
        if found == len(self.names):
            self.names.append((tag, plugin))
        return found

    def number_code(self, tag: str, plugin: str) -> int:
        """Return twice the code of a scalar's name, and 1 more where nothing yet says that it is a scalar.

        So all numbers of one name can be kept in their order, whatever is said of them.
        """
        return 2 * self.code(tag, SCALARS) + (plugin != SCALARS)


@dataclass(slots=True)
class Findings:
    """What the records held besides their numbers.

    Args:
        others: ``{(file, code): [count, bytes]}`` of the values that are no numbers.
        documents: File, offset in the file, length and code of the records of texts and hyperparameters.
        damage: File, offset in the file and kind of what cannot be used.
        oddities: ``{(file, code, what is odd): [count, first offset]}`` of values of the scalars plugin.
    """

    others: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    documents: list[tuple[int, int, int, int]] = field(default_factory=list)
    damage: list[tuple[int, int, str]] = field(default_factory=list)
    oddities: dict[tuple[int, int, str], list[int]] = field(default_factory=dict)

    def wonder(self, file: int, code: int, oddity: str, offset: int, times: int = 1) -> None:
        """Note values that are odd."""
        self.oddities.setdefault((file, code, oddity), [0, offset])[0] += times

    def count(self, file: int, code: int, size: int, times: int = 1) -> None:
        """Add values of one name."""
        entry = self.others.setdefault((file, code), [0, 0])
        entry[0] += times
        entry[1] += times * size
