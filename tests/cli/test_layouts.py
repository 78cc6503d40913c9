"""What Ultralytics, stable-baselines3, Lightning, Hugging Face and tensorboardX leave, asked as their users would."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from tensorboardX import SummaryWriter
from typer.testing import Result

Cli = Callable[..., Result]


def write(top: Path, curves: Mapping[str, Sequence[float]], hparams: Mapping[str, object] | None = None) -> None:
    """Write curves, a point every ten steps, and hyperparameters as `add_hparams` does: in a directory below."""
    with SummaryWriter(str(top)) as writer:
        for tag, values in curves.items():
            for place, value in enumerate(values, start=1):
                writer.add_scalar(tag, value, place * 10)
        if hparams:
            writer.add_hparams(dict(hparams), {"hparam/loss": 0.5}, name="1700000000.5")


def names(cli: Cli, path: str) -> dict[str, list[str]]:
    """Return the metrics of each run in a path."""
    found = json.loads(cli("runs", path, "--json").stdout)["runs"]
    return {run["run"]: [tag["metric"] for tag in run["tags"] if tag["metric"]] for run in found}


def test_ultralytics_trainings_are_runs_though_they_are_called_train(cli: Cli, workspace: Path) -> None:
    tags = ["train/box_loss", "val/box_loss", "metrics/mAP50-95", "lr/pg0", "lr/pg1"]
    for name in ("train", "train2", "train10"):
        write(workspace / "runs/detect" / name, {tag: [0.5, 0.25] for tag in tags})
    expected = sorted(["box_loss", "val_box_loss", "mAP50-95", "lr/pg0", "lr/pg1"])
    found = names(cli, "./runs/detect")
    assert list(found) == ["train", "train2", "train10"]
    assert all(sorted(each) == expected for each in found.values())
    assert {"box_loss", "mAP50-95"} <= set(json.loads(cli("plot", "./runs", "--json").stdout)["metrics"])
    assert len(json.loads(cli("compare", "./runs", "--json").stdout)["sides"]) == 3


def test_rewards_come_first_and_runs_in_the_order_in_which_people_count(cli: Cli, workspace: Path) -> None:
    tags = ["rollout/ep_rew_mean", "time/fps", "train/loss", "train/learning_rate", "eval/mean_reward"]
    for name in ("PPO_10", "PPO_2", "PPO_1"):
        write(workspace / "sb3" / name, {tag: [1.0, 2.0, 3.0] for tag in tags})
    found = names(cli, "./sb3")
    assert list(found) == ["PPO_1", "PPO_2", "PPO_10"]
    assert set(found["PPO_1"]) == {"ep_rew_mean", "fps", "loss", "learning_rate", "val_mean_reward"}
    document = json.loads(cli("plot", "./sb3", "--json").stdout)
    assert document["metrics"][0] in ("mean_reward", "ep_rew_mean")
    assert "fps" not in document["metrics"]
    assert cli("compare", "./sb3/PPO_1", "./sb3/PPO_2").exit_code == 0


@pytest.fixture
def hugging_face(workspace: Path) -> str:
    for place, name in enumerate(("Nov20_a", "Nov21_b"), start=1):
        curves = {
            "train/loss": [3.0 * place, 2.0 * place],
            "eval/loss": [3.5 * place, 2.5 * place],
            "train/learning_rate": [5e-5, 2e-5],
            "train/epoch": [0.5, 1.0],
            "eval/runtime": [1.0 * place, 1.0 * place],
            "train/total_flos": [1e17 * place],
            "train/train_loss": [2.5 * place],
        }
        write(workspace / "out/runs" / name, curves, {"learning_rate": 5e-5, "per_device_train_batch_size": 8 * place})
    return "./out/runs"


def test_hyperparameters_of_a_trainer_belong_to_its_run(cli: Cli, hugging_face: str) -> None:
    assert list(names(cli, hugging_face)) == ["Nov20_a", "Nov21_b"]
    chosen = cli("runs", hugging_face, "--where", "per_device_train_batch_size=16", "--columns", "run,val_loss")
    assert [line.split() for line in chosen.stdout.splitlines()] == [["run", "val_loss"], ["Nov21_b", "5.0000"]]
    shown = cli("runs", hugging_face, "--columns", "run,learning_rate,hparams.learning_rate", "--csv")
    assert [line.split(",")[2] for line in shown.stdout.splitlines()[1:]] == ["5e-05", "5e-05"]
    assert "the setting is 'hparams.learning_rate'" in shown.stderr
    settings = json.loads(cli("compare", hugging_face, "--json").stdout)["settings"]
    assert [row["key"] for row in settings] == ["per_device_train_batch_size"]
    groups = cli("compare", hugging_face, "--group-by", "per_device_train_batch_size", "--json")
    assert [side["n"] for side in json.loads(groups.stdout)["sides"]] == [1, 1]


def test_clocks_and_counters_of_a_trainer_are_no_gates(cli: Cli, hugging_face: str) -> None:
    result = cli("check", f"{hugging_face}/Nov21_b", "--baseline", f"{hugging_face}/Nov20_a", "--json")
    assert result.exit_code == 7
    assert [gate["gate"].partition(".")[0] for gate in json.loads(result.stdout)["gates"]] == ["val_loss"]


def test_lightning_versions_have_settings_and_both_units(cli: Cli, workspace: Path) -> None:
    for version in (0, 2, 10):
        curves = {"train_loss_step": [2.0, 1.0], "train_loss_epoch": [1.5], "val_loss": [1.75], "lr-Adam": [0.001]}
        write(workspace / "lightning_logs" / f"version_{version}", curves, {"lr": 0.001 * (version + 1)})
    found = names(cli, "./lightning_logs")
    assert list(found) == ["version_0", "version_2", "version_10"]
    assert set(found["version_0"]) == {"loss@step", "loss", "val_loss", "learning_rate", "hparam/loss"}
    chosen = cli("runs", "./lightning_logs", "--where", "lr=0.001", "--columns", "run,loss,loss@step,lr", "--csv")
    assert chosen.stdout.splitlines() == ["run,loss,loss@step,lr", "version_0,1.5,1.0,0.001"]


def test_add_scalars_and_add_hparams_make_no_runs(cli: Cli, workspace: Path) -> None:
    for place, name in enumerate(("exp_a", "exp_b"), start=1):
        top = workspace / "tbx" / name
        write(top, {"Loss/train": [1.0, 0.5], "Loss/test": [1.5, 0.75]}, {"lr": 0.01 * place})
        with SummaryWriter(str(top), filename_suffix=".scalars") as writer:
            for step in (10, 20):
                writer.add_scalars("losses", {"train": 0.5 * place, "val": 0.75 * place}, step)
                writer.add_scalars("run_14h/grad norm", {"layer 0": 1.0, "layer 1": 2.0}, step)
    found = names(cli, "./tbx")
    assert list(found) == ["exp_a", "exp_b"]
    assert {"loss", "val_loss", "losses", "val_losses", "hparam/loss"} <= set(found["exp_a"])
    document = json.loads(cli("compare", "./tbx/exp_a", "./tbx/exp_b", "--json").stdout)
    (row, *_) = [row for row in document["metrics"] if row["metric"] == "hparam/loss"]
    assert [cell["value"] for cell in row["values"]] == [0.5, 0.5]
    assert cli("check", "./tbx/exp_b", "--baseline", "./tbx/exp_a").exit_code == 7
    grouped = json.loads(cli("plot", "./tbx", "--group-by", "lr", "--json").stdout)
    assert {curve["run"] for curve in grouped["curves"]} == {"lr=0.01", "lr=0.02"}


def test_a_best_is_said_in_epochs_where_the_run_logs_them_and_in_steps_where_it_does_not(
    cli: Cli, workspace: Path
) -> None:
    curves = {"train_loss_epoch": [0.5, 0.25, 0.1], "val_loss": [0.5, 0.25, 0.75]}
    write(workspace / "clocked", {**curves, "epoch": [0.0, 1.0, 2.0]})
    write(workspace / "steps", curves)
    assert "at epoch 2" in cli("check", "./clocked", "loss.best<1").stdout
    assert cli("check", "./clocked", "val_loss.epoch=1").exit_code == 0
    assert "at step 30" in cli("check", "./steps", "loss.best<1").stdout


def test_a_split_named_by_its_own_path_is_that_split(cli: Cli, workspace: Path) -> None:
    for split in ("train", "validation"):
        write(workspace / "keras" / split, {"epoch_loss": [0.5, 0.25]})
    assert names(cli, "./keras/validation") == {"validation": ["val_loss"]}
    assert names(cli, "./keras/train") == {"train": ["loss"]}
    assert cli("check", "./keras/validation", "val_loss<0.3").exit_code == 0


def test_the_best_run_of_a_log_directory_is_found_by_its_metric(cli: Cli, workspace: Path) -> None:
    for name, value in (("a", 0.5), ("b", 0.25)):
        write(workspace / "others" / name, {"val/loss": [1.0, value]})
    result = cli("check", "best:val_loss", "val_loss<0.3", "--logdir", "others")
    assert result.exit_code == 0
    assert cli("runs", "./others", "--sort", "val_loss.best").stdout.split() == [
        "run", "val_loss.best", "b", "0.2500", "a", "0.5000",
    ]  # fmt: skip
