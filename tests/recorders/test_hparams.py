"""HParams: one table for all runs, whatever they trained and however they ended."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.plugins.hparams import api_pb2, metadata

from tbcli.config import Config
from tbcli.config import hyperparameters as settings_of_the_table
from tbcli.errors import Interrupted
from tbcli.recorders.hparams import (
    COLUMNS,
    LEADING,
    METRICS,
    HparamsRecorder,
    describe_experiment,
    hyperparameter_values,
)
from tbcli.recorders.writer import EventWriter
from tests.recorders.memory import MemoryWriter, evidence, snapshot
from tests.serving.process import Serving, serving
from tests.tiny import Tiny
from tests.training.continuing.outcome import hyperparameters_of

OTHERS: list[dict[str, object]] = [
    {},
    {"train.optimizer": "adamw", "train.schedule": "constant", "train.patience": 3},
    {"train.optimizer": "sgd", "data.source": "a.npz", "train.deterministic": True},
]


def written(settings: dict[str, object], outcome: str, **known: Any) -> MemoryWriter:
    writer, recorder = MemoryWriter(), HparamsRecorder()
    recorder.on_begin(snapshot(0, settings=settings, facts={"parameters": 7}), writer)  # type: ignore[arg-type]
    recorder.on_end(snapshot(3, settings=settings, outcome=outcome, **known), writer)  # type: ignore[arg-type]
    return writer


def content(writer: MemoryWriter, tag: str) -> bytes:
    found: bytes = writer.metadata["", tag].plugin_data.content
    return found


@pytest.mark.parametrize("settings", OTHERS)
def test_every_run_has_every_value_in_its_columns_type(settings: dict[str, object]) -> None:
    values = hyperparameter_values(Config().updated(settings), {"precision": "float32"})
    assert list(values) == list(COLUMNS)
    for name, value in values.items():
        column = COLUMNS[name]
        assert type(value) is column.kind, name
        if column.domain and column.kind is float:
            assert column.domain[0] <= value <= column.domain[1], name
        elif column.domain:
            assert value in column.domain, name


def test_what_does_not_apply_says_so() -> None:
    adam = hyperparameter_values(Config(), {})
    assert (adam["weight_decay"], adam["momentum"], adam["monitor"]) == (0.0, 0.0, "n/a")
    adamw, sgd = (hyperparameter_values(Config().updated(settings), {}) for settings in OTHERS[1:])
    assert (adamw["weight_decay"], adamw["warmup"], adamw["monitor"]) == (0.004, 0.0, "val_loss")
    assert sgd["momentum"] == 0.9


def test_the_configuration_is_the_same_bytes_in_every_run() -> None:
    tables = {content(written(settings, "finished"), metadata.EXPERIMENT_TAG) for settings in OTHERS}
    assert len(tables) == 1
    experiment = metadata.parse_experiment_plugin_data(tables.pop())
    assert experiment == describe_experiment()
    assert [info.name for info in experiment.hparam_infos] == list(COLUMNS)
    assert [(info.name.group, info.name.tag) for info in experiment.metric_infos] == [metric[:2] for metric in METRICS]


def test_name_and_seed_lead_and_five_columns_are_shown_at_first() -> None:
    assert list(COLUMNS)[:5] == list(LEADING)
    assert LEADING[:2] == ("name", "seed")
    assert [info.name for info in describe_experiment().hparam_infos if info.differs] == list(LEADING)


def test_every_hyperparameter_among_the_settings_has_a_column_and_tasks_of_any_kind_have_theirs() -> None:
    assert {*settings_of_the_table()} <= {*COLUMNS}
    assert {"task", "loss", "parameters"} <= {*COLUMNS}
    titles = {title for _, _, title, _ in METRICS}
    for name in ("accuracy", "loss", "macro F1", "MAE", "RMSE", "R2"):
        assert {f"test {name}", f"validation {name}"} <= titles


def test_what_is_measured_in_float32_says_so() -> None:
    described = {info.name.tag: info.description for info in describe_experiment().metric_infos}
    assert "float32" in described["test_accuracy"]
    assert "float32" not in described["epoch_accuracy"]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("finished", api_pb2.STATUS_SUCCESS),
        ("failed", api_pb2.STATUS_FAILURE),
        ("diverged", api_pb2.STATUS_FAILURE),
        ("interrupted", api_pb2.STATUS_FAILURE),
    ],
)
def test_a_session_ends_as_its_run_does(outcome: str, status: int) -> None:
    end = metadata.parse_session_end_info_plugin_data(content(written({}, outcome), metadata.SESSION_END_INFO_TAG))
    assert end.status == status
    assert abs(end.end_time_secs - time.time()) < 60


def test_test_metrics_stand_in_the_runs_own_directory() -> None:
    seen = evidence([0], np.array([[0.9, 0.1]]), loss=0.1, accuracy=1.0)
    writer = written({}, "finished", test=seen)
    assert writer.written["", "test_accuracy"] == [(3, 1.0)]
    assert writer.written["", "test_loss"] == [(3, 0.1)]
    assert ("", "test_loss") not in written({}, "interrupted").written


def record_session(directory: Path, settings: dict[str, object], error: BaseException | None) -> None:
    """Let a recorder and the true writer live through a session that ends with an error."""
    from tbcli.config import RecordConfig
    from tbcli.recorders.recording import Recording

    recorder = HparamsRecorder()
    recorder.name = "hparams"
    directory.mkdir()
    with Recording([recorder], RecordConfig(), directory, pytest.fail) as recording:
        recording.begin(snapshot(0, settings=settings))
        if error:
            raise error


@pytest.fixture(params=["auto", "false"])
def server(request: pytest.FixtureRequest, tiny: Tiny, tmp_path: Path) -> Any:
    """Serves the tiny run, another that was interrupted before its first epoch, and one that was killed."""
    from tbcli.recorders.writer import EventWriter

    logs = tmp_path / "logs"
    shutil.copytree(tiny.run.logs, logs / "a-tiny")
    with pytest.raises(Interrupted):
        record_session(logs / "b-stopped", OTHERS[2], Interrupted(2, "stopped", hint="go on"))
    (logs / "c-killed").mkdir()
    writer = EventWriter(logs / "c-killed")
    HparamsRecorder().on_begin(snapshot(0, settings={"model.name": "other"}), writer)
    writer.close()
    with serving("--logdir", str(logs), "--load-fast", request.param) as started:
        yield started


def sessions(server: Serving) -> dict[str, dict[str, Any]]:
    """Return the table's rows by run; the loader may need a moment for the last of them."""
    statuses = [f"STATUS_{word}" for word in ("UNKNOWN", "SUCCESS", "FAILURE", "RUNNING")]
    question = {"startIndex": 0, "sliceSize": 100, "allowedStatuses": statuses, "colParams": []}
    for _ in range(100):
        answer = server.get("data/plugin/hparams/session_groups", question)
        if len(answer["sessionGroups"]) == 3:
            break
        time.sleep(0.1)
    return {group["name"]: group for group in answer["sessionGroups"]}


