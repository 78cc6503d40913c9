from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from tbcli.config import PathsConfig
from tbcli.sweeps.definition import Definition
from tbcli.sweeps.directory import create_sweep
from tbcli.sweeps.endings import Outcome
from tbcli.sweeps.goal import goal_of
from tbcli.sweeps.space import Dimension
from tbcli.sweeps.study import OptunaStudy
from tests.cli.test_runs import shown_on_a_terminal
from tests.fakes import SOME_MOMENT, make_run
from tests.serving.events import write_hparams, write_scalars

Cli = Callable[..., Result]


@pytest.fixture
def swept(workspace: Path) -> Path:
    random = np.random.default_rng(1)
    for number in range(16):
        rate, batch = 10.0 ** -(1 + number % 4), 32 * (1 + number // 8)
        accuracy = 0.9 + 0.02 * (number % 4) + 0.002 * random.normal()
        make_run(
            workspace,
            started=SOME_MOMENT + timedelta(seconds=number),
            val_accuracy=float(accuracy),
            settings={"train.learning_rate": rate, "train.batch_size": batch, "train.seed": number},
            files=False,
        )
    return workspace


def test_settings_stand_in_a_table_the_strongest_first(cli: Cli, swept: Path) -> None:
    result = cli("effects", "val_accuracy.best")
    heading, settings, levels, sentences = result.stdout.rstrip("\n").split("\n\n")
    assert heading == "val_accuracy.best: 16 runs of 8 configurations, higher is better"
    lines = [line.split() for line in settings.splitlines()]
    assert lines[0] == ["SETTING", "IMPORTANCE", "EFFECT", "BEST", "P", "VERDICT"]
    assert (lines[1][0], lines[1][-1]) == ("train.learning_rate", "effect")
    assert (lines[2][0], lines[2][-1]) == ("train.batch_size", "noise")
    assert levels.splitlines()[1].split()[:2] == ["train.learning_rate", "0.0001"]
    assert levels.splitlines()[-1].endswith("of a number, SE is around its fitted curve")
    assert "interaction of train.learning_rate and train.batch_size" in sentences
    assert "noise between seeds: ± 0.00" in sentences
    assert result.stderr == ""


def test_json_says_all_with_keys_that_stay(cli: Cli, swept: Path) -> None:
    document = json.loads(cli("effects", "val_accuracy.best", "--json").stdout, parse_constant=pytest.fail)
    assert list(document) == [
        "schema", "metric", "at", "direction", "is_guessed", "importance_by", "n", "points", "repeats", "runs",
        "left_out", "settings", "interaction", "interactions", "seeds", "unexplained", "single_valued", "notes",
        "explained", "configurations", "twins",
    ]  # fmt: skip
    first = document["settings"][0]
    assert list(first) == [
        "setting", "kind", "is_log", "importance", "share", "verdict", "p", "effect", "error", "best",
        "confounded_with", "interacts_with", "condition", "why", "levels",
    ]  # fmt: skip
    assert (first["setting"], first["kind"], first["is_log"], first["verdict"]) == (
        "train.learning_rate", "number", True, "effect",
    )  # fmt: skip
    assert list(first["levels"][0]) == ["text", "low", "high", "n", "mean", "adjusted", "deviation", "is_best", "error"]
    assert document["seeds"]["runs"] == 16
    assert document["explained"] + document["seeds"]["share"] + document["unexplained"] == pytest.approx(1.0)
    noise = document["settings"][1]
    assert (noise["verdict"], noise["best"]) == ("noise", None)
    assert not any(level["is_best"] for level in noise["levels"])
    assert len(document["runs"]) == 16


def test_values_are_those_of_runs_to_the_last_digit(cli: Cli, swept: Path) -> None:
    listed = json.loads(cli("runs", "--columns", "id,val_accuracy.best", "--json").stdout)["runs"]
    told = json.loads(cli("effects", "val_accuracy.best", "--json").stdout)["runs"]
    assert {one["id"]: one["value"] for one in told} == {one["id"]: one["val_accuracy.best"] for one in listed}


@pytest.mark.usefixtures("swept")
def test_the_table_fits_a_terminal() -> None:
    lines = shown_on_a_terminal(["effects", "val_accuracy"], 80, {"NO_COLOR": "1"})
    sentences = next(place for place, line in enumerate(lines) if line.startswith("interaction"))
    assert max(map(len, lines[:sentences])) <= 80


@pytest.mark.parametrize("method", ["fanova", "ped-anova"])
def test_importances_of_optuna_take_the_place_of_the_shares(cli: Cli, swept: Path, method: str) -> None:
    pytest.importorskip("optuna")
    document = json.loads(cli("effects", "val_accuracy", "--importance", method, "--json").stdout)
    assert document["importance_by"] == method
    assert sum(one["importance"] for one in document["settings"]) == pytest.approx(1.0)
    title = cli("effects", "val_accuracy", "--importance", method).stdout.splitlines()[2].split()[1]
    assert title == method.upper()


def test_hyperparameters_of_other_programs_are_settings(cli: Cli, workspace: Path) -> None:
    for number in range(12):
        directory = workspace / "other" / f"version_{number}"
        write_scalars(directory, {"loss": [1.0, 0.1 * (number % 3) + 0.001 * (number % 5)]})
        write_hparams(directory / "hparams", 16.0 * 2 ** (number % 3), width=float(number % 2))
    document = json.loads(cli("effects", "loss", "./other", "--json").stdout)
    assert [(one["setting"], one["verdict"]) for one in document["settings"]] == [
        ("batch_size", "effect"),
        ("width", "noise"),
    ]
    assert document["direction"] == "min"
    assert document["settings"][0]["best"] == "16"


def test_a_metric_that_never_varies_is_said_so(cli: Cli, workspace: Path) -> None:
    for number in range(8):
        make_run(workspace, settings={"train.learning_rate": 0.1 + number % 2}, val_accuracy=0.5, files=False)
    told = cli("effects", "val_accuracy.best").stdout
    assert "val_accuracy.best does not vary: 0.5000 in all 8 runs" in told
    assert "unexplained" not in told
    document = json.loads(cli("effects", "val_accuracy.best", "--json").stdout)
    assert (document["unexplained"], document["settings"][0]["p"]) == (None, None)


def test_of_settings_that_matter_only_together_the_best_values_are_told(cli: Cli, workspace: Path) -> None:
    random = np.random.default_rng(1)
    for number in range(24):
        a, b = number % 2, number // 2 % 2
        value = 0.5 + 0.3 * (a ^ b) + 0.01 * random.normal() + (0.005 if (a, b) == (1, 0) else 0)
        make_run(
            workspace,
            started=SOME_MOMENT + timedelta(seconds=number),
            val_accuracy=float(value),
            settings={"train.batch_size": 1 + a, "train.epochs": 1 + b, "train.seed": number},
            files=False,
        )
    told = cli("effects", "val_accuracy.best").stdout
    assert "train.batch_size=2" in told.partition("; best at ")[2]
    assert "train.epochs=1" in told.partition("; best at ")[2]
    assert "matter only so" in told


@pytest.mark.parametrize("count", [1, 2])
def test_few_runs_cannot_tell(cli: Cli, workspace: Path, count: int) -> None:
    for number in range(count):
        make_run(workspace, settings={"train.learning_rate": 0.1 + number}, files=False)
    result = cli("effects", "val_loss")
    assert result.exit_code == 0
    told = {1: "no setting varies over 1 run", 2: "cannot tell: train.learning_rate (2 runs are too few)"}
    assert told[count] in result.stdout


def test_what_diverged_is_left_out_and_counted(cli: Cli, swept: Path) -> None:
    for number in range(2):
        make_run(swept, status="diverged", val_accuracy=math.nan, settings={"train.seed": 100 + number}, files=False)
    assert "left out: 2 runs diverged" in cli("effects", "val_accuracy").stdout


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["val_los"], 3, "no run has 'val_los'"),
        (["val_loss", "nowhere"], 3, "nowhere"),
        (["val_loss", "--importance", "fanov"], 2, "unknown --importance 'fanov'"),
        (["status"], 2, "'status' is no number"),
        ([""], 2, "not a name"),
        ([], 2, "METRIC"),
    ],
)
def test_what_cannot_be_asked_is_an_error(cli: Cli, swept: Path, words: list[str], code: int, told: str) -> None:
    result = cli("effects", *words)
    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr


