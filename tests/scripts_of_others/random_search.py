"""A random search by hand: each trial gets its own copy of the callbacks, as tuners make them."""

import copy
import hashlib

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(12)
random = np.random.default_rng(12)
x = random.normal(size=(300, 5)).astype("float32")
y = (x[:, 0] * x[:, 1] > 0).astype("int64")


def build(units, rate):
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(units, activation="relu"), layers.Dense(2, activation="softmax")]
    )
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def search(callbacks):
    best, best_score = None, -1.0
    for _ in range(3):
        units, rate = int(random.integers(4, 17)), float(10 ** random.uniform(-3, -1))
        model = build(units, rate)
        history = model.fit(x, y, epochs=3, validation_split=0.2, callbacks=copy.deepcopy(callbacks), verbose=0)
        score = max(history.history["val_accuracy"])
        if score > best_score:
            best, best_score = model, score
    return best


model = search([keras.callbacks.EarlyStopping(patience=2)])

digest = hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()
print("weights", digest)
