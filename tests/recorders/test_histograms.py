"""Buckets counted with NumPy are those that TensorFlow's own summary would write."""

from __future__ import annotations

import numpy as np
import pytest

from tbcli.recorders.histograms import BUCKETS, count_buckets

RANDOM = np.random.Generator(np.random.PCG64(7))
ARRAYS = {
    "normal": RANDOM.normal(size=(3, 3, 8, 4)).astype(np.float32),
    "uniform": RANDOM.uniform(-5, 3, size=1001).astype(np.float32),
    "steps": np.arange(31, dtype=np.float32) / 10,
    "integers": np.arange(-7, 24),
    "two values": np.array([0.0, 1.0] * 9 + [1.0], np.float32),
    "constant": np.full((4, 5), 0.25, np.float32),
    "zeros": np.zeros(128, np.float32),
    "one value": np.array(3.5, np.float32),
    "nothing": np.array([], np.float32),
    "tiny": RANDOM.normal(size=50).astype(np.float32) * 1e-30,
    "huge": RANDOM.normal(size=50).astype(np.float32) * 1e30,
    "half": RANDOM.normal(size=50).astype(np.float16),
}


@pytest.mark.tf
@pytest.mark.parametrize("name", ARRAYS)
def test_buckets_agree_with_tensorflow(name: str) -> None:
    from tensorboard.plugins.histogram.summary_v2 import histogram_pb
    from tensorboard.util.tensor_util import make_ndarray

    values = ARRAYS[name]
    expected = make_ndarray(histogram_pb("x", values.astype(np.float64)).value[0].tensor)
    found = count_buckets(values)
    assert found.shape == expected.shape == (BUCKETS, 3)
    assert np.array_equal(found[:, 2], expected[:, 2])
    assert np.allclose(found, expected, rtol=1e-9)


@pytest.mark.tf
def test_buckets_agree_with_what_tensorflow_writes(tmp_path: object) -> None:
    import tensorflow as tf
    from tensorboard.plugins.histogram import summary_v2

    values = ARRAYS["normal"]
    expected = summary_v2._buckets(tf.constant(values), BUCKETS).numpy()  # what tf.summary.histogram writes
    assert np.array_equal(count_buckets(values)[:, 2], expected[:, 2])
    assert np.allclose(count_buckets(values), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ARRAYS)
def test_every_value_is_counted_once_between_its_edges(name: str) -> None:
    values, buckets = ARRAYS[name], count_buckets(ARRAYS[name])
    assert buckets[:, 2].sum() == values.size
    assert (buckets[:, 0] <= buckets[:, 1]).all()
    assert np.array_equal(buckets[1:, 0], buckets[:-1, 1])


def test_values_without_a_place_on_the_axis_are_left_out() -> None:
    values = np.array([1.0, np.nan, 2.0, np.inf, -np.inf])
    assert count_buckets(values)[:, 2].sum() == 2
    assert count_buckets(np.array([np.nan, np.inf])).tolist() == np.zeros((BUCKETS, 3)).tolist()
