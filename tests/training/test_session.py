"""All that can be wrong without TensorFlow is found before it loads; what was begun is always concluded."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tbcli.config import Config
from tbcli.errors import ConfigError, Diverged, Interrupted, NotFound, TbcliError, TrainingFailed
from tbcli.runs import Run, RunStore
from tbcli.runs.files import read_json
from tbcli.training import Narrator, train
from tbcli.training.session import check_request

PIPELINE = "tbcli.training.pipeline"


class Warned(Narrator):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def asked(workspace: Path, **settings: object) -> Config:
    said = {"paths.workspace": str(workspace), "data.limit_samples": 20, **settings}
    return Config().updated({key.replace("__", "."): value for key, value in said.items()})


@pytest.mark.parametrize(
    ("setting", "value", "error", "hint"),
    [
        ("data__source", "mnits", NotFound, "mnist"),
        ("model__name", "cn", ConfigError, "cnn"),
        ("record__recorders", "hitograms", ConfigError, "histograms"),
        ("record__every", "hitograms=2", ConfigError, "histograms"),
        ("train__monitor", "val_los", ConfigError, "val_loss"),
    ],
)
def test_a_misspelt_name_begins_nothing(
    tmp_path: Path, setting: str, value: str, error: type[TbcliError], hint: str
) -> None:
    config = asked(tmp_path, **{setting: value})
    with pytest.raises(error, match=value.removesuffix("=2")) as caught:
        check_request(config)
    assert f"did you mean {hint!r}" in caught.value.hint
    with pytest.raises(error):
        train(config, Narrator())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("root", ["logs", "models", "plots"])
def test_a_file_in_the_way_of_a_root_is_found_before_training(tmp_path: Path, root: str) -> None:
    (tmp_path / root).write_text("a file")
    with pytest.raises(ConfigError) as caught:
        train(asked(tmp_path), Narrator())
    assert str(tmp_path / root) in caught.value.message
    assert "DIR" in caught.value.hint
    assert list(tmp_path.glob("*/*")) == []  # nothing was begun


def ending_with(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> None:
    """Let what comes after TensorFlow's import end in this way."""

    def train_and_save(config: Config, dataset: object, run: Run, *_: object) -> None:
        run.history_file.write_text("epoch,step,seconds,learning_rate,loss\n1,10,1.5,0.001,0.7\n2,20,3,0.001,0.4\n")
        if error is not None:
            raise error

    pipeline = ModuleType(PIPELINE)
    pipeline.train_and_save = train_and_save  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, PIPELINE, pipeline)


def the_record(workspace: Path) -> dict[str, object]:
    (run,) = RunStore(asked(workspace).paths).list()
    assert not run.heartbeat_file.exists()
    assert (run.plots / "training_history.png").exists()
    return read_json(run.record_file) or {}


@pytest.mark.parametrize(
    ("raised", "seen", "status", "reason"),
    [
        (None, None, "finished", ""),
        (Interrupted(2, "stopped", hint="x"), Interrupted, "interrupted", "stopped"),
        (Diverged("training diverged: nan", hint="x"), Diverged, "diverged", "training diverged: nan"),
        (TrainingFailed("out of memory", hint="x"), TrainingFailed, "failed", "out of memory"),
        (MemoryError(), TrainingFailed, "failed", "out of memory"),
        (OSError(errno.ENOSPC, "No space left"), TrainingFailed, "failed", "training stopped, the disk is full"),
        (ZeroDivisionError("oops"), ZeroDivisionError, "failed", "ZeroDivisionError: oops"),
    ],
)
def test_however_it_ends_the_run_says_so_and_keeps_its_history_and_figure(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    raised: BaseException | None,
    seen: type[BaseException] | None,
    status: str,
    reason: str,
) -> None:
    ending_with(monkeypatch, raised)
    if seen is None:
        train(asked(tmp_path), Narrator())
    else:
        with pytest.raises(seen):
            train(asked(tmp_path), Narrator())
    record = the_record(tmp_path)
    assert record["status"] == status
    assert str(record["reason"]).startswith(reason)
    assert record["epochs"] == 2
    assert record["metrics"] == {"loss": {"best": 0.4, "best_epoch": 2, "last": 0.4}}
    assert isinstance(record["seconds"], float)
    assert str(record["ended"]) >= str(record["started"])


def test_no_figure_is_drawn_when_none_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ending_with(monkeypatch, None)
    run = train(asked(tmp_path, plot__automatic=False), Narrator())
    assert not run.plots.exists()


def test_a_record_that_cannot_be_completed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ending_with(monkeypatch, None)

    def full(self: Run, **values: object) -> None:
        if "status" in values:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Run, "update", full)
    narrator = Warned()
    train(asked(tmp_path), narrator)
    assert narrator.warnings == ["the run's record is incomplete: No space left on device"]
