"""The groups of a sweep as TensorBoard shows them: curves of means, bands, and one row of HParams for all seeds."""

from __future__ import annotations

import html
import json
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from tbcli.config import PathsConfig
from tbcli.errors import NotFound
from tbcli.readers import open_logdir
from tbcli.recorders.hparams import HparamsRecorder
from tbcli.recorders.writer import EventWriter
from tbcli.runs import Run, RunStore
from tbcli.runs.history import read_history
from tbcli.sweeps.summary_run import write_summary
from tests.fakes import SOME_MOMENT, make_run
from tests.recorders.memory import snapshot
from tests.serving.process import PATIENCE_SECONDS, Serving, serving

Cli = Callable[..., Result]
RATES = (0.01, 0.001)
KEY = "train.learning_rate"


def make_trial(workspace: Path, number: int, rate: float, seed: int | None, **known: Any) -> Run:
    settings = {KEY: rate, "train.seed": 7 if seed is None else seed}
    sweep = {"name": "s", "trial": number, "params": {KEY: rate}, "seed": seed}
    accuracy = 0.9 + rate + 0.013 * (seed or 0)
    known.setdefault("started", SOME_MOMENT + timedelta(seconds=number))  # groups stand in the order of their runs
    return make_run(
        workspace, name=f"s-{number}", val_accuracy=accuracy, settings=settings, record={"sweep": sweep}, **known
    )


def make_sweep(workspace: Path, seeds: int = 3) -> list[Run]:
    pairs = [(rate, seed) for rate in RATES for seed in range(seeds)]
    return [make_trial(workspace, number, rate, seed, files=False) for number, (rate, seed) in enumerate(pairs)]


def store_in(workspace: Path) -> RunStore:
    return RunStore(PathsConfig(workspace=str(workspace)))


def scalars_in(run: Run) -> dict[tuple[str, str], dict[int, float]]:
    return {
        (series.run, series.tag): dict(zip(series.step.tolist(), series.value.tolist(), strict=True))
        for series in open_logdir(run.logs).scalars()
    }


def written_summary(workspace: Path) -> Run:
    run = write_summary(store_in(workspace), "s")
    assert run
    return run


def text_of_groups(run: Run) -> str:
    (text,) = open_logdir(run.logs).documents().texts
    return html.unescape("\n".join(text.texts))


def test_each_group_has_the_mean_of_its_runs_and_a_band_around_it(workspace: Path) -> None:
    trials = make_sweep(workspace)
    found = scalars_in(written_summary(workspace))
    values = [read_history(run.history_file).columns["val_accuracy"][1] for run in trials[:3]]
    mean, width = statistics.fmean(values), statistics.stdev(values)
    there = {tag: points[2] for (run, tag), points in found.items() if run == "learning_rate=0.01/validation"}
    assert there["epoch_accuracy"] == there["sweep/accuracy/mean"] == np.float32(mean)
    assert there["sweep/accuracy/lower"] == np.float32(mean - width)
    assert there["sweep/accuracy/upper"] == np.float32(mean + width)
    assert found["learning_rate=0.001", "sweep/runs"] == {1: 3, 2: 3, 3: 3}
    assert list(found["learning_rate=0.01/train", "epoch_loss"]) == [1, 2, 3]


def test_the_table_of_groups_has_every_digit_of_compare(workspace: Path, cli: Cli) -> None:
    make_sweep(workspace)
    told = text_of_groups(written_summary(workspace))
    rows = json.loads(cli("compare", "--group-by", "seed", "--json").stdout)["metrics"]
    for row in rows:
        for cell in row["values"]:
            assert f"| {cell['value']!r} +- {cell['deviation']!r} " in told, row["metric"]
    assert len(rows) > 5


def test_curves_end_where_the_first_run_of_a_group_ends_and_that_is_said(workspace: Path) -> None:
    for seed in range(2):
        make_trial(workspace, seed, 0.01, seed, epochs=3 - seed, files=False)
    run = written_summary(workspace)
    assert scalars_in(run)["learning_rate=0.01", "sweep/runs"] == {1: 2, 2: 2}
    assert "the curves of 2 runs end at epoch 2, where the first of them ends; the longest" in text_of_groups(run)


