"""`tbcli.Callback` at ``standard`` in somebody's `fit`: whole processes with it and without, a long and a short one."""

from __future__ import annotations

import os
import statistics
import tempfile

from tests.benchmarks.measure import PYTHON, interleaved, ratio, report

ROUNDS = int(os.environ.get("BENCH_CALLBACK_ROUNDS", "5"))
LONG, SHORT = (int(epochs) for epochs in os.environ.get("BENCH_CALLBACK_EPOCHS", "80,2").split(","))
MOST_SHARE = 1.05  # of a fit of a minute
MOST_SECONDS = 1.0  # more, of a fit of seconds

PROGRAM = """
import sys
import keras, numpy
from tbcli.data.mnist import MNIST_FILE
place, epochs = sys.argv[1], int(sys.argv[2])
with numpy.load(MNIST_FILE) as file:
    x, y = file["x_train"][:9000, ..., None].astype("float32") / 255, file["y_train"][:9000].astype("int64")
layers = keras.layers
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(),
    layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
    layers.Flatten(), layers.Dropout(0.3), layers.Dense(10, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
callbacks = []
if place:
    import tbcli
    callbacks = [tbcli.Callback(workspace=place)]
model.fit(x, y, batch_size=64, epochs=epochs, validation_split=0.1, verbose=0, callbacks=callbacks)
"""


def bench() -> None:
    for epochs in (LONG, SHORT):
        with tempfile.TemporaryDirectory() as top:
            words = {"a fit": "", "with tbcli.Callback()": top}
            contestants = {name: [PYTHON, "-c", PROGRAM, place, str(epochs)] for name, place in words.items()}
            costs = interleaved(contestants, rounds=ROUNDS, warmups=0)
        bare, recorded = costs["a fit"], costs["with tbcli.Callback()"]
        goals = {"with tbcli.Callback()": MOST_SHARE} if epochs == LONG else None
        report(f"{epochs} epochs of 8,100 samples of MNIST", costs, peer="a fit", goals=goals)
        more = statistics.median(ours.cpu - theirs.cpu for ours, theirs in zip(recorded, bare, strict=True))
        verdict = "met" if more <= MOST_SECONDS else "MISSED"
        told = f", goal <= {MOST_SECONDS:g}: {verdict}" if epochs == SHORT else ""
        print(f"  {more:+.2f} CPU s ({ratio(costs, 'with tbcli.Callback()', 'a fit'):.3f}x){told}", flush=True)
