"""Files, arrays, functions, scripts and settings that cannot be used: a message that says so, and the exit code."""

from __future__ import annotations

import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

Cli = Callable[..., Result]
USAGE, NOT_FOUND, DOES_NOT_FIT = 2, 3, 4

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1)).astype(np.uint8)
ROWS = np.random.default_rng(1).normal(size=(60, 3)).astype(np.float32)
NUMBERS = np.arange(60) % 3

FUNCTIONS = """
    import numpy as np
    ROWS = np.random.default_rng(1).normal(size=(60, 3)).astype("float32")
    NUMBERS = np.arange(60) % 3
    def raises(): return ROWS[0] @ ROWS
    def nothing(): pass
    def inputs_alone(): return ROWS
    def ragged(): return [[1, 2], [3]], [0, 1]
    def wants(folder): return ROWS, NUMBERS
    def takes(count: int = 3): return ROWS[:count], NUMBERS[:count]
    def classes(): return ROWS, NUMBERS
    def two(): return ROWS, NUMBERS % 2
    def values(): return ROWS, ROWS @ [1.0, 2.0, 3.0] + 0.5
    def labels(): return ROWS, (ROWS > 0).astype("uint8")
"""
MODELS = """
    import keras
    from keras import layers
    def model(input_shape, units, activation, **compiled):
        found = keras.Sequential([keras.Input(input_shape), layers.Dense(units, activation=activation)])
        if compiled:
            found.compile(**compiled)
        return found
    def three(input_shape): return "a model"
    def too_many(input_shape): return model(input_shape, 7, "softmax")
    def fixed(): return model((5,), 3, "softmax")
    def relu(input_shape): return model(input_shape, 3, "sigmoid")
    def fails(input_shape): raise RuntimeError("out of ideas")
    def no_logits(input_shape): return model(input_shape, 3, None, loss="sparse_categorical_crossentropy")
    def of_values(input_shape): return model(input_shape, 1, None, loss="mse")
    def of_labels(input_shape): return model(input_shape, 3, "sigmoid", loss="binary_crossentropy")
    def two_outputs(input_shape):
        inputs = keras.Input(input_shape)
        return keras.Model(inputs, [layers.Dense(3)(inputs), layers.Dense(1)(inputs)])
    def two_inputs(input_shape):
        both = [keras.Input(input_shape), keras.Input(input_shape)]
        return keras.Model(both, layers.Dense(3)(layers.Add()(both)))
    def constant(y_true, y_pred): return keras.ops.mean(y_true)
    def out_of_range(y_true, y_pred): return y_pred[:, 9]
    def mine(y_true, y_pred): return keras.ops.mean(y_pred, -1)
    def looks(y_true, y_pred): return float(y_pred.numpy().mean())
    class Looks(layers.Layer):
        def call(self, x, training=False): return x * float(x[0, 0]) if training else x
    def learns_eagerly(input_shape):
        return keras.Sequential([keras.Input(input_shape), Looks(), layers.Dense(3, activation="softmax")])
    def several(): return keras.metrics.F1Score()
"""


def save_arrays(path: str, **arrays: object) -> None:
    np.savez(path, **arrays)  # type: ignore[arg-type]


