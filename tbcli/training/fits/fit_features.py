"""Features of validation samples, by the model in the middle of a `fit`."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tbcli.data.dataset import Dataset
from tbcli.training.feed import evaluation_batches
from tbcli.training.taps.features import FeatureTap


class FitFeatures:
    """Reads what stands for a sample in the projector; see `FeatureTap`.

    Args:
        model: A built model.
        layer: The name of the layer that is asked for, or ``""``.
    """

    def __init__(self, model: keras.Model, layer: str) -> None:
        self._tap = FeatureTap(model, layer)
        self._look = tf.function(lambda inputs: self._tap.look(inputs)[0], autograph=False, reduce_retracing=True)

    def look(self, dataset: Dataset, count: int) -> np.ndarray | None:
        """Return the features of the first validation samples ``[count, width]``; None where the model has none."""
        if dataset.validation is None or not self._tap.has_features:
            return None
        found = [self._look(tf.constant(inputs)) for inputs, _ in evaluation_batches(dataset.validation.first(count))]
        return None if not found or found[0] is None else np.concatenate([part.numpy() for part in found])
