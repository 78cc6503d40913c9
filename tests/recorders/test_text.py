"""Texts: what they say is true, and whatever a user wrote is shown as it was written."""

from __future__ import annotations

import html
import re
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_recall_fscore_support

from tbcli.config import Config
from tbcli.recorders.markdown import escaped, table
from tbcli.recorders.reporting import MOST_ROWS, describe_report
from tbcli.recorders.text import TextRecorder, describe_environment, describe_model
from tbcli.tasks.class_report import report_classes
from tests.recorders.memory import MemoryWriter, evidence, snapshot

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of a library inside TensorBoard
    from tensorboard.plugin_util import markdown_to_safe_html

RANDOM = np.random.Generator(np.random.PCG64(5))
ODD_TEXTS = (
    "a | b",
    "<script>alert(1)</script>",
    "__init__ *bold* `code`",
    "![x](http://e.example/x.png) [y](http://e.example)",
    "&lt; &amp; \\| \\",
    "# heading",
    "- item",
    "+ item",
    "1. item",
    "===",
    "---",
    "> quote",
    "```",
    "~~~",
    "T-shirt/top",
    "-0.5",
    "naïve 猫 😀",
    "",
)


def shown(markdown: str) -> str:
    """Return what a person reads: TensorBoard's HTML without its tags."""
    without = re.sub(r"<[^>]*>", "", markdown_to_safe_html(markdown))
    return html.unescape(without).replace("\u200b", "").strip()


def cells(markdown: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", markdown_to_safe_html(markdown), re.DOTALL)
    return [
        [html.unescape(cell).replace("\u200b", "") for cell in re.findall(r"<t[hd]>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in rows
    ]


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_text_is_shown_as_it_stands(text: str) -> None:
    page = markdown_to_safe_html(escaped(text))
    assert not set(re.findall(r"<(\w+)", page)) - {"p"}
    assert shown(escaped(text)) == text


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_text_stays_in_its_cell(text: str) -> None:
    assert cells(table(("class", "precision"), [(text, "0.5"), ("b", "1")])) == [
        ["class", "precision"],
        [text, "0.5"],
        ["b", "1"],
    ]


def test_lines_are_joined_in_a_cell_and_kept_in_a_note() -> None:
    assert escaped("one\n  - two\r\nthree") == "one &#8203;- two three"
    assert escaped("one\ntwo", line_break="<br>") == "one<br>two"


@pytest.mark.parametrize(("classes", "samples"), [(2, 50), (10, 300), (10, 4), (200, 500), (3, 1)])
def test_the_report_is_scikit_learns(classes: int, samples: int) -> None:
    labels = RANDOM.integers(classes, size=samples)
    guesses = np.where(RANDOM.random(samples) < 0.6, labels, RANDOM.integers(classes, size=samples))
    found = report_classes(labels, guesses, classes)
    expected = precision_recall_fscore_support(labels, guesses, labels=range(classes), zero_division=0)
    for mine, theirs in zip((found.precision, found.recall, found.f1, found.support), expected, strict=True):
        assert np.allclose(mine, theirs, rtol=0, atol=1e-12)
    assert found.macro_f1 == pytest.approx(f1_score(labels, guesses, average="macro", zero_division=0), abs=1e-12)


def test_the_table_names_every_class_and_both_means() -> None:
    seen = evidence([0, 0, 1, 1], np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.1, 0.9, 0], [0.4, 0.6, 0]]))
    markdown = describe_report(seen, ("cat", "a|dog", "none"))
    assert "4 samples, accuracy 0.7500" in markdown
    assert cells(markdown) == [
        ["class", "precision", "recall", "F1", "support"],
        ["cat", "1.0000", "0.5000", "0.6667", "2"],
        ["a|dog", "0.6667", "1.0000", "0.8000", "2"],
        ["none", "0.0000", "0.0000", "0.0000", "0"],
        ["macro average", "0.8333", "0.7500", "0.7333", "4"],
        ["weighted average", "0.8333", "0.7500", "0.7333", "4"],
    ]


def test_of_very_many_classes_the_worst_are_listed() -> None:
    classes = MOST_ROWS + 50
    labels = np.arange(classes)
    chances = np.eye(classes, dtype=np.float32)
    chances[-1] = chances[0]  # the last class is always taken for the first
    rows = cells(describe_report(evidence(labels, chances), [f"c{n}" for n in range(classes)]))
    assert len(rows) == 1 + MOST_ROWS + 2
    assert [row[0] for row in rows[1:4]] == [f"c{classes - 1}", "c0", "c1"]
    assert f"{MOST_ROWS} of {classes} classes" in describe_report(evidence(labels, chances), [""] * classes)


