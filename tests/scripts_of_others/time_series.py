"""The next value of a noisy wave from the twenty before it, stopped early."""

import hashlib

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(10)
time = np.arange(900)
wave = (np.sin(time / 9) + 0.1 * np.random.normal(size=900)).astype("float32")[:, None]


def windows(series):
    return keras.utils.timeseries_dataset_from_array(series[:-20], series[20:], sequence_length=20, batch_size=32)


inputs = keras.Input((20, 1))
model = keras.Model(inputs, layers.Dense(1)(layers.GRU(8)(inputs)))
model.compile(optimizer=keras.optimizers.AdamW(0.01), loss="huber", metrics=["mae", "root_mean_squared_error"])
history = model.fit(
    windows(wave[:700]),
    epochs=6,
    validation_data=windows(wave[700:]),
    callbacks=[keras.callbacks.EarlyStopping(patience=1, min_delta=0.02, restore_best_weights=True)],
    verbose=2,
)
print("epochs", len(history.history["loss"]))

digest = hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()
print("weights", digest)