def test_figures_of_many_runs_need_a_metric_and_are_of_all_runs(cli: Cli, swept: Path) -> None:
    result = cli("plot", "--kind", "effects,slice", "--metric", "val_accuracy.best", "--dpi", "40", "--json")
    document = json.loads(result.stdout)
    assert document["kinds"] == ["effects", "slice"]
    assert len(document["runs"]) == 16
    assert document["metrics"] == ["val_accuracy.best"] * 2
    assert all(Path(path).is_file() for path in document["paths"])
    assert cli("plot", "--kind", "effects").exit_code == 2


def test_figures_of_many_runs_are_drawn_of_other_programs_too(cli: Cli, workspace: Path) -> None:
    for number in range(6):
        directory = workspace / "other" / f"version_{number}"
        write_scalars(directory, {"loss": [1.0, 0.1 * number]})
        write_hparams(directory / "hparams", 16.0 * number)
    result = cli("plot", "./other", "--kind", "parallel", "--metric", "loss", "--out", "p.png", "--dpi", "40")
    assert (result.stdout, result.exit_code) == ("p.png\n", 0)


@pytest.mark.parametrize("method", ["fanova", "ped-anova"])
def test_importances_of_a_sweep_are_those_of_its_own_study(cli: Cli, workspace: Path, method: str) -> None:
    optuna = pytest.importorskip("optuna")
    rate, batch = Dimension("train.learning_rate", (), 1e-4, 1e-1, is_log=True), Dimension("train.batch_size", (32, 64))
    definition = Definition(
        name="s", dimensions=(rate, batch), method="random", combinations=12, seeds=1, metric="val_accuracy.best",
        sense="max", base={"train": {"seed": 3}},
    )  # fmt: skip
    directory = create_sweep(PathsConfig(workspace=str(workspace)), "s")
    directory.save(definition)
    study = OptunaStudy(definition, directory.journal_file, pytest.fail)
    for trial in definition.trials():
        study.begin(trial.number, trial.params)
        value = 0.9 - 0.02 * abs(math.log10(float(trial.params[rate.key])) + 2.5) + 0.003 * (trial.number % 3)
        run = make_run(
            workspace,
            started=SOME_MOMENT - timedelta(seconds=trial.number),  # whatever the order in which they ran
            val_accuracy=value,
            settings=dict(trial.params),
            record={"sweep": {"name": "s", "trial": trial.number, "params": dict(trial.params), "seed": None}},
            files=False,
        )
        reached = goal_of(definition.metric, {}).value(run)
        study.end(Outcome(trial.number, trial.params, None, "finished", run.id, reached))
    make_run(workspace, settings={"train.learning_rate": 0.5})  # of no sweep
    document = json.loads(cli("effects", "val_accuracy.best", "--sweep", "s", "--importance", method, "--json").stdout)
    own = optuna.load_study(study_name="s", storage=_journal(optuna, directory.journal_file))
    evaluators = {
        "fanova": optuna.importance.FanovaImportanceEvaluator(seed=0),
        "ped-anova": optuna.importance.PedAnovaImportanceEvaluator(),
    }
    expected = optuna.importance.get_param_importances(own, evaluator=evaluators[method])
    assert {one["setting"]: one["importance"] for one in document["settings"]} == dict(expected)
    assert [one["value"] for one in document["runs"]] == [trial.value for trial in own.trials]


