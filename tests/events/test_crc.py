"""The checksum, against known values and the plain one of TensorBoard."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import crc32c, masked_crc32c

from tbcli.events.crc import checksum, masked, masked_of_lengths

SIZES = [0, 1, 3, 4, 5, 8, 255, 256, 257, 511, 512, 513, 700, 1024, 16_384, 16_385, 40_000, (1 << 20) + 1, 3 << 20]


def test_the_known_value_of_the_standard() -> None:
    assert checksum(b"123456789") == 0xE3069283  # RFC 3720, appendix B.4 has more
    assert checksum(bytes(32)) == 0x8A9136AA
    assert checksum(b"\xff" * 32) == 0x62A8AB43


@pytest.mark.parametrize("size", SIZES)
def test_a_message_of_any_length_has_the_plain_checksum(size: int) -> None:
    data = np.random.default_rng(size).bytes(size)
    assert checksum(data) == crc32c(data)
    assert masked(checksum(data)) == masked_crc32c(data)


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_lengths_have_the_checksum_of_their_eight_bytes(lengths: list[int]) -> None:
    found = masked_of_lengths(np.array(lengths, np.uint64))
    assert found.tolist() == [masked_crc32c(struct.pack("<Q", length)) for length in lengths]
