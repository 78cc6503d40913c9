"""Which trials there are, and the files of a sweep."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import Result

from tbcli.config import Config, PathsConfig
from tbcli.errors import ConfigError, NotFound, Refused
from tbcli.runs import RunStore
from tbcli.sweeps.asking import changed_length
from tbcli.sweeps.definition import Definition
from tbcli.sweeps.directory import create_sweep, find_sweep, sweep_names
from tbcli.sweeps.endings import Outcome, judged
from tbcli.sweeps.goal import goal_from
from tbcli.sweeps.space import Dimension
from tests.fakes import make_run

Cli = Callable[..., Result]
RATES = Dimension("train.learning_rate", (0.1, 0.01))
SIZES = Dimension("train.batch_size", (1, 2, 3))
RANGE = Dimension("model.dropout", (), 0.0, 0.9)


def definition(*dimensions: Dimension, method: str = "grid", combinations: int = 6, seeds: int = 1) -> Definition:
    return Definition(
        name="s", dimensions=dimensions, method=method, combinations=combinations, seeds=seeds, metric="val_loss",
        sense="min", base=Config().as_dict(), started="2026-11-26T00:00:00Z",
    )  # fmt: skip


def test_a_grid_is_every_combination_once() -> None:
    trials = list(definition(RATES, SIZES).trials())
    assert [tuple(trial.params.values()) for trial in trials] == [
        (rate, size) for rate in RATES.values for size in SIZES.values
    ]
    assert [trial.number for trial in trials] == list(range(6))
    assert {trial.seed for trial in trials} == {None}


@pytest.mark.parametrize("dimensions", [(RATES, SIZES), (RATES, RANGE)])
def test_a_random_trial_depends_on_its_number_alone(dimensions: tuple[Dimension, ...]) -> None:
    asked = definition(*dimensions, method="random", combinations=5, seeds=2)
    trials = list(asked.trials())
    assert [asked.planned(number) for number in reversed(range(10))] == trials[::-1]
    assert len({tuple(trial.params.values()) for trial in trials}) == 5
    assert [trial.seed for trial in trials] == [0, 1] * 5
    for first, second in zip(trials[::2], trials[1::2], strict=True):
        assert first.params == second.params


def test_a_trial_is_a_configuration() -> None:
    asked = definition(RATES, SIZES, combinations=6, seeds=2)
    config = asked.config(asked.planned(3), PathsConfig(workspace="elsewhere"))
    assert (config.train.learning_rate, config.train.batch_size, config.train.seed) == (0.1, 2, 1)
    assert (config.train.name, config.paths.workspace) == ("s-3", "elsewhere")


def test_a_definition_comes_back_from_its_file(tmp_path: Path) -> None:
    paths = PathsConfig(workspace=str(tmp_path))
    for asked in (definition(RATES, SIZES), definition(RATES, RANGE, method="random", seeds=3)):
        directory = create_sweep(paths, "")
        directory.save(asked)
        assert directory.load() == asked
    assert sweep_names(paths) == ["sweep-1", "sweep-2"]


def test_sweeps_are_found_by_name_or_as_the_latest(tmp_path: Path) -> None:
    paths = PathsConfig(workspace=str(tmp_path))
    with pytest.raises(NotFound, match="there are no sweeps"):
        find_sweep(paths, "latest")
    create_sweep(paths, "b").save(definition(RATES))
    create_sweep(paths, "a").save(replace(definition(RATES), started="2026-11-27T00:00:00Z"))
    assert find_sweep(paths, "latest").name == "a"
    assert find_sweep(paths, "b").name == "b"
    with pytest.raises(NotFound, match="no sweep 'aa'"):
        find_sweep(paths, "aa")
    with pytest.raises(Refused, match="already"):
        create_sweep(paths, "a")


def test_one_process_at_a_time_runs_a_sweep(tmp_path: Path) -> None:
    directory = create_sweep(PathsConfig(workspace=str(tmp_path)), "a")
    with directory.claim(), pytest.raises(Refused, match="sweep 'a' is in use"):
        directory.claim()


def test_a_damaged_sweep_is_the_latest_all_the_same(tmp_path: Path) -> None:
    paths = PathsConfig(workspace=str(tmp_path))
    create_sweep(paths, "a").save(definition(RATES))
    damaged = create_sweep(paths, "b")
    damaged.save(definition(RATES))
    (damaged.path / "sweep.json").write_text("{")
    os.utime(damaged.path / "sweep.json", (2e9, 2e9))
    with pytest.raises(NotFound, match="missing or damaged"):
        find_sweep(paths, "latest").load()


def test_a_name_that_is_taken_is_refused_before_anything_starts(cli: Cli, workspace: Path) -> None:
    make_run(workspace, record={"sweep": {"name": "old", "trial": 0}})
    directory = create_sweep(PathsConfig(workspace=str(workspace)), "kept")
    directory.save(replace(definition(RATES, combinations=2), name="kept"))
    for name in ("old", "kept"):
        result = cli("sweep", "lr=0.1,0.2", "--name", name, "--dry-run", "--limit-samples", "100")
        assert (result.exit_code, f"sweep {name!r} already" in result.stderr) == (8, True), result.stderr


def test_what_is_left_of_a_sweep_can_be_seen(cli: Cli, workspace: Path) -> None:
    directory = create_sweep(PathsConfig(workspace=str(workspace)), "s")
    directory.save(definition(RATES, SIZES))
    for trial, status in enumerate(["finished", "failed", "interrupted"]):
        params = {"train.learning_rate": 0.1, "train.batch_size": trial + 1}
        make_run(workspace, status=status, record={"sweep": {"name": "s", "trial": trial, "params": params}})
    result = cli("sweep", "--resume", "s", "--dry-run")
    assert "4 of 6 trials are left" in result.stderr
    for fate in ("stays finished", "stays failed", "goes on"):
        assert result.stdout.count(fate) == 1
    assert result.stdout.count("begins") == 3
    assert "5 of 6 trials are left" in cli("sweep", "--resume", "s", "--dry-run", "--retry", "1").stderr
    assert json.loads(cli("sweep", "--resume", "s", "--dry-run", "--json").stdout)["dry_run"] is True


def test_a_damaged_definition_is_told(tmp_path: Path) -> None:
    directory = create_sweep(PathsConfig(workspace=str(tmp_path)), "a")
    for text in ("", "{", "[]", '{"name": 1}'):
        (directory.path / "sweep.json").write_text(text)
        with pytest.raises(NotFound, match="missing or damaged"):
            directory.load()


def test_a_dry_run_prints_the_trials_and_keeps_nothing(cli: Cli, workspace: Path) -> None:
    result = cli("sweep", "lr=0.1,0.01", "batch_size=64..256:log2", "epochs=3", "--dry-run")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["trial", "learning_rate", "batch_size"]
    assert [line.split() for line in lines[1:]] == [
        [str(number), rate, size]
        for number, (rate, size) in enumerate((r, s) for r in ("0.1", "0.01") for s in ("64", "128", "256"))
    ]
    assert "6 trials" in result.stderr
    assert not list(workspace.iterdir())


@pytest.mark.parametrize(
    ("words", "match", "code"),
    [
        ("", "nothing varies", 2),
        ("lr=0.1", "nothing varies", 2),
        ("lr", "unexpected word 'lr'", 2),
        ("optimzer=adam,sgd", "did you mean --optimizer?", 2),
        ("optimizer=adam,sdg", "did you mean 'sgd'?", 2),
        ("lr=0.1,0.01 learning_rate=1,2", "varies twice", 2),
        ("lr=0.1,0.01 --set nope=1", "unknown setting 'nope'", 2),
        ("lr=0.1,0.01 seed=1,2 --seeds 2", "exclude each other", 2),
        ("name=a,b", "nothing varies", 2),
        ("plots=true,false", "plots must be true or false", 2),
        ("record=light,-text lr=0.1,0.2", "", 0),
        ("lr=0.1..0.2", "a grid needs the points", 2),
        ("lr=0.1,0.2 --trials 5", "--trials 5 does not go with a grid of 2", 2),
        ("batch_size=1..1000:1000 epochs=1..1000:1000", "at most 100,000", 2),
        ("lr=0.1,0.2 --metric val_acuracy", "did you mean 'val_accuracy'?", 2),
        ("lr=0.1,0.2 --learning-rate 0.3", "--learning-rate sets it", 2),
        ("lr=0.1,0.2 --set train.learning_rate=0.3", "sets it", 2),
        ("epochs=3 --epochs 4 lr=0.1,0.2", "set twice", 2),
        ("lr=0.1,0.2 --method random --trials 0", "at least 1", 2),
        ("lr=0.1,0.2 --method random trials=10", "2 combinations of settings is all there are", 0),
        ("lr=0.1,0.2 --metric val_mae", "training does not measure it", 2),
        ("lr=0.1,0.2 --validation-split 0", "", 0),
        ("lr=0.1,0.2 --metric steps_per_second --prune median", "", 0),
        ("lr=0.1,0.2 --metric test_accuracy --prune median", "the test set is evaluated once", 2),
        ("model=cnn,nope", "nope", 2),
        ("data=mnist,nope.csv", "nope.csv", 3),
        ("lr=0.1,0.2 --parallel 0", "must be auto or a number", 2),
        ("--lr 0.1,0.2", "the word `lr=0.1,0.2` varies", 2),
        ("--batch-size 1..4", "the word `batch_size=1..4` varies", 2),
        ("--optimizer adam,sgd", "the word `optimizer=adam,sgd` varies", 2),
        ("dry_run=true", "is an option", 2),
        ("limit_samples=10,20 --seeds 2", "", 0),
        ("lr=0.1,0.2 --metric val_acc.best", "judged by val_accuracy.best", 0),
        ("lr=0.1,0.2 --prune median", "--prune median prunes none of 2 trials: 5 have to finish before", 0),
        ("seed=1..6 --prune median", "--prune median begins once 5 trials have finished", 0),
        ("model=linear,mlp dropout=0,0.2", "model 'linear' has no dropout, got dropout=0.2", 2),
        ("model=linear,mlp dropout=0", "", 0),
        ("lrate=0.1,0.2", "did you mean --learning-rate?", 2),
    ],
)
def test_words_are_checked_before_anything_starts(cli: Cli, words: str, match: str, code: int) -> None:
    result = cli("sweep", *words.split(), "--dry-run")
    assert result.exit_code == code, result.stderr
    assert match in result.stderr


def test_blanks_and_samplers_are_understood_in_a_dry_run(cli: Cli) -> None:
    result = cli("sweep", "lr = 0.1, 0.2", "dropout=0..0.5", "--method", "tpe", "--trials", "3", "--dry-run")
    assert (result.exit_code, result.stdout.split()) == (0, ["learning_rate", "0.1,0.2", "dropout", "0..0.5"])
    assert "3 trials, each chosen by Optuna" in result.stderr


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("data=t.csv target=cost lr=0.1,0.2", "no column 'cost'"),
        ("data=t.csv target=price,cost", "no column 'cost'"),
        ("data=t.csv,mnist target=price metric=val_mae", "training does not measure it"),
        ("data=t.csv target=price augment=flip,zoom", "augment"),
        ("data=t.csv target=price lr=0.1,0.2 metric=val_mae", ""),
    ],
)
def test_data_are_checked_before_anything_starts(cli: Cli, workspace: Path, words: str, match: str) -> None:
    rows = "".join(f"{number},{number}.5\n" for number in range(40))
    (workspace / "t.csv").write_text(f"size,price\n{rows}")
    result = cli("sweep", *words.split(), "--dry-run")
    assert (result.exit_code != 0) == bool(match), result.stderr
    assert match in result.stderr
    assert bool(match) or "not checked: whether each model fits the data" in result.stderr


def test_a_trial_without_the_metric_has_no_result(workspace: Path) -> None:
    run = RunStore(PathsConfig(workspace=str(workspace))).create(Config())
    run.update(status="finished", metrics={"val_mse": {"best": 1.0, "best_epoch": 1, "last": 1.0}})
    ended = judged(Outcome(0, {}, None, "finished", run.id), run, goal_from("val_mae", "min"))
    assert not ended.has_result
    assert ended.reason == "it has no number for val_mae (did you mean 'val_mse'?)"


@pytest.mark.parametrize(
    ("selector", "sense", "expected"), [("last", "min", 1), ("best", "min", 0), ("last", "max", 0)]
)
def test_best_of_a_sweep_is_by_what_the_sweep_is_judged_by(
    workspace: Path, selector: str, sense: str, expected: int
) -> None:
    store = RunStore(PathsConfig(workspace=str(workspace)))
    for trial, (best, last, accuracy) in enumerate([(0.1, 0.9, 0.2), (0.3, 0.4, 0.8), (0.05, 0.01, 0.9)]):
        sweep = {"name": "s", "trial": trial, "params": {}, "metric": "val_loss", "selector": selector, "sense": sense}
        metrics = {
            "val_loss": {"best": best, "best_epoch": 1, "last": last},
            "val_accuracy": {"best": accuracy, "best_epoch": 1, "last": accuracy},
        }
        status = "pruned" if trial == 2 else "finished"
        store.create(Config(), {"sweep": sweep}).update(status=status, metrics=metrics)
    said: list[str] = []
    assert store.of_sweep("s").find("best", said.append).sweep["trial"] == expected
    assert "is the best by val_loss" in said[0]
    assert store.of_sweep("s").find("best:val_accuracy").sweep["trial"] == 2


def test_without_optuna_grid_and_random_work_and_the_rest_names_the_extra(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tbcli.sweeps.asking.find_spec", lambda name: None)
    for words in ("--method tpe", "--prune median"):
        result = cli("sweep", "lr=0.1,0.2", *words.split(), "--dry-run")
        assert result.exit_code == 2
        assert "pip install 'tbcli[sweep]'" in result.stderr
    assert cli("sweep", "lr=0.1,0.2", "--method", "random", "--dry-run").exit_code == 0


def test_settings_of_sweeps_are_no_words_of_train(cli: Cli) -> None:
    result = cli("train", "seeds=3", "--print-config")
    assert result.exit_code == 2
    assert "seed" in result.stderr


def test_a_sweep_that_goes_on_takes_nothing_that_would_change_its_trials(cli: Cli) -> None:
    for words in ("--epochs 3", "--set train.epochs=3", "--config x.toml", "lr=0.1", "--script x.py"):
        result = cli("sweep", "--resume", "latest", *words.split())
        assert result.exit_code == 2, words
    result = cli("sweep", "--resume", "latest", "--retry", "1", "--parallel", "2")
    assert (result.exit_code, "there are no sweeps" in result.stderr) == (3, True)


def test_the_number_of_trials_can_grow_where_there_are_more() -> None:
    drawn = definition(RANGE, method="random", combinations=3)
    assert changed_length(drawn, 0) == drawn
    assert changed_length(drawn, 5).count == 5
    with pytest.raises(ConfigError, match="already"):
        changed_length(drawn, 2)
    with pytest.raises(ConfigError, match="no others"):
        changed_length(definition(RATES, SIZES), 9)


def test_a_sweep_that_grows_keeps_the_trials_that_it_had() -> None:
    drawn = definition(RATES, SIZES, method="random", combinations=3)
    longer = changed_length(drawn, 6)
    assert [*longer.trials()][:3] == [*drawn.trials()]
    assert len({tuple(trial.params.values()) for trial in longer.trials()}) == 6
    with pytest.raises(ConfigError, match="has 6 combinations of settings, and no others"):
        changed_length(drawn, 7)


def test_the_longest_trial_is_what_pruning_goes_by() -> None:
    assert definition(RATES).most_epochs == Config().train.epochs
    assert definition(RATES, Dimension("train.epochs", (3, 40))).most_epochs == 40
    assert definition(Dimension("train.epochs", (), 1, 50, is_whole=True)).most_epochs == 50
