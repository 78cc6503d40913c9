import pytest

from tbcli.errors import NotFound
from tbcli.figures.choosing import Candidate, HistoryColumns, pick_columns, pick_metrics

COLUMNS = ["step", "seconds", "learning_rate", "loss", "accuracy", "top_5_accuracy", "val_loss", "val_accuracy"]


def test_accuracy_and_loss_are_drawn_by_default_each_with_its_validation() -> None:
    assert pick_columns(COLUMNS) == [
        HistoryColumns("accuracy", ("accuracy", "val_accuracy")),
        HistoryColumns("loss", ("loss", "val_loss")),
    ]


def test_without_accuracy_the_first_other_metric_takes_its_place() -> None:
    assert [one.metric for one in pick_columns(["learning_rate", "loss", "mae", "val_loss", "val_mae"])] == [
        "mae",
        "loss",
    ]
    assert [one.metric for one in pick_columns(["loss"])] == ["loss"]


def test_a_history_without_metrics_is_not_found() -> None:
    with pytest.raises(NotFound, match="no metric"):
        pick_columns(["step", "seconds", "learning_rate"])


def test_a_metric_brings_its_validation_and_a_validation_metric_stands_alone() -> None:
    assert pick_columns(COLUMNS, ["loss"]) == [HistoryColumns("loss", ("loss", "val_loss"))]
    assert pick_columns(COLUMNS, ["val_loss"]) == [HistoryColumns("loss", ("val_loss",))]
    assert pick_columns(["loss", "val_auc"], ["auc"]) == [HistoryColumns("auc", ("val_auc",))]


def test_patterns_fit_metrics_and_pass_by_what_is_none() -> None:
    assert [one.metric for one in pick_columns(COLUMNS, ["*acc*"])] == ["accuracy", "top_5_accuracy"]
    assert [one.metric for one in pick_columns(COLUMNS, ["*"])] == [
        "learning_rate",
        "loss",
        "accuracy",
        "top_5_accuracy",
    ]
    assert [one.metric for one in pick_columns(COLUMNS, ["seconds"])] == ["seconds"]


def test_a_metric_that_is_asked_for_twice_has_one_panel() -> None:
    assert pick_columns(COLUMNS, ["loss", "*loss", "val_loss"]) == [HistoryColumns("loss", ("loss", "val_loss"))]


@pytest.mark.parametrize(("word", "hint"), [("acuracy", "did you mean 'accuracy'"), ("zzz*", "known: step")])
def test_an_unknown_metric_is_not_found_with_what_may_have_been_meant(word: str, hint: str) -> None:
    with pytest.raises(NotFound) as caught:
        pick_columns(COLUMNS, [word])
    assert word in caught.value.message
    assert hint in caught.value.hint


def picked(*names: str, most: int = 9) -> list[str]:
    return pick_metrics([Candidate(name) for name in names], most)[0]


def test_results_come_first_then_losses_then_others_and_learning_rates() -> None:
    names = ["learning_rate", "m3", "grad_norm", "policy_gradient_loss", "rollout/ep_rew_mean", "accuracy"]
    assert picked(*names) == [
        "rollout/ep_rew_mean",
        "accuracy",
        "policy_gradient_loss",
        "m3",
        "grad_norm",
        "learning_rate",
    ]


def test_clocks_constants_and_single_values_are_left_out_and_named() -> None:
    candidates = [
        Candidate("loss"),
        Candidate("time/fps"),
        Candidate("samples_per_second"),
        Candidate("frobs", is_counting=True),
        Candidate("clip_range", is_constant=True),
        Candidate("hp_metric", is_single=True),
    ]
    metrics, said = pick_metrics(candidates, 9)
    assert metrics == ["loss"]
    assert said == [
        "not drawn (clocks and counters): time/fps, samples_per_second, frobs; `--metric NAME` draws them",
        "not drawn (constant): clip_range; `--metric NAME` draws them",
        "not drawn (a single value): hp_metric; `--metric NAME` draws them",
    ]
    assert pick_metrics(candidates, 9, are_named=True) == ([one.metric for one in candidates], [])


def test_a_loss_that_never_moves_is_drawn() -> None:
    assert pick_metrics([Candidate("accuracy"), Candidate("loss", is_constant=True)], 9) == (["accuracy", "loss"], [])


def test_where_there_is_nothing_else_clocks_are_drawn() -> None:
    assert picked("time/fps", "epoch") == ["time/fps", "epoch"]


def test_what_does_not_fit_is_counted_and_a_few_are_named() -> None:
    metrics, said = pick_metrics([Candidate(f"m{number}") for number in range(5000)], 9)
    assert len(metrics) == 9
    assert said == [
        "4,991 of 5,000 metrics do not fit: m9, m10, m11, m12, m13 and 4,986 more; choose with `--metric NAME`"
    ]
