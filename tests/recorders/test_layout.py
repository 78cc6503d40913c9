"""The charts of Custom Scalars: each has data, and is the same in every run."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from tensorboard.plugins.custom_scalar import layout_pb2, metadata

from tbcli.config import Config
from tbcli.errors import ConfigError
from tbcli.recorders.layout import CATEGORIES, OWN, LayoutRecorder, arrange_charts
from tests.recorders.memory import MemoryWriter, snapshot
from tests.serving.process import serving
from tests.tiny import Tiny

LIGHT = {"epoch_loss", "epoch_accuracy", "epoch_learning_rate", "epoch_steps_per_second"}
ALL = LIGHT | {
    "batch_loss",
    "gradients/global_norm",
    "gradients/conv1",
    "updates/conv1",
    "dead_units/relu1",
    "system/cpu_percent",
    "system/memory_mb",
    "system/gpu_memory_mb",
}


def charts(layout: layout_pb2.Layout) -> dict[str, list[str]]:
    return {category.title: [chart.title for chart in category.chart] for category in layout.category}


def test_with_everything_recorded_every_chart_is_there() -> None:
    assert charts(arrange_charts(ALL)) == {title: list(patterns) for title, patterns in CATEGORIES.items()}


def test_a_chart_without_data_is_left_out_and_so_is_a_category() -> None:
    found = charts(arrange_charts(LIGHT))
    assert found == {
        "Training": ["Loss: training and validation", "Accuracy: training and validation", "Learning rate"],
        "System": ["Steps per second"],
    }
    assert charts(arrange_charts(set())) == {}


def test_every_chart_finds_a_tag_and_no_tag_is_in_two() -> None:
    patterns = [pattern for patterns in CATEGORIES.values() for pattern in patterns.values()]
    for pattern in patterns:
        assert any(re.match(pattern, tag) for tag in ALL), pattern
    for tag in ALL:
        assert [pattern for pattern in patterns if re.match(pattern, tag)].__len__() == 1, tag


def test_a_chart_is_the_same_in_every_run_so_that_merging_drops_it() -> None:
    light = {chart.SerializeToString() for category in arrange_charts(LIGHT).category for chart in category.chart}
    everything = {chart.SerializeToString() for category in arrange_charts(ALL).category for chart in category.chart}
    assert light < everything


def test_the_layout_is_written_again_only_when_there_is_more_to_arrange() -> None:
    writer, recorder = MemoryWriter(scalar_tags=LIGHT), LayoutRecorder()
    for epoch in (1, 2):
        recorder.on_epoch(snapshot(epoch), writer)  # type: ignore[arg-type]
    writer.scalar_tags = ALL
    for epoch in (3, 4):
        recorder.on_epoch(snapshot(epoch), writer)  # type: ignore[arg-type]
    recorder.on_end(snapshot(4), writer)  # type: ignore[arg-type]
    written = writer.written["", metadata.CONFIG_SUMMARY_TAG]
    assert [step for step, _ in written] == [1, 3]
    contents = [layout_pb2.Layout.FromString(value.item()) for _, value in written]
    assert contents == [arrange_charts(LIGHT), arrange_charts(ALL)]


def test_where_nothing_was_recorded_nothing_is_arranged() -> None:
    writer = MemoryWriter()
    LayoutRecorder().on_end(snapshot(0), writer)  # type: ignore[arg-type]
    assert writer.written == {}


@pytest.mark.slow
@pytest.mark.tf
@pytest.mark.parametrize("load_fast", ["auto", "false"])
def test_a_real_server_merges_the_latest_layouts_of_all_runs(load_fast: str, tmp_path: Path) -> None:
    from tbcli.recorders.writer import EventWriter

    for name, later in (("a", LIGHT), ("b", ALL), ("c", LIGHT)):
        (tmp_path / name).mkdir()
        writer, recorder = EventWriter(tmp_path / name), LayoutRecorder()
        for epoch, tags in enumerate((LIGHT, later), start=1):
            writer.scalars(dict.fromkeys(tags, 1.0), epoch, where="train")
            recorder.on_epoch(snapshot(epoch), writer)
        writer.close()
    expected = {title: set(patterns) for title, patterns in CATEGORIES.items()}
    with serving("--logdir", str(tmp_path), "--load-fast", load_fast) as server:
        for _ in range(100):
            answer = json_format.Parse(json.dumps(server.get("data/plugin/custom_scalars/layout")), layout_pb2.Layout())
            if sum(len(category.chart) for category in answer.category) == sum(map(len, expected.values())):
                break
            time.sleep(0.1)
    merged = charts(answer)
    assert {title: set(names) for title, names in merged.items()} == expected
    assert sum(map(len, merged.values())) == sum(map(len, expected.values()))


@pytest.mark.tf
def test_every_chart_of_a_real_run_has_data(tiny: Tiny) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tags: set[str] = set()
    for where in ("train", "validation"):
        events = EventAccumulator(str(tiny.run.logs / where), size_guidance={"tensors": 1})
        events.Reload()
        tags |= {
            tag
            for tag in events.Tags()["tensors"]
            if events.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"
        }  # fmt: skip
    own = EventAccumulator(str(tiny.run.logs), size_guidance={"tensors": 0})
    own.Reload()
    layout = layout_pb2.Layout.FromString(own.Tensors(metadata.CONFIG_SUMMARY_TAG)[-1].tensor_proto.string_val[0])
    assert layout == arrange_charts(tags)
    assert list(charts(layout)) == list(CATEGORIES)


LOGS = {"epoch": 1, "step": 5, "seconds": 1.0, "loss": 0.5, "val_loss": 0.4, "mae": 1.0, "val_mae": 1.0, "low": 0.1}


def own_charts(charts_of_user: dict[str, list[str]], written: set[str]) -> tuple[list[Any], Sequence[str]]:
    """Return the user's charts as they were written, and what is remarked."""
    writer, recorder = MemoryWriter(scalar_tags=written), LayoutRecorder()
    now = snapshot(
        1, logs=LOGS, settings={f"charts.{title}": tuple(metrics) for title, metrics in charts_of_user.items()}
    )
    recorder.on_epoch(now, writer)  # type: ignore[arg-type]
    (_, value) = writer.written["", metadata.CONFIG_SUMMARY_TAG][-1]
    layout = layout_pb2.Layout.FromString(value.item())
    own = [chart for category in layout.category if category.title == OWN for chart in category.chart]
    return own, recorder.remarks(now, writer)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metrics", "patterns"),
    [
        (["loss", "val_loss"], ["epoch_loss$"]),
        (["loss", "val_mae"], ["epoch_loss$", "epoch_mae$"]),
        (["LOSS"], ["epoch_loss$"]),
        (["loss@step"], ["batch_loss$"]),
        (["gradients/global_norm"], [r"gradients/global_norm$"]),
        (["test_loss"], ["test_loss$"]),
    ],
)
def test_a_chart_of_the_user_names_metrics_as_everywhere(metrics: list[str], patterns: list[str]) -> None:
    written = ALL | {"epoch_mae", "epoch_low", "test_loss"}
    (chart,), said = own_charts({"Mine": metrics}, written)
    assert (chart.title, list(chart.multiline.tag)) == ("Mine", patterns)
    assert said == []


