"""A running server shows the vectors that training has just rewritten, without TensorFlow."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fakes import make_run
from tests.serving.events import write_events
from tests.serving.process import Serving, serving

PATIENCE_SECONDS = 20


def write_vectors(directory: Path, vectors: np.ndarray) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "vectors.bytes").write_bytes(vectors.astype(np.float32).tobytes())
    (directory / "metadata.tsv").write_text(
        "label\tindex\n" + "".join(f"{row[0]:g}\t{number}\n" for number, row in enumerate(vectors))
    )


def write_projector(directory: Path, vectors: np.ndarray) -> None:
    write_vectors(directory, vectors)
    rows, width = vectors.shape
    (directory / "projector_config.pbtxt").write_text(
        f'embeddings {{ tensor_name: "features" tensor_path: "vectors.bytes" metadata_path: "metadata.tsv" '
        f"tensor_shape: {rows} tensor_shape: {width} }}"
    )
    write_events(directory, [])


def vectors_of(epoch: int) -> np.ndarray:
    return np.linspace(-1, epoch, 12).reshape(4, 3).astype(np.float32)


@pytest.fixture(params=["true", "false"], ids=["fast reader", "python reader"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serving]:
    with serving("--workspace", str(tmp_path), "--load-fast", request.param, "--reload-interval", "1") as started:
        yield started


def tensor(server: Serving, run: str) -> np.ndarray:
    with urllib.request.urlopen(f"{server.url}data/plugin/projector/tensor?run={run}&name=features") as answer:
        return np.frombuffer(answer.read(), np.float32).reshape(4, 3)


def labels(server: Serving, run: str) -> str:
    with urllib.request.urlopen(f"{server.url}data/plugin/projector/metadata?run={run}&name=features") as answer:
        return str(answer.read().decode())


def wait_for(answer: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := answer()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@pytest.mark.slow
def test_each_epoch_shows_in_a_server_that_ran_before_the_run(server: Serving, tmp_path: Path) -> None:
    assert server.get("data/plugin/projector/runs") == []
    names = []
    for number in (1, 2):  # the second run begins while the first is shown
        run = make_run(tmp_path, files=False)
        write_projector(run.logs / "projector", vectors_of(number))
        names.append(f"{run.id}/projector")
        wait_for(lambda: sorted(server.get("data/plugin/projector/runs")) == sorted(names))
        assert np.array_equal(tensor(server, names[-1]), vectors_of(number))
        for epoch in (10, 20):
            write_vectors(run.logs / "projector", vectors_of(number + epoch))
            assert np.array_equal(tensor(server, names[-1]), vectors_of(number + epoch))
            assert labels(server, names[-1]).splitlines()[-1] == f"{vectors_of(number + epoch)[-1, 0]:g}\t3"
    assert np.array_equal(tensor(server, names[0]), vectors_of(21))
    (embedding,) = server.get(f"data/plugin/projector/info?run={names[0]}")["embeddings"]
    assert embedding["tensorShape"] == [4, 3]


def test_the_tab_is_active_in_a_server_that_has_just_said_that_it_is_ready(tmp_path: Path) -> None:
    run = make_run(tmp_path, files=False)
    write_projector(run.logs / "projector", vectors_of(1))
    with serving("--workspace", str(tmp_path)) as server:
        wait_for(lambda: server.get("data/plugins_listing")["projector"]["enabled"])
        assert server.get("data/plugin/projector/runs") == [f"{run.id}/projector"]