@pytest.mark.parametrize("status", ["pruned", "interrupted", "failed", "diverged"])
def test_a_trial_that_ended_early_is_in_no_mean_anywhere_and_named(workspace: Path, cli: Cli, status: str) -> None:
    for number, (rate, seed) in enumerate((rate, seed) for rate in RATES for seed in range(3)):
        early = rate == RATES[0] and seed == 2
        trial = make_trial(
            workspace, number, rate, seed, epochs=1 if early else 3, status=status if early else "finished"
        )
        record(trial, status if early else "finished")
    run = written_summary(workspace)
    result = cli("compare", "--sweep", "s", "--group-by", "seed", "--json")
    document = json.loads(result.stdout)
    assert [side["n"] for side in document["sides"]] == [2, 3]
    assert [(one["run"][-4:], one["status"]) for one in document["left_out"]] == [("-s-2", status)]
    (note,) = document["notes"]
    assert note.startswith(f"left out of the groups, as they have not finished: 1 {status} (s-2 (")
    assert note in text_of_groups(run).replace("Left", "left").replace("\\", "")
    assert note in cli("plot", "--sweep", "s", "--group-by", "seed", "--terminal").stderr.replace("\n", " ")
    (row,) = [row for row in document["metrics"] if (row["metric"], row["at"]) == ("val_accuracy", "last")]
    last = scalars_in(run)["learning_rate=0.01/validation", "epoch_accuracy"]
    assert last[3] == np.float32(row["values"][0]["value"])
    plotted = cli("plot", "--sweep", "s", "--group-by", "seed", "--metric", "val_accuracy", "--json").stdout
    assert [one["last"] for one in json.loads(plotted)["curves"]] == [one["value"] for one in row["values"]]
    names = [group_of(trial).strip() for trial in store_in(workspace).list()]
    assert sorted(names) == ["s-2", *["s: learning_rate=0.001"] * 3, *["s: learning_rate=0.01"] * 2]