def test_a_band_has_a_value_and_its_edges() -> None:
    band = ["value: loss", "lower: low", "upper: mae"]
    (chart,), said = own_charts({"Band": band}, ALL | {"epoch_mae", "epoch_low"})
    (series,) = chart.margin.series
    assert (series.value, series.lower, series.upper) == ("epoch_loss", "epoch_low", "epoch_mae")
    assert said == []


@pytest.mark.parametrize("metrics", [["value: loss"], ["value: a", "lower: b", "upper: c", "d"], ["loss", "upper: a"]])
def test_a_band_without_its_edges_is_refused(metrics: list[str]) -> None:
    with pytest.raises(ConfigError, match="a band has one value, lower and upper"):
        Config().updated({"charts.Band": tuple(metrics)})


def test_a_metric_that_there_is_not_is_said_and_the_others_are_drawn() -> None:
    own, said = own_charts({"Mine": ["loss", "flops"], "None": ["auc"]}, ALL)
    assert [chart.title for chart in own] == ["Mine"]
    assert said == [
        "chart 'Mine': no metric 'flops'; there are loss, low, mae, val_loss, val_mae",
        "chart 'None': no metric 'auc'; there are loss, low, mae, val_loss, val_mae",
    ]


def test_every_metric_of_the_epochs_has_a_chart() -> None:
    found = charts(arrange_charts({"epoch_loss", "epoch_mae", "epoch_r2", "epoch_binary_accuracy", "epoch_macro_f1"}))
    assert found == {
        "Training": [
            "Loss: training and validation",
            "Binary accuracy: training and validation",
            "MAE: training and validation",
            "R2: training and validation",
        ]
    }
