"""Train a base on half of the classes, freeze it, train a new head on the others, then fine-tune all of it."""

import hashlib

import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(9)
digits = load_digits()
x, y = digits.images[..., None].astype("float32") / 16, digits.target
old, new = y < 5, y >= 5

base = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        layers.Conv2D(12, 3, activation="relu"),
        layers.BatchNormalization(),
        layers.Conv2D(12, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
    ],
    name="base",
)
pretraining = keras.Sequential([base, layers.Dense(5, activation="softmax")])
pretraining.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
pretraining.fit(x[old], y[old], batch_size=64, epochs=2, verbose=0)

base.trainable = False
inputs = keras.Input((8, 8, 1))
features = base(inputs, training=False)
model = keras.Model(inputs, layers.Dense(5)(layers.Dropout(0.2)(features)))
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(1e-2), loss, metrics=[keras.metrics.SparseCategoricalAccuracy()])
model.fit(x[new], y[new] - 5, batch_size=64, epochs=2, validation_split=0.2, verbose=2)

base.trainable = True
model.compile(keras.optimizers.Adam(1e-4), loss, metrics=[keras.metrics.SparseCategoricalAccuracy()])
model.fit(x[new], y[new] - 5, batch_size=64, epochs=4, initial_epoch=2, validation_split=0.2, verbose=2)

digest = hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()
print("weights", digest)