def group_of(run: Run) -> str:
    """Return the group of the session in HParams."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.plugins.hparams import metadata

    (start,) = [
        metadata.parse_session_start_info_plugin_data(value.metadata.plugin_data.content)
        for file in run.logs.glob("events*")
        for event in EventFileLoader(str(file)).Load()
        for value in event.summary.value
        if value.tag == metadata.SESSION_START_INFO_TAG
    ]
    return str(start.group_name)


def test_a_sweep_of_which_no_trial_has_finished_has_no_groups(workspace: Path, cli: Cli) -> None:
    make_trial(workspace, 0, 0.01, 0, status="pruned")
    assert write_summary(store_in(workspace), "s") is None
    result = cli("compare", "--sweep", "s", "--group-by", "seed")
    assert (result.exit_code, "no run to group has finished: 1 pruned (s-0" in result.stderr) == (3, True)
    assert cli("compare", "--sweep", "s", "--group-by", "status").exit_code == 0


def test_without_further_seeds_there_are_no_bands_and_that_is_said(workspace: Path) -> None:
    for number, rate in enumerate(RATES):
        make_trial(workspace, number, rate, None, files=False)
    run = written_summary(workspace)
    assert not [tag for _, tag in scalars_in(run) if tag.startswith("sweep/")]
    assert "there are no bands" in text_of_groups(run)


def test_labels_that_are_no_names_of_directories_stay_apart(workspace: Path) -> None:
    for number, value in enumerate(("../a b", "..:a b", "x" * 300, "x" * 301)):
        sweep = {"name": "s", "trial": number, "params": {"data.source": value}, "seed": None}
        make_run(workspace, record={"sweep": sweep}, files=False)
    run = written_summary(workspace)
    assert len({path.name for path in run.logs.iterdir() if path.is_dir()}) == 4


def test_a_summary_is_no_run_and_is_rewritten_whole(workspace: Path, cli: Cli) -> None:
    make_sweep(workspace)
    first = written_summary(workspace)
    make_trial(workspace, 6, 0.1, 0, files=False)
    second = written_summary(workspace)
    assert not first.logs.exists()
    assert "learning_rate=0.1" in text_of_groups(second)
    store = store_in(workspace)
    assert second.id not in [run.id for run in store.list()]
    assert [run.id for run in store.summaries()] == [second.id]
    assert store.find("latest").id != second.id
    assert store.find("best:val_loss").id in [run.id for run in store.list()]  # two are equally good
    with pytest.raises(NotFound, match="not a run of tbcli's"):
        store.find(second.id)
    assert second.id not in cli("runs").stdout
    assert not store.wreckage()


def test_a_summary_goes_with_the_last_trial_of_its_sweep(workspace: Path, cli: Cli) -> None:
    trials, other = make_sweep(workspace, seeds=1), make_run(workspace, name="other")
    summary = written_summary(workspace)
    assert cli("clean", trials[0].id, "--yes").exit_code == 0
    assert summary.logs.exists()
    assert cli("clean", trials[1].id, "--yes").exit_code == 0
    assert not summary.logs.exists()
    assert other.logs.exists()


def test_a_summary_can_be_removed_by_itself(workspace: Path, cli: Cli) -> None:
    trials, summary = make_sweep(workspace, seeds=1), written_summary(workspace)
    assert cli("clean", summary.id, "--yes").exit_code == 0
    assert (summary.logs.exists(), trials[0].logs.exists()) == (False, True)


@pytest.mark.parametrize("form", ["{id}", "logs/{id}/"])
def test_a_summary_that_is_named_is_a_log_directory_with_a_run_per_group(workspace: Path, cli: Cli, form: str) -> None:
    make_sweep(workspace)
    named = form.format(id=written_summary(workspace).id)
    lines = cli("check", named, "val_accuracy>0.93").stdout.splitlines()
    assert ["learning_rate=0.001" in line for line in lines] == [True, False]
    assert [line.split()[0] for line in lines] == ["failed", "failed"]
    assert cli("check", named, "val_accuracy>0.92").exit_code != 0  # as long as one group fails
    assert cli("clean", named, "--dry-run").exit_code == 0


def test_a_summary_in_the_trash_comes_back(workspace: Path, cli: Cli) -> None:
    make_sweep(workspace)
    summary = written_summary(workspace)
    cli("clean", summary.id, "--yes")
    assert cli("clean", "--restore", summary.id).exit_code == 0
    assert [run.id for run in store_in(workspace).summaries()] == [summary.id]


def test_a_sweep_without_a_metric_has_no_summary(workspace: Path) -> None:
    make_trial(workspace, 0, 0.01, 0, epochs=0, status="failed", files=False)
    assert write_summary(store_in(workspace), "s") is None
    assert not store_in(workspace).summaries()


def record(run: Run, outcome: str = "finished") -> None:
    """Write what a training writes for the HParams of a trial, with the last values of its history."""
    writer, recorder, facts = EventWriter(run.logs), HparamsRecorder(), run.record
    settings = {KEY: run.sweep["params"][KEY], "train.seed": run.sweep["seed"], "train.name": run.name}
    recorder.on_begin(snapshot(0, settings=settings, facts=facts), writer)
    history = read_history(run.history_file)
    for position, epoch in enumerate(history.epochs):
        for split, prefix in (("train", ""), ("validation", "val_")):
            values = {f"epoch_{name}": history.columns[prefix + name][position] for name in ("loss", "accuracy")}
            writer.scalars(values, epoch, where=split)
    recorder.on_end(snapshot(3, settings=settings, outcome=outcome, facts=facts), writer)
    writer.close()


def groups_over(server: Serving) -> list[dict[str, Any]]:
    metric = {"metric": {"group": "validation", "tag": "epoch_accuracy"}}
    asked = {"experimentName": "", "allowedStatuses": ["STATUS_SUCCESS"], "colParams": [metric], "sliceSize": 100}
    found = server.get("data/plugin/hparams/session_groups", {**asked, "startIndex": 0})
    return list(found["sessionGroups"])


def loaded_groups(server: Serving, *, sessions: int) -> dict[str, dict[str, Any]]:
    """Return the groups by name once TensorBoard has read that many sessions: its own reader goes run by run."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    groups = groups_over(server)
    while sum(len(group["sessions"]) for group in groups) < sessions:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        groups = groups_over(server)
    return {group["name"]: group for group in groups}


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["true", "false"])
def test_tensorboard_shows_a_row_per_group_and_the_numbers_of_compare(workspace: Path, cli: Cli, reader: str) -> None:
    for run in make_sweep(workspace):
        record(run)
    summary = written_summary(workspace)
    rows = json.loads(cli("compare", "--group-by", "seed", "--json").stdout)["metrics"]
    (row,) = [row for row in rows if (row["metric"], row["at"]) == ("val_accuracy", "last")]
    means = {f"learning_rate={rate}": cell["value"] for rate, cell in zip(RATES, row["values"], strict=True)}
    with serving("--workspace", str(workspace), "--load-fast", reader) as server:
        groups = loaded_groups(server, sessions=3 * len(means))
        assert set(groups) == {f"s: {label}" for label in means}
        for label, mean in means.items():
            group = groups[f"s: {label}"]
            assert len(group["sessions"]) == 3
            assert group["hparams"]["name"] == "s"
            assert "seed" not in group["hparams"]  # it would be that of one of them
            (value,) = [
                each["value"] for each in group["metricValues"]
                if each["name"] == {"group": "validation", "tag": "epoch_accuracy"}
            ]  # fmt: skip
            assert value == pytest.approx(mean, rel=1e-15)  # a sum is not added in the same order
            path = f"data/plugin/scalars/scalars?run={summary.id}/{label}/validation&tag=epoch_accuracy"
            assert server.get(path)[-1][2] == np.float32(mean)
        content = server.get("data/plugin/custom_scalars/layout")
        assert "Sweep s" in [category["title"] for category in content["category"]]