def weight(*shape: int) -> SimpleNamespace:
    return SimpleNamespace(shape=shape)


class Dense:
    layers = ()

    def __init__(self, name: str, *, connected: bool = True) -> None:
        self.name, self.weights = name, [weight(3, 4), weight(4)]
        if connected:
            self.output = weight(None, 4)  # type: ignore[arg-type]


def test_layers_are_listed_with_those_inside_them() -> None:
    inner = SimpleNamespace(name="block", layers=[Dense("a"), Dense("b", connected=False)], weights=[weight(2)] * 3)
    model: Any = SimpleNamespace(
        name="my_model", layers=[inner], weights=[weight(10, 100), weight()], trainable_weights=[weight(10, 100)]
    )
    markdown = describe_model(model)
    assert "1,001 parameters, 1,000 of them trainable" in shown(markdown)
    assert cells(markdown)[1:] == [
        ["block", "SimpleNamespace", "not known", "6"],
        ["block/a", "Dense", "(batch, 4)", "16"],
        ["block/b", "Dense", "not known", "16"],
    ]


@pytest.mark.tf
def test_keras_models_of_every_kind_are_described() -> None:
    import keras

    class Subclassed(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="own")
            self.inside = keras.Sequential([keras.layers.Dense(2)], name="inside")

        def call(self, inputs: Any, training: bool = False) -> Any:
            return self.inside(inputs)

    subclassed = Subclassed()
    rows = cells(describe_model(subclassed))
    assert rows[1][3] == "0"  # not built yet
    subclassed(np.zeros((1, 3), np.float32))
    rows = cells(describe_model(subclassed))
    assert [(row[0], row[1], row[3]) for row in rows[1:]] == [
        ("inside", "Sequential", "8"),
        (f"inside/{subclassed.inside.layers[0].name}", "Dense", "8"),
    ]
    inputs = keras.Input((3,))
    two = keras.Model(inputs, [keras.layers.Dense(4)(inputs), keras.layers.Dense(1)(inputs)])
    assert {row[2] for row in cells(describe_model(two))[1:]} == {"(batch, 3)", "(batch, 4)", "(batch, 1)"}


def test_the_environment_lists_what_is_known_and_no_more() -> None:
    facts = {"id": "x", "name": "", "git": {"commit": "abc", "dirty": True}, "versions": {"keras": "3.15.1"}}
    assert cells(describe_environment(facts))[1:] == [
        ["id", "x"],
        ["git commit", "abc with changes"],
        ["keras", "3.15.1"],
    ]


MODEL: Any = SimpleNamespace(name="m", layers=[Dense("a")], weights=[], trainable_weights=[])


def test_the_configuration_can_be_copied_out_and_fed_back(tmp_path: Path) -> None:
    import tomllib

    note = 'a\n```\n"b" | <i>'
    writer = MemoryWriter()
    TextRecorder().on_begin(snapshot(0, model=MODEL, settings={"train.note": note}), writer)  # type: ignore[arg-type]
    ((step, markdown),) = writer.written["", "run/configuration"]
    assert step == 0
    assert tomllib.loads(shown(markdown)) == Config().updated({"train.note": note}).as_dict()


def test_each_moment_has_its_texts() -> None:
    writer, recorder = MemoryWriter(), TextRecorder()
    seen = evidence([1], np.array([[0.4, 0.6]]))
    recorder.on_begin(snapshot(0, model=MODEL), writer)  # type: ignore[arg-type]
    recorder.on_epoch(snapshot(1, validation=seen), writer)  # type: ignore[arg-type]
    recorder.on_epoch(snapshot(2, validation=seen), writer)  # type: ignore[arg-type]
    recorder.on_end(snapshot(2, test=seen), writer)  # type: ignore[arg-type]
    assert {place: [step for step, _ in points] for place, points in writer.written.items()} == {
        ("", "run/model"): [0],
        ("", "run/configuration"): [0],
        ("", "run/environment"): [0],
        ("validation", "run/report_validation"): [1, 2],
        ("", "run/report_test"): [2],
    }


def test_without_validation_or_test_there_is_no_report() -> None:
    writer, recorder = MemoryWriter(), TextRecorder()
    recorder.on_epoch(snapshot(has_validation=False), writer)  # type: ignore[arg-type]
    recorder.on_end(snapshot(has_validation=False), writer)  # type: ignore[arg-type]
    assert writer.written == {}
