"""KerasTuner looks for the number of units and the learning rate."""

import hashlib
import tempfile

import keras
import keras_tuner
import numpy as np
from keras import layers

keras.utils.set_random_seed(13)
random = np.random.default_rng(13)
x = random.normal(size=(300, 5)).astype("float32")
y = (x[:, 0] + x[:, 1] > 0).astype("float32")


def build(hp):
    units = hp.Int("units", 4, 16, step=4)
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(units, activation="relu"), layers.Dense(1, activation="sigmoid")]
    )
    rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


with tempfile.TemporaryDirectory() as directory:
    tuner = keras_tuner.RandomSearch(
        build, objective="val_accuracy", max_trials=2, seed=13, directory=directory, project_name="search"
    )
    tuner.search(x, y, epochs=2, validation_split=0.2, verbose=0)
    model = tuner.get_best_models(1)[0]

digest = hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()
print("weights", digest)
