from __future__ import annotations

import pytest

from tbcli.errors import NotFound
from tbcli.readers.metrics import name_of, read_metrics
from tbcli.runs import LogDirectory
from tests.events.records import curve, write
from tests.fakes import make_run


@pytest.mark.parametrize(
    ("run", "tag", "name"),
    [
        ("train", "epoch_loss", "loss"),
        ("validation", "epoch_loss", "val_loss"),
        ("train", "batch_loss", "train/batch_loss"),
        ("train", "gradients/dense", "train/gradients/dense"),
        (".", "epoch_loss", "epoch_loss"),
    ],
)
def test_a_tag_of_ours_has_a_short_name(run: str, tag: str, name: str) -> None:
    assert name_of(run, tag) == name


def test_a_run_of_ours_is_read_by_its_names(tmp_path) -> None:
    run = make_run(tmp_path, files=False)
    write(run.logs / "train", *curve("epoch_loss", [1, 2]), *curve("batch_loss", [10]))
    write(run.logs / "validation", *curve("epoch_loss", [1, 2]))
    found = read_metrics(run).series
    assert [(one.run, one.name) for one in found] == [
        (run.id, "train/batch_loss"),
        (run.id, "loss"),
        (run.id, "val_loss"),
    ]
    assert [one.name for one in read_metrics(run, ["*loss", "nothing"]).series] == [one.name for one in found]
    assert [one.name for one in read_metrics(run, ["val_*"]).series] == ["val_loss"]
    assert [one.name for one in read_metrics(run, ["train/epoch_loss"]).series] == ["loss"]


def test_a_foreign_tag_keeps_run_and_tag(tmp_path) -> None:
    write(tmp_path / "train", *curve("epoch_loss", [1]))
    write(tmp_path, *curve("top", [1]), number=1)
    found = read_metrics(LogDirectory("x", tmp_path)).series
    assert [one.full_name for one in found] == ["top", "train/epoch_loss"]
    assert [one.full_name for one in read_metrics(LogDirectory("x", tmp_path), ["train/*"]).series] == [
        "train/epoch_loss"
    ]


def test_what_is_not_there_is_said(tmp_path) -> None:
    write(tmp_path / "train", *curve("accuracy", [1]))
    with pytest.raises(NotFound, match="holds no metric 'acuracy'") as caught:
        read_metrics(LogDirectory("x", tmp_path), ["acuracy"])
    assert "did you mean 'accuracy'" in caught.value.hint
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="holds no scalars"):
        read_metrics(LogDirectory("x", tmp_path / "empty"))


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a*", ["acc", "acc"]),  # not all that lies in the run `a`
        ("a/*", ["acc", "gradients/conv1"]),
        ("*conv1", ["gradients/conv1", "gradients/conv1"]),
        ("conv?", ["gradients/conv1", "gradients/conv1"]),
        ("*gradients*", ["gradients/conv1", "gradients/conv1"]),
        ("b/acc", ["acc"]),
    ],
)
def test_a_pattern_without_a_slash_is_of_the_metric_whatever_run_it_lies_in(tmp_path, pattern, names) -> None:
    for run in ("a", "b"):
        write(tmp_path / run, *curve("acc", [1]), *curve("gradients/conv1", [1]))
    assert [one.name for one in read_metrics(LogDirectory("x", tmp_path), [pattern]).series] == names


def test_a_word_proposes_the_tag_that_begins_with_it(tmp_path) -> None:
    write(tmp_path, *curve("a_loss", [1]), *curve("loss/train", [1]), *curve("loss/val", [1]))
    with pytest.raises(NotFound) as caught:
        read_metrics(LogDirectory("x", tmp_path), ["loss"])
    assert caught.value.hint == "did you mean 'loss/train'?"
