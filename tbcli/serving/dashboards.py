"""What TensorBoard has to show behind each of its tabs: every series read whole, as the page would read it."""

from __future__ import annotations

import html
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from tbcli.naming import tags
from tbcli.serving.client import Answer, Client, NoAnswer

_MARKUP = re.compile(r"<[^>]*>")
_NODE = re.compile(rb"^node \{", re.MULTILINE)
_BATCH = 10  # time series in one question
_AT_ONCE = 8  # questions; for most of an answer's 45 ms TensorBoard waits for its reader
_STATUSES = ("STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING")
_FLOAT_BYTES = 4

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class DashboardSeries:
    """One thing that a dashboard shows.

    Args:
        run: TensorBoard's name of the directory it comes from; ``""`` where it belongs to all.
        tag: Its name in the dashboard.
        points: How often it was recorded with something to see: finite values, images, graph nodes, table rows, ...
        bytes: How much of it TensorBoard sends.
        flaw: Why it cannot be shown, where that is so.
    """

    run: str
    tag: str
    points: int = 0
    bytes: int = 0
    flaw: str = ""

    @property
    def is_filled(self) -> bool:
        """Whether there is something to see."""
        return self.points > 0 and not self.flaw


Wanted = Callable[[str], bool]
"""Says of a run, by TensorBoard's name of it, whether to read it."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A tab of TensorBoard: its title, and how to read all it has."""

    title: str
    read: Callable[[Client, Wanted], Iterator[DashboardSeries]]


