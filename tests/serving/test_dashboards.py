"""Every dashboard is read whole, and what a page could not draw is not counted."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tbcli.serving.client import Client, NoAnswer, _unpacked
from tbcli.serving.dashboards import DashboardSeries, read_dashboards, read_series
from tests.serving.boards import Board, Query, png

HPARAMS = "plugin/hparams"
PROJECTOR = "plugin/projector"


def everything(run: str) -> bool:
    return True


def read(plugin: str, answers: Mapping[str, Any], wanted: Any = everything) -> list[DashboardSeries]:
    return read_series(Board(answers), plugin, wanted)


def told(series: list[DashboardSeries]) -> list[tuple[str, str, int, str]]:
    return [(one.run, one.tag, one.points, one.flaw) for one in series]


def test_scalars_count_the_finite_points_of_the_wanted_runs() -> None:
    answers = {
        "plugin/scalars/tags": {"a/train": {"loss": {}}, "b/train": {"loss": {}}},
        "plugin/scalars/scalars": [[0.0, 1, 0.5], [0.0, 2, "NaN"], [0.0, 3, 0.25]],
    }
    (series,) = read("scalars", answers, lambda run: run.startswith("a"))
    assert told([series]) == [("a/train", "loss", 2, "")]
    assert series.bytes == len(json.dumps(answers["plugin/scalars/scalars"]))


@pytest.mark.parametrize(
    ("kind", "point", "points"),
    [
        ("scalars", {"value": 0.5}, 1),
        ("scalars", {"value": "NaN"}, 0),
        ("histograms", {"bins": [{"count": 0.0}, {"count": 2.0}]}, 1),
        ("histograms", {"bins": [{"count": 0.0}]}, 0),
        ("images", {"imageId": "x"}, 1),
    ],
)
def test_time_series_are_scalars_histograms_and_images(kind: str, point: dict[str, Any], points: int) -> None:
    nothing: dict[str, Any] = {"runTagInfo": {}, "tagRunSampledInfo": {}}
    tags = {name: dict(nothing) for name in ("scalars", "histograms", "images")}
    tags[kind] = {"runTagInfo": {"run": ["tag"]}, "tagRunSampledInfo": {"tag": {"run": {"maxSamplesPerStep": 1}}}}

    def answer(query: Query) -> list[dict[str, Any]]:
        (asked,) = json.loads(query["requests"])
        assert (asked["plugin"], asked["run"], asked["tag"]) == (kind, "run", "tag")
        return [{**asked, "runToSeries": {"run": [point]}}]

    answers = {"plugin/timeseries/tags": tags, "plugin/timeseries/timeSeries": answer}
    assert told(read("timeseries", answers)) == [("run", "tag", points, "")]


def chart(title: str, *patterns: str, margins: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "title": title,
        "multiline": {"tag": list(patterns)},
        "margin": {"series": [{"value": tag} for tag in margins]},
    }


def test_a_chart_is_filled_by_the_curves_that_its_patterns_find() -> None:
    charts = [chart("both", "epoch_loss$", "epoch_acc"), chart("margin", margins=("mean",)), chart("none", "nowhere")]
    answers = {
        "plugin/custom_scalars/layout": {"category": [{"title": "Training", "chart": charts}]},
        "plugin/scalars/tags": {"run": {"epoch_loss": {}, "epoch_acc": {}, "mean": {}}},
        "plugin/custom_scalars/scalars": lambda query: {"tag_to_events": {query["tag"]: [[0.0, 1, 1.0]]}},
    }
    assert told(read("custom_scalars", answers)) == [
        ("run", "Training/both", 2, ""),
        ("run", "Training/margin", 1, ""),
        ("", "Training/none", 0, "no run has data for this chart"),
    ]


def test_a_chart_for_a_run_that_nobody_asked_for_is_no_flaw() -> None:
    answers = {
        "plugin/custom_scalars/layout": {"category": [{"title": "Training", "chart": [chart("gradients", "norm")]}]},
        "plugin/scalars/tags": {"asked": {"loss": {}}, "other": {"norm": {}}},
    }
    assert read("custom_scalars", answers, lambda run: run == "asked") == []


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        (png(), ""),
        (png()[:45], "does not decode"),
        (b"no image", "does not decode"),
        (png(plain=True), "is a single colour"),
    ],
)
def test_images_are_decoded(content: bytes, flaw: str) -> None:
    answers = {
        "plugin/images/tags": {"run": {"samples": {}}},
        "plugin/images/images": [{"step": 1, "query": "blob_key=x"}],
        "plugin/images/individualImage": content,
    }
    (series,) = read("images", answers)
    assert series.is_filled == (not flaw)
    assert flaw in series.flaw
    assert series.bytes == len(content)


def test_a_graph_counts_its_nodes_and_without_any_is_flawed() -> None:
    def graph(query: Query) -> bytes:
        if query.get("tag") == "bare":
            return b"versions {}"
        return b'node {\n  name: "a"\n}\nnode {\n  name: "node { b"\n}\n'

    tags = {
        "keras": {"conceptual_graph": True, "op_graph": False},
        "step": {"conceptual_graph": False, "op_graph": True},
        "bare": {"conceptual_graph": False, "op_graph": True},
    }
    answers = {
        "plugin/graphs/info": {"run": {"run_graph": True, "tags": tags}, "bare": {"run_graph": False, "tags": {}}},
        "plugin/graphs/graph": graph,
    }
    assert told(read("graphs", answers)) == [
        ("run", "run_graph", 2, ""),
        ("run", "conceptual_graph/keras", 2, ""),
        ("run", "op_graph/step", 2, ""),
        ("run", "op_graph/bare", 0, "the graph has no nodes"),
    ]


def test_a_series_that_is_listed_and_not_answered_has_that_as_its_flaw() -> None:
    for plugin in ("scalars", "histograms", "distributions", "text", "images", "pr_curves"):
        (series,) = read(plugin, {f"plugin/{plugin}/tags": {"run": {"tag": {}}}})
        assert not series.is_filled
        assert "answers 404" in series.flaw
    answers = {"plugin/graphs/info": {"run": {"run_graph": True, "tags": {}}}}
    assert "answers 404" in read("graphs", answers)[0].flaw


@pytest.mark.parametrize(
    ("plugin", "answer", "points"),
    [
        ("histograms", [[0.0, 1, [[0, 1, 3.0]]], [0.0, 2, [[0, 1, 0.0]]]], 1),
        ("distributions", [[0.0, 1, [[0, -1.0], [5000, 0.0]]], [0.0, 2, []]], 1),
        ("text", [{"text": "<p>said</p>"}, {"text": "<p>&nbsp;</p>"}], 1),
        ("pr_curves", {"run": [_counts := {"true_positives": [1, 0], "false_positives": [0],
                                           "true_negatives": [0], "false_negatives": [0]},
                               {name: [0.0] for name in _counts}]}, 1),
    ],
)  # fmt: skip
def test_what_holds_nothing_is_not_counted(plugin: str, answer: Any, points: int) -> None:
    answers = {f"plugin/{plugin}/tags": {"run": {"tag": {}}}, f"plugin/{plugin}/{plugin}": answer}
    assert told(read(plugin, answers)) == [("run", "tag", points, "")]


def test_hparams_are_sessions_and_their_metrics() -> None:
    def metric(group: str, value: object = None) -> dict[str, Any]:
        return {"name": {"group": group, "tag": "loss"}, **({} if value is None else {"value": value})}

    groups = [
        {
            "hparams": {"rate": 0.1, "batch": 8.0},
            "sessions": [
                {
                    "name": "a",
                    "status": "STATUS_SUCCESS",
                    "metricValues": [metric("train", 0.5), metric("", "NaN"), metric("validation")],
                }
            ],
        },
        {"sessions": [{"name": "b", "status": "STATUS_FAILURE"}]},
    ]
    answers = {
        f"{HPARAMS}/experiment": {"metricInfos": [{"name": {"group": "train", "tag": "loss"}}]},
        f"{HPARAMS}/session_groups": {"sessionGroups": groups},
    }
    assert told(read("hparams", answers)) == [
        ("a", "session/success", 2, ""),
        ("a", "metric/train/loss", 1, ""),
        ("a", "metric/./loss", 0, ""),
        ("a", "metric/validation/loss", 1, ""),  # protobuf leaves a zero out
        ("b", "session/failure", 0, "the session has no hyperparameters"),
    ]


@pytest.mark.parametrize(
    ("changed", "flaw"),
    [
        ({}, ""),
        ({"tensor": bytes(20)}, "20 bytes for 3 vectors of 2 float32 numbers"),
        ({"tensor": np.full(6, np.nan, np.float32).tobytes()}, "NaN or infinity"),
        ({"tensor": bytes(24)}, "are zero"),
        ({"metadata": b"label\tindex\n1\t0\n"}, "1 rows of metadata for 3 vectors"),
        ({"metadata": b"1\n2\n3\n"}, ""),  # one column has no header
        ({"metadata": b""}, "0 rows of metadata for 3 vectors"),
        ({"sprite_image": png(4, 2)}, "a sprite of 2 thumbnails for 3 vectors"),
        ({"sprite_image": b"GIF"}, "the sprite does not decode"),
    ],
)
def test_the_projector_has_vectors_labels_and_thumbnails_that_belong_together(
    changed: dict[str, bytes], flaw: str
) -> None:
    embedding = {
        "tensorName": "features",
        "tensorShape": [3, 2],
        "metadataPath": "metadata.tsv",
        "sprite": {"imagePath": "sprite.png", "singleImageDim": [2, 2]},
    }
    contents = {
        "tensor": np.arange(6, dtype=np.float32).tobytes(),
        "metadata": b"label\tindex\n1\t0\n2\t1\n3\t2\n",
        "sprite_image": png(4, 4),
        **changed,
    }
    answers = {
        f"{PROJECTOR}/runs": ["run/projector"],
        f"{PROJECTOR}/info": {"embeddings": [embedding]},
        **{f"{PROJECTOR}/{name}": content for name, content in contents.items()},
    }
    (series,) = read("projector", answers)
    assert (series.run, series.tag, series.points) == ("run/projector", "features", 3)
    assert series.is_filled == (not flaw)
    assert flaw in series.flaw
    assert series.bytes == sum(map(len, contents.values()))


def test_a_trace_counts_for_each_tool_that_opens_it() -> None:
    answers = {
        "plugin/profile/runs": ["run/train/2026_11_23", "2026_11_24"],
        "plugin/profile/run_tools": ["overview_page", "trace_viewer@"],
        "plugin/profile/hosts": [{"hostname": "here"}],
    }
    series = read("profile", answers, lambda run: run.startswith("run"))
    assert told(series) == [
        ("run/train", "2026_11_23/overview_page", 1, ""),
        ("run/train", "2026_11_23/trace_viewer@", 1, ""),
    ]


@pytest.mark.parametrize("answer", [{}, [], {"run": None}, b"<html>", 7])
def test_an_answer_in_a_shape_that_nobody_knows_is_a_flaw_and_no_crash(answer: Any) -> None:
    for plugin in ("timeseries", "custom_scalars", "graphs", "projector", "hparams", "images"):
        prefix = f"plugin/{plugin}"
        paths = ("tags", "layout", "info", "runs", "experiment")
        for series in read(plugin, {f"{prefix}/{path}": answer for path in paths}):
            assert not series.is_filled


def test_dashboards_are_read_together_and_keep_their_names() -> None:
    board = Board({"plugin/scalars/tags": {}, "plugin/text/tags": {}, "plugin/projector/runs": []})
    assert read_dashboards(board, ["scalars", "text", "images"], everything) == {
        "scalars": [],
        "text": [],
        "images": [DashboardSeries("", "", flaw="answers 404: plugin/images/tags")],
    }


def test_nobody_answers_where_nobody_listens() -> None:
    with pytest.raises(NoAnswer, match="does not answer"):
        Client("http://127.0.0.1:9/").get("environment")


def test_an_answer_that_is_packed_though_nobody_asked_is_unpacked() -> None:
    document = b'["overview_page"]'
    assert _unpacked(document, "") == document
    assert _unpacked(gzip.compress(document), "gzip") == document  # as the profile plugin does
    assert _unpacked(zlib.compress(document), "deflate") == document