@pytest.mark.parametrize(("method", "is_told"), [("tpe", True), ("random", False)])
def test_of_trials_that_followed_earlier_ones_p_is_said_to_be_approximate(
    cli: Cli, workspace: Path, method: str, is_told: bool
) -> None:
    rate = Dimension("train.learning_rate", (), 1e-4, 1e-1, is_log=True)
    create_sweep(PathsConfig(workspace=str(workspace)), "s").save(
        Definition(
            name="s",
            dimensions=(rate,),
            method=method,
            combinations=8,
            seeds=1,
            metric="val_accuracy",
            sense="max",
            base={},
        )
    )
    for trial in range(8):
        params = {rate.key: 0.001 * (trial + 1)}
        record = {"sweep": {"name": "s", "trial": trial, "params": params, "seed": None}}
        make_run(workspace, val_accuracy=0.1 * trial, settings=params, record=record, files=False)
    result = cli("effects", "val_accuracy")
    assert ("p (limit 0.05) is approximate" in " ".join(result.stderr.split())) is is_told


def _journal(optuna: Any, path: Path) -> Any:
    return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))


def test_without_a_metric_those_that_there_are_are_named(cli: Cli, swept: Path) -> None:
    result = cli("effects")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the runs have loss" in result.stderr
    assert "val_accuracy" in result.stderr


def test_long_names_and_values_fit_a_terminal(workspace: Path) -> None:
    for number in range(16):
        arguments = {
            "number_of_units_in_the_first_layer": 10.0 ** (number % 2 * 4) + 0.123456789,
            "number_of_units_in_the_second_layer": f"a rather long value, number {number // 2 % 2}",
        }
        make_run(
            workspace,
            started=SOME_MOMENT + timedelta(seconds=number),
            val_accuracy=1e-7 * (number % 2) + 1e-9 * (number * 7 % 5),
            settings={"train.seed": number},
            record={"arguments": arguments},
            files=False,
        )
    lines = shown_on_a_terminal(["effects", "val_accuracy.best"], 80, {"NO_COLOR": "1"})
    assert max(map(len, lines)) <= 80
    assert sum("effect" in line for line in lines) >= 1


def test_an_argument_that_is_a_setting_is_said_to_be_one(cli: Cli, workspace: Path) -> None:
    for number in range(8):
        rate = 0.1 ** (number % 2)
        arguments = {"arguments": {"lr": str(rate)}}
        make_run(
            workspace, settings={"train.learning_rate": rate}, record=arguments, val_accuracy=0.1 * number, files=False
        )
    told = cli("effects", "val_accuracy").stdout
    assert "arguments.lr has the values of train.learning_rate" in told
    document = json.loads(cli("effects", "val_accuracy", "--json").stdout)
    assert document["twins"] == {"arguments.lr": "train.learning_rate"}


def test_a_figure_tests_what_the_table_tests(cli: Cli, swept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tbcli.effects import inquiry

    told: list[list[float | None]] = []
    plain = inquiry.analyze

    def kept(*words: Any, **more: Any) -> Any:
        found = plain(*words, **more)
        told.append([one.p for one in found.settings])
        return found

    monkeypatch.setattr(inquiry, "analyze", kept)
    cli("effects", "val_accuracy")
    cli("plot", "--kind", "slice", "--metric", "val_accuracy", "--dpi", "40")
    listed = json.loads(cli("runs", "--json").stdout)["runs"]
    cli("effects", "val_accuracy", *(one["id"] for one in reversed(listed)))
    assert len(told) == 3
    assert told[0] == told[1] == told[2]
