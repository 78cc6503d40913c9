"""The HParams table has the columns of all runs that are served."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tensorboard.data.provider import ScalarDatum, TensorTimeSeries
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

from tbcli.runs.history import as_kept
from tbcli.serving.hparams_table import UnitedProvider, unite_experiments, unite_tables
from tests.serving.events import write_hparams, write_scalars
from tests.serving.process import serving

Value = bool | float | str


def experiment(
    *columns: str, metrics: tuple[tuple[str, str], ...] = (), choices: tuple[str, ...] = (), leads: bool = False
) -> bytes:
    data = plugin_data_pb2.HParamsPluginData(version=0, experiment=api_pb2.Experiment())
    for name in columns:
        info = data.experiment.hparam_infos.add(name=name, type=api_pb2.DATA_TYPE_STRING if choices else 3)
        info.differs = leads
        for choice in choices:
            info.domain_discrete.values.add(string_value=choice)
    for group, tag in metrics:
        data.experiment.metric_infos.add(name=api_pb2.MetricName(group=group, tag=tag))
    return bytes(data.SerializeToString())


def session(values: Mapping[str, Value]) -> bytes:
    data = plugin_data_pb2.HParamsPluginData(version=0, session_start_info=plugin_data_pb2.SessionStartInfo())
    for name, value in values.items():
        field = {bool: "bool_value", float: "number_value", str: "string_value"}[type(value)]
        setattr(data.session_start_info.hparams[name], field, value)
    return bytes(data.SerializeToString())


def united(sessions: Mapping[str, Mapping[str, Value]], scalars: Any = None, **experiments: bytes) -> Any:
    contents: dict[str, dict[str, bytes]] = {run: {} for run in (*sessions, *experiments)}
    for run, values in sessions.items():
        contents[run][metadata.SESSION_START_INFO_TAG] = session(values)
    for run, content in experiments.items():
        contents[run][metadata.EXPERIMENT_TAG] = content
    return metadata.parse_experiment_plugin_data(unite_experiments(contents, scalars or {}))


def domain(info: Any) -> Any:
    if info.HasField("domain_interval"):
        return info.domain_interval.min_value, info.domain_interval.max_value
    return [getattr(value, value.WhichOneof("kind")) for value in info.domain_discrete.values]


def test_columns_of_all_experiments_and_of_no_experiment_are_there() -> None:
    sessions = {
        "a": {"seed": 1.0, "lr": 0.1},
        "b": {"seed": 1.0, "units": 8.0, "fast": True},
        "c": {"seed": 1.0, "lr": 0.3},
    }
    found = united(sessions, a=experiment("seed"), b=experiment("seed", "theirs"))
    infos = {info.name: info for info in found.hparam_infos}
    assert list(infos) == ["seed", "theirs", "lr", "fast", "units"]
    assert (infos["lr"].type, domain(infos["lr"])) == (api_pb2.DATA_TYPE_FLOAT64, (0.1, 0.3))
    assert (infos["fast"].type, domain(infos["fast"])) == (api_pb2.DATA_TYPE_BOOL, [False, True])
    assert [info.name for info in found.hparam_infos if info.differs] == ["lr", "fast", "units"]


def test_an_argument_that_is_the_same_everywhere_does_not_lead() -> None:
    found = united({"a": {"lr": 0.1}, "b": {"lr": 0.1}}, a=experiment())
    assert [(info.name, info.differs) for info in found.hparam_infos] == [("lr", False)]


def test_a_leading_column_leads_only_where_the_runs_differ_in_it() -> None:
    def leading(*lrs: float) -> list[str]:
        sessions: dict[str, dict[str, Value]] = {f"run{i}": {"seed": 1.0, "lr": lr} for i, lr in enumerate(lrs)}
        found = united(sessions, run0=experiment("seed", leads=True))
        return [info.name for info in found.hparam_infos if info.differs]

    assert leading(0.1, 0.2) == ["lr"]
    assert leading(0.1, 0.1) == leading(0.1) == ["seed"]


def test_values_of_several_kinds_are_a_column_of_texts() -> None:
    (info,) = united({"a": {"x": 0.1}, "b": {"x": "auto"}, "c": {"x": True}}, a=experiment()).hparam_infos
    assert info.type == api_pb2.DATA_TYPE_STRING
    assert domain(info) == [0.1, "auto", True]


def test_the_domain_of_a_column_holds_what_a_script_gave_it() -> None:
    (info,) = united({"a": {"optimizer": "lion"}}, a=experiment("optimizer", choices=("adam", "sgd"))).hparam_infos
    assert domain(info) == ["adam", "sgd", "lion"]


def test_own_metrics_stand_behind_those_that_are_named() -> None:
    scalars = {
        "a": ["test_top5", "gradients/dense", "other"],
        "a/train": ["epoch_loss", "epoch_top5", "epoch_learning_rate", "batch_loss"],
        "a/validation": ["epoch_top5"],
        "no_session/train": ["epoch_x"],
    }
    found = united({"a": {}}, scalars, a=experiment(metrics=(("train", "epoch_loss"),)))
    assert [(info.name.group, info.name.tag, info.display_name) for info in found.metric_infos] == [
        ("train", "epoch_loss", ""),
        ("validation", "epoch_top5", "validation top5"),
        ("train", "epoch_top5", "train top5"),
        ("", "test_top5", "test top5"),
    ]


class Provider:
    """Lists what it is given."""

    def __init__(self, contents: Mapping[str, Mapping[str, bytes]]) -> None:
        self.contents, self.asked = contents, 0

    def list_tensors(self, ctx: Any = None, **question: Any) -> Any:
        def series(content: bytes) -> TensorTimeSeries:
            return TensorTimeSeries(
                max_step=1, max_wall_time=2.0, plugin_content=content, description="", display_name=""
            )

        return {run: {tag: series(each) for tag, each in known.items()} for run, known in self.contents.items()}

    def list_scalars(self, ctx: Any = None, **question: Any) -> Any:
        self.asked += 1
        return {}


def test_nothing_else_changes() -> None:
    contents = {"a": {metadata.EXPERIMENT_TAG: experiment("x")}, "b": {metadata.EXPERIMENT_TAG: experiment("y")}}
    inner = Provider(contents)
    provider = UnitedProvider(inner)
    assert provider.asked == 0
    before, after = (each.list_tensors(experiment_id="", plugin_name="hparams") for each in (inner, provider))
    assert after["b"] == before["b"]
    mixed = after["a"][metadata.EXPERIMENT_TAG]
    assert mixed.max_step == 1
    infos = metadata.parse_experiment_plugin_data(mixed.plugin_content).hparam_infos
    assert [info.name for info in infos] == ["x", "y"]
    assert provider.list_tensors(experiment_id="", plugin_name="text") == before


@pytest.mark.parametrize(
    "contents",
    [
        {},
        {"a": {metadata.SESSION_START_INFO_TAG: session({"x": 1.0})}},
        {"a": {metadata.EXPERIMENT_TAG: b"\xff\xff", metadata.SESSION_START_INFO_TAG: b"\xff"}},
    ],
)
def test_what_cannot_be_united_is_given_as_it_is(contents: Mapping[str, Mapping[str, bytes]]) -> None:
    inner = Provider(contents)
    question = {"experiment_id": "", "plugin_name": "hparams"}
    assert UnitedProvider(inner).list_tensors(**question) == inner.list_tensors(**question)


def test_a_trial_stands_in_the_group_of_its_seeds_only_once_it_has_finished(tmp_path: Path) -> None:
    trials = {name: {metadata.SESSION_START_INFO_TAG: session({"x": 1.0})} for name in ("a", "b", "damaged", "none")}
    provider = UnitedProvider(Provider(trials), str(tmp_path))

    def groups() -> list[str]:
        found = provider.list_tensors(experiment_id="", plugin_name="hparams")
        contents = [known[metadata.SESSION_START_INFO_TAG].plugin_content for known in found.values()]
        return [metadata.parse_session_start_info_plugin_data(content).group_name.strip() for content in contents]

    for number, (name, status) in enumerate((("a", "running"), ("b", "pruned"), ("damaged", "finished"))):
        sweep = {"name": "s", "trial": number, "params": {"train.learning_rate": 0.1}, "seed": number}
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(json.dumps({"sweep": sweep, "status": status}))
    (tmp_path / "damaged" / "run.json").write_text("{")
    assert groups() == ["s-0", "s-1", "", ""]
    record = (tmp_path / "a" / "run.json").read_text()
    (tmp_path / "a" / "run.json").write_text(record.replace("running", "finished"))
    os.utime(tmp_path / "a" / "run.json", (1, 1))
    assert groups() == ["s: learning_rate=0.1", "s-1", "", ""]


@pytest.mark.parametrize("value", [0.6095496, 0.98, 1e-30, 0.1 + 0.2, float("inf")])
def test_values_of_our_epochs_have_the_digits_of_the_history(value: float) -> None:
    ours, kept = "20261126-100654-39fc-s-1/validation", float(np.float32(value))
    inner = SimpleNamespace(
        read_last_scalars=lambda ctx, **asked: {
            ours: {"epoch_loss": ScalarDatum(2, 3.0, kept), "test_loss": ScalarDatum(2, 3.0, kept)},
            "somebody's/validation": {"epoch_loss": ScalarDatum(2, 3.0, kept)},
        }
    )
    found = UnitedProvider(inner).read_last_scalars(None, experiment_id="", plugin_name="scalars")
    assert found[ours]["epoch_loss"] == ScalarDatum(2, 3.0, as_kept(value))
    assert found[ours]["test_loss"].value == found["somebody's/validation"]["epoch_loss"].value == kept


def test_other_plugins_are_left_as_they_are() -> None:
    plugin = SimpleNamespace(plugin_name="text")
    assert unite_tables(plugin) is plugin


@pytest.mark.parametrize("load_fast", ["auto", "false"])
def test_a_real_server_shows_the_columns_of_all_runs(tmp_path: Path, load_fast: str) -> None:
    write_hparams(tmp_path / "a", 128.0)
    write_hparams(tmp_path / "b", 64.0, lr=0.5)
    write_scalars(tmp_path / "b" / "validation", {"epoch_top5": [0.1, 0.2]})
    with serving("--logdir", str(tmp_path), "--load-fast", load_fast) as server:
        found = server.get("data/plugin/hparams/experiment", {})
        question = {
            "startIndex": 0, "sliceSize": 9, "allowedStatuses": ["STATUS_UNKNOWN"],
            "colParams": [{"hparam": "lr", "includeInResult": True}], "includeMetrics": True,
        }  # fmt: skip
        groups = server.get("data/plugin/hparams/session_groups", question)["sessionGroups"]
    assert [info["name"] for info in found["hparamInfos"]] == ["lr", "batch_size"]
    assert [info["name"]["tag"] for info in found["metricInfos"]] == ["epoch_accuracy", "epoch_top5"]
    assert {group["name"]: group["hparams"] for group in groups} == {"a": {}, "b": {"lr": 0.5}}
    by_run = {group["name"]: group.get("metricValues", []) for group in groups}
    assert [metric["value"] for metric in by_run["b"]] == [pytest.approx(0.2)]
