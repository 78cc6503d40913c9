from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.exporting.digits import shortest


@given(st.lists(st.floats(width=32), min_size=1))
def test_a_float32_comes_back_from_its_digits(values: list[float]) -> None:
    back = np.array([float(text) for text in shortest(np.array(values))], np.float32)
    np.testing.assert_array_equal(back, np.array(values, np.float32))


@given(st.lists(st.floats(), min_size=1))
def test_a_float64_that_is_no_float32_comes_back_exactly(values: list[float]) -> None:
    with np.errstate(over="ignore"):
        wide = [value for value in values if math.isfinite(value) and float(np.float32(value)) != value]
    assert [float(text) for text in shortest(np.array(wide))] == wide


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32(0.1), "0.1"),
        (np.float32(0.97119999), "0.9712"),
        (0.1, "0.1"),
        (1 / 3, "0.3333333333333333"),
        (np.float32(1 / 3), "0.33333334"),
        (3.0, "3.0"),
        (2.0**40, "1099511627776.0"),
        (2.0**53, "9007199254740992.0"),
        (-(2.0**62), "-4.611686018427388e+18"),
        (np.float32(1e17), "9.999999843067494e+16"),
        (np.float32(1e30), "1e+30"),
        (np.float32(1e-45), "1e-45"),
        (-0.0, "-0.0"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
    ],
)
def test_no_more_digits_are_written_than_needed(value: float, text: str) -> None:
    assert shortest(np.array([value], np.float64)) == [text]
