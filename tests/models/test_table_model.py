"""The saved model of a table takes its raw columns, where tbcli is not installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tbcli.config import ModelConfig
from tbcli.data.dataset import Column
from tbcli.models import build_model, is_compiled
from tests.models.data_sets import COLUMNS, table

pytestmark = [pytest.mark.tf, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]

READER = """
import json, sys
import keras, tensorflow as tf
model = keras.models.load_model("model.keras")
rows = {
    "age_years": tf.constant([[50.0], [float("nan")], [38.0]]),
    "colour": tf.constant([["red"], ["never seen"], [""]]),
    "town": tf.constant([["town 7"], [""], ["nowhere"]]),
}
assert "tbcli" not in sys.modules
print(json.dumps(model.predict(rows, verbose=0).tolist()))
"""


@pytest.mark.slow
def test_words_are_coded_and_gaps_filled_inside_and_it_loads_elsewhere(tmp_path: Path) -> None:
    from tbcli.models.table_model import raw_rows, with_raw_columns

    dataset = table()
    model = build_model(ModelConfig(name="mlp"), dataset, "float32")
    raw = with_raw_columns(model, COLUMNS)
    codes, _ = dataset.train.batch(slice(None))
    assert np.allclose(raw(raw_rows(codes, COLUMNS)), model(codes), atol=1e-6)
    raw.save(tmp_path / "model.keras")
    argv = [sys.executable, "-I", "-c", READER]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = model(np.array([[50, 2, 8], [38, 0, 0], [38, 0, 0]], np.float32))
    assert np.allclose(json.loads(done.stdout), expected, atol=1e-5)


def test_names_that_keras_refuses_are_written_otherwise_and_stay_distinct() -> None:
    from tbcli.models.table_model import input_names

    columns = [Column("km/h"), Column("km_h"), Column(""), Column("Größe (m)")]
    assert input_names(columns) == ("km_h", "km_h_2", "column3", "Größe (m)")


def test_one_of_raw_columns_is_trained_further_on_the_same_columns_only(tmp_path: Path) -> None:
    from tbcli.errors import DoesNotFit
    from tbcli.models.table_model import with_raw_columns

    first = table()
    model = build_model(ModelConfig(name="mlp"), first, "float32")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    path = str(tmp_path / "table.keras")
    with_raw_columns(model, COLUMNS).save(path)
    again = build_model(ModelConfig(name=path), first, "float32")
    codes, _ = first.train.batch(slice(None))
    assert np.array_equal(again(codes), model(codes))
    assert not is_compiled(again)
    renamed = (COLUMNS[0], Column("color", "category", ("green", "red")), COLUMNS[2])
    swapped = (COLUMNS[0], Column("colour", "category", ("red", "green")), COLUMNS[2])
    for columns, sentence in {renamed: "takes the columns", swapped: "other values of the column 'colour'"}.items():
        with pytest.raises(DoesNotFit, match=sentence):
            build_model(ModelConfig(name=path), table(columns), "float32")
