from __future__ import annotations

import pytest

from tbcli.errors import NotFound
from tbcli.readers.metrics import read_metrics
from tbcli.runs import LogDirectory
from tests.events.records import curve, write
from tests.fakes import make_run


def test_a_run_of_ours_is_read_by_its_names(tmp_path) -> None:
    run = make_run(tmp_path, files=False, epochs=0)
    write(run.logs / "train", *curve("epoch_loss", [1, 2]), *curve("batch_loss", [10]))
    write(run.logs / "validation", *curve("epoch_loss", [1, 2]))
    found = read_metrics(run).series
    assert [(one.run, one.name) for one in found] == [
        (run.id, "loss@step"),
        (run.id, "loss"),
        (run.id, "val_loss"),
    ]
    assert [one.name for one in read_metrics(run, ["*loss", "nothing"]).series] == [one.name for one in found]
    assert [one.name for one in read_metrics(run, ["val_*"]).series] == ["val_loss"]
    assert [one.name for one in read_metrics(run, ["train/epoch_loss"]).series] == ["loss"]


def test_a_foreign_series_is_called_by_its_metric_and_its_literal_tag_works_too(tmp_path) -> None:
    write(tmp_path / "train", *curve("epoch_loss", [1]))
    write(tmp_path, *curve("top", [1]), number=1)
    place = LogDirectory("x", tmp_path)
    assert [one.full_name for one in read_metrics(place).series] == ["top", "loss"]
    for pattern in ("train/*", "loss", "train/epoch_loss", "epoch_loss"):
        assert [one.literal for one in read_metrics(place, [pattern]).series] == ["train/epoch_loss"]


def test_series_that_would_share_a_name_are_told(tmp_path) -> None:
    write(tmp_path, *curve("loss", [1, 2]), *curve("train_loss", [1, 2]))
    found = read_metrics(LogDirectory("x", tmp_path))
    assert [one.name for one in found.series] == ["loss", "train_loss"]
    assert found.notes == ("2 series would be called 'loss': they keep their tags (loss, train_loss)",)


def test_what_is_not_there_is_said(tmp_path) -> None:
    write(tmp_path / "train", *curve("accuracy", [1]))
    with pytest.raises(NotFound, match="has no metric 'acuracy'") as caught:
        read_metrics(LogDirectory("x", tmp_path), ["acuracy"])
    assert "did you mean 'accuracy'" in caught.value.hint
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="has no scalars"):
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
    write(tmp_path, *curve("a_loss", [1]), *curve("val/box_loss", [1]), *curve("loss/val", [1]))
    with pytest.raises(NotFound) as caught:
        read_metrics(LogDirectory("x", tmp_path), ["val_"])
    assert caught.value.hint == "did you mean 'val_loss'?"
