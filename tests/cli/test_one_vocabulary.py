"""The same ten series, as six programs lay them out, have the same names and numbers in every command."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tbcli.cli.check import check_trained
from tbcli.cli.output import Output
from tbcli.gates import parse_conditions
from tbcli.runs.history import HistoryWriter
from tests.fakes import make_run
from tests.serving.events import write_scalars

Cli = Callable[..., Result]
SERIES = {
    "loss": [0.9, 0.5, 0.25],
    "val_loss": [1.0, 0.5, 0.75],
    "accuracy": [0.5, 0.75, 0.875],
    "val_accuracy": [0.5, 0.875, 0.75],
    "mae": [3.0, 2.0, 1.5],
    "val_mae": [3.5, 1.75, 2.5],
    "f1": [0.25, 0.5, 0.625],
    "val_f1": [0.25, 0.625, 0.5],
    "learning_rate": [0.125, 0.0625, 0.03125],
    "test_accuracy": [0.75],
}
Layout = Callable[[Path], None]


def keras(top: Path) -> None:
    """Three directories, the split in their names, the unit in the tag."""
    for directory, prefix in (("train", ""), ("validation", "val_"), ("test", "test_")):
        own = {name: values for name, values in SERIES.items() if split_prefix(name) == prefix}
        write_scalars(top / directory, {f"epoch_{bare(name)}": values for name, values in own.items()})


def lightning(top: Path) -> None:
    """All in one directory, the split in front, ``_epoch`` behind training."""
    named = {"learning_rate": "lr-Adam"}
    write_scalars(top, {named.get(name, in_front(name, "train_{}_epoch", "{}_{}")): SERIES[name] for name in SERIES})


def hugging_face(top: Path) -> None:
    """A group in front, ``eval`` for validation."""
    tags = {name: in_front(name, "train/{}", "{}/{}").replace("val/", "eval/") for name in SERIES}
    write_scalars(top, {tags[name]: values for name, values in SERIES.items()})


def tutorial(top: Path) -> None:
    """The metric in front, the split behind, a capital in one and a space in another."""
    tags = {name: f"{bare(name)}/{split_prefix(name).rstrip('_') or 'train'}" for name in SERIES}
    tags |= {"loss": "Loss/train", "val_loss": "Loss/val", "learning_rate": "Learning Rate"}
    write_scalars(top, {tags[name]: values for name, values in SERIES.items()})


def estimator(top: Path) -> None:
    """Training in the directory itself, evaluation in one below."""
    for directory, prefix in ((".", ""), ("eval", "val_"), ("test", "test_")):
        own = {name: values for name, values in SERIES.items() if split_prefix(name) == prefix}
        write_scalars(top / directory, {bare(name): values for name, values in own.items()})


LAYOUTS: dict[str, Layout] = {each.__name__: each for each in (keras, lightning, hugging_face, tutorial, estimator)}


def ours(workspace: Path) -> str:
    """Return the id of a run of ours with the same numbers in its record, its history and its event files."""
    metrics = {
        name: {"best": best(name), "best_epoch": SERIES[name].index(best(name)) + 1, "last": values[-1]}
        for name, values in SERIES.items()
        if name not in ("learning_rate", "test_accuracy")
    }
    run = make_run(workspace, files=False, record={"metrics": {**metrics, "test_accuracy": 0.75}})
    run.history_file.unlink()
    writer = HistoryWriter(run.history_file)
    for epoch in range(3):
        row = {name: values[epoch] for name, values in SERIES.items() if name != "test_accuracy"}
        writer.append({"epoch": epoch + 1, "step": 10 * (epoch + 1), "seconds": 1.0 + epoch, **row})
    for directory, prefix in (("train", ""), ("validation", "val_")):
        own = {name: values for name, values in SERIES.items() if split_prefix(name) == prefix}
        write_scalars(run.logs / directory, {f"epoch_{bare(name)}": values for name, values in own.items()})
    write_scalars(run.logs, {"test_accuracy": [0.75]})
    return run.id


def split_prefix(name: str) -> str:
    return next((prefix for prefix in ("val_", "test_") if name.startswith(prefix)), "")


def bare(name: str) -> str:
    return name.removeprefix(split_prefix(name))


def in_front(name: str, train: str, held_out: str) -> str:
    prefix = split_prefix(name)
    return held_out.format(prefix.rstrip("_"), bare(name)) if prefix else train.format(name)


def best(name: str) -> float:
    return (min if "loss" in name or "mae" in name else max)(SERIES[name])


def place(layout: str, workspace: Path) -> str:
    if layout == "ours":
        return ours(workspace)
    LAYOUTS[layout](workspace / "logs of others" / layout)
    return f"./logs of others/{layout}"


every_layout = pytest.mark.parametrize("layout", [*LAYOUTS, "ours"])


@every_layout
def test_gates_find_every_series(cli: Cli, workspace: Path, layout: str) -> None:
    where = place(layout, workspace)
    gates = [f"{name}={values[-1]}" for name, values in SERIES.items()]
    gates += [f"{name}.best={best(name)}" for name in SERIES if name not in ("learning_rate", "test_accuracy")]
    result = cli("check", where, *gates)
    assert result.exit_code == 0, result.output
    assert cli("check", where, "val_loss<0.6").exit_code == 7
    assert cli("check", where, "val_los<0.6").exit_code == 3


@every_layout
def test_lists_find_every_series(cli: Cli, workspace: Path, layout: str) -> None:
    where = place(layout, workspace)
    words = [] if layout == "ours" else [where]
    shown = cli("runs", *words, "--columns", ",".join(SERIES), "--json")
    (entry,) = json.loads(shown.stdout)["runs"]
    assert entry == {name: values[-1] for name, values in SERIES.items()}
    for name, values in SERIES.items():
        asked = f"{name}.last" if name == "learning_rate" else name  # alone it is the setting
        assert json.loads(cli("runs", *words, "--where", f"{asked}={values[-1]}", "--json").stdout)["runs"], name
        assert not json.loads(cli("runs", *words, "--where", f"{name}>9", "--json").stdout)["runs"], name


@every_layout
def test_exports_name_every_series(cli: Cli, workspace: Path, layout: str) -> None:
    where = place(layout, workspace)
    rows = list(csv.DictReader(io.StringIO(cli("export", where).stdout)))
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(row["metric"], []).append(float(row["value"]))
    assert found == SERIES
    for name, values in SERIES.items():
        chosen = list(csv.DictReader(io.StringIO(cli("export", where, "--metric", name).stdout)))
        assert [(row["metric"], float(row["value"])) for row in chosen] == [(name, value) for value in values]


@every_layout
def test_figures_draw_every_series(cli: Cli, workspace: Path, layout: str) -> None:
    where = place(layout, workspace)
    words = [word for name in SERIES for word in ("--metric", name)]
    document = json.loads(cli("plot", where, *words, "--json").stdout)
    assert {curve["name"]: curve["last"] for curve in document["curves"]} == {
        name: values[-1] for name, values in SERIES.items()
    }
    assert document["schema"] == 2


def test_layouts_compare_with_each_other(cli: Cli, workspace: Path) -> None:
    places = [place(layout, workspace) for layout in (*LAYOUTS, "ours")]
    document = json.loads(cli("compare", *places, "--json").stdout)
    values = {(row["metric"], row["at"]): [cell["value"] for cell in row["values"]] for row in document["metrics"]}
    for name, series in SERIES.items():
        if name == "learning_rate":  # of a run of ours it is no metric but a course
            continue
        moments = [at for metric, at in values if metric == name]
        assert moments, name
        for at in moments:
            expected = best(name) if at == "best" else series[-1]
            assert values[name, at] == [expected] * 6, (name, at)


def test_a_training_is_judged_by_the_same_names(workspace: Path) -> None:
    from tbcli.config import PathsConfig
    from tbcli.runs import RunStore

    run = RunStore(PathsConfig(workspace=str(workspace))).find(ours(workspace))
    gates = [f"{name}={values[-1]}" for name, values in SERIES.items()]
    check_trained(run, [condition for gate in gates for condition in parse_conditions(gate)], Output(quiet=True))
