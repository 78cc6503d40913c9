"""Processes that train together notice what differs: data, the model, its weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tbcli.data.dataset import Split
from tbcli.errors import DoesNotFit
from tbcli.training.feed import checksums_of
from tbcli.training.lesson import Lesson

INPUTS = np.arange(6000, dtype=np.float32).reshape(2000, 3)
LABELS = np.arange(2000, dtype=np.int64) % 7


def split_of(inputs: Any = INPUTS, labels: np.ndarray = LABELS) -> Split:
    return Split(inputs, labels, np.arange(len(labels), dtype=np.int64))


def changed(values: np.ndarray, at: int) -> np.ndarray:
    other = values.copy()
    other[at] += 1
    return other


class Restless:
    """A stream that draws its changes to samples anew each time."""

    shape, dtype = INPUTS.shape, INPUTS.dtype

    def __init__(self) -> None:
        self._rng = np.random.default_rng()

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        return INPUTS[positions] + self._rng.normal(size=(len(positions), 1)).astype(np.float32)


def require_same(first: Split, here: Split) -> None:
    Lesson({}, checksums_of(first), None, {}).require_same(here)


@pytest.mark.parametrize(
    ("here", "what"),
    [
        (split_of(changed(INPUTS, 1234)), "other inputs"),
        (split_of(labels=changed(LABELS, 1234)), "other labels"),
        (split_of(INPUTS[:1999], LABELS[:1999]), "2,000 samples there, 1,999 here"),
    ],
)
def test_one_sample_that_differs_between_workers_is_told(here: Split, what: str) -> None:
    with pytest.raises(DoesNotFit, match=what):
        require_same(split_of(), here)


def test_the_same_samples_and_streams_that_change_them_at_random_are_no_difference() -> None:
    require_same(split_of(), split_of(INPUTS.copy()))
    require_same(split_of(Restless()), split_of(Restless()))


@pytest.fixture(scope="module")
def model() -> Iterator[Any]:
    import keras

    built = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.BatchNormalization()])
    built.compile("adam", "mse")
    built.optimizer.build(built.trainable_variables)
    yield built
    keras.backend.clear_session()


FACTS = {"precision": "float32", "code": {"of": ["3.12"], "layers": ["Dense 1"], "whole": "2", "loss": "3"}}


@pytest.mark.tf
@pytest.mark.parametrize(
    ("theirs", "what"),
    [
        ({"precision": "mixed_bfloat16"}, "another precision"),
        ({"code": {**FACTS["code"], "layers": ["Dense 9"]}}, "its layers"),  # type: ignore[dict-item]
        ({"code": {**FACTS["code"], "loss": "9"}}, "its loss"),  # type: ignore[dict-item]
    ],
)
def test_a_model_that_differs_between_workers_is_told(model: Any, theirs: Any, what: str) -> None:
    from tbcli.training.agreement import parts_of, require_same_parts

    ours, others = parts_of(model, FACTS), parts_of(model, {**FACTS, **theirs})
    with pytest.raises(DoesNotFit, match=what):
        require_same_parts(ours, others)
    require_same_parts(ours, ours)


@pytest.mark.tf
def test_hashes_of_code_of_another_python_or_of_none_are_no_difference(model: Any) -> None:
    from tbcli.training.agreement import parts_of, require_same_parts

    elsewhere = {"of": ["3.13"], "layers": ["Dense 8"], "whole": "8", "loss": "8"}
    for facts in ({**FACTS, "code": elsewhere}, {"precision": "float32"}):
        require_same_parts(parts_of(model, FACTS), parts_of(model, facts))


@pytest.mark.tf
@pytest.mark.parametrize(
    ("name", "by", "is_of"),
    [("kernel", 0.1, "weights"), ("kernel", 1e-7, ""), ("moving_mean", 0.1, "states"), ("kernel", np.nan, "weights")],
)
def test_weights_that_differ_are_told_from_rounding_and_from_what_a_layer_keeps(
    model: Any, name: str, by: float, is_of: str
) -> None:
    from tbcli.training.agreement import compared_variables, differences, largest_difference

    variables = compared_variables(model, at_end=True)
    first = [np.asarray(each.numpy(), np.float64) for each in variables]
    (at,) = [at for at, each in enumerate(variables) if each.path.endswith(name) and "adam" not in each.path]
    first[at] = first[at] + by
    found = largest_difference(model, variables, differences(variables, first))
    assert name in found.what
    assert (found.is_of_weights, found.is_of_states) == (is_of == "weights", is_of == "states")
