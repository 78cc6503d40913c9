"""Whatever fails in whichever phase: what was learnt is kept, and the error says what it is and where that is."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf

from tbcli.config import DataConfig
from tbcli.data import SOURCES
from tbcli.data.dataset import Dataset, cut_splits
from tbcli.errors import TbcliError
from tests.faults.limits import files_limited
from tests.faults.trainings import Ended, train_until

pytestmark = [pytest.mark.tf, pytest.mark.slow]

FULL = OSError(errno.ENOSPC, "No space left on device", "/somewhere")
TF_FULL = tf.errors.ResourceExhaustedError(None, None, "/somewhere; No space left on device")
TF_MEMORY = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[1,2]")
BUG = ZeroDivisionError("oops")
TRAINED = ("steps", "validating", "epoch", "saving", "evaluating", "evidence")
AFTER_SAVING = ("evaluating", "evidence")


def failing(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def told(ended: Ended) -> str:
    assert isinstance(ended.error, TbcliError), ended.error
    return f"{ended.error.message} / {ended.error.hint} / {'; '.join(ended.witness.warnings)}"


ERRORS = {
    "bug": (BUG, 1, "oops"),
    "disk": (FULL, 5, "the disk is full"),
    "tf_disk": (TF_FULL, 5, "the disk is full"),
    "tf_memory": (TF_MEMORY, 5, "out of memory"),
    "memory": (MemoryError(), 5, "out of memory"),
}
CASES = [(phase, "bug") for phase in TRAINED] + [(phase, name) for phase in ("steps", "saving") for name in ERRORS]


@pytest.mark.parametrize(("phase", "name"), dict.fromkeys([*CASES, ("evidence", "disk")]))
def test_an_error_after_the_first_step_keeps_what_was_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str, name: str
) -> None:
    error, code, words = ERRORS[name]
    ended = train_until(tmp_path, phase, failing(error), monkeypatch)
    run = ended.run
    assert run is not None
    assert run.record["status"] == "failed"
    assert words in str(run.record["reason"])
    # An error in the middle of an epoch's end leaves no state that could be resumed from, if there was none before.
    assert ended.has_state or (phase == "epoch" and any(tmp_path.glob("models/*/*.weights.h5")))
    assert ended.has_model == (phase in AFTER_SAVING)
    if phase == "saving":
        assert ended.code == 5
        assert str(next(tmp_path.glob("models/*/*.weights.h5"))) in told(ended)
    else:
        assert ended.code == code
    if words == "out of memory" and phase == "steps":
        assert "`--batch-size` below 30" in told(ended)
    assert ended.temporaries == []


@pytest.mark.parametrize("phase", ["recording", "plotting"])
@pytest.mark.parametrize("error", [FULL, MemoryError(), SystemExit(1)], ids=["disk", "memory", "exit"])
def test_what_only_shows_a_training_never_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str, error: BaseException
) -> None:
    ended = train_until(tmp_path, phase, failing(error), monkeypatch)
    assert ended.code == 0, ended.error
    assert ended.has_model
    assert len(ended.witness.warnings) == 1


@pytest.mark.parametrize("error", [FULL, BUG, RuntimeError("cannot lower")], ids=["disk", "bug", "converter"])
def test_a_converter_that_fails_costs_its_own_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    ended = train_until(tmp_path, "converting", failing(error), monkeypatch, {"train.save_formats": ("tflite", "h5")})
    assert ended.code == 5
    assert "_model.keras' is whole" in told(ended)
    assert ended.run is not None
    assert ended.run.evidence_file.exists()
    assert any(tmp_path.glob("models/*/*.h5"))
    assert "test_accuracy" in ended.run.record["metrics"]


class Vanishing:
    """A source of which samples vanish."""

    gone: ClassVar[set[int]] = set()

    def __init__(self, samples: np.ndarray) -> None:
        self._samples = samples
        self.shape, self.dtype = samples.shape, samples.dtype

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        if self.gone.intersection(positions.tolist()):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", "seven.png")
        return self._samples[positions]


def vanishing(config: DataConfig) -> Dataset:
    generator = np.random.default_rng(0)
    samples, labels = generator.uniform(0, 255, (100, 12, 12, 1)).astype(np.uint8), np.arange(100) % 3
    return cut_splits("some", (Vanishing(samples), labels), (samples, labels), ("a", "b", "c"), config)


def test_a_source_that_fails_in_training_names_the_sample_and_keeps_what_was_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SOURCES, "some", "tests.faults.test_errors:vanishing")
    monkeypatch.setattr(Vanishing, "gone", set())
    settings = {"data.source": "some", "data.validation_split": 0.1}
    ended = train_until(tmp_path, "epoch", lambda: Vanishing.gone.update(range(100)), monkeypatch, settings)
    assert ended.code == 4, ended.error
    assert re.search(r"sample \d+ of the data cannot be read: FileNotFoundError", told(ended))
    assert ended.has_state
    assert ended.run is not None
    assert ended.run.record["status"] == "failed"


def test_a_file_in_the_place_of_the_models_sends_the_weights_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = train_until(tmp_path, "epoch", (tmp_path / "models").touch, monkeypatch)
    assert ended.code == 5
    (weights,) = tmp_path.glob("logs/*/*.weights.h5")
    assert str(weights) in told(ended)
    assert ended.has_state


def test_a_run_directory_that_is_removed_is_no_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = train_until(tmp_path, "steps", lambda: shutil.rmtree(tmp_path / "logs"), monkeypatch)
    assert ended.code == 5
    assert "was removed while it trained" in told(ended)
    assert "disk is full" not in told(ended)
    assert ended.has_model


def test_without_room_for_any_large_file_training_ends_with_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with files_limited(30_000):  # the record, the history and the events are smaller; states and models are not
        ended = train_until(tmp_path, "", lambda: None, monkeypatch)
    assert ended.code == 5
    assert "larger than is allowed" in told(ended)
    assert ended.run is not None
    assert ended.run.record["status"] == "failed"
    assert ended.temporaries == []


def test_room_for_the_model_is_asked_for_before_the_first_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=400_000))
    ended = train_until(tmp_path, "", lambda: None, monkeypatch)
    assert ended.code == 5
    assert "0.4 MB are free" in told(ended)
    assert ended.run is not None
    assert not ended.run.history_file.exists()


def test_no_permission_is_said_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    ended = train_until(tmp_path, "epoch", lambda: (tmp_path / "logs").chmod(0), monkeypatch)
    (tmp_path / "logs").chmod(0o700)
    assert ended.code == 5
