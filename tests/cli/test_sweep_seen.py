"""How commands that read show the runs of a sweep."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import Result

from tbcli.cli.render.sweep import as_document
from tbcli.config import PathsConfig
from tbcli.errors import Refused
from tbcli.naming.group_labels import session_group
from tbcli.runs import RunStore
from tbcli.sweeps.definition import Definition
from tbcli.sweeps.directory import SweepDirectory, create_sweep
from tbcli.sweeps.endings import Outcome, OutcomeLog
from tbcli.sweeps.space import Dimension
from tbcli.sweeps.summary_run import write_summary
from tests.cli.test_runs import shown_on_a_terminal
from tests.fakes import SOME_MOMENT, make_run, make_trial

Cli = Callable[..., Result]
RATE, OPTIMIZER = "train.learning_rate", "train.optimizer"


def make_sweep(workspace: Path, sweep: str = "s", **known: object) -> None:
    """Make four trials that began in the wrong order, as those of several workers do, and a run beside them."""
    for number, (rate, optimizer) in enumerate((rate, each) for rate in (0.1, 0.001) for each in ("adam", "sgd")):
        started = SOME_MOMENT - timedelta(seconds=number)
        make_trial(
            workspace, number, {RATE: rate, OPTIMIZER: optimizer}, sweep=sweep, started=started, files=False,
            val_accuracy=0.9 + 0.01 * number, **known,
        )  # fmt: skip


def cells_of(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines()]


def test_the_table_of_a_sweep_has_what_varies_and_its_metric_in_the_order_of_trials(cli: Cli, workspace: Path) -> None:
    make_sweep(workspace)
    make_run(workspace, name="beside", files=False)
    header, *rows = cells_of(cli("runs", "--sweep", "s"))
    titles = ["trial", "status", "learning_rate", "optimizer", "val_accuracy"]
    places = [[word.lower() for word in header].index(title) for title in titles]
    beside_size = [[row[i] for i in [place + (place > 5) for place in places]] for row in rows]  # "1 kB" is two words
    assert beside_size == [
        ["0", "finished", "0.1", "adam", "0.9000"],
        ["1", "finished", "0.1", "sgd", "0.9100"],
        ["2", "finished", "0.001", "adam", "0.9200"],
        ["3", "finished", "0.001", "sgd", "0.9300"],
    ]
    best_first = [row[1] for row in cells_of(cli("runs", "--sweep", "s", "--sort", "val_accuracy"))[1:]]
    assert best_first == ["3", "2", "1", "0"]
    assert "learning_rate" not in cli("runs").stdout


def test_seeds_are_a_column_and_a_trial_that_failed_reached_nothing(cli: Cli, workspace: Path) -> None:
    make_trial(workspace, 0, {RATE: 0.1}, seed=7)
    make_trial(workspace, 1, {RATE: 0.1}, seed=8, status="failed", epochs=0)
    header, first, second = cells_of(cli("runs", "--sweep", "latest"))
    assert header[-3:] == ["learning_rate", "seed", "val_accuracy"]
    assert first[-3:] == ["0.1", "7", "0.9800"]
    assert second[-3:] == ["0.1", "8", "-"]


def test_csv_and_json_of_a_sweep_hold_the_same_in_the_same_order(cli: Cli, workspace: Path) -> None:
    make_sweep(workspace)
    rows = list(csv.DictReader(cli("runs", "--sweep", "s", "--csv").stdout.splitlines()))
    runs = json.loads(cli("runs", "--sweep", "s", "--json").stdout)["runs"]
    told = [(run["sweep"]["trial"], run["sweep"]["params"][RATE], run["sweep"]["value"]) for run in runs]
    assert [(int(row["trial"]), float(row[RATE]), float(row["val_accuracy"])) for row in rows] == told
    assert [trial for trial, *_ in told] == [0, 1, 2, 3]
    assert [row["id"] for row in rows] == [run["id"] for run in runs]


def test_sweep_and_trial_are_facts(cli: Cli, workspace: Path) -> None:
    make_sweep(workspace)
    make_sweep(workspace, "two words")
    alone = make_run(workspace, name="alone", files=False)
    rows = cells_of(cli("runs", "--where", 'sweep="two words" and trial>1', "--columns", "trial,sweep"))
    assert rows == [["trial", "sweep"], ["3", "two", "words"], ["2", "two", "words"]]
    last = [row for row in cells_of(cli("runs", "--columns", "id,sweep,trial")) if row[0] == alone.id]
    assert last == [[alone.id, "-", "-"]]


@pytest.mark.parametrize("columns", [80, 140])
def test_a_narrow_window_loses_facts_and_no_settings(workspace: Path, columns: int) -> None:
    make_sweep(workspace)
    header, *rows = shown_on_a_terminal(["runs", "--sweep", "s", "--workspace", str(workspace)], columns)
    assert header.split()[-3:] == ["learning_rate", "optimizer", "val_accuracy"]
    assert len(rows) == 4
    assert len(header) <= columns


def test_an_export_of_a_sweep_is_of_all_its_runs_in_the_order_of_trials(cli: Cli, workspace: Path) -> None:
    make_sweep(workspace)
    make_run(workspace, name="beside", files=False)
    shown = json.loads(cli("runs", "--sweep", "s", "--json").stdout)["runs"]
    rows = csv.DictReader(cli("export", "--sweep", "s", "--metric", "val_accuracy").stdout.splitlines())
    assert list(dict.fromkeys(row["run"] for row in rows)) == [run["id"] for run in shown]
    best = csv.DictReader(cli("export", "best", "--sweep", "s", "--metric", "val_accuracy").stdout.splitlines())
    assert {row["run"] for row in best} == {shown[-1]["id"]}


def keep_sweep(workspace: Path, name: str, outcomes: list[Outcome], *, seeds: int = 1) -> SweepDirectory:
    """Keep a sweep of four combinations as it is kept while it runs."""
    directory = create_sweep(PathsConfig(workspace=str(workspace)), name)
    rates, optimizers = Dimension(RATE, (0.1, 0.001)), Dimension(OPTIMIZER, ("adam", "sgd"))
    definition = Definition(
        name=name, dimensions=(rates, optimizers), method="grid", combinations=4, seeds=seeds, metric="val_accuracy",
        sense="max", started=f"2026-11-22T12:00:{len(name):02}Z",
    )  # fmt: skip
    directory.save(definition)
    for outcome in outcomes:
        OutcomeLog(directory.log_file).append(outcome)
    return directory


def test_a_list_of_runs_tells_the_sweeps_so_that_their_names_are_found_again(cli: Cli, workspace: Path) -> None:
    make_sweep(workspace, "two words")
    assert "sweep" not in cli("runs").stderr
    run = make_run(workspace, files=False).id
    ended = [Outcome(0, {}, None, "finished", run, 0.9), Outcome(1, {}, None, "failed"), Outcome(2, {}, None, "pruned")]
    keep_sweep(workspace, "two words", [*ended, Outcome(3, {}, None, "finished", "y", 0.93)])
    keep_sweep(workspace, "s", ended)
    assert cli("runs").stderr.splitlines() == [
        "sweep s: 3 of 4 trials have ended, best val_accuracy 0.9000: `tbcli sweep --resume s`",
        "sweep two words: 4 of 4 trials have ended, best val_accuracy 0.9300: `tbcli runs --sweep 'two words'`",
    ]
    for number in range(3, 6):
        keep_sweep(workspace, "s" * number, [])
    assert cli("runs").stderr.startswith("2 older sweeps: `tbcli runs --all`\n")
    assert len(cli("runs", "--all").stderr.splitlines()) == 5
    assert "sweep" not in cli("runs", "--quiet").stderr + cli("runs", "--json").stderr
    assert "no trial has begun: `tbcli sweep --resume sss`" in cli("runs", "--sweep", "sss").stderr
    assert "known: two words" in cli("runs", "--sweep", "nothing").stderr


def test_trials_without_a_run_are_told_with_what_goes_on_with_them(cli: Cli, workspace: Path) -> None:
    why = "it does not [fit]"
    keep_sweep(workspace, "np", [Outcome(number, {}, None, "failed", reason=why) for number in range(4)])
    told = f"4 trials (0, 1, 2, 3) failed without a run: {why}; `tbcli sweep --resume np --retry 1` begins anew"
    for command in (["runs"], ["effects", "val_loss"]):
        result = cli(*command, "--sweep", "np")
        assert (result.exit_code, told in result.stderr, "no trial has begun" in result.stderr) == (3, True, False)
    run = make_trial(workspace, 0, {RATE: 0.1}, sweep="fl", files=False)
    stopped = Outcome(2, {}, None, "interrupted", reason="the worker process ended by SIGKILL")
    outcomes = [Outcome(0, {}, None, "finished", run.id, 0.9), Outcome(1, {}, None, "failed", reason=why), stopped]
    keep_sweep(workspace, "fl", [*outcomes, Outcome(0, {}, None, "failed", reason="before")])
    assert cli("runs", "--sweep", "fl").stderr.splitlines() == [
        f"trial 1 failed without a run: {why}; `tbcli sweep --resume fl --retry 1` begins anew",
        "trial 2 stopped without a run: the worker process ended by SIGKILL; `tbcli sweep --resume fl` goes on",
    ]


def test_the_document_of_a_sweep_holds_every_trial_and_what_became_of_it(workspace: Path) -> None:
    definition = keep_sweep(workspace, "s", [], seeds=2).load()
    runs = {number: make_trial(workspace, number, {RATE: 0.1}, status="interrupted", files=False) for number in (0, 2)}
    outcomes = {
        0: Outcome(0, {RATE: 0.1}, 0, "finished", runs[0].id, 0.98),
        1: Outcome(1, {RATE: 0.1}, 1, "failed", "", None, "OOM"),
    }
    document = as_document(definition, outcomes, runs)
    trials = document["trials"]
    assert [document[key] for key in ("name", "metric", "sense", "count", "best", "dry_run")] == [
        "s", "val_accuracy", "max", 8, 0, False,
    ]  # fmt: skip
    assert [trial["trial"] for trial in trials] == [*range(8)]
    assert [trial["seed"] for trial in trials] == [0, 1] * 4
    assert [trial["status"] for trial in trials] == ["finished", "failed", "interrupted", *[None] * 5]
    assert [trial["error"] for trial in trials] == [None, "OOM", *[None] * 6]
    assert trials[0] | {"value": 0.98, "run": runs[0].id} == trials[0]
    assert trials[7]["params"] == {RATE: 0.001, OPTIMIZER: "sgd"}


@pytest.mark.parametrize(("method", "trials"), [("grid", 4), ("tpe", 0)])
def test_a_dry_run_as_json_is_the_same_document(cli: Cli, workspace: Path, method: str, trials: int) -> None:
    pytest.importorskip("optuna")
    words = ("lr=0.1,0.01", "--seeds", "2", "--method", method, "--limit-samples", "200")
    document = json.loads(cli("sweep", *words, "--dry-run", "--json").stdout)
    assert (len(document["trials"]), document["dry_run"], document["name"]) == (trials, True, None)
    assert document["space"] == {RATE: {"values": [0.1, 0.01]}}
    assert {trial["status"] for trial in document["trials"]} <= {None}


def test_a_name_is_taken_by_runs_of_a_sweep_that_is_not_kept_any_more(workspace: Path) -> None:
    paths = PathsConfig(workspace=str(workspace))
    assert create_sweep(paths, "", ("sweep-1", "sweep-2")).name == "sweep-3"
    with pytest.raises(Refused, match="there are runs of a sweep 'my own' already"):
        create_sweep(paths, "my own", ("my own",))


def test_a_name_leaves_room_for_those_of_the_trials(cli: Cli, workspace: Path) -> None:
    words = ("sweep", "lr=0.1,0.01", "--limit-samples", "200", "--dry-run", "--name")
    assert cli(*words, "x" * 92).exit_code == 0
    assert "--name, with what trials add, must be one printable line" in cli(*words, "x" * 98).stderr


def test_what_is_asked_of_a_sweep_whose_runs_were_removed_says_so(cli: Cli, workspace: Path) -> None:
    run = make_trial(workspace, 0, {RATE: 0.1})
    keep_sweep(workspace, "s", [Outcome(0, {}, None, "finished", run.id, 0.9)])
    assert "sweep s: 1 of 4" in cli("runs").stderr
    removed = cli("clean", "--sweep", "s", "--yes")
    assert "1 run moved to trash" in removed.stderr
    assert "none of its runs is there; `tbcli clean --restore`" in cli("runs", "--sweep", "s").stderr
    assert "sweep s" not in cli("runs").stderr
    with pytest.raises(Refused, match="already") as refused:
        create_sweep(PathsConfig(workspace=str(workspace)), "s")
    assert "its name is free again" in refused.value.hint


def test_clean_counts_the_summary_of_a_sweep_apart(cli: Cli, workspace: Path) -> None:
    for seed in range(2):
        make_trial(workspace, seed, {RATE: 0.1}, seed=seed, files=False)
    assert write_summary(RunStore(PathsConfig(workspace=str(workspace))), "s") is not None
    assert "2 runs and the summary of 1 sweep would go" in cli("clean", "--sweep", "s", "--dry-run").stderr
    assert "1 run would go" in cli("clean", "s-0", "--dry-run").stderr


def test_a_run_of_another_sweep_and_a_condition_in_place_of_a_run_are_told(cli: Cli, workspace: Path) -> None:
    make_trial(workspace, 0, {RATE: 0.1}, sweep="one")
    make_trial(workspace, 0, {RATE: 0.1}, sweep="two words")
    error = cli("runs", "one-0", "--sweep", "two words").stderr
    assert "no run 'one-0' in sweep 'two words'" in error
    assert "`tbcli runs --sweep 'two words'`" in error
    assert cli("check", "best", "loss<1", "--sweep", "one").exit_code == 0


def test_arguments_name_a_group_once(cli: Cli, workspace: Path) -> None:
    for number, (units, seed) in enumerate((units, seed) for units in (4, 16) for seed in (0, 1)):
        make_trial(
            workspace, number, {"model.args.units": units}, seed=seed, files=False,
            settings={"model.args": (f"units={units}",)}, record={"arguments": {"units": units}},
        )  # fmt: skip
    sides = json.loads(cli("compare", "--sweep", "s", "--group-by", "seed", "--json").stdout)["sides"]
    assert [(side["label"], side["n"]) for side in sides] == [("units=4", 2), ("units=16", 2)]
    assert [row[-3:] for row in cells_of(cli("runs", "--sweep", "s"))][:2] == [
        ["units", "seed", "val_accuracy"],
        ["4", "0", "0.9800"],
    ]


def test_one_run_in_full_tells_its_trial(cli: Cli, workspace: Path) -> None:
    make_trial(workspace, 3, {RATE: 0.1}, sweep="two words", seed=2)
    lines = [" ".join(line.split()) for line in cli("runs", "two words-3").stdout.splitlines()]
    assert "trial 3 of sweep two words: learning_rate=0.1 seed=2, val_accuracy 0.9800" in lines
    beside = make_run(workspace, files=False)
    assert not any(line.split()[:1] == ["trial"] for line in cli("runs", beside.id).stdout.splitlines())


def test_without_seeds_a_grouping_by_seed_says_what_else_groups(cli: Cli, workspace: Path) -> None:
    for number in range(2):
        make_trial(workspace, number, {}, record={"arguments": {"lr": number}})
        config = sorted((workspace / "logs").glob(f"*-s-{number}/config.json"))[0]
        config.write_text("{}")
    error = cli("compare", "--sweep", "s", "--group-by", "seed").stderr
    assert error.startswith("error: no run has a setting 'seed'\ntry:   `--group-by model`")


@pytest.mark.parametrize(
    "words",
    [
        ["export", "logs/", "--metric", "val_accuracy", "--json"],
        ["compare", "logs/", "--json"],
        ["check", "logs/", "loss<9", "--json"],
        ["effects", "val_accuracy", "logs/", "--json"],
        ["runs", "logs/", "--json"],
    ],
)
def test_a_path_is_the_runs_of_the_sweep_in_it(
    cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(workspace)
    make_sweep(workspace)
    other = make_trial(workspace, 0, {RATE: 0.1}, sweep="other")
    beside = make_run(workspace, name="beside", files=False)
    result = cli(*words, "--sweep", "s")
    assert result.exit_code == 0
    named = {run.name for run in (workspace / "logs").iterdir() if run.name in result.stdout}
    assert named == {run.name for run in (workspace / "logs").iterdir()} - {other.id, beside.id}


@pytest.mark.parametrize(
    "command", ["export PATH", "runs PATH", "check PATH loss<9", "plot PATH", "clean PATH --dry-run"]
)
@pytest.mark.parametrize("below", ["", "/train"])
def test_a_path_to_another_run_is_refused_with_a_sweep(
    cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch, command: str, below: str
) -> None:
    monkeypatch.chdir(workspace)
    make_trial(workspace, 0, {RATE: 0.1})
    other = make_trial(workspace, 0, {RATE: 0.1}, sweep="other")
    result = cli(*command.replace("PATH", f"logs/{other.id}{below}").split(), "--sweep", "s")
    is_refused = result.exit_code == 8 and command.startswith("clean")  # which takes whole runs alone
    assert result.exit_code == 3 or is_refused
    assert result.stdout == ""
    assert is_refused or "of the sweep 's'" in result.stderr or "of a sweep 's'" in result.stderr


def test_groups_are_called_as_tensorboard_shows_them(cli: Cli, workspace: Path) -> None:
    for number in range(4):
        params = {OPTIMIZER: ("adam", "sgd")[number // 2], RATE: 0.1}
        run = make_trial(workspace, number, params, seed=number % 2, files=False)
        assert session_group(run.record).startswith(f"s: optimizer={params[OPTIMIZER]}, learning_rate=0.1")
    sides = json.loads(cli("compare", "--sweep", "s", "--group-by", "seed", "--json").stdout)["sides"]
    assert [side["label"] for side in sides] == [f"optimizer={name}, learning_rate=0.1" for name in ("adam", "sgd")]
    make_trial(workspace, 4, {RATE: 0.5}, sweep="other", seed=0, files=False)
    sides = json.loads(cli("compare", "--group-by", "seed", "--json").stdout)["sides"]
    assert len(sides) == len({side["label"] for side in sides}) == 3


def test_figures_of_a_whole_sweep_have_a_directory_of_its_name_and_groups_a_file_of_their_own(
    cli: Cli, workspace: Path
) -> None:
    trials = [make_trial(workspace, number, {RATE: 0.1 / (number // 2 + 1)}, seed=number % 2) for number in range(4)]
    paths = [
        cli("plot", "--sweep", *words).stdout.strip()
        for words in (["latest"], ["s", "--group-by", "seed"], ["s", "--group-by", "model"], ["s", trials[0].id])
    ]
    shown = ["/".join(Path(path).parts[-2:]) for path in paths]
    assert shown == [
        "s/training_history.png",
        "s/training_history_by_seed.png",
        "s/training_history_by_model.png",
        f"{trials[0].id}/training_history.png",
    ]
    across = cli("plot", "--sweep", "s", "--kind", "effects", "--metric", "val_loss").stdout
    assert Path(across).parent.name == "s"


def test_curves_of_several_runs_say_which_have_not_finished(cli: Cli, workspace: Path) -> None:
    make_trial(workspace, 0, {RATE: 0.1})
    make_trial(workspace, 1, {RATE: 0.1}, status="pruned")
    shown = cli("plot", "--sweep", "s", "--terminal").stdout
    assert ("s-1 (pruned) validation" in shown, "s-0 validation" in shown) == (True, True)


def test_check_judges_every_trial_of_a_sweep(cli: Cli, workspace: Path) -> None:
    for number in range(3):
        make_trial(workspace, number, {RATE: 0.1}, files=False)
    passed = cli("check", "--sweep", "s", "val_accuracy>0.5", "epoch>0")
    assert (passed.exit_code, len(passed.stdout.splitlines())) == (0, 6)
    assert cli("check", "val_accuracy>0.5", "--sweep", "s").exit_code == 0
    assert cli("check", "--sweep", "s", "--baseline", "s-0").exit_code == 0
    assert cli("check", "--sweep", "s", "val_accuracy>0.99").exit_code == 7
    assert cli("check", "--sweep", "s", "val_acuracy>0.5").exit_code == 3
    assert "no conditions to check" in cli("check", "--sweep", "s").stderr
    assert "no run to check" in cli("check").stderr
    make_trial(workspace, 3, {RATE: 0.1}, epochs=0, status="failed", files=False)
    failed = cli("check", "--sweep", "s", "val_accuracy>0.5")
    assert (failed.exit_code, failed.stdout.count("passed")) == (7, 3)
    assert "not there: the run is failed" in failed.stdout


def test_check_fails_for_a_trial_that_ended_without_a_run(cli: Cli, workspace: Path) -> None:
    make_trial(workspace, 0, {RATE: 0.1}, files=False)
    directory = create_sweep(PathsConfig(workspace=str(workspace)), "s")
    OutcomeLog(directory.log_file).append(Outcome(1, {RATE: 0.2}, None, "failed", reason="no"))
    result = cli("check", "--sweep", "s", "val_accuracy>0.5")
    assert (result.exit_code, "s-1" in result.stdout) == (7, True)
