"""What is asked of a training is checked before the data are loaded."""

from __future__ import annotations

import pytest

from tbcli.config import Config
from tbcli.errors import ConfigError
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, Task
from tbcli.training.request import check_request, monitored


def config_of(metrics: str, monitor: str) -> Config:
    return Config().updated({"train.metrics": metrics, "train.monitor": monitor, "train.patience": 2})


@pytest.mark.parametrize(
    ("metrics", "monitor", "task", "expected"),
    [
        ("f1", "val_f1", CLASSIFICATION, "val_f1_score"),
        ("F1Score", "F1Score", None, "f1_score"),
        ("accuracy", "val_accuracy", MULTI_LABEL, "val_binary_accuracy"),
        ("f1", "val_loss", CLASSIFICATION, "val_loss"),
        ("own.py:f1", "val_f1", CLASSIFICATION, "val_f1"),  # a metric of the user's own
    ],
)
def test_a_metric_is_monitored_by_the_name_that_asked_for_it(
    metrics: str, monitor: str, task: Task | None, expected: str
) -> None:
    assert monitored(config_of(metrics, monitor).train, task) == expected


def test_what_is_not_measured_cannot_be_monitored() -> None:
    check_request(config_of("f1", "val_f1"))
    with pytest.raises(ConfigError, match="cannot monitor 'val_f1': training does not measure it"):
        check_request(config_of("auc", "val_f1"))
