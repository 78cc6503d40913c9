"""A small convolutional network that learns to tell digits apart."""

import argparse
import hashlib

import keras
from keras import layers
from sklearn.datasets import load_digits

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--lr", type=float, default=2e-3)
args = parser.parse_args()

keras.utils.set_random_seed(1)
digits = load_digits()
x, y = digits.images[:800, ..., None].astype("float32") / 16, digits.target[:800]

model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(args.lr), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x[:640], y[:640], batch_size=32, epochs=args.epochs, validation_split=0.1, verbose=2)
loss, accuracy = model.evaluate(x[640:], y[640:], verbose=0)
print(f"test accuracy {accuracy:.4f}")

digest = hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()
print("weights", digest)
