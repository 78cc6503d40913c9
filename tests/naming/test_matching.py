import pytest

from tbcli.naming.matching import did_you_mean, fits, is_glob, listed, matches, nearest, pick

METRICS = ("loss", "accuracy", "val_loss", "val_accuracy", "test_accuracy", "learning_rate")
SETTINGS = (
    "train.epochs",
    "train.learning_rate",
    "train.batch_size",
    "train.weight_decay",
    "model.name",
    "model.dropout",
)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("acc", "accuracy"), ("val_acc", "val_accuracy"), ("Val-Acc", "val_accuracy"), ("eval_loss", "val_loss"),
        ("valid/acc", "val_accuracy"), ("dev_accuracy", "val_accuracy"), ("train_loss", "loss"),
        ("LOSS", "loss"), ("val_los", "val_loss"), ("test", "test_accuracy"), ("lr", "learning_rate"),
    ],
)  # fmt: skip
def test_a_metric_is_found_by_what_people_call_it(word: str, meant: str) -> None:
    assert did_you_mean(word, METRICS) == f"did you mean {meant!r}?"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("lr", "train.learning_rate"), ("batch", "train.batch_size"), ("bs", "train.batch_size"),
        ("max-epochs", "train.epochs"), ("num_epochs", "train.epochs"), ("epohcs", "train.epochs"),
        ("wd", "train.weight_decay"), ("arch", "model.name"), ("drop", "model.dropout"),
        ("train.lerning_rate", "train.learning_rate"),
    ],
)  # fmt: skip
def test_a_setting_is_found_by_what_other_tools_call_it(word: str, meant: str) -> None:
    assert nearest(word, SETTINGS) == meant


def test_a_name_that_differs_in_case_alone_comes_before_one_that_is_spelt_alike() -> None:
    assert nearest("sum", ["sun", "SUM"]) == "SUM"
    assert nearest("VAL_LOSS", ["Sum", "val_loss", "VAL_ACC"]) == "val_loss"


def test_a_name_that_begins_with_the_word_comes_before_one_that_contains_it() -> None:
    assert nearest("grad", ["train/my_grad", "grad_norm"]) == "grad_norm"


def test_without_a_near_name_the_known_ones_are_listed() -> None:
    assert did_you_mean("xyz", ["Sum", "val_loss"]) == "known: Sum, val_loss"
    assert did_you_mean("xyz", []) == "known: none"


def test_a_hint_fits_two_lines_however_many_names_there_are() -> None:
    names = [f"grad/layer_{number}/weight_norm" for number in range(5000)]
    hint = did_you_mean("nope", names)
    assert len(hint) < 2 * 100
    assert hint.startswith("known: grad/layer_0/weight_norm, ")
    assert hint.endswith(" more")
    assert len(listed(["x" * 900, *names])) < 200


@pytest.mark.parametrize(
    ("pattern", "name", "run", "tag", "fitting"),
    [
        ("loss", "loss", "train", "epoch_loss", True),
        ("epoch_loss", "loss", "train", "epoch_loss", True),
        ("train/epoch_loss", "loss", "train", "epoch_loss", True),
        ("LOSS", "loss", "train", "epoch_loss", True),
        ("loss", "val_loss", "validation", "epoch_loss", False),
        ("*loss", "val_loss", "validation", "epoch_loss", True),
        ("dense*", "train/gradients/dense", "train", "gradients/dense", True),
        ("train/*", "train/gradients/dense", "train", "gradients/dense", True),
        ("Train/*", "train/gradients/dense", "train", "gradients/dense", True),
        ("gradients/*", "train/gradients/dense", "train", "gradients/dense", True),
        ("*gradients*", "train/gradients/dense", "train", "gradients/dense", True),
        ("*train*", "gradients/dense", "train", "gradients/dense", False),
        ("dense", "train/gradients/dense", "train", "gradients/dense", False),
        ("train", "loss", "train", "loss", False),
        ("mAP[B]", "mAP[B]", ".", "metrics/mAP[B]", True),
        ("map[bm]", "mAPB", ".", "metrics/mAPB", True),
    ],
)
def test_a_glob_without_a_slash_is_of_names_and_one_with_a_slash_of_run_and_tag(
    pattern: str, name: str, run: str, tag: str, fitting: bool
) -> None:
    assert matches([pattern], [name], run, tag) is fitting


def test_no_patterns_fit_everything() -> None:
    assert matches([], ["loss"], ".", "loss")


def test_a_name_in_its_own_case_chooses_only_itself() -> None:
    series = ["loss", "Loss", "val_loss"]

    def picked(*patterns: str) -> list[str]:
        return pick(patterns, series, lambda tag: ([tag], ".", tag))

    assert picked("loss") == ["loss"]
    assert picked("LOSS") == ["loss", "Loss"]
    assert picked("val_loss", "Loss") == ["Loss", "val_loss"]
    assert picked() == series


def test_wildcards_are_told_from_plain_words() -> None:
    assert [is_glob(word) for word in ("loss", "*loss", "lo?s", "[lm]oss")] == [False, True, True, True]
    assert fits("nl*", ["nll"])
