"""CRC32C, the checksum of event files, computed for many records at once.

The checksum is that of RFC 3720, section 12.1 (polynomial 0x1EDC6F41, reflected), masked as in TensorFlow's
``core/lib/hash/crc32c.h``. It is affine: that of a message is a constant of its length, xored with one term a byte
which depends on nothing but the byte and its distance from the end. So a table a position and an XOR do for all
records of one length, and for a record that differs from a known one in a few bytes those few bytes do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint32]

_POLYNOMIAL = 0x82F63B78
_MASK_DELTA = 0xA282EAD8
_ALL_ONES = 0xFFFFFFFF
_ROW = 256  # bytes that are taken at once of a long message
_FEW_ROWS = 64  # up to there one look-up for all bytes is quicker than one a column
_BLOCK = 1 << 20  # bytes of a long message that are looked at together: what fits into a cache


def _first_table() -> Words:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ np.where(table & 1, np.uint32(_POLYNOMIAL), np.uint32(0))
    return table


_TABLE = _first_table()


@cache
def _tables_up_to(rows: int) -> Words:
    """Return ``[rows, 256]``: what a byte adds to the checksum when so many bytes follow it."""
    tables = np.empty((rows, 256), np.uint32)
    tables[0] = _TABLE
    for row in range(1, rows):
        before = tables[row - 1]
        tables[row] = (before >> 8) ^ _TABLE[before & 0xFF]
    return tables


def tables(rows: int) -> Words:
    """Return at least so many rows of ``[bytes that follow, byte]``: the terms of the checksum."""
    return _tables_up_to(max(128, 1 << (rows - 1).bit_length()))


def checksum(data: bytes | bytearray | memoryview) -> int:
    """Return the CRC32C of a message of any length, not masked."""
    content = memoryview(data)
    return checksum_in_parts(lambda at, count: content[at : at + count], len(content))


def checksum_in_parts(part: Callable[[int, int], bytes | memoryview], length: int) -> int:
    """Return the same of a message that need not lie in memory as a whole.

    Args:
        part: Returns so many bytes from a place on; fewer only where the message has become shorter.
        length: Bytes of the message.
    """
    if length <= 2 * _ROW:
        return _of_short(np.frombuffer(part(0, length), np.uint8))
    first = _BLOCK + length % _BLOCK if length > _BLOCK else length
    state = _terms(_inverted(np.frombuffer(part(0, first), np.uint8)))
    for at in range(first, length, _BLOCK):
        moved = int(_apply(_shift(_BLOCK), np.array([state], np.uint32))[0])
        state = moved ^ _terms(np.frombuffer(part(at, _BLOCK), np.uint8))
    return state ^ _ALL_ONES


def masked(value: Any) -> Any:
    """Return the masked form of a checksum, as stored in files; a number or an array of uint32."""
    if isinstance(value, np.ndarray):
        return ((value >> np.uint32(15)) | (value << np.uint32(17))) + np.uint32(_MASK_DELTA)
    return (((value >> 15) | (value << 17)) + _MASK_DELTA) & _ALL_ONES


def masked_of_lengths(lengths: NDArray[np.uint64]) -> Words:
    """Return the masked checksums of the 8-byte little-endian numbers ``[n]``."""
    if len(lengths) and int(lengths.max()) < len(_SHORT_LENGTHS):
        return _SHORT_LENGTHS[lengths.astype(np.intp)]
    return _masked_of_any_lengths(lengths)


def _masked_of_any_lengths(lengths: NDArray[np.uint64]) -> Words:
    terms = tables(8)
    result = np.full(len(lengths), _of_short(np.zeros(8, np.uint8)), np.uint32)
    most = int(lengths.max(initial=0))
    for position in range(-(-most.bit_length() // 8)):  # a zero adds no term
        byte = (lengths >> np.uint64(8 * position)).astype(np.uint8)
        result ^= terms[7 - position][byte]
    return np.asarray(masked(result), np.uint32)


def _of_short(content: Bytes) -> int:
    state = np.uint32(_ALL_ONES)
    if len(content) >= 4:
        return _terms(_inverted(content)) ^ _ALL_ONES
    for byte in content:
        state = _TABLE[(state ^ byte) & 0xFF] ^ (state >> np.uint32(8))
    return int(state) ^ _ALL_ONES


def _inverted(content: Bytes) -> Bytes:
    """Return the message that gives from a register of zeros what this one gives from a register of ones."""
    copy = content.copy()
    copy[:4] ^= 0xFF
    return copy


def _terms(content: Bytes) -> int:
    """Return the XOR of all terms: the register, from zero, after the message."""
    if len(content) <= 2 * _ROW:
        chosen = tables(len(content))[np.arange(len(content) - 1, -1, -1), content]
        return int(np.bitwise_xor.reduce(chosen))
    rows = 1 << (-(-len(content) // _ROW) - 1).bit_length()
    padded = np.zeros((rows, _ROW), np.uint8)  # zeros before a message add no term
    padded.reshape(-1)[-len(content) :] = content
    terms = tables(_ROW)[_ROW - 1 :: -1]
    if rows <= _FEW_ROWS:
        states = np.bitwise_xor.reduce(terms[np.arange(_ROW), padded], axis=1)
    else:
        columns = np.ascontiguousarray(padded.T)
        states = np.zeros(rows, np.uint32)
        for position in range(_ROW):
            states ^= terms[position][columns[position]]
    width = _ROW
    while len(states) > 1:
        states = _apply(_shift(width), states[0::2]) ^ states[1::2]
        width *= 2
    return int(states[0])


@cache
def _shift(count: int) -> Words:
    """Return ``[4, 256]``: what each byte of the register becomes when so many zeros, a power of two, follow."""
    if count == 4:
        return tables(4)[3::-1]
    half = _shift(count // 2)
    return np.stack([_apply(half, row) for row in half])


def _apply(shift: Words, states: Words) -> Words:
    moved: Words = shift[0][states & 0xFF]
    for byte in (1, 2, 3):
        moved = moved ^ shift[byte][(states >> np.uint32(8 * byte)) & 0xFF]
    return moved


_SHORT_LENGTHS = _masked_of_any_lengths(np.arange(1 << 14, dtype=np.uint64))
