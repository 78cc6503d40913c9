"""The mistakes that are shown are the surest of all, with the images and the indices that belong to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tbcli.figures.png.samples import draw_samples
from tbcli.recorders import mistakes
from tbcli.recorders.base import Evidence
from tbcli.recorders.mistakes import SHOWN, MistakesRecorder
from tests.recorders.memory import MemoryWriter
from tests.recorders.pictures import drawn, evidence_of, moment


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """All that was given to the drawing; it is drawn for real, too."""
    found: list[tuple[Any, ...]] = []

    def remember(*args: Any) -> Any:
        found.append(args)
        return draw_samples(*args)

    monkeypatch.setattr(mistakes, "draw_samples", remember)
    return found


def surest(evidence: Evidence) -> list[int]:
    """Return the source positions of the surest mistakes, found sample by sample."""
    wrong = []
    for index, label, chances in zip(evidence.indices, evidence.labels, evidence.probabilities, strict=True):
        guess = int(np.flatnonzero(chances == max(chances))[0])
        if guess != label:
            wrong.append((float(chances[guess]), int(index)))
    return [index for _, index in sorted(wrong, key=lambda item: -item[0])][:SHOWN]


@pytest.mark.parametrize("classes", [2, 10, 200])
def test_the_surest_mistakes_are_shown_with_their_images(classes: int, seen: list[tuple[Any, ...]]) -> None:
    now = moment(300, names=[str(number) for number in range(classes)], epoch=2)
    writer = MemoryWriter()
    MistakesRecorder().on_epoch(now, writer)
    assert list(writer.written) == [("validation", "mistakes/validation")]
    assert drawn(writer, "validation", "mistakes/validation").any()
    ((images, labels, probabilities, _, indices, title, _),) = seen
    assert now.validation is not None
    assert now.dataset.validation is not None
    assert indices.tolist() == surest(now.validation)
    assert np.array_equal(images, now.dataset.validation.inputs[indices])
    assert np.array_equal(labels, now.dataset.validation.labels[indices])
    assert (probabilities.argmax(axis=1) != labels).all()
    wrong = int((now.validation.predictions != now.validation.labels).sum())
    assert title == f"validation, epoch 2: {wrong:,} of 300 wrong, the surest:"


def test_of_the_test_set_they_are_shown_at_the_end(seen: list[tuple[Any, ...]]) -> None:
    now, writer = moment(100, has_test=True), MemoryWriter()
    MistakesRecorder().on_end(now, writer)
    assert list(writer.written) == [("", "mistakes/test")]
    assert now.test is not None
    assert seen[0][4].tolist() == surest(now.test)


def test_without_a_mistake_a_sentence_says_so(seen: list[tuple[Any, ...]]) -> None:
    now, writer = moment(20), MemoryWriter()
    assert now.dataset.validation is not None
    split = now.dataset.validation
    perfect = evidence_of(split, 3, np.eye(3, dtype=np.float32)[split.labels[split.positions]])
    MistakesRecorder().on_epoch(replace(now, validation=perfect), writer)
    assert seen[0][5] == "validation, epoch 1: no mistakes in 20"
    assert drawn(writer, "validation", "mistakes/validation").shape[1] == 350


def test_only_samples_whose_evidence_was_kept_are_looked_for(seen: list[tuple[Any, ...]]) -> None:
    now = moment(50)
    assert now.validation is not None
    MistakesRecorder().on_epoch(replace(now, validation=now.validation.first(5)), MemoryWriter())
    assert seen[0][4].tolist() == surest(now.validation.first(5))
    assert "of 5 wrong" in seen[0][5]


@pytest.mark.parametrize("count", [1, 2])
def test_next_to_no_samples_work_too(count: int) -> None:
    writer = MemoryWriter()
    MistakesRecorder().on_epoch(moment(count, shape=(4, 4, 3)), writer)
    assert drawn(writer, "validation", "mistakes/validation").shape[1] == 350


def test_it_needs_samples_that_were_held_out() -> None:
    assert MistakesRecorder().unsuitable(moment()) is None
    assert "no validation or test samples" in str(MistakesRecorder().unsuitable(moment(has_validation=False)))
    writer = MemoryWriter()
    MistakesRecorder().on_epoch(moment(has_validation=False), writer)
    assert writer.written == {}


def test_what_is_no_image_is_listed() -> None:
    now, writer = moment(40, shape=(5,), has_test=True), MemoryWriter()
    recorder = MistakesRecorder()
    recorder.on_epoch(now, writer)
    recorder.on_end(now, writer)
    assert set(writer.written) == {("validation", "mistakes/validation"), ("", "mistakes/test")}
    ((_, markdown),) = writer.written["validation", "mistakes/validation"]
    assert now.validation is not None
    shown = [int(line.split("|")[1]) for line in markdown.splitlines()[4:]]
    assert shown == surest(now.validation)
    assert set(recorder.leaves_out(now)) == {"mistakes/validation", "mistakes/test"}
