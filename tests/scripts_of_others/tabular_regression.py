"""The progression of a disease from ten measurements, with a Normalization layer in the model."""

import hashlib

import keras
from keras import layers
from sklearn.datasets import load_diabetes

EPOCHS = 4
LEARNING_RATE = 0.02

keras.utils.set_random_seed(3)
x, y = load_diabetes(return_X_y=True)
x, y = x.astype("float32"), (y / 100).astype("float32")

normalize = layers.Normalization()
normalize.adapt(x[:350])
model = keras.Sequential(
    [
        keras.Input((10,)),
        normalize,
        layers.Dense(32, activation="relu"),
        layers.Dense(16, activation="relu"),
        layers.Dense(1),
    ]
)
model.compile(optimizer=keras.optimizers.RMSprop(LEARNING_RATE), loss="mse", metrics=["mae"])
model.fit(
    x[:350],
    y[:350],
    batch_size=25,
    epochs=EPOCHS,
    validation_data=(x[350:], y[350:]),
    callbacks=[keras.callbacks.ReduceLROnPlateau(patience=1)],
    verbose=0,
)
print("mean absolute error", round(model.evaluate(x[350:], y[350:], verbose=0, return_dict=True)["mae"], 4))

digest = hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()
print("weights", digest)
