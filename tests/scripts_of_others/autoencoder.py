"""A convolutional autoencoder that takes the noise out of digits."""

import hashlib

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(6)
clean = load_digits().images[:500, ..., None].astype("float32") / 16
noisy = np.clip(clean + 0.3 * np.random.normal(size=clean.shape), 0, 1).astype("float32")

inputs = keras.Input((8, 8, 1))
x = layers.Conv2D(16, 3, activation="relu", padding="same")(inputs)
x = layers.MaxPooling2D(2, padding="same")(x)
x = layers.Conv2DTranspose(16, 3, strides=2, activation="relu", padding="same")(x)
model = keras.Model(inputs, layers.Conv2D(1, 3, activation="sigmoid", padding="same")(x))
model.compile(optimizer="adam", loss="binary_crossentropy")
model.fit(noisy, clean, epochs=3, batch_size=50, shuffle=True, validation_data=(noisy[:100], clean[:100]), verbose=2)
print("restored", model.predict(noisy[:4], verbose=0).shape)

digest = hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()
print("weights", digest)
