"""Arrays in an ``.npz`` file, mapped into memory where they are not compressed: nothing is read before it is used."""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from tbcli.data.raw_cache import open_raw, raw_cache_file, raw_writer
from tbcli.data.telling import progress_counter
from tbcli.errors import DoesNotFit, TrainingFailed
from tbcli.naming.slugs import slug_of

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # of a member, in front of its name and its extra field
_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@dataclass(frozen=True, slots=True)
class Member:
    """An array in a file, not read yet.

    Args:
        path: The file.
        info: What its directory says of the member.
        shape: Of the array.
        dtype: Of the array.
        is_fortran: Whether its first axis is the fastest.
        start: Where its values begin in the member, in bytes.
    """

    path: Path
    info: zipfile.ZipInfo
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_fortran: bool
    start: int

    @property
    def bytes(self) -> int:
        """Size of its values."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def is_stored(self) -> bool:
        """Whether its values stand in the file as they are."""
        return self.info.compress_type == zipfile.ZIP_STORED

    def mapped(self) -> np.ndarray:
        """Return the array, mapped into memory; it must be stored."""
        if not self.bytes:
            return np.empty(self.shape, self.dtype)
        with self.path.open("rb") as file:
            file.seek(self.info.header_offset)
            _, name, extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        offset = self.info.header_offset + _LOCAL_HEADER.size + name + extra + self.start
        order = "F" if self.is_fortran else "C"
        return np.memmap(self.path, self.dtype, "r", offset, self.shape, order)  # type: ignore[call-overload,no-any-return]

    def read(self) -> np.ndarray:
        """Return the array, read into memory; its checksum is verified.

        Raises:
            DoesNotFit: The file is damaged.
        """
        values = np.empty(self.bytes, np.uint8)
        self.read_into(values)
        flat = values.view(self.dtype) if self.bytes else np.empty(0, self.dtype)
        return flat.reshape(self.shape, order="F" if self.is_fortran else "C")

    def read_into(self, values: np.ndarray) -> None:
        """Fill an array of bytes with the values.

        Raises:
            DoesNotFit: The file is damaged.
        """
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.info) as file:
                file.read(self.start)
                view, filled = memoryview(values.data), 0
                while count := file.readinto(view[filled : filled + (1 << 24)]):  # type: ignore[attr-defined] # it has it
                    filled += count
                is_whole = filled == len(values) and not file.read(1)
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise damaged(self.path, f"{self.info.filename}: {error}") from error
        if not is_whole:
            raise damaged(self.path, f"{self.info.filename} is truncated")


def unpack_member(member: Member) -> np.ndarray:
    """Return a compressed array, unpacked once into the user's cache directory and mapped into memory from there.

    Raises:
        DoesNotFit: The file is damaged.
        TrainingFailed: There is no room for it.
    """
    if member.is_fortran or not member.bytes:
        return member.read()
    place, state = member.path.absolute(), member.path.stat()
    name = slug_of(f"{place.stem}-{member.info.filename.removesuffix('.npy')}") or "array"
    kept = raw_cache_file(name, f"{place}:{member.info.filename}", f"{state.st_size:x}-{state.st_mtime_ns:x}")
    opened = open_raw(kept)
    if opened is None:
        try:
            _unpack(member, kept)
        except OSError as error:
            raise TrainingFailed(
                f"cannot unpack {member.bytes / 1e6:,.0f} MB into {str(kept.parent)!r}: {error.strerror}",
                hint="free some space, set XDG_CACHE_HOME to another directory, or use `--cache memory`",
            ) from error
        opened = open_raw(kept)
        assert opened is not None  # it was just written
    return opened[0]


def _unpack(member: Member, kept: Path) -> None:
    size = member.bytes // member.shape[0]
    tell = progress_counter(f"Unpacking {member.info.filename}: {{}} of {{}} samples", member.shape[0])
    with raw_writer(kept) as writer:
        try:
            with zipfile.ZipFile(member.path) as archive, archive.open(member.info) as file:
                file.read(member.start)
                for count in range(member.shape[0]):
                    sample = file.read(size)
                    if len(sample) != size:
                        raise damaged(member.path, f"{member.info.filename} is truncated")
                    writer.add(np.frombuffer(sample, member.dtype).reshape(member.shape[1:]))
                    tell(count + 1)
                file.read(1)  # the end is where the checksum is verified
        except (EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise damaged(member.path, f"{member.info.filename}: {error}") from error
        writer.finish({})


def open_members(path: Path) -> dict[str, Member]:
    """Return the arrays of a file by name.

    Raises:
        DoesNotFit: It is no such file, or an array in it holds Python objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            return {info.filename.removesuffix(".npy"): _member(path, archive, info) for info in infos}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise damaged(path, error.strerror) from error
        raise damaged(path, str(error).partition("\n")[0]) from error


def damaged(path: Path, why: str) -> DoesNotFit:
    """Return what to say of a file that cannot be read."""
    return DoesNotFit(
        f"{path.name} cannot be read as arrays: {why}",
        hint="an .npz file is written by numpy.savez; it may be incomplete",
    )


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    if info.flag_bits & 1:
        raise damaged(path, f"{info.filename} is encrypted")
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        if version not in _READERS:
            raise damaged(path, f"{info.filename} is of format {version[0]}.{version[1]}")
        shape, is_fortran, dtype = _header(version, file)
        start = file.tell()
    if dtype.hasobject:
        raise DoesNotFit(
            f"{info.filename.removesuffix('.npy')!r} in {path.name} holds Python objects, which are never loaded",
            hint="save it as an array of numbers or of strings: array.astype(str)",
        )
    return Member(path, info, shape, dtype, is_fortran, start)


def _header(version: tuple[int, int], file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    shape, is_fortran, dtype = _READERS[version](file)
    return shape, is_fortran, dtype
