"""Nothing is thinned silently: both readers show all up to the cap, and what is longer is named."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from tbcli.serving.samples import Thinned, describe_thinned, find_thinned, settle_samples
from tests.serving.boards import png
from tests.serving.events import write_scalars, write_tensors
from tests.serving.process import PATIENCE_SECONDS, Serving, serving


def shown(server: Serving, questions: Iterable[str]) -> dict[str, int]:
    return {question: len(server.get(f"data/plugin/{question}")) for question in questions}


@pytest.mark.parametrize("reader", ["true", "false"])
def test_both_readers_show_every_point(reader: str, tmp_path: Path) -> None:
    pictures = [np.array([b"4", b"4", png(4, 4 + step)]) for step in range(27)]
    write_tensors(tmp_path / "pictures", {"confusion": pictures}, plugin="images")
    write_scalars(tmp_path / "numbers", {"loss": np.linspace(1, 0, 1500).tolist()})
    bins = [np.array([[0.0, 1.0, step], [1.0, 2.0, 3.0]]) for step in range(60)]
    write_tensors(tmp_path / "bins", {"weights": bins}, plugin="histograms")
    wanted = {
        "images/images?run=pictures&tag=confusion&sample=0": 27,
        "scalars/scalars?run=numbers&tag=loss": 1500,
        "histograms/histograms?run=bins&tag=weights": 60,
        "distributions/distributions?run=bins&tag=weights": 60,
    }
    with serving("--logdir", str(tmp_path), "--load-fast", reader) as server:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(server.get("data/runs")) < 3 or shown(server, wanted) != wanted:
            assert time.monotonic() < deadline, shown(server, wanted)  # it may be reading yet
            time.sleep(0.1)


def test_longer_series_are_named_with_what_is_shown_of_them(tmp_path: Path) -> None:
    write_scalars(tmp_path / "a" / "train", {"loss": [1.0] * 12, "accuracy": [1.0] * 10})
    write_tensors(tmp_path / "b", {"picture": [np.array([b"4", b"4", png()])] * 7}, plugin="images")
    samples = {"scalars": 10, "images": 5}
    thinned = find_thinned({".": tmp_path, "link": tmp_path / "a", "gone": tmp_path / "c"}.items(), samples)
    assert thinned == [
        Thinned("a/train", "loss", "scalars", 12),
        Thinned("b", "picture", "images", 7),
        Thinned("link/train", "loss", "scalars", 12),
    ]
    assert describe_thinned(thinned, samples, most=1) == [
        "TensorBoard shows a random sample of long series in scalars, 10 of up to 12 points: a/train/loss and 1 more",
        "TensorBoard shows a random sample of long series in images, 5 of up to 7 points: b/picture",
    ]


def test_what_is_kept_follows_from_what_the_runs_hold() -> None:
    few, many = settle_samples(0), settle_samples(1 << 40)
    assert few.keys() == many.keys()
    assert all(few[plugin] > many[plugin] >= 10 for plugin in few)
