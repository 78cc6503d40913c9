"""``writer.py NAME DIRECTORY STEPS PAUSE``: ten floats per step, written by one of several writers.

With a pause, seconds between two steps, the process measures each step and then kills itself with SIGKILL; without, it
measures the processor time of all steps and of closing. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

TAGS = 10
WARM_UP = 20  # steps that are written and not measured
FLUSH_SECONDS = 2
Write = Callable[[int, Mapping[str, float]], None]
Close = Callable[[], None]


def ours(directory: str) -> tuple[Write, Close]:
    """tbcli's own writer, which `--log-every 1` uses."""
    from tbcli.recorders.writer import EventWriter

    Path(directory).mkdir(parents=True, exist_ok=True)
    writer = EventWriter(Path(directory))
    return lambda step, values: writer.scalars(values, step, where="train"), writer.close


def tf_summary(directory: str) -> tuple[Write, Close]:
    """One `tf.summary.scalar` per value."""
    import tensorflow as tf

    writer = tf.summary.create_file_writer(directory, flush_millis=1000 * FLUSH_SECONDS)

    def write(step: int, values: Mapping[str, float]) -> None:
        with writer.as_default(step=step):
            for tag, value in values.items():
                tf.summary.scalar(tag, value)

    return write, writer.close


def tensorboardx(directory: str) -> tuple[Write, Close]:
    """One `add_scalar` per value: `add_scalars` would make a run of each."""
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(directory, flush_secs=FLUSH_SECONDS)

    def write(step: int, values: Mapping[str, float]) -> None:
        for tag, value in values.items():
            writer.add_scalar(tag, value, step)

    return write, writer.close


def keras_callback(directory: str) -> tuple[Write, Close]:
    """What Keras' callback does around each batch of a fit."""
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    callback = keras.callbacks.TensorBoard(directory, update_freq="batch", write_graph=False)
    callback.set_model(model)
    callback.on_train_begin()
    callback._should_write_train_graph = False

    def write(step: int, values: Mapping[str, float]) -> None:
        callback.on_train_batch_begin(step)
        callback.on_train_batch_end(step, values)

    return write, callback.on_train_end


WRITERS = {
    "tbcli": ours,
    "tf.summary": tf_summary,
    "tensorboardX": tensorboardx,
    "keras.callbacks.TensorBoard": keras_callback,
}


def main(name: str, directory: str, steps: int, pause: float) -> None:
    """Write the steps and print what they cost."""
    write, close = WRITERS[name](directory)
    values = {f"metric_{number}": 1 / (number + 3) for number in range(TAGS)}
    for step in range(WARM_UP):
        write(step, values)
    if not pause:
        began = time.process_time()
        for step in range(WARM_UP, WARM_UP + steps):
            write(step, values)
        close()
        print(json.dumps({"cpu": time.process_time() - began}))
        return
    stalls, ends = [], []
    for step in range(WARM_UP, WARM_UP + steps):
        time.sleep(pause)
        began = time.perf_counter()
        write(step, values)
        ends.append(time.perf_counter())
        stalls.append(ends[-1] - began)
    ago = [ends[-1] - end for end in ends]
    print(json.dumps({"stalls": stalls, "ago": ago}), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
