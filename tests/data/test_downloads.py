"""Keras' own data sets come from Keras' cache; what is not there and cannot be had is told with its place."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tbcli.config import DataConfig
from tbcli.data import load_dataset
from tbcli.data.downloads import DOWNLOADS, keras_cache
from tbcli.errors import DoesNotFit, Interrupted

pytestmark = pytest.mark.tf
SIZES = {"fashion_mnist": (28, 28), "cifar10": (32, 32, 3), "cifar100": (32, 32, 3)}
PROGRAM = """
from tbcli.config import DataConfig
from tbcli.data import load_dataset
told = []
dataset = load_dataset(DataConfig(source="fashion_mnist"), told.append)
print(len(dataset.train), len(dataset.validation), len(dataset.test), *dataset.input_shape, told)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keras' cache as a process would have it that starts now."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path / "datasets"


def answer(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception | None = None) -> None:
    """Let Keras' loader return a few samples in its form, or fail."""
    import importlib

    def load_data() -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        sys.stdout.write("Downloading data from https://example.org")
        if error:
            raise error
        size, labels = SIZES[name], np.arange(400, dtype=np.uint8) % len(DOWNLOADS[name].class_names)
        images = np.broadcast_to(labels.reshape(-1, *(1,) * len(size)), (400, *size))
        return (images, labels if len(size) == 2 else labels[:, None]), (images[:200], labels[:200, None])

    monkeypatch.setattr(importlib.import_module(f"keras.datasets.{name}"), "load_data", load_data)


@pytest.mark.parametrize("name", DOWNLOADS)
def test_images_and_labels_have_the_form_of_all_data_sets(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, name)
    told: list[str] = []
    dataset = load_dataset(DataConfig(source=name), told.append)
    assert dataset.name == name
    assert dataset.input_shape == (*SIZES[name], 1)[:3]
    assert len(dataset.class_names) == (100 if name == "cifar100" else 10)
    inputs, labels = dataset.train.batch(slice(None))
    assert np.array_equal(inputs[:, 0, 0, 0], labels)
    assert labels.dtype == np.int64
    assert told[0].startswith(f"Downloading {name} (")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", DOWNLOADS)
def test_without_a_network_the_place_of_every_file_is_told(
    name: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, name, Exception("URL fetch failure on https://example.org: None -- [Errno -2]"))
    with pytest.raises(DoesNotFit, match=f"cannot download {name}: URL fetch failure on https") as caught:
        load_dataset(DataConfig(source=name))
    for file, address in DOWNLOADS[name].files.items():
        assert f"{address} saved as {str(cache / file)!r}" in caught.value.hint
    assert keras_cache() == cache


@pytest.mark.parametrize("name", DOWNLOADS)
def test_a_damaged_file_is_named(name: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in DOWNLOADS[name].files:
        (cache / file).parent.mkdir(parents=True, exist_ok=True)
        (cache / file).write_bytes(b"half")
    answer(monkeypatch, name, EOFError("Compressed file ended"))
    with pytest.raises(DoesNotFit, match=f"{name} in Keras' cache cannot be read: Compressed file ended") as caught:
        load_dataset(DataConfig(source=name))
    assert str(cache) in caught.value.hint


@pytest.mark.slow
def test_files_put_there_by_hand_are_read(cache: Path) -> None:
    for file in DOWNLOADS["fashion_mnist"].files:
        (cache / file).parent.mkdir(parents=True, exist_ok=True)
        count = 30 if "train" in file else 10
        content = bytes(16 + 784 * count) if "images" in file else bytes(8) + bytes(range(10)) * (count // 10)
        (cache / file).write_bytes(gzip.compress(content))
    argv = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(argv, env=os.environ, capture_output=True, text=True, check=True)
    assert done.stdout.split("[")[0].split() == ["27", "3", "10", "28", "28", "1"]


def test_a_signal_ends_a_download_at_once_and_leaves_no_half_of_a_file(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib

    begun, over = threading.Event(), threading.Event()
    file = cache / "cifar-10-batches-py-target_archive"

    def load_data() -> None:
        cache.mkdir(parents=True)
        file.write_bytes(b"half")
        begun.set()
        over.wait(60)

    def tell(text: str) -> None:
        if begun.is_set():
            raise Interrupted(2, "stopped", hint="x")

    monkeypatch.setattr(importlib.import_module("keras.datasets.cifar10"), "load_data", load_data)
    with pytest.raises(Interrupted):
        load_dataset(DataConfig(source="cifar10"), tell)
    assert not file.exists()
    over.set()
