"""The tutorial everybody copies, written plainly: load, fit with Keras' TensorBoard callback, evaluate, plot, save.

Usage: tutorial.py OUTPUT_DIRECTORY EPOCHS SEED
"""

import sys
from pathlib import Path

import keras
import matplotlib as mpl
import numpy as np
import tensorflow as tf

import tbcli.data

mpl.use("Agg")
import matplotlib.pyplot as plt

output, epochs, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
output.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(seed)

with np.load(Path(tbcli.data.__file__).with_name("mnist.npz")) as arrays:
    x_train, y_train = arrays["x_train"], arrays["y_train"]
    x_test, y_test = arrays["x_test"], arrays["y_test"]
x_train = x_train.reshape(-1, 28, 28, 1).astype("float32") / 255
x_test = x_test.reshape(-1, 28, 28, 1).astype("float32") / 255

# The same network as tbcli's cnn.
model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(64, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
tensorboard = keras.callbacks.TensorBoard(
    log_dir=output / "logs", histogram_freq=1, write_graph=True, write_images=True, update_freq="epoch", profile_batch=0
)
history = model.fit(
    x_train, y_train, batch_size=128, epochs=epochs, validation_split=0.1, callbacks=[tensorboard], verbose=2
)
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
for axes, metric in ((left, "accuracy"), (right, "loss")):
    axes.plot(history.history[metric], label="train")
    axes.plot(history.history[f"val_{metric}"], "--", label="validation")
    axes.set_title(metric)
    axes.legend()
figure.savefig(output / "training_history.png")
model.save(output / "model.keras")
(output / "accuracy.txt").write_text(f"{accuracy}\n")
print("accuracy", accuracy, "tensorflow", tf.__version__)
