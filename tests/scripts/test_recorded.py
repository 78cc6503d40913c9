"""Real Keras scripts under ``tbcli run``: the same result, a whole run for every fit, one HParams table."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tbcli.config import PathsConfig
from tbcli.runs import Run, RunStore
from tbcli.runs.source import read_source
from tests.scripts.processes import PYTHON, TBCLI_RUN, Ended, run
from tests.serving.process import serving
from tests.tiny import Tiny

pytestmark = [pytest.mark.tf, pytest.mark.slow]

BEGINNING = """
import argparse, sys
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--units", type=int, default=4)
args = parser.parse_args()
"""
ONE_FIT = (
    '"""Learns."""'
    + BEGINNING
    + """
import settings
import numpy as np
from tensorflow import keras
EPOCHS = 2
keras.utils.set_random_seed(1)
x = np.random.default_rng(0).normal(size=(96, 6)).astype("float32")
y = (x.sum(axis=1) > 0).astype(int)
model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(args.units, "relu"), keras.layers.Dense(2, "softmax")])
model.compile(keras.optimizers.SGD(args.lr), "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, 16, EPOCHS, 0, validation_split=0.25)
print(len(history.history["loss"]), [weight.tobytes().hex() for weight in model.get_weights()])
sys.exit(5)
"""
)
SEVERAL_FITS = """
import sys
import numpy as np, keras, tbcli
from absl import app, flags
flags.DEFINE_float("momentum", 0.0, "")
flags.DEFINE_integer("epochs", 1, "")
x = np.ones((32, 3), "float32")

class Mine(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
    def call(self, x):
        return self.dense(x)
    def fit(self, *args, **named):
        print("mine")
        return super().fit(*args, **named)

class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch:
            import os, signal
            os.kill(os.getpid(), signal.SIGTERM)

def main(argv):
    model = Mine()
    model.compile("sgd", "mse", metrics=[keras.metrics.MeanAbsoluteError(name="far")])
    users = [keras.callbacks.History()]
    epochs = flags.FLAGS.epochs
    model.fit(x, x[:, 0], epochs=epochs, verbose=0, callbacks=users, validation_data=(x, x[:, 0]))
    model.fit(x, x[:, 0], epochs=epochs, verbose=0, callbacks=users)
    model.fit(x, x[:, 0], epochs=epochs, verbose=0, callbacks=[tbcli.Callback(name="explicit")])
    print(len(users))
    try:
        model.fit(x, x[:3], verbose=0)
    except ValueError:
        print("caught")
    model.fit(x, x[:, 0], epochs=9, verbose=0, callbacks=[Stop()])

app.run(main)
"""


class Recorded(NamedTuple):
    """What the scripts left."""

    python: Ended
    one: Ended
    several: Ended
    store: RunStore
    ids: list[str]

    def runs(self, script: str) -> list[Run]:
        return [found for found in self.store.list() if found.record.get("script") == script]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """One script under Python and under us, and one with many fits that is ended by a signal."""
    where = tmp_path_factory.mktemp("scripts")
    (where / "one.py").write_text(ONE_FIT)
    (where / "settings.py").write_text("x = 1\n")
    (where / "several.py").write_text(SEVERAL_FITS)
    words = ("--lr", "0.5")
    python = run(PYTHON, "one.py", *words, where=where)
    ours = run(TBCLI_RUN, "--name", "one", "--ids", "ids", "--set-constant", "EPOCHS=2", "one.py", *words, where=where)
    several = run(TBCLI_RUN, "--record", "light", "several.py", "--momentum=0.25", where=where)
    store = RunStore(PathsConfig(workspace=str(where)))
    return Recorded(python, ours, several, store, (where / "ids").read_text().splitlines())


def test_the_result_is_the_same_to_the_bit_and_so_is_the_exit_code(recorded: Recorded) -> None:
    assert recorded.one.code == recorded.python.code == 5
    assert recorded.one.out == recorded.python.out
    assert recorded.one.out.startswith("2 [")


def test_the_run_is_whole_and_knows_its_script(recorded: Recorded) -> None:
    (one,) = recorded.runs("one.py")
    assert recorded.ids == [one.id]
    assert f"tbcli: run {one.id}\n" in recorded.one.err
    assert (one.status(), one.name, one.record["epochs"]) == ("finished", "one", 2)
    assert one.record["arguments"] == {"lr": 0.5, "units": 4, "EPOCHS": 2}
    assert one.metric("val_accuracy") is not None
    assert not {"data", "graphs"} & set(one.record["recording"]["switched_off"])  # fit is given arrays
    source = read_source(one)
    assert set(source.files) == {"one.py", "settings.py"}
    assert source.files["one.py"] == ONE_FIT.encode()


def test_every_fit_is_one_run_whatever_becomes_of_it(recorded: Recorded) -> None:
    assert recorded.several.out == "mine\nmine\nmine\n1\nmine\ncaught\nmine\n"
    assert recorded.several.code == -signal.SIGTERM
    runs = recorded.runs("several.py")
    assert [(each.name, each.status()) for each in runs if each.status() != "failed"] == [
        ("", "finished"), ("", "finished"), ("explicit", "finished"), ("", "interrupted"),
    ]  # fmt: skip
    assert (runs[-1].record["status"], runs[-1].record["reason"]) == ("interrupted", "Terminated: SIGTERM")
    assert runs[-1].record["epochs"] == 1  # the signal comes before the end of the second
    assert all(each.record["arguments"] == {"momentum": 0.25, "epochs": 1} for each in runs)


def test_two_scripts_and_a_run_on_mnist_stand_in_one_table(recorded: Recorded, tiny: Tiny, tmp_path: Path) -> None:
    chosen = {"mnist": tiny.run, "one": recorded.runs("one.py")[0], "several": recorded.runs("several.py")[0]}
    for name, each in chosen.items():
        shutil.copytree(each.logs, tmp_path / name)
    statuses = [f"STATUS_{word}" for word in ("UNKNOWN", "SUCCESS", "FAILURE", "RUNNING")]
    with serving("--logdir", str(tmp_path)) as server:
        experiment = server.get("data/plugin/hparams/experiment", {})
        question = {
            "startIndex": 0,
            "sliceSize": 9,
            "allowedStatuses": statuses,
            "colParams": [],
            "includeMetrics": True,
        }
        groups = {
            each["name"]: each for each in server.get("data/plugin/hparams/session_groups", question)["sessionGroups"]
        }
    columns = [info["name"] for info in experiment["hparamInfos"]]
    assert {"lr", "units", "momentum", "EPOCHS", "learning_rate", "optimizer"} <= {*columns}
    assert {"arguments.momentum", "arguments.epochs"} <= {*columns}  # of ours there is one of that name
    values = {name: each["hparams"] for name, each in groups.items()}
    assert {*values} == {*chosen}
    assert (values["one"]["lr"], values["one"]["learning_rate"], values["one"]["optimizer"]) == (0.5, 0.5, "sgd")
    assert values["several"]["arguments.momentum"] == 0.25
    assert "lr" not in values["mnist"]
    assert ("validation", "epoch_far") in {
        (each["name"].get("group", ""), each["name"]["tag"]) for each in experiment["metricInfos"]
    }
    assert _metric(groups["several"], "validation", "epoch_far") is not None
    assert _metric(groups["mnist"], "validation", "epoch_accuracy") is not None
    assert json.dumps(values)  # no NaN


def _metric(group: dict[str, Any], where: str, tag: str) -> Any:
    found = [
        each for each in group["metricValues"] if (each["name"].get("group", ""), each["name"]["tag"]) == (where, tag)
    ]
    return found[0]["value"] if found else None
