"""In which encoding a file of text is, packed or not."""

from __future__ import annotations

import codecs
import gzip
import re
from pathlib import Path
from typing import BinaryIO, cast

from tbcli.errors import DoesNotFit

_SAMPLE_BYTES = 1 << 18
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
OLD = {"latin-1": "Latin-1", "cp1252": "Windows-1252"}
"""What text is read as that is not UTF-8, and what people call it."""
_OF_WINDOWS = re.compile(rb"[\x80-\x9f]")  # letters and signs there, control characters in Latin-1
_NOT_WINDOWS = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")  # has no signs there
_ODD_SIGNS = re.compile(  # seldom used, or letters beside no other letter: rather bytes of another encoding
    rb"[\x83\x86-\x89\x8b\x98\x9b]|[\x82\x84](?![A-Za-z0-9])"
    rb"|(?<![A-Za-z\xc0-\xff])[\x8a\x8c\x8e\x9a\x9c\x9e\x9f](?![A-Za-z\xc0-\xff])"
)
_MOST_ODD = 0.2  # of what is not ASCII
_GZIP = b"\x1f\x8b"


def open_binary(path: Path) -> BinaryIO:
    """Return the file opened for reading, unpacked if it is packed with gzip."""
    file = path.open("rb")
    if file.read(2) != _GZIP:
        file.seek(0)
        return file
    file.close()
    return cast(BinaryIO, gzip.open(path, "rb"))


def beginning_of(path: Path) -> tuple[str, str]:
    """Return the encoding of a file, for which all of it is read, and the beginning of its text.

    Raises:
        DoesNotFit: It holds no text, or text in an encoding that is not known.
    """
    with open_binary(path) as file:
        try:
            start = file.read(_SAMPLE_BYTES)
            encoding = next((name for bom, name in _BOMS.items() if start.startswith(bom)), "utf-8")
            if encoding != "utf-16" and b"\0" in start:
                raise DoesNotFit(f"{path.name} is not a text file", hint="a table is CSV, TSV or Parquet")
            decoder = codecs.getincrementaldecoder(encoding)()
            text, rest = decoder.decode(start), file.read(_SAMPLE_BYTES)
            is_whole = not rest
            while rest:
                decoder.decode(rest)
                rest = file.read(_SAMPLE_BYTES)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            if encoding == "utf-16":
                raise DoesNotFit(f"{path.name} is damaged: it is not UTF-16", hint="save it as UTF-8") from None
            encoding = _old_encoding(path)
            text, is_whole = start.decode(encoding, "replace"), len(start) < _SAMPLE_BYTES
        except (EOFError, OSError) as error:
            raise DoesNotFit(f"cannot read {path.name}: {error}", hint="the file may be incomplete") from None
    # Half a line at the end of the sample is no row.
    return encoding, text if is_whole or "\n" not in text else text[: text.rindex("\n") + 1]


def _old_encoding(path: Path) -> str:
    """Return the encoding of a file that is not UTF-8: Latin-1, or Windows-1252 where it has signs of that.

    Raises:
        DoesNotFit: It is neither, by what its bytes would mean.
    """
    odd = others = 0
    encoding = "latin-1"
    with open_binary(path) as file:
        while block := file.read(_SAMPLE_BYTES):
            others += sum(byte > 127 for byte in block)
            odd += len(_ODD_SIGNS.findall(block))
            if _NOT_WINDOWS.search(block):
                odd, others = 1, 1
                break
            encoding = "cp1252" if _OF_WINDOWS.search(block) else encoding
    if odd > _MOST_ODD * others:
        raise DoesNotFit(
            f"the text of {path.name} is neither UTF-8 nor Windows-1252",
            hint="save it as UTF-8 in the program it is from",
        )
    return encoding
