"""A run goes on from its state in this process as if it had never stopped; each recorder takes up its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tbcli.config import Config
from tbcli.errors import DoesNotFit, Interrupted, Refused
from tbcli.recorders.base import Recorder
from tbcli.recorders.registry import known_recorders, load_recorders
from tbcli.runs import Run
from tbcli.training import train
from tbcli.training.continuing.state import Generations
from tbcli.training.session import resume
from tests.tiny import Told
from tests.training.continuing.outcome import differences, outcome
from tests.training.continuing.test_state import same

pytestmark = pytest.mark.tf
SETTINGS: Mapping[str, object] = {
    "data.limit_samples": 300,
    "model.name": "mlp",
    "train.batch_size": 50,
    "train.epochs": 3,
    "train.schedule": "constant",
    "train.deterministic": True,
    "train.steps_per_execution": 2,
    "train.precision": "float32",
    "record.log_every": 4,
    "plot.automatic": False,
}


@dataclass
class Stopping(Told):
    """Lets a signal come after an optimizer step."""

    step_of_signal: int = 0
    run: Run | None = None

    def claimed(self, run: Run) -> None:
        self.run = run

    def step(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        from tbcli.training import interruption

        super().step(epoch, step, logs)
        if (epoch - 1) * self.begun[1] + step == self.step_of_signal:
            interruption._ACTIVE[-1].signal_number = 15


def config_of(workspace: Path, **settings: object) -> Config:
    changed = {name.replace("__", "."): value for name, value in settings.items()}
    return Config().updated({**SETTINGS, "paths.workspace": str(workspace), **changed})


def interrupted(config: Config, after: int, run: Run | None = None) -> Run:
    told = Stopping(step_of_signal=after)
    with pytest.raises(Interrupted):
        resume(run, config, told) if run else train(config, told)
    assert told.run is not None
    return told.run


@pytest.mark.slow
def test_more_epochs_and_a_stop_within_one_leave_what_one_long_training_leaves(tmp_path: Path) -> None:
    alone = outcome(train(config_of(tmp_path / "alone")))
    run = train(config_of(tmp_path / "more", train__epochs=1))
    interrupted(config_of(tmp_path / "more", train__steps_per_execution=1), 9, run)
    assert run.record["status"] == "interrupted"
    assert "test_accuracy" not in run.metrics
    told = Told()
    resume(run, config_of(tmp_path / "more", train__steps_per_execution=6), told)
    assert differences(alone, outcome(run)) == {}
    assert told.notes[-1] == "resumed after step 9, in epoch 2"
    assert [entry["step"] for entry in run.record["resumed"]] == [6, 9]
    assert run.status() == "finished"


@pytest.mark.slow
def test_each_recorder_takes_up_the_state_that_it_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tbcli.recorders.recording import Recording

    seen: list[Recorder] = []
    close = Recording.__exit__

    def look(self: Recording, *error: Any) -> None:
        seen.extend(self._active)
        close(self, *error)

    monkeypatch.setattr(Recording, "__exit__", look)
    changes = {"record__recorders": "full", "record__spacing": 1, "record__profile": "9:10", "model__name": "cnn"}
    interrupted(config_of(tmp_path, **changes), 9)
    names = [name for name in known_recorders() if name not in {one.name for one in seen}]
    for recorder in [*seen, *load_recorders(names)]:
        state = dict(recorder.state())
        Generations(tmp_path / recorder.name).save(1, {"state": state})
        saved = Generations(tmp_path / recorder.name).newest(pytest.fail)
        assert saved is not None
        assert same(saved.parts["state"], state), recorder.name
        (again,) = load_recorders([recorder.name])
        again.restore(saved.parts["state"])
        is_cut = recorder.name == "profile"  # a trace ends with its process
        assert same(dict(again.state()), state) or is_cut, recorder.name


@pytest.mark.slow
def test_another_model_and_other_data_are_refused_and_the_run_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tbcli.training import feed

    settings = {"train__epochs": 1, "record__recorders": "off"}
    run = train(config_of(tmp_path, **settings))
    files = {path: path.read_bytes() for path in run.logs.rglob("*") if path.is_file() and "heartbeat" not in path.name}

    def refused(what: str, **changed: object) -> None:
        config = config_of(tmp_path, **{**settings, "train__epochs": 2, **changed})
        with pytest.raises(DoesNotFit, match=what):
            resume(run, config, allow_changes="model__name" in changed)
        assert {path: path.read_bytes() for path in files} == files, what
        assert not list(tmp_path.rglob("*.weights.h5")), what  # it has trained nothing

    refused("does not fit the model", model__name="cnn")
    with monkeypatch.context() as patched:
        patched.setattr(feed.TrainingFeed, "_fingerprint", 7)  # the file of labels is another one
        refused("the data have changed")
    told = Told()
    changes = {"train__optimizer": "sgd", "data__limit_samples": 350}
    resume(run, config_of(tmp_path, **{**settings, "train__epochs": 2, **changes}), told, allow_changes=True)
    assert told.warnings == ["the state of the optimizer was not taken up: it does not fit"]
    assert run.history_file.read_text().splitlines()[-1].startswith("2,13,")


@pytest.mark.slow
def test_a_run_without_a_state_begins_again_only_where_next_to_nothing_is_lost(tmp_path: Path) -> None:
    config = config_of(tmp_path, train__epochs=1, train__keep_state=False, record__recorders="scalars")
    run = train(config)
    assert not run.checkpoints.exists()
    with pytest.raises(Refused, match="has no state to resume from"):
        resume(run, config)
    run.update(status="running", pid=None)  # as one that was killed before its first state
    told = Told()
    resume(run, config, told)
    assert told.warnings == ["no state was saved before the run ended: it begins again"]
    assert len(run.history_file.read_text().splitlines()) == 2
    assert len(list(run.logs.rglob("train/*tfevents*"))) == 1