def make_files() -> None:
    """Fill the current directory with what is wrong in one way each."""
    Path("functions.py").write_text(textwrap.dedent(FUNCTIONS))
    Path("models.py").write_text(textwrap.dedent(MODELS))
    Path("broken.py").write_text("def load(:\n")
    Path("imports.py").write_text("import nowhere_to_be_found\n")
    Path("leaves.py").write_text("raise SystemExit(0)\n")
    Path("notes.txt").write_text("no data\n")
    Path("empty").mkdir()
    Path("one-class/cats").mkdir(parents=True)
    Image.fromarray(PIXELS[0, :, :, 0]).save("one-class/cats/1.png")
    for name in ("cats", "dogs"):
        Path(f"texts/{name}").mkdir(parents=True)
        Path(f"texts/{name}/1.txt").write_text("a text")
        Path(f"damaged/{name}").mkdir(parents=True)
        Path(f"damaged/{name}/1.png").write_bytes(b"\x89PNG damaged")
    Path("not.zip").write_bytes(b"no zip")
    with zipfile.ZipFile("no-images.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    Path("not.npz").write_bytes(b"no arrays")
    save_arrays("no-labels.npz", x=ROWS)
    save_arrays("strange.npz", a=ROWS, b=NUMBERS, c=NUMBERS)
    save_arrays("lengths.npz", x=ROWS, y=NUMBERS[:-1])
    save_arrays("nan-labels.npz", x=ROWS, y=np.where(NUMBERS == 1, np.nan, ROWS[:, 0]))
    save_arrays("nan-inputs.npz", x=np.where(ROWS > 1, np.nan, ROWS), y=NUMBERS)
    save_arrays("shapes.npz", x_train=ROWS, y_train=NUMBERS, x_test=ROWS[:, :2], y_test=NUMBERS)
    save_arrays("single.npz", x=ROWS, y=np.zeros(60, np.int64))
    save_arrays("one.npz", x=ROWS[:1], y=NUMBERS[:1])
    save_arrays("objects.npz", x=np.array([{}, {}], object), y=np.array([0, 1]))
    save_arrays("words.npz", x=np.array(["a", "b"] * 30), y=NUMBERS)
    Path("table.csv").write_text("age,city,price\n" + "".join(f"{i},Ulm,{i * 2}.5\n" for i in range(40)))
    Path("empty.csv").write_text("")
    Path("header.csv").write_text("age,price\n")
    Path("constant.csv").write_text("age,price\n" + "".join(f"{i},7\n" for i in range(40)))
    Path("not.parquet").write_bytes(b"no table")
    Path("not.keras").write_bytes(b"no model")
    Path("notebook.ipynb").write_text("{}")


def names_here() -> set[str]:
    return {path.name for path in Path().iterdir()}


def tf(*case: object) -> object:
    return pytest.param(*case, marks=pytest.mark.tf)


# The command line, the code, what of the message is shown, and what of the advice.
CASES: list[object] = [
    # settings
    ("train --loss hubre", USAGE, "unknown loss 'hubre'", "did you mean 'huber'"),
    ("train --metrics auk", USAGE, "unknown metric 'auk'", "'auc'"),
    ("train --metrics PrecisionAtRecall", USAGE, "needs arguments", "keras.metrics.PrecisionAtRecall(...)"),
    ("train --metrics losses.py:mine", NOT_FOUND, "losses.py", "functions.py"),
    ("train --monitor val_auk --metrics auc", USAGE, "cannot monitor 'val_auk'", "'val_auc'"),
    ("train --monitor val_mae", USAGE, "cannot monitor 'val_mae'", "val_loss"),
    ("train --check test_mae<1", NOT_FOUND, "test_mae", "test_macro_f1"),
    ("train --task regresion", USAGE, "regresion", "regression"),
    ("train --data-arg count", USAGE, "'count'", "units=64"),
    # a loss or a metric that is for another task
    ("train --loss mse", DOES_NOT_FIT, "'mean_squared_error' compares values", "sparse_categorical_crossentropy"),
    ("train --loss binary_crossentropy", DOES_NOT_FIT, "not for 10 classes", "sparse_categorical_crossentropy"),
    ("train --metrics r2", DOES_NOT_FIT, "the metric 'r2'", "accuracy"),
    ("train --data functions.py:values --loss bce", DOES_NOT_FIT, "regression has not", "huber"),
    ("train --data functions.py:values --metrics auc", DOES_NOT_FIT, "regression has not", "mae"),
    ("train --data functions.py:values --balance", DOES_NOT_FIT, "--balance needs classes", "without"),
    ("train --data functions.py:labels --loss sparse_categorical_crossentropy", DOES_NOT_FIT, "multi-label", "bin"),
    ("train --data functions.py:values --monitor val_accuracy", USAGE, "val_accuracy", "val_mae"),
    # files
    ("train --data nowhere.npz", NOT_FOUND, "nowhere.npz", "holds broken.py"),
    ("train --data notes.txt", DOES_NOT_FIT, "'.txt'", "FILE.py:FUNCTION"),
    ("train --data empty", DOES_NOT_FIT, "empty", ""),
    ("train --data one-class", DOES_NOT_FIT, "cats", ""),
    ("train --data texts", DOES_NOT_FIT, "texts", ""),
    ("train --data damaged", DOES_NOT_FIT, "all 2 images are broken", ""),
    ("train --data not.zip", DOES_NOT_FIT, "not.zip", ""),
    ("train --data no-images.zip", DOES_NOT_FIT, "no-images.zip", ""),
    ("train --data empty.csv --target price", DOES_NOT_FIT, "empty.csv", ""),
    ("train --data header.csv --target price", DOES_NOT_FIT, "header.csv", ""),
    ("train --data table.csv", USAGE, "no --target given", "--target"),
    ("train --data table.csv --target prize", NOT_FOUND, "prize", "price"),
    ("train --data constant.csv --target price --task regression", DOES_NOT_FIT, "are 7", "nothing to learn"),
    ("train --data not.parquet --target price", DOES_NOT_FIT, "not.parquet", ""),
    # arrays
    ("train --data not.npz", DOES_NOT_FIT, "not.npz", ""),
    ("train --data no-labels.npz", DOES_NOT_FIT, "no-labels.npz", "y"),
    ("train --data strange.npz", DOES_NOT_FIT, "strange.npz", "x_train"),
    ("train --data lengths.npz", DOES_NOT_FIT, "inputs have shape [60, 3], the targets [59]", ""),
    ("train --data nan-labels.npz", DOES_NOT_FIT, "NaN", ""),
    ("train --data nan-inputs.npz", DOES_NOT_FIT, "NaN", "remove"),
    ("train --data shapes.npz", DOES_NOT_FIT, "shape", ""),
    ("train --data single.npz", DOES_NOT_FIT, "one class", "two"),
    ("train --data one.npz", DOES_NOT_FIT, "one sample", ""),
    ("train --data objects.npz", DOES_NOT_FIT, "object", ""),
    ("train --data words.npz", DOES_NOT_FIT, "type <U1", ""),
    # functions
    ("train --data functions.py:lost", DOES_NOT_FIT, "no data function 'lost'", "def load"),
    ("train --data nowhere.py:load", NOT_FOUND, "nowhere.py", "functions.py"),
    ("train --data broken.py:load", DOES_NOT_FIT, "SyntaxError", "traceback"),
    ("train --data imports.py:load", DOES_NOT_FIT, "nowhere_to_be_found", "traceback"),
    ("train --data leaves.py:load", DOES_NOT_FIT, "SystemExit", "traceback"),
    ("train --data functions.py:raises", DOES_NOT_FIT, "'raises' fails: ValueError", "def load"),
    ("train --data functions.py:nothing", DOES_NOT_FIT, "returns None", "def load"),
    ("train --data functions.py:inputs_alone", DOES_NOT_FIT, "returns a value of type ndarray", "def load"),
    ("train --data functions.py:ragged", DOES_NOT_FIT, "list", "def load"),
    ("train --data functions.py:wants", DOES_NOT_FIT, "'folder'", "KEY=VALUE"),
    ("train --data functions.py:takes --data-arg cuont=5", USAGE, "'cuont'", "count"),
    ("train --data functions.py:takes --data-arg count=few", USAGE, "must be int", "count=1"),
    # models
    ("train --model nowhere.keras", NOT_FOUND, "nowhere.keras", ""),
    tf("train --data functions.py:classes --model not.keras", DOES_NOT_FIT, "not.keras", ""),
    tf("train --data functions.py:classes --model models.py:three", DOES_NOT_FIT, "keras.Model", "return"),
    tf("train --data functions.py:classes --model models.py:too_many", DOES_NOT_FIT, "7 outputs", "3 units"),
    tf("train --data functions.py:classes --model models.py:fixed", DOES_NOT_FIT, "samples of shape 5", "input_shape"),
    tf("train --data functions.py:classes --model models.py:relu", DOES_NOT_FIT, "'sigmoid'", "softmax"),
    tf("train --data functions.py:classes --model models.py:fails", DOES_NOT_FIT, "out of ideas", "called as"),
    tf("train --data functions.py:classes --model models.py:two_outputs", DOES_NOT_FIT, "2 outputs", "one"),
    tf("train --data functions.py:classes --model models.py:two_inputs", DOES_NOT_FIT, "2 inputs", "one input"),
    tf("train --data functions.py:classes --model models.py:no_logits", DOES_NOT_FIT, "'linear'", "from_logits=True"),
    tf("train --data functions.py:two --model models.py:of_values", DOES_NOT_FIT, "for regression", "--task"),
    tf("train --data functions.py:classes --model models.py:of_labels", DOES_NOT_FIT, "for multi-label", "--task"),
    tf("train --data functions.py:classes --model-arg unitz=3", USAGE, "unitz", "units"),
    # losses and metrics of one's own
    tf("train --data functions.py:classes --loss models.py:lost", DOES_NOT_FIT, "'lost'", "y_true, y_pred"),
    tf("train --data functions.py:classes --loss models.py:constant", DOES_NOT_FIT, "no gradient", "keras.ops"),
    tf("train --data functions.py:classes --loss models.py:out_of_range", DOES_NOT_FIT, "the loss fails", "class num"),
    tf("train --data functions.py:classes --metrics models.py:looks", DOES_NOT_FIT, "a metric fails", "class numbers"),
    tf("train --data functions.py:classes --model models.py:learns_eagerly", DOES_NOT_FIT, "first step", "keras.ops"),
    tf("train --data functions.py:classes --metrics models.py:several", DOES_NOT_FIT, "3 numbers", "mean"),
    tf(
        "train --data functions.py:classes --metrics models.py:mine --monitor val_mind",
        USAGE,
        "'val_mind'",
        "'val_mine'",
    ),
    # other commands
    ("data notes.txt", DOES_NOT_FIT, "'.txt'", "FILE.py:FUNCTION"),
    ("data nowhere", NOT_FOUND, "nowhere", ""),
    ("run nowhere.py", NOT_FOUND, "nowhere.py", ""),
    ("run notebook.ipynb", DOES_NOT_FIT, "notebook", ""),
    ("run --set-constant rate=0.1 functions.py", USAGE, "rate", ""),
    ("evaluate latest", NOT_FOUND, "no run", "train"),
    ("predict latest notes.txt", NOT_FOUND, "no run", "train"),
]


@pytest.mark.parametrize(("words", "code", "said", "advice"), CASES)
def test_bad_input_is_told_with_its_exit_code_and_leaves_nothing(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, words: str, code: int, said: str, advice: str
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    make_files()
    before = names_here()
    result = cli(*words.split())
    assert result.exit_code == code, result.stderr
    *_, message, hint = result.stderr.splitlines()
    assert said in message
    assert (message[:7], hint[:5]) == ("error: ", "try: ")
    assert advice in hint
    assert result.stdout == ""
    assert not list(Path("logs").glob("*"))
    assert names_here() - before <= {"logs", "__pycache__"}


def test_a_dry_run_finds_the_same_and_leaves_nothing(cli: Cli) -> None:
    make_files()
    before = names_here()
    for words, code, said, _ in (case for case in CASES[:20] if isinstance(case, tuple)):
        result = cli(*str(words).split(), "--dry-run")
        assert (result.exit_code, said in result.stderr) == (code, True), words
    assert names_here() - {"__pycache__"} == before