@pytest.mark.slow
@pytest.mark.tf
def test_a_real_server_shows_all_runs_in_one_table(server: Serving, tiny: Tiny) -> None:
    rows = sessions(server)
    assert list(rows) == ["a-tiny", "b-stopped", "c-killed"]
    assert [row["sessions"][0]["status"] for row in rows.values()] == [
        "STATUS_SUCCESS",
        "STATUS_FAILURE",
        "STATUS_UNKNOWN",
    ]
    assert {tuple(sorted(row["hparams"])) for row in rows.values()} == {tuple(sorted(COLUMNS))}
    assert rows["b-stopped"]["hparams"]["optimizer"] == "sgd"
    assert rows["c-killed"]["hparams"]["model"] == "other"
    values = {
        (metric["name"].get("group", ""), metric["name"]["tag"]): metric["value"]
        for metric in rows["a-tiny"]["metricValues"]
    }
    metrics = tiny.record["metrics"]
    assert values == {
        ("", "test_accuracy"): pytest.approx(metrics["test_accuracy"]),
        ("", "test_loss"): pytest.approx(metrics["test_loss"]),
        ("", "test_macro_f1"): pytest.approx(metrics["test_macro_f1"]),
        ("validation", "epoch_macro_f1"): pytest.approx(metrics["val_macro_f1"]),
        ("train", "epoch_accuracy"): pytest.approx(metrics["accuracy"]["last"]),
        ("train", "epoch_loss"): pytest.approx(metrics["loss"]["last"]),
        ("validation", "epoch_accuracy"): pytest.approx(metrics["val_accuracy"]["last"]),
        ("validation", "epoch_loss"): pytest.approx(metrics["val_loss"]["last"]),
    }


def test_a_resumed_run_shows_the_values_it_goes_on_with_where_those_stood_that_it_began_with(tmp_path: Path) -> None:
    def moment(**settings: object) -> Any:
        return snapshot(1, settings={f"train.{name}": value for name, value in settings.items()})

    writer, recorder = EventWriter(tmp_path), HparamsRecorder()
    recorder.on_begin(moment(epochs=2), writer)
    (path,) = tmp_path.glob("*tfevents*")
    size = path.stat().st_size
    again = HparamsRecorder()
    again.restore(recorder.state())
    again.on_resume(moment(epochs=4), EventWriter(tmp_path))
    assert (path.stat().st_size, list(tmp_path.iterdir())) == (size, [path])
    assert "number_value: 4" in hyperparameters_of(tmp_path)["epochs"]
    assert again.remarks(moment(), writer) == ()
    again.on_resume(moment(epochs=4, schedule="constant"), EventWriter(tmp_path))
    (said,) = again.remarks(moment(), writer)
    assert said == "TensorBoard's HParams show the values that the run began with: schedule, warmup"
