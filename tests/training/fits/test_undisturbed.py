"""Looking at a model leaves no trace in what random numbers are drawn from."""

from __future__ import annotations

import random
from typing import Any

import keras
import numpy as np
import pytest

from tbcli.training.fits.undisturbed import undisturbed, value_of

pytestmark = pytest.mark.tf


class Noisy(keras.layers.Layer):
    """Draws whether it trains or not, as the sampling layer of a variational autoencoder does."""

    def __init__(self) -> None:
        super().__init__()
        self.seeds = keras.random.SeedGenerator(4)

    def call(self, inputs: Any) -> Any:
        return inputs + keras.random.normal(keras.ops.shape(inputs), seed=self.seeds)


def test_random_states_and_seeds_of_layers_are_put_back() -> None:
    model = keras.Sequential([keras.Input((3,)), Noisy(), keras.layers.BatchNormalization()])
    sample = np.ones((2, 3), np.float32)
    seeds = [value_of(variable) for variable in model.non_trainable_variables]
    random.seed(1)
    np.random.seed(1)
    expected = random.random(), np.random.random()
    random.seed(1)
    np.random.seed(1)
    with undisturbed(model):
        first = keras.ops.convert_to_numpy(model(sample))
        random.random()
        np.random.random()
    assert (random.random(), np.random.random()) == expected
    for before, variable in zip(seeds, model.non_trainable_variables, strict=True):
        assert (before == value_of(variable)).all()
    assert (keras.ops.convert_to_numpy(model(sample)) == first).all()


def test_an_exception_puts_them_back_too() -> None:
    random.seed(2)
    state = random.getstate()
    with pytest.raises(ZeroDivisionError), undisturbed():
        random.seed(1 // 0 if random.random() < 1 else 0)
    assert random.getstate() == state
