"""What a run's own records say against each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tbcli.runs.unreadable import damage_of
from tests.fakes import make_run


def test_records_that_agree_say_nothing(tmp_path: Path) -> None:
    assert list(damage_of(make_run(tmp_path))) == []


@pytest.mark.parametrize("last", [0.5, 0.0800001])
def test_another_last_value_in_the_record_than_in_the_history_is_told(tmp_path: Path, last: float) -> None:
    run = make_run(tmp_path)
    metrics = {**run.metrics, "val_loss": {**run.metrics["val_loss"], "last": last}}
    run.update(metrics=metrics)
    (sentence,) = damage_of(run)
    assert f"disagree on the last value of val_loss ({last:.6g} and 0.08)" in sentence
    assert str(run.history_file) in sentence


def test_a_history_without_the_last_epochs_is_told(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    whole = run.history_file.read_text().splitlines(keepends=True)
    run.history_file.write_text("".join(whole[:-1]))
    (sentence,) = damage_of(run)
    assert "and 3 more" in sentence
