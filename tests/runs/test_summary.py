from __future__ import annotations

import math
from pathlib import Path

import pytest

from tbcli.runs.history import HistoryWriter
from tbcli.runs.run_summary import curves_of, epochs_of, metrics_of, summary_of
from tbcli.runs.summary import FACTS, Metric
from tests.fakes import SOME_MOMENT, make_run


def test_metrics_facts_and_settings_are_found_by_name(workspace: Path) -> None:
    run = make_run(workspace, name="base", settings={"train.seed": 7})
    known = summary_of(run, SOME_MOMENT)
    assert known.value("val_accuracy") == known.value("val_accuracy", "best") == 0.98
    assert known.value("val_accuracy", "epoch") == 3
    assert known.value("test_accuracy", "epoch") is None
    assert [known.value(name) for name in ("id", "name", "status", "model", "epoch", "epochs")] == [
        run.id, "base", "finished", "cnn", 3, 3,
    ]  # fmt: skip
    assert (known.value("train.seed"), known.value("seed"), known.value("bytes")) == (7, 7, run.record["bytes"])
    assert known.value("save_formats") == "keras"
    assert known.value("nothing") is known.value("status", "best") is None
    assert {"val_accuracy", "status", "train.seed"} <= set(known.names())


def test_a_key_of_two_sections_needs_its_section(workspace: Path) -> None:
    run = make_run(workspace)
    run.config_file.write_text('{"a": {"x": 1}, "b": {"x": 2}, "c": 3}')
    known = summary_of(run)
    assert (known.value("x"), known.value("a.x"), known.value("b.x")) == (None, 1, 2)


def test_what_a_script_switches_off_is_called_as_it_was_swept(workspace: Path) -> None:
    arguments = {"bias": False, "deep": True, "units": 4}
    params = {"arguments.no_bias": True, "arguments.no_deep": True, "arguments.units": 4}
    run = make_run(workspace, record={"arguments": arguments, "sweep": {"name": "s", "trial": 0, "params": params}})
    told = {key: value for key, value in summary_of(run).settings.items() if key.startswith("arguments.")}
    assert told == {"arguments.no_bias": True, "arguments.deep": True, "arguments.units": 4}
    plain = make_run(workspace, record={"arguments": arguments})
    assert summary_of(plain).settings["arguments.bias"] is False


def test_nothing_but_the_record_is_read_for_a_metric(workspace: Path) -> None:
    run = make_run(workspace, files=False)
    run.config_file.unlink()
    run.history_file.unlink()
    assert summary_of(run, read_tags=pytest.fail).value("val_accuracy") == 0.98


def test_the_event_files_are_asked_last_and_once(workspace: Path) -> None:
    asked = []

    def read_tags() -> dict[str, Metric]:
        asked.append(1)
        return {"gradients/dense": Metric(1, 2, 3)}, {}

    known = summary_of(make_run(workspace), read_tags=read_tags)
    assert known.value("status") == "finished"
    assert not asked
    assert (known.value("gradients/dense"), known.value("gradients/none")) == (3, None)
    assert len(asked) == 1
    assert "gradients/dense" in known.names()


def test_null_and_odd_metrics_are_not_numbers(workspace: Path) -> None:
    odd = {"a": {"best": None, "best_epoch": 0, "last": None}, "b": None, "c": "x", "d": {}, "e": True}
    metrics = metrics_of(make_run(workspace, record={"metrics": odd}))
    assert all(math.isnan(metric.best) and math.isnan(metric.last) for metric in metrics.values())
    assert math.isnan(metrics["a"].select("epoch") or 0)
    assert metrics["b"].select("epoch") is None


def test_a_run_that_was_killed_has_what_its_history_has(workspace: Path) -> None:
    run = make_run(workspace, status="running", record={"metrics": None, "epochs": None, "pid": 2**22 + 1})
    assert metrics_of(run)["val_accuracy"] == Metric(0.98, 3, 0.98, split="validation")
    assert epochs_of(run) == 3
    run.history_file.unlink()
    assert (metrics_of(run), epochs_of(run)) == ({}, None)


def test_every_fact_of_a_finished_run_can_be_asked_for(workspace: Path) -> None:
    more = dict.fromkeys(("ended_by", "saved_epoch", "parameters", "device", "precision", "ended", "script"), 1)
    trial = {"name": "s", "trial": 0, "params": {}}
    known = summary_of(make_run(workspace, name="x", record={**more, "note": "y", "sweep": trial}))
    assert not [name for name in FACTS if known.value(name) is None]


def test_a_training_without_a_single_learning_rate_has_none(tmp_path: Path) -> None:
    run = make_run(tmp_path, epochs=0, files=False)
    HistoryWriter(run.history_file).append({"epoch": 1, "step": 8, "seconds": 0.5, "d_loss": 0.4})
    run.update(metrics={})
    assert curves_of(run) == {}
    assert "nan" not in run.history_file.read_text()
