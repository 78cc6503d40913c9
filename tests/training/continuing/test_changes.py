"""What makes another experiment of a training that goes on, and what does not."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tbcli.config import SETTINGS, Config
from tbcli.errors import ConfigError, Refused
from tbcli.runs.files import write_json
from tbcli.runs.owner import Owner
from tbcli.training.continuing.changes import (
    Change,
    changes_record,
    config_of,
    data_changes,
    require_same,
    setting_changes,
    told_changes,
    version_notes,
)
from tbcli.training.continuing.eligibility import Amendment, nothing_left, require_at_rest, require_epochs, require_ours
from tests.fakes import make_run

HARMLESS = {
    "train.devices": "2", "train.workers": 2, "train.ray": "local",
    "data.cache": "disk", "train.name": "b", "train.note": "why", "train.steps_per_execution": 3,
    "train.max_time": "3m", "train.save_formats": ("h5",), "train.checkpoint_every": "9", "train.keep_state": False,
    "plot.automatic": False, "plot.theme": "dark", "serve.port": 1, "paths.workspace": "elsewhere",
}  # fmt: skip
COMPARED = ("data.", "model.", "train.", "record.")
CONSTANT = Config().updated({"train.schedule": "constant"})


def other_value(key: str) -> Any:
    each = SETTINGS[key]
    if key == "train.schedule":
        return "cosine"
    if each.choices and each.kind is tuple:
        return each.choices[:1]
    if each.choices:
        return next(word for word in each.choices if word != each.default)
    texts = {
        "data.image_size": "64",
        "record.every": "3",
        "record.profile": "2:4",
        "train.max_time": "3m",
        "train.checkpoint_every": "7",
    }
    by_kind: dict[type, Any] = {bool: each.default is False, float: 0.5, tuple: ("a=1",), str: texts.get(key, "other")}
    return by_kind.get(each.kind, each.least if each.default != each.least else each.kind(each.least + 1))


def test_every_setting_is_harmless_or_makes_another_experiment(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    for key in (key for key in SETTINGS if key.startswith(COMPARED) and key != "train.epochs"):
        changes = setting_changes(CONSTANT, CONSTANT.updated({key: HARMLESS.get(key, other_value(key))}))
        require_same(run, changes, CONSTANT, allowed=True)
        if key in HARMLESS:
            require_same(run, changes, CONSTANT, allowed=False)
            continue
        with pytest.raises(Refused, match=rf"another experiment .*[:,] {SETTINGS[key].word} "):
            require_same(run, changes, CONSTANT, allowed=False)


def test_how_runs_are_kept_drawn_and_served_makes_no_difference() -> None:
    others = {"plot.automatic": False, "plot.theme": "dark", "serve.port": 1, "paths.workspace": "elsewhere"}
    assert setting_changes(Config(), Config().updated(others)) == []


def test_all_differences_are_listed_at_once(tmp_path: Path) -> None:
    after = Config().updated(
        {"train.batch_size": 64, "train.seed": 3, "direction.nll": "min", "data.augment": ("flip",)}
    )
    with pytest.raises(Refused) as refused:
        require_same(make_run(tmp_path), setting_changes(Config(), after), Config(), allowed=False)
    for text in ("batch_size 64 instead of 128", "seed 3 instead of 0", "nll min", "augment flip instead of empty"):
        assert text in refused.value.message
    assert "--allow-changes" in refused.value.hint


def test_more_epochs_are_the_same_experiment_unless_the_rate_depends_on_them(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    for config, is_same in ((CONSTANT, True), (Config(), False)):
        changes = setting_changes(config, config.updated({"train.epochs": 9}))
        assert changes == [Change("train.epochs", 5, 9)]
        if is_same:
            require_same(run, changes, config, allowed=False)
            continue
        with pytest.raises(Refused, match="epochs 9 instead of 5") as refused:
            require_same(run, changes, config, allowed=False)
        assert "restarts the cosine schedule over the 4 epochs added" in refused.value.hint
        require_same(run, changes, config, allowed=True)


def test_fewer_epochs_than_a_schedule_spans_are_no_shorter_schedule(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    for config, is_same in ((CONSTANT, True), (Config(), False)):
        changes = setting_changes(config, config.updated({"train.epochs": 4}))
        if is_same:
            require_same(run, changes, config, allowed=False)
            continue
        with pytest.raises(Refused, match="spans 5 epochs") as refused:
            require_same(run, changes, config, allowed=True)
        assert '--until "epoch>=4" --allow-changes' in refused.value.hint


@pytest.mark.parametrize(("epochs", "is_within", "least"), [(2, False, 3), (3, True, 4), (1, True, 4)])
def test_a_run_cannot_end_before_what_it_has_trained(tmp_path: Path, epochs: int, is_within: bool, least: int) -> None:
    run = make_run(tmp_path)
    with pytest.raises(ConfigError, match="has trained 3") as caught:
        require_epochs(run, epochs, 3, is_within=is_within)
    assert f"`--epochs {least}`" in caught.value.hint
    require_epochs(run, least, 3, is_within=is_within)


@pytest.mark.parametrize(
    ("ended_by", "settings", "left"),
    [
        ("epochs", {}, False),
        ("epochs", {"train.epochs": 4}, True),
        (None, {}, False),  # of an earlier version
        ("max_time", {"train.epochs": 9}, True),
        ("until", {"train.epochs": 9}, False),
        ("until", {"train.until": ""}, True),
        ("patience", {"train.seed": 3}, False),
        ("patience", {"train.patience": 9}, True),
    ],
)
def test_what_is_left_of_a_finished_run(
    tmp_path: Path, ended_by: str | None, settings: dict[str, Any], left: bool
) -> None:
    asked = {"train.epochs": 3, "train.until": "loss<1", "train.patience": 2}
    run = make_run(tmp_path, settings=asked, record={"ended_by": ended_by})
    before = config_of(run)
    changes = setting_changes(before, before.updated(settings))
    assert any(nothing_left(run, before.updated(settings), changes)) is not left
    run.record["status"] = "interrupted"
    assert nothing_left(run, before, []) == ("", "")


def test_settings_of_a_run_are_those_of_its_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path, settings={"train.recipe": "fast", "train.epochs": 5, "charts.A.b": ("loss",)})
    monkeypatch.setenv("TBCLI_TRAIN_EPOCHS", "7")
    config = config_of(run)
    assert (config.train.epochs, config.charts) == (5, {"A.b": ("loss",)})
    for damage in ("{", "[]", "{}", '{"train": 3}'):
        run.config_file.write_text(damage)
        with pytest.raises(Refused, match="has no settings"):
            config_of(run)


def test_a_run_of_a_script_is_told_what_repeats_it(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    require_ours(run)
    run.record.update(backend="jax", script="a b.py")
    with pytest.raises(Refused, match=r"'a b.py'") as refused:
        require_ours(run)
    assert "`tbcli run a b.py`" in refused.value.hint


def test_what_was_allowed_is_said(tmp_path: Path) -> None:
    before = Config()
    changes = setting_changes(before, before.updated({"train.epochs": 7, "train.seed": 1, "train.note": "b"}))
    told = told_changes(changes, before)
    assert told == ["from here on with epochs 7 instead of 5, seed 1 instead of 0"]
    assert told_changes(setting_changes(CONSTANT, CONSTANT.updated({"train.epochs": 7})), CONSTANT) == []


def test_an_amendment_checks_settings_length_and_data_and_says_what_the_record_says(tmp_path: Path) -> None:
    run = make_run(tmp_path, status="interrupted", settings={"train.schedule": "constant", "train.epochs": 3})
    data = {name: run.record[name] for name in ("data", "evaluation_data")}
    own = Amendment(run, config_of(run).updated({"model.name": "auto"}))  # which the run has chosen already
    own.check_length(3)
    own.check_data(data)
    assert own.facts() == {"name": "", "note": ""}
    with pytest.raises(ConfigError, match="has trained 3 and a part"):
        own.check_length(3, True)
    with pytest.raises(Refused, match="other samples"):
        own.check_data({**data, "evaluation_data": {"train": "other"}})
    config = config_of(run).updated({"train.epochs": 9, "train.seed": 5, "train.name": "b"})
    with pytest.raises(Refused):
        Amendment(run, config)
    other = Amendment(run, config, is_allowed=True)
    other.check_length(2)
    other.check_data({**data, "data": "elsewhere"})
    facts = other.facts()
    assert (facts["name"], facts["data"], facts["changes"][0]["epoch"]) == ("b", "elsewhere", 2)
    assert list(facts["changes"][0]["changes"]) == ["train.epochs", "train.seed", "data"]
    assert other.notes({})[0].startswith("from here on with ")


@pytest.mark.parametrize(
    ("process", "seconds_ago", "is_free"),
    [
        ("this", 0, False),
        ("killed", 0, True),
        ("elsewhere", 5, False),
        ("elsewhere", 300, False),
        ("elsewhere", 5000, True),
    ],
)
def test_a_run_that_may_be_training_elsewhere_is_left_alone(
    tmp_path: Path, process: str, seconds_ago: float, is_free: bool
) -> None:
    owner = Owner.current()
    pid, host = (1, "elsewhere") if process == "elsewhere" else (owner.pid, owner.host)
    started = owner.pid_started if process == "this" else 1
    run = make_run(tmp_path, status="running", record={"pid": pid, "pid_started": started, "host": host})
    run.beat()
    moment = time.time() - seconds_ago
    os.utime(run.heartbeat_file, (moment, moment))
    if is_free:
        require_at_rest(run)
        return
    with pytest.raises(Refused, match="training"):
        require_at_rest(run)


def test_a_model_that_kept_its_own_optimizer_does_so_again(tmp_path: Path) -> None:
    run = make_run(tmp_path, settings={"train.optimizer": "sgd"}, record={"optimizer": "sgd", "learning_rate": 0.1})
    assert config_of(run).train.replaces == ("optimizer",)
    settings = run.read_config()
    del settings["train"]["replaces"]  # as earlier versions kept it: what stands there describes the model's own
    write_json(run.config_file, settings)
    assert config_of(run).train.replaces == ()
    del run.record["optimizer"]
    assert "optimizer" in config_of(run).train.replaces


@pytest.mark.parametrize(("rate", "changed"), [(0.1, ""), (0.2, "train.learning_rate train.replaces")])
def test_what_is_said_again_of_an_optimizer_changes_nothing(tmp_path: Path, rate: float, changed: str) -> None:
    own = {"train.learning_rate": 0.1, "train.replaces": ()}
    run = make_run(tmp_path, settings=own, record={"optimizer": "sgd"})
    amendment = Amendment(run, config_of(run).updated({"train.learning_rate": rate}), is_allowed=True)
    assert " ".join(sorted(change.key for change in amendment.changes)) == changed


def test_a_run_whose_event_files_were_slimmed_cannot_be_written_on(tmp_path: Path) -> None:
    run = make_run(tmp_path, record={"slimmed": ["checkpoints", "histograms"]})
    with pytest.raises(Refused, match=r"was slimmed \(histograms\)"):
        Amendment(run)
    run.update(slimmed=["checkpoints", "profile"])
    Amendment(run)


def test_other_data_are_named_by_what_differs() -> None:
    record = {"data": "a.csv", "evaluation_data": {"train": "1", "test": "2"}, "class_names": ["x", "y"]}
    assert data_changes(record, record) == []
    assert data_changes({}, record) == []
    facts = {"data": "b.csv", "evaluation_data": {"train": "9", "test": "2"}, "class_names": ["x", "y", "z"]}
    told = [str(change) for change in data_changes(record, facts)]
    assert told == [
        "data b.csv instead of a.csv",
        "data (class names) 3 instead of 2",
        "data (evaluation data) other samples (train) instead of those of the run",
    ]


def test_other_packages_and_another_device_are_a_note() -> None:
    record = {"versions": {"keras": "3.1", "numpy": "2.0", "gone": "1"}, "device": "CPU", "precision": "float32"}
    (note,) = version_notes(record, {"versions": {"keras": "3.2", "numpy": "2.0"}, "device": "GPU"})
    assert note.startswith("keras 3.2 instead of 3.1, device GPU instead of CPU: ")
    assert version_notes(record, record) == version_notes({}, record) == []


def test_changes_are_kept_in_their_order_with_the_epoch_after_which_they_hold(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.record["changes"] = changes_record(run, [Change("train.epochs", 5, 8), Change("train.seed", 0, 1)], 3)
    run.record["changes"] = changes_record(run, [Change("train.epochs", 8, 9), Change("train.note", "", "why")], 8)
    assert [(entry["epoch"], entry["changes"]) for entry in run.record["changes"]] == [
        (3, {"train.epochs": [5, 8], "train.seed": [0, 1]}),
        (8, {"train.epochs": [8, 9]}),
    ]
    assert changes_record(run, [], 9) == run.record["changes"]
    run.record["changes"] = "damaged"
    assert changes_record(run, [], 9) == []
