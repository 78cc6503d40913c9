"""Where image files are read from: a folder, or a zip."""

from __future__ import annotations

import io
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from tbcli.errors import DoesNotFit

_JUNK = {"__macosx", "thumbs.db", "desktop.ini", "@eadir"}
_UTF8 = 0x800  # a zip entry's flag: its name is UTF-8
_ENCRYPTED = 0x1


class FileEntry(NamedTuple):
    """A file or an empty folder.

    Args:
        name: Its path below the root, with slashes.
        size: In bytes; -1 of a folder.
        stamp: Changes with the content: of a file its time, in a zip its checksum.
    """

    name: str
    size: int
    stamp: int


class Files(Protocol):
    """Where files are read from."""

    def entries(self) -> Iterator[FileEntry]:
        """Yield all files and all folders, in any order; what systems leave in folders is left out."""

    def open(self, name: str) -> IO[bytes]:
        """Open a file."""

    def read(self, name: str) -> bytes:
        """Return the content of a file."""


class Folder:
    """Files below a directory; linked directories are followed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def entries(self) -> Iterator[FileEntry]:
        """Yield all files and all folders below it."""
        yield from self._walk(str(self._root), "", ())

    def open(self, name: str) -> IO[bytes]:
        """Open a file."""
        return (self._root / name).open("rb")

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return (self._root / name).read_bytes()

    def _walk(self, directory: str, prefix: str, above: tuple[tuple[int, int], ...]) -> Iterator[FileEntry]:
        try:
            status = os.stat(directory)  # noqa: PTH116 - a text each, not an object: there may be many
            found = list(os.scandir(directory))
        except OSError as error:
            raise DoesNotFit(f"cannot read {directory!r}: {error.strerror}", hint="check its permissions") from error
        this = (status.st_dev, status.st_ino)
        if this in above:  # a link to a folder that it stands in
            return
        for entry in found:
            if _is_junk(entry.name):
                continue
            name = prefix + entry.name
            if entry.is_dir():
                yield FileEntry(name, -1, 0)
                yield from self._walk(entry.path, name + "/", (*above, this))
            elif entry.is_file():
                status = entry.stat()
                yield FileEntry(name, status.st_size, status.st_mtime_ns)
            elif entry.is_symlink():  # to nothing: a file that cannot be read
                yield FileEntry(name, 0, 0)


class Archive:
    """Files in a zip.

    Raises:
        DoesNotFit: It is damaged, or protected by a password.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
            raise DoesNotFit(
                f"cannot read the zip {str(path)!r}: {error}", hint="was it downloaded or copied to its end?"
            ) from error
        self._lock = threading.Lock()  # the file has one position
        self._infos = {_zip_name(info): info for info in self._zip.infolist()}
        if any(info.flag_bits & _ENCRYPTED for info in self._infos.values()):
            raise DoesNotFit(f"the zip {str(path)!r} is protected by a password", hint="unpack it, and use the folder")

    def entries(self) -> Iterator[FileEntry]:
        """Yield all files and all folders in it."""
        for name, info in self._infos.items():
            if name and not any(map(_is_junk, name.split("/"))):
                yield FileEntry(name, -1, 0) if info.is_dir() else FileEntry(name, info.file_size, info.CRC)

    def open(self, name: str) -> IO[bytes]:
        """Open a file."""
        return io.BytesIO(self.read(name))

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        with self._lock:
            try:
                return self._zip.read(self._infos[name])
            except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, RuntimeError) as error:
                raise OSError(0, f"the zip is damaged there: {error}") from error


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in _JUNK


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Return an entry's path as text; many programs write UTF-8 and do not say so."""
    name = info.filename
    if not info.flag_bits & _UTF8:
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = info.filename
    parts = (part for part in name.replace("\\", "/").split("/") if part not in ("", ".", ".."))
    return "/".join(parts)
