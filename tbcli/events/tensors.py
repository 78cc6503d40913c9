"""The number in a tensor of one element, whatever its type; types and fields are those of ``tensor.proto``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tensorboard.compat.proto.tensor_pb2 import TensorProto

# dtype: its name, the field of its numbers, how its bytes lie in `tensor_content`; "" where NumPy has no such type.
_TYPES = {
    1: ("float32", "float_val", "<f4"),
    2: ("float64", "double_val", "<f8"),
    3: ("int32", "int_val", "<i4"),
    4: ("uint8", "int_val", "u1"),
    5: ("int16", "int_val", "<i2"),
    6: ("int8", "int_val", "i1"),
    9: ("int64", "int64_val", "<i8"),
    10: ("bool", "bool_val", "u1"),
    14: ("bfloat16", "half_val", ""),
    17: ("uint16", "int_val", "<u2"),
    19: ("float16", "half_val", "<f2"),
    22: ("uint32", "uint32_val", "<u4"),
    23: ("uint64", "uint64_val", "<u8"),
    24: ("float8_e5m2", "float8_val", ""),
    25: ("float8_e4m3fn", "float8_val", ""),
}
_OTHERS = {7: "string", 8: "complex64", 18: "complex128", 20: "resource", 21: "variant"}
ROUNDED = "whole numbers beyond 2**53: the nearest float64 is given"
WIDE = ("<i8", "<u8")  # of which a float64 cannot hold all
_WIDTHS = {"bfloat16": 2, "float8_e5m2": 1, "float8_e4m3fn": 1}


class NoNumberError(Exception):
    """The tensor is no number that is known; the text says what it is."""


def only_number(tensor: TensorProto) -> float | int:
    """Return the number of a tensor that has exactly one element.

    Raises:
        NoNumberError: It has another count of elements, or a type of which nothing is known.
    """
    count = math.prod(dim.size for dim in tensor.tensor_shape.dim)
    if tensor.dtype not in _TYPES:
        raise NoNumberError(f"type {_OTHERS.get(tensor.dtype, f'number {tensor.dtype}')}")
    name, field, kind = _TYPES[tensor.dtype]
    if count != 1:
        raise NoNumberError(f"{name} with {count:,} elements")
    width = np.dtype(kind).itemsize if kind else _WIDTHS[name]
    if tensor.tensor_content:
        if len(tensor.tensor_content) != width:
            raise NoNumberError(f"{name} with {len(tensor.tensor_content):,} bytes")
        return _of_bytes(tensor.tensor_content, name, kind)
    if field == "float8_val":
        if len(tensor.float8_val) != 1:
            raise NoNumberError(f"{name} with {len(tensor.float8_val):,} numbers")
        return _of_bytes(tensor.float8_val, name, kind)
    values: Sequence[float | int] = getattr(tensor, field)
    if len(values) != 1:
        raise NoNumberError(f"{name} with {len(values):,} numbers")
    if field == "half_val":  # the bits
        return _of_bytes((int(values[0]) & 0xFFFF).to_bytes(2, "little"), name, kind)
    return values[0]


def as_float(number: float | int) -> tuple[float, str]:
    """Return a number as float64, and `ROUNDED` where that is another one, else ``""``."""
    value = float(number)
    return value, ROUNDED if isinstance(number, int) and int(value) != number else ""


def _of_bytes(data: bytes, name: str, kind: str) -> float | int:
    if kind:
        number: float | int = np.frombuffer(data, kind)[0].item()
        return number
    if name == "bfloat16":  # the upper half of a float32
        return float(np.frombuffer(b"\0\0" + data, "<f4")[0])
    if name == "float8_e5m2":  # the upper half of a float16
        return float(np.frombuffer(b"\0" + data, "<f2")[0])
    return _e4m3fn(data[0])


def _e4m3fn(bits: int) -> float:
    """Return what a byte means as sign, 4 bits of exponent, 3 of mantissa; it knows NaN and no infinity."""
    sign, exponent, mantissa = (-1.0 if bits & 0x80 else 1.0), bits >> 3 & 0xF, bits & 7
    if bits & 0x7F == 0x7F:
        return math.nan
    if not exponent:
        return sign * mantissa * 2.0**-9
    return sign * (1 + mantissa / 8) * 2.0 ** (exponent - 7)
