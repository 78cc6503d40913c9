"""The functional API: a title, numbers and tags go in, a priority and a department come out; with sample weights."""

import hashlib

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(5)
random = np.random.default_rng(5)
titles = random.integers(0, 100, size=(320, 10))
numbers = random.normal(size=(320, 4)).astype("float32")
priority = (numbers[:, :1] > 0).astype("float32")
department = titles[:, 0] % 4

title_input = keras.Input((None,), name="title", dtype="int32")
numbers_input = keras.Input((4,), name="numbers")
title = layers.LSTM(8)(layers.Embedding(100, 8)(title_input))
merged = layers.concatenate([title, layers.Dense(8, activation="relu")(numbers_input)])
model = keras.Model(
    inputs={"title": title_input, "numbers": numbers_input},
    outputs={
        "priority": layers.Dense(1, name="priority")(merged),
        "department": layers.Dense(4, name="department")(merged),
    },
)
model.compile(
    optimizer="adam",
    loss={
        "priority": keras.losses.BinaryCrossentropy(from_logits=True),
        "department": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    },
    metrics={"priority": ["mae"], "department": ["accuracy"]},
    loss_weights={"priority": 1.0, "department": 0.2},
)
model.fit(
    {"title": titles, "numbers": numbers},
    {"priority": priority, "department": department},
    sample_weight={"priority": np.ones(320, "float32"), "department": np.linspace(0.5, 1.5, 320, dtype="float32")},
    epochs=2,
    batch_size=32,
    validation_split=0.2,
    verbose=2,
)

digest = hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()
print("weights", digest)
