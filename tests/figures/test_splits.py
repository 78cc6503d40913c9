from __future__ import annotations

import pytest

from tbcli.figures.splits import place_of


@pytest.mark.parametrize(
    ("run", "tag", "place"),
    [
        ("train", "epoch_loss", (".", "epoch_loss", "train")),
        ("a/validation", "epoch_loss", ("a", "epoch_loss", "validation")),
        ("a", "train/loss", ("a", "loss", "train")),
        ("a", "val_loss", ("a", "loss", "validation")),
        ("a", "Loss/test", ("a", "Loss", "test")),
        ("a", "Loss/Train", ("a", "Loss", "train")),
        (".", "loss", (".", "loss", "")),
        (".", "value", (".", "value", "")),
        (".", "train", (".", "train", "")),
        ("version_0", "layer/weights/norm", ("version_0", "layer/weights/norm", "")),
    ],
)
def test_a_curve_finds_its_run_its_metric_and_its_samples(run: str, tag: str, place: tuple[str, str, str]) -> None:
    assert place_of(run, tag) == place
