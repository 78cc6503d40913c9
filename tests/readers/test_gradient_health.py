"""The curves of gradient health are what was written, layer by layer in the order of the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tbcli.errors import NotFound
from tbcli.readers.gradient_health import in_model_order, read_gradients
from tbcli.runs import Run
from tests.events.records import event, simple, tensor, write
from tests.fakes import make_run

TAGS = ("gradients/global_norm", "gradients/out", "gradients/conv", "updates/out", "dead_units/relu", "epoch_loss")


def recorded_run(place: Path, epochs: int = 3, status: str = "finished") -> Run:
    run = make_run(place, status=status, files=False)
    events = [
        event(epoch, *(tensor(tag, np.float32(epoch + place)) for place, tag in enumerate(TAGS)))
        for epoch in range(1, epochs + 1)
    ]
    write(run.logs / "train", *events)
    return run


def test_curves_are_the_epochs_values_by_layer(tmp_path: Path) -> None:
    health = read_gradients(recorded_run(tmp_path))
    assert health.whole is not None
    assert health.whole.step.tolist() == [1, 2, 3]
    assert health.whole.value.tolist() == [1, 2, 3]
    assert {layer: curve.value.tolist() for layer, curve in health.norms.items()} == {
        "conv": [3, 4, 5],
        "out": [2, 3, 4],
    }
    assert (list(health.updates), list(health.dead)) == (["out"], ["relu"])
    assert health.damage == ()


def test_layers_stand_as_in_the_model_where_the_evidence_tells(tmp_path: Path) -> None:
    run = recorded_run(tmp_path)
    assert read_gradients(run).layers == ("conv", "out", "relu")
    np.savez(run.evidence_file, layers=np.array(["scaling", "out", "relu", "conv"]))
    assert read_gradients(run).layers == ("out", "relu", "conv")


def test_numbers_in_names_count_and_what_is_nested_stays_with_its_layer() -> None:
    assert in_model_order({"conv10", "conv2", "conv"}, ()) == ["conv", "conv2", "conv10"]
    names = {"b/dense", "b/conv", "a", "unknown"}
    assert in_model_order(names, ["b", "a"]) == ["b/conv", "b/dense", "a", "unknown"]


@pytest.mark.parametrize("files", ["none", "others"])
def test_a_run_without_gradients_says_how_to_have_them(tmp_path: Path, files: str) -> None:
    run = make_run(tmp_path, files=False)
    if files == "others":
        write(run.logs / "train", event(1, simple("epoch_loss", 1.0)))
    with pytest.raises(NotFound, match="has recorded no gradients") as caught:
        read_gradients(run)
    assert "--record gradients" in caught.value.hint


def test_a_live_run_says_that_it_is_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path, status="running", files=False)
    monkeypatch.setattr(Run, "is_live", lambda self: True)
    with pytest.raises(NotFound) as caught:
        read_gradients(run)
    assert "after its first epoch" in caught.value.hint


def test_a_record_that_is_cut_short_is_damage_unless_it_is_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = recorded_run(tmp_path)
    (path,) = (run.logs / "train").iterdir()
    path.write_bytes(path.read_bytes()[:-7])
    health = read_gradients(run)
    assert health.whole is not None
    assert health.whole.step.tolist() == [1, 2]
    assert path.name in health.damage[0]
    monkeypatch.setattr(Run, "is_live", lambda self: True)
    assert read_gradients(run).damage == ()
