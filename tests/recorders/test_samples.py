"""The recorder of sample predictions shows the probe, whatever it is of, and says what it cannot show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tbcli.recorders import samples
from tbcli.recorders.samples import SamplesRecorder, why_no_images
from tbcli.tasks import CLASSIFICATION
from tests.recorders.memory import MemoryWriter
from tests.recorders.pictures import drawn, evidence_of, moment


@pytest.mark.parametrize(("has_validation", "where"), [(True, "validation"), (False, "train")])
def test_the_grid_goes_where_its_samples_come_from(has_validation: bool, where: str) -> None:
    writer, now = MemoryWriter(), moment(epoch=4, has_validation=has_validation)
    assert SamplesRecorder().unsuitable(now) is None
    SamplesRecorder().on_epoch(now, writer)
    assert list(writer.written) == [(where, "samples/predictions")]
    assert drawn(writer, where, "samples/predictions").any()
    assert writer.written[where, "samples/predictions"][0][0] == 4


def test_it_shows_the_first_samples_of_the_probe_with_what_is_said_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[Any, ...]] = []
    monkeypatch.setattr(samples, "draw_samples", lambda *args: (told.append(args), (b"", (1, 1)))[1])
    now = moment(40, epoch=2, **{"record.samples": 9})
    SamplesRecorder().on_epoch(now, MemoryWriter())
    ((images, labels, probabilities, names, indices, title, task),) = told
    assert task is CLASSIFICATION
    probe = now.probe
    assert probe is not None
    assert np.array_equal(images, now.dataset.probe.inputs[probe.indices[:9]])
    assert np.array_equal(labels, probe.labels[:9])
    assert np.array_equal(probabilities, probe.probabilities[:9])
    assert np.array_equal(indices, probe.indices[:9])
    assert names == now.dataset.class_names
    right = sum(probe.labels[:9] == probe.probabilities[:9].argmax(axis=1))
    assert title == f"validation, epoch 2: {right} of 9 right"


@pytest.mark.parametrize("shape", [(8, 8, 3), (1, 1, 1), (300, 20, 3)])
@pytest.mark.parametrize("count", [1, 2, 30])
def test_images_of_any_size_and_number_are_shown(shape: tuple[int, ...], count: int) -> None:
    writer = MemoryWriter()
    SamplesRecorder().on_epoch(moment(count, shape=shape), writer)
    assert drawn(writer, "validation", "samples/predictions").shape[1] == 350


def test_two_hundred_classes_and_two_are_shown_alike() -> None:
    for classes in (2, 200):
        writer = MemoryWriter()
        SamplesRecorder().on_epoch(moment(names=[f"class {number} | <b>" for number in range(classes)]), writer)
        assert drawn(writer, "validation", "samples/predictions").shape[1] == 350


def test_before_training_there_is_nothing_to_show() -> None:
    writer = MemoryWriter()
    SamplesRecorder().on_epoch(replace(moment(), probe=None), writer)
    assert writer.written == {}


@pytest.mark.parametrize("shape", [(5,), (8, 8), (8, 8, 2), (8, 8, 4), (2, 8, 8, 3)])
def test_what_is_no_image_is_said_with_its_shape(shape: tuple[int, ...]) -> None:
    assert str(shape) in (why_no_images(shape) or "")
    now, writer = moment(shape=shape), MemoryWriter()
    SamplesRecorder().on_epoch(now, writer)
    ((_, markdown),) = writer.written["validation", "samples/predictions"]
    assert len(markdown.splitlines()) == 2 + 2 + 12
    (reason,) = SamplesRecorder().leaves_out(now).values()
    assert str(shape) in reason
    assert "Text dashboard" in reason
    assert not SamplesRecorder().leaves_out(moment())


def test_a_probability_that_is_no_number_is_shown_as_such() -> None:
    now = moment(3)
    nothing = evidence_of(now.dataset.probe, 3, np.full((3, 3), np.nan, np.float32))
    writer = MemoryWriter()
    SamplesRecorder().on_epoch(replace(now, probe=nothing), writer)
    assert drawn(writer, "validation", "samples/predictions").any()
