# ruff: noqa: E501 - tables
"""Names of series: what other programs write, one panel, one metric, two splits."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from tbcli.naming.series import Identity, Seen, identify
from tests.naming.conventions import CONVENTIONS, Convention

# writer; training: run, tag; validation: run, tag; what they answer to, and in which run.
VOCABULARY = [
    ("keras", "train", "epoch_loss", "validation", "epoch_loss", "loss", "val_loss"),
    ("keras batch vs evaluation", "train", "batch_loss", "validation", "evaluation_loss_vs_iterations", "loss", "val_loss"),
    ("lightning on_step on_epoch", ".", "train_loss_epoch", ".", "val_loss", "loss", "val_loss"),
    ("lightning train/loss_epoch", ".", "train/loss_epoch", ".", "val/loss", "loss", "val_loss"),
    ("lightning loss vs val_loss", ".", "loss", ".", "val_loss", "loss", "val_loss"),
    ("torch tutorial 2", ".", "training loss", ".", "validation loss", "loss", "val_loss"),
    ("tensorboardX add_scalars", "losses/train", "losses", "losses/val", "losses", "losses", "val_losses"),
    ("torch add_scalars", "losses_train", "losses", "losses_val", "losses", "losses", "val_losses"),
    ("ultralytics", ".", "train/box_loss", ".", "val/box_loss", "box_loss", "val_box_loss"),
    ("mmengine", ".", "train/loss", ".", "val/loss", "loss", "val_loss"),
    ("tf-models, clu", "train", "loss", "eval", "loss", "loss", "val_loss"),
    ("TF OD API", ".", "Loss/total_loss", "eval", "Loss/total_loss", "total_loss", "val_total_loss"),
    ("catboost", "learn", "Logloss", "test", "Logloss", "Logloss", "val_Logloss"),
    ("fairseq inner", "train_inner", "loss", "valid", "loss", "loss", "val_loss"),
    ("OpenNMT", ".", "progress/ppl", ".", "valid/ppl", "ppl", "val_ppl"),
    ("allennlp log", "log/train", "training_loss", "log/validation", "validation_loss", "loss", "val_loss"),
    ("ignite", ".", "training/loss", ".", "validation/loss", "loss", "val_loss"),
    ("nanoGPT-like", ".", "loss/train", ".", "loss/val", "loss", "val_loss"),
    ("suffix _", ".", "loss_train", ".", "loss_val", "loss", "val_loss"),
    ("prefix with epoch", ".", "epoch/train_loss", ".", "epoch/val_loss", "loss", "val_loss"),
    ("upper", ".", "Train/Loss", ".", "Val/Loss", "loss", "val_loss"),
    ("dot", ".", "train.loss", ".", "val.loss", "loss", "val_loss"),
    ("run suffix", "exp1_train", "loss", "exp1_val", "loss", "loss", "val_loss"),
    ("evaluation dir", "training", "loss", "evaluation", "loss", "loss", "val_loss"),
    ("NeMo", ".", "train_loss", ".", "val_loss", "loss", "val_loss"),
]  # fmt: skip


def named(*series: tuple[str, str] | tuple[str, str, int], described: Sequence[str] = ()) -> dict[str, str]:
    """Return ``{run/tag: run/name}``, ``.`` left out."""
    seen = [Seen(*(each if len(each) == 3 else (*each, 10))) for each in series]
    found = identify(seen, described)
    return {joined(s.run, s.tag): joined(i.run, i.name) for s, i in zip(seen, found.identities, strict=True)}


def joined(run: str, name: str) -> str:
    return name if run == "." else f"{run}/{name}"


@pytest.mark.parametrize("row", VOCABULARY, ids=[row[0] for row in VOCABULARY])
def test_each_writers_training_and_validation_are_one_metric(row: tuple[str, ...]) -> None:
    _, train_run, train_tag, val_run, val_tag, name, val_name = row
    train, validation = identify([Seen(train_run, train_tag, 10), Seen(val_run, val_tag, 10)]).identities
    assert train.run == validation.run
    assert train.metric == validation.metric
    assert (train.name, validation.name) == (name, val_name)
    assert validation.split == "validation"
    assert train.split in ("train", "")


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ([("train", "train/box_loss"), ("train", "val/box_loss"), ("train2", "train/box_loss"), ("train2", "val/box_loss")],
         ["train/box_loss", "train/val_box_loss", "train2/box_loss", "train2/val_box_loss"]),
        ([("train", "loss"), ("train2", "loss")], ["train/loss", "train2/loss"]),
        ([("test", "loss"), ("dev", "loss")], ["test/loss", "dev/loss"]),
        ([("train", "loss"), ("val", "loss"), ("baseline", "loss")], ["train/loss", "val/loss", "baseline/loss"]),
        ([("train", "epoch_loss")], ["loss"]),
        ([("train", "loss")], ["train/loss"]),
        ([("a/train", "epoch_loss"), ("a/validation", "epoch_loss"), ("b/train", "epoch_loss"), ("b/validation", "epoch_loss")],
         ["a/loss", "a/val_loss", "b/loss", "b/val_loss"]),
        ([("fit/1/train", "epoch_loss"), ("fit/1/validation", "epoch_loss"), ("fit/1/validation", "evaluation_loss_vs_iterations")],
         ["fit/1/loss", "fit/1/val_loss", "fit/1/val_loss@step"]),
        ([("train_inner", "loss"), ("train", "loss"), ("valid", "loss")], ["loss@step", "loss", "val_loss"]),
        ([("exp1_train", "loss"), ("exp1_val", "loss"), ("exp2_train", "loss"), ("exp2_val", "loss")],
         ["exp1/loss", "exp1/val_loss", "exp2/loss", "exp2/val_loss"]),
        ([("train/a", "loss"), ("val/a", "loss"), ("train/b", "loss"), ("val/b", "loss")],
         ["a/loss", "a/val_loss", "b/loss", "b/val_loss"]),
        ([(".", "loss"), ("eval", "loss"), ("eval", "accuracy")], ["loss", "val_loss", "val_accuracy"]),
        ([("m/train", "Loss/total_loss"), ("m/eval", "Loss/total_loss")], ["m/total_loss", "m/val_total_loss"]),
        ([(".", "loss"), ("eval_validation", "loss"), ("eval_test", "loss")], ["loss", "val_loss", "test_loss"]),
        ([(".", "loss"), ("eval_0", "loss")], ["loss", "val_loss"]),
        ([("train_1", "loss"), ("train_2", "loss")], ["train_1/loss", "train_2/loss"]),
        ([(".", "run_14h"), ], ["run_14h"]),
        ([("run_14h_tanx", "run_14h"), ("run_14h_sinx", "run_14h")], ["run_14h/tanx", "run_14h/sinx"]),
        ([("e/run_14h/grad norm/layer 0", "run_14h/grad norm"), ("e/run_14h/grad norm/layer 1", "run_14h/grad_norm"), ("e", "Loss/train")],
         ["e/run_14h/grad norm/layer 0", "e/run_14h/grad_norm/layer 1", "e/loss"]),
    ],
)  # fmt: skip
def test_directories_are_splits_only_where_the_evidence_says_so(series: list, expected: list[str]) -> None:
    assert list(named(*series).values()) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["train_loss_step", "train_loss_epoch", "val_loss"], ["loss@step", "loss", "val_loss"]),
        (["loss", "train_loss"], ["loss", "train_loss"]),
        (["Loss/train", "Loss/test"], ["loss", "val_loss"]),
        (["Loss/train", "Loss/test", "note/acc"], ["loss", "val_loss", "note/acc"]),
        (["Loss/train", "Loss/val", "Loss/test"], ["loss", "val_loss", "test_loss"]),
        (["train/loss", "train/train_loss", "eval/loss", "train/learning_rate", "train/epoch", "train/train_runtime"],
         ["loss", "train/train_loss", "val_loss", "learning_rate", "epoch", "train_runtime"]),
        (["generator/loss", "discriminator/loss"], ["generator/loss", "discriminator/loss"]),
        (["Loss/total_loss", "Metrics/total_loss"], ["Loss/total_loss", "Metrics/total_loss"]),
        (["lr/pg0", "lr/pg1"], ["lr/pg0", "lr/pg1"]),
        (["lr"], ["learning_rate"]),
        (["Learning Rate"], ["learning_rate"]),
        (["lr-Adam", "train_loss"], ["learning_rate", "loss"]),
        (["metrics/mAP50(B)", "metrics/mAP50-95(B)", "train/box_loss"], ["mAP50(B)", "mAP50-95(B)", "box_loss"]),
        (["rollout/ep_rew_mean", "time/fps", "train/loss"], ["ep_rew_mean", "fps", "loss"]),
        (["train_time", "std_dev", "learn_rate", "valid_actions", "training_iteration", "num_train_samples", "batch_size", "global_step", "step_time"],
         ["train_time", "std_dev", "learn_rate", "valid_actions", "training_iteration", "num_train_samples", "batch_size", "global_step", "step_time"]),
        (["IoU/car", "IoU/road", "loss/cls", "loss/box"], ["IoU/car", "IoU/road", "loss/cls", "loss/box"]),
        (["trainLoss", "valLoss"], ["loss", "val_loss"]),
        (["Loss (train)", "Loss (validation)"], ["loss", "val_loss"]),
        (["epoch_val_acc", "val_epoch_loss", "epoch_acc"], ["val_acc", "val_loss", "acc"]),
        (["loss_epoch/train", "loss_epoch/val"], ["loss", "val_loss"]),
        (["loss/train_epoch", "loss/train_step", "loss/val_epoch"], ["loss", "loss@step", "val_loss"]),
        (["ray/tune/training_iteration", "epoch_steps_per_second"], ["training_iteration", "steps_per_second"]),
        (["avg_train_loss", "avg_val_loss"], ["avg_loss", "val_avg_loss"]),
        (["mean_reward", "running_mean", "val_mean_iou"], ["mean_reward", "running_mean", "val_mean_iou"]),
        (["train_epoch/loss", "val_epoch/loss"], ["loss", "val_loss"]),
        (["val_loss/dataloader_idx_0", "val_loss/dataloader_idx_1"], ["val_loss/dataloader_idx_0", "val_loss/dataloader_idx_1"]),
    ],
)  # fmt: skip
def test_tags_of_one_run(tags: list[str], expected: list[str]) -> None:
    assert list(named(*[(".", tag) for tag in tags]).values()) == expected


def test_a_test_split_of_one_point_stays_the_test_split() -> None:
    assert list(named((".", "loss", 10), (".", "test_loss", 1)).values()) == ["loss", "test_loss"]
    train, test = identify([Seen(".", "Loss/train", 10), Seen(".", "Loss/test", 10)]).identities
    assert test == Identity(".", "val_loss", "loss", "validation", "", ("test_loss",))
    assert train.aliases == ()


def test_add_scalars_of_one_metric_leave_the_splits_of_others_alone() -> None:
    series = [("losses/train", "losses"), ("losses/val", "losses"), (".", "Loss/train"), (".", "Loss/test")]
    assert list(named(*series).values()) == ["losses", "val_losses", "loss", "val_loss"]
    series = [(".", "Loss/test"), (".", "Loss/train"), ("Loss/val", "Loss")]
    assert list(named(*series).values()) == ["test_loss", "loss", "val_loss"]


def test_hyperparameters_in_a_directory_named_by_a_time_belong_to_the_run_above() -> None:
    series = [("exp_a", "Loss/train"), ("exp_a/1700000000.1234", "hparam/acc", 1), ("exp_b", "Loss/train")]
    assert list(named(*series, described=["exp_a/1700000000.1234"]).values()) == [
        "exp_a/loss",
        "exp_a/hparam/acc",
        "exp_b/loss",
    ]
    found = identify([Seen(*each) if len(each) == 3 else Seen(*each, 5) for each in series], ["exp_a/1700000000.1234"])
    assert found.owners["exp_a/1700000000.1234"] == "exp_a"


def test_a_single_value_of_add_hparams_that_names_its_split_is_called_as_a_curve_would_be() -> None:
    alone = [("run0/17", "hparam/val_acc", 1), ("run0/17", "hparam/acc", 1)]
    assert list(named(*alone, described=["run0/17"]).values()) == ["run0/17/val_acc", "run0/17/hparam/acc"]
    beside = [("run0", "val_acc", 5), ("run0/17", "hparam/val_acc", 1)]
    assert list(named(*beside, described=["run0/17"]).values()) == ["run0/val_acc", "run0/hparam/val_acc"]


def test_hyperparameters_in_a_directory_of_any_name_belong_to_the_curves_above() -> None:
    series = [
        ("run0", "val_acc", 5),
        ("run0/hp", "hparam/acc", 1),
        ("run1", "val_acc", 5),
        ("run1/hp", "hparam/acc", 1),
    ]
    assert list(named(*series, described=["run0/hp", "run1/hp"]).values()) == [
        "run0/val_acc", "run0/hparam/acc", "run1/val_acc", "run1/hparam/acc",
    ]  # fmt: skip
    trials = [("a", "val_acc", 5), ("a/b", "val_acc", 5)]
    assert list(named(*trials, described=["a/b"]).values()) == ["a/val_acc", "a/b/val_acc"]


def test_a_value_at_the_end_leaves_the_name_to_the_curve() -> None:
    found = identify([Seen(".", "loss", 50), Seen(".", "train_loss", 1), Seen(".", "eval_loss", 5)])
    assert [each.name for each in found.identities] == ["loss", "train_loss", "val_loss"]
    assert found.clashes == ()


def test_series_that_would_share_a_name_are_told() -> None:
    found = identify([Seen(".", "loss", 3), Seen(".", "train_loss", 3)])
    assert found.clashes == ((".", "loss", ("loss", "train_loss")),)


@pytest.mark.parametrize("convention", CONVENTIONS, ids=[convention.source for convention in CONVENTIONS])
def test_what_public_code_writes_is_called_as_people_would_call_it(convention: Convention) -> None:
    seen = [Seen(*series) for series in convention.series]
    described = sorted({each.run for each in seen if re.search(r"(^|/)\d{10}\.", each.run)})  # by `add_hparams`
    found = identify(seen, described).identities
    assert {f"{s.run}/{s.tag}": (i.run, i.name) for s, i in zip(seen, found, strict=True)} == convention.answers