def read_series(client: Client, plugin: str, wanted: Wanted) -> list[DashboardSeries]:
    """Return all that a dashboard has of the wanted runs; one series with a flaw where it answers none of that."""
    try:
        return list(DASHBOARDS[plugin].read(client, wanted))
    except (
        NoAnswer,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:  # an answer in a shape that nobody knows
        return [DashboardSeries("", "", flaw=str(error) or repr(error))]


def read_dashboards(client: Client, plugins: Sequence[str], wanted: Wanted) -> dict[str, list[DashboardSeries]]:
    """Return all that each of several dashboards has of the wanted runs; see `read_series`."""
    return dict(zip(plugins, _together(lambda plugin: read_series(client, plugin, wanted), plugins), strict=True))


def _each(
    listed: dict[str, Any], wanted: Wanted, ask: Callable[[str, str], Answer], count: Callable[[Any], int]
) -> Iterator[DashboardSeries]:
    """Read every series of ``{run: tags}``: ask for it, count its points."""

    def read(run: str, tag: str) -> DashboardSeries:
        answer = ask(run, tag)
        return DashboardSeries(run, tag, count(answer.json()), answer.size)

    return _read_together(read, [(run, tag) for run in filter(wanted, listed) for tag in listed[run]])


def _read_together(
    read: Callable[[str, str], DashboardSeries], places: Sequence[tuple[str, str]]
) -> Iterator[DashboardSeries]:
    """Read each ``(run, tag)``; one that TensorBoard does not answer for has that as its flaw."""

    def answered(place: tuple[str, str]) -> DashboardSeries:
        try:
            return read(*place)
        except NoAnswer as error:
            return DashboardSeries(*place, flaw=str(error))

    return _together(answered, places)


def _together(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(work, items)


def _read_scalars(client: Client, wanted: Wanted) -> Iterator[DashboardSeries]:
    listed = client.get("plugin/scalars/tags").json()
    return _each(listed, wanted, lambda run, tag: client.get("plugin/scalars/scalars", run=run, tag=tag), _finite)


def _finite(points: Sequence[Sequence[Any]]) -> int:
    """Count the ``[wall time, step, value]`` with a value that can be drawn; TensorBoard sends NaN as text."""
    return sum(isinstance(value, int | float) and math.isfinite(value) for *_, value in points)


def _read_time_series(client: Client, wanted: Wanted) -> Iterator[DashboardSeries]:
    kinds = client.get("plugin/timeseries/tags").json()
    asked: list[dict[str, Any]] = []
    for kind in ("scalars", "histograms"):
        for run, listed in kinds[kind]["runTagInfo"].items():
            asked += [{"plugin": kind, "run": run, "tag": tag} for tag in (listed if wanted(run) else ())]
    for tag, runs in kinds["images"]["tagRunSampledInfo"].items():
        asked += [{"plugin": "images", "run": run, "tag": tag, "sample": 0} for run in runs if wanted(run)]
    batches = [json.dumps(asked[start : start + _BATCH]) for start in range(0, len(asked), _BATCH)]
    for answers in _together(lambda batch: client.post_form("plugin/timeseries/timeSeries", requests=batch), batches):
        for answer in answers.json():
            size = len(json.dumps(answer))
            for run, points in (answer.get("runToSeries") or {}).items():
                yield DashboardSeries(run, answer["tag"], sum(map(_is_visible, points)), size)


def _is_visible(point: dict[str, Any]) -> bool:
    if "value" in point:
        return isinstance(point["value"], int | float) and math.isfinite(point["value"])
    return any(bin_["count"] for bin_ in point["bins"]) if "bins" in point else bool(point["imageId"])


def _read_custom_scalars(client: Client, wanted: Wanted) -> Iterator[DashboardSeries]:
    """Read each chart of the layout; one that no run has data for has a flaw of its own."""
    layout = client.get("plugin/custom_scalars/layout").json()
    known = client.get("plugin/scalars/tags").json()
    charts = {
        f"{category.get('title', '')}/{chart.get('title', '')}": chart
        for category in layout.get("category", ())
        for chart in category.get("chart", ())
    }
    places = [(run, title) for title in charts for run in filter(wanted, known)]
    read = list(_read_together(lambda run, title: _chart_of_run(client, charts[title], run, title, known[run]), places))
    yield from (series for series in read if series.is_filled or series.flaw)
    # The layouts of all runs are merged: a chart may be there for the sake of a run that nobody asked for.
    others = [run for run in known if not wanted(run)]
    for title, chart in charts.items():
        filled = any(series.is_filled for series in read if series.tag == title)
        if not filled and not any(_has_curve(chart, known[run]) for run in others):
            yield DashboardSeries("", title, flaw="no run has data for this chart")


def _has_curve(chart: dict[str, Any], listed: Sequence[str]) -> bool:
    return any(re.match(pattern, tag) for pattern in _patterns(chart) for tag in listed)


def _chart_of_run(
    client: Client, chart: dict[str, Any], run: str, title: str, listed: Sequence[str]
) -> DashboardSeries:
    points = size = 0
    for pattern in _patterns(chart):
        if not any(re.match(pattern, tag) for tag in listed):
            continue  # spares a question, for TensorBoard compares in the same way
        answer = client.get("plugin/custom_scalars/scalars", run=run, tag=pattern)
        points += sum(map(_finite, answer.json()["tag_to_events"].values()))
        size += answer.size
    return DashboardSeries(run, title, points, size)


def _patterns(chart: dict[str, Any]) -> list[str]:
    margins = chart.get("margin", {}).get("series", ())
    return [*chart.get("multiline", {}).get("tag", ()), *(series["value"] for series in margins)]


def _read_images(client: Client, wanted: Wanted) -> Iterator[DashboardSeries]:
    listed = client.get("plugin/images/tags").json()
    places = [(run, tag) for run in filter(wanted, listed) for tag in listed[run]]
    return _read_together(lambda run, tag: _images_of(client, run, tag), places)


def _images_of(client: Client, run: str, tag: str) -> DashboardSeries:
    size = 0
    steps = client.get("plugin/images/images", run=run, tag=tag, sample=0).json()
    for step in steps:
        answer = client.get(f"plugin/images/individualImage?{step['query']}")
        size += answer.size
        flaw = _flaw_of_image(answer.content)
        if flaw:
            return DashboardSeries(run, tag, len(steps), size, f"the image of step {step['step']} {flaw}")
    return DashboardSeries(run, tag, len(steps), size)


def _flaw_of_image(content: bytes) -> str:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            colours = image.convert("RGB").getcolors(maxcolors=1)
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for broken files
        return f"does not decode: {error}"
    return "" if colours is None else "is a single colour"


def _read_graphs(client: Client, wanted: Wanted) -> Iterator[DashboardSeries]:
    """Read the graphs of each directory: ``run_graph``, ``op_graph/<tag>``, ``conceptual_graph/<tag>``."""
    for run, facts in client.get("plugin/graphs/info").json().items():
        if not wanted(run):
            continue
        if facts["run_graph"]:
            yield _graph(client, tags.RUN_GRAPH, run=run, conceptual="false")
        for tag, kinds in facts["tags"].items():
            if kinds["op_graph"]:
                yield _graph(client, tags.OP_GRAPH + tag, run=run, tag=tag, conceptual="false")
            if kinds["conceptual_graph"]:
                yield _graph(client, tags.CONCEPTUAL_GRAPH + tag, run=run, tag=tag, conceptual="true")


def _graph(client: Client, name: str, **query: str) -> DashboardSeries:
    try:  # with the limits that the page sets
        answer = client.get("plugin/graphs/graph", **query, limit_attr_size=1024, large_attrs_key="_too_large_attrs")
    except NoAnswer as error:
        return DashboardSeries(query["run"], name, flaw=str(error))
    nodes = len(_NODE.findall(answer.content))
    return DashboardSeries(query["run"], name, nodes, answer.size, "" if nodes else "the graph has no nodes")


def _read_distributions(client: Client, wanted: Wanted) -> Iterator[DashboardSeries]:
    listed = client.get("plugin/distributions/tags").json()
    return _each(
        listed,
        wanted,
        lambda run, tag: client.get("plugin/distributions/distributions", run=run, tag=tag),
        lambda steps: sum(bool(quantiles) for *_, quantiles in steps),
    )


def _read_histograms(client: Client, wanted: Wanted) -> Iterator[DashboardSeries]:
    listed = client.get("plugin/histograms/tags").json()
    return _each(
        listed,
        wanted,
        lambda run, tag: client.get("plugin/histograms/histograms", run=run, tag=tag),
        lambda steps: sum(any(count for *_, count in buckets) for *_, buckets in steps),
    )


def _read_text(client: Client, wanted: Wanted) -> Iterator[DashboardSeries]:
    listed = client.get("plugin/text/tags").json()
    return _each(
        listed,
        wanted,
        lambda run, tag: client.get("plugin/text/text", run=run, tag=tag),
        lambda steps: sum(bool(html.unescape(_MARKUP.sub("", step["text"])).strip()) for step in steps),
    )


def _read_pr_curves(client: Client, wanted: Wanted) -> Iterator[DashboardSeries]:
    listed = client.get("plugin/pr_curves/tags").json()
    counts = ("true_positives", "false_positives", "true_negatives", "false_negatives")
    return _each(
        listed,
        wanted,
        lambda run, tag: client.get("plugin/pr_curves/pr_curves", run=run, tag=tag),
        lambda curves: sum(any(any(entry[name]) for name in counts) for steps in curves.values() for entry in steps),
    )


def _read_hparams(client: Client, wanted: Wanted) -> Iterator[DashboardSeries]:
    """Read the sessions: ``session/<status>`` with the hyperparameters, ``metric/<directory>/<tag>`` with a value."""
    asked: dict[str, Any] = {"experimentName": ""}
    experiment = client.post("plugin/hparams/experiment", asked).json()
    columns = [{"metric": info["name"]} for info in experiment.get("metricInfos", ())]
    asked |= {"allowedStatuses": _STATUSES, "colParams": columns, "startIndex": 0, "sliceSize": 1_000_000}
    for group in client.post("plugin/hparams/session_groups", asked).json().get("sessionGroups", ()):
        parameters = group.get("hparams", {})
        for session in group.get("sessions", ()):
            run = session["name"]
            if not wanted(run):
                continue
            status = session.get("status", "STATUS_UNKNOWN").removeprefix("STATUS_").lower()
            flaw = "" if parameters else "the session has no hyperparameters"
            yield DashboardSeries(run, tags.SESSION + status, len(parameters), len(json.dumps(parameters)), flaw)
            for metric in session.get("metricValues", ()):
                name, value = metric["name"], metric.get("value", 0.0)  # protobuf leaves a zero out
                tag = f"{tags.SESSION_METRIC}{name.get('group') or '.'}/{name['tag']}"
                yield DashboardSeries(run, tag, int(isinstance(value, int | float)), len(json.dumps(metric)))


def _read_projector(client: Client, wanted: Wanted) -> Iterator[DashboardSeries]:
    for run in client.get("plugin/projector/runs").json():
        if not wanted(run):
            continue
        for embedding in client.get("plugin/projector/info", run=run).json().get("embeddings", ()):
            try:
                yield _embedding(client, run, embedding)
            except NoAnswer as error:
                yield DashboardSeries(run, embedding["tensorName"], flaw=str(error))


def _embedding(client: Client, run: str, embedding: dict[str, Any]) -> DashboardSeries:
    name = embedding["tensorName"]
    rows, width = embedding["tensorShape"]
    tensor = client.get("plugin/projector/tensor", run=run, name=name)
    flaw = _flaw_of_vectors(tensor.content, rows, width)
    size = tensor.size
    if "metadataPath" in embedding:
        answer = client.get("plugin/projector/metadata", run=run, name=name)
        described = _count_metadata_rows(answer.content.decode(errors="replace"))
        size += answer.size
        flaw = flaw or ("" if described == rows else f"{described} rows of metadata for {rows} vectors")
    if "sprite" in embedding:
        answer = client.get("plugin/projector/sprite_image", run=run, name=name)
        size += answer.size
        flaw = flaw or _flaw_of_sprite(answer.content, embedding["sprite"]["singleImageDim"], rows)
    return DashboardSeries(run, name, rows, size, flaw)


def _flaw_of_vectors(content: bytes, rows: int, width: int) -> str:
    import numpy as np

    if len(content) != rows * width * _FLOAT_BYTES:
        return f"{len(content)} bytes for {rows} vectors of {width} float32 numbers"
    vectors = np.frombuffer(content, np.float32)
    if not np.isfinite(vectors).all():
        return "some vectors contain NaN or infinity"
    return "" if vectors.any() else "all vectors are zero"


def _count_metadata_rows(text: str) -> int:
    """Count the samples described: there is a header where there are several columns."""
    lines = text.rstrip("\n").split("\n") if text.strip("\n") else []
    return len(lines) - 1 if lines and "\t" in lines[0] else len(lines)


def _flaw_of_sprite(content: bytes, cell: Sequence[int], rows: int) -> str:
    from PIL import Image

    flaw = _flaw_of_image(content)
    if flaw:
        return f"the sprite {flaw}"
    with Image.open(io.BytesIO(content)) as image:
        cells = (image.width // cell[0]) * (image.height // cell[1])
    return "" if cells >= rows else f"a sprite of {cells} thumbnails for {rows} vectors"


def _read_profile(client: Client, wanted: Wanted) -> Iterator[DashboardSeries]:
    """Read which tools can open each trace, a series each, with the hosts traced as its points."""
    for trace in client.get("plugin/profile/runs").json():
        run = trace.rpartition("/")[0] or "."
        if not wanted(run):
            continue
        for tool in client.get("plugin/profile/run_tools", run=trace).json():
            answer = client.get("plugin/profile/hosts", run=trace, tag=tool)
            yield DashboardSeries(run, f"{trace.rpartition('/')[2]}/{tool}", len(answer.json()), answer.size)


DASHBOARDS = {
    "timeseries": Dashboard("Time Series", _read_time_series),
    "scalars": Dashboard("Scalars", _read_scalars),
    "custom_scalars": Dashboard("Custom Scalars", _read_custom_scalars),
    "images": Dashboard("Images", _read_images),
    "graphs": Dashboard("Graphs", _read_graphs),
    "distributions": Dashboard("Distributions", _read_distributions),
    "histograms": Dashboard("Histograms", _read_histograms),
    "text": Dashboard("Text", _read_text),
    "pr_curves": Dashboard("PR Curves", _read_pr_curves),
    "hparams": Dashboard("HParams", _read_hparams),
    "projector": Dashboard("Projector", _read_projector),
    "profile": Dashboard("Profile", _read_profile),
}
"""TensorBoard's plugin -> its tab, in the order in which TensorBoard shows them."""
