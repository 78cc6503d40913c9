"""The live table of a sweep, on terminals of any size."""

from __future__ import annotations

import pytest

from tbcli.cli.output import Output
from tbcli.cli.render.sweep_progress import LiveView
from tbcli.sweeps.definition import Definition, Trial
from tbcli.sweeps.goal import Goal
from tbcli.sweeps.space import Dimension
from tests.sweeps.test_definition import definition

SETTINGS = {
    "train.learning_rate": 0.000123456789,
    "train.optimizer": "adam",
    "train.epochs": 7,
    "data.source": "x" * 90,
}


def asked(count: int) -> Definition:
    return definition(*(Dimension(key, (value, 1)) for key, value in list(SETTINGS.items())[:count]))


def view_of(trials: int, settings: int, *, seed: int | None = None) -> LiveView:
    view = LiveView(Output(), now=lambda: 0.0)
    view.progress.total, view.progress.slots, view.progress.epochs = 100, trials, 3
    view.progress.goal = Goal("val_loss", "last", "min")
    view.progress.names = tuple(each.name for each in asked(settings).dimensions)
    for slot in range(trials):
        view.started(slot, Trial(slot, dict(list(SETTINGS.items())[:settings]), seed))
        view.epoch(slot, 2, 0.25)
    return view


@pytest.mark.parametrize(("width", "height"), [(80, 24), (50, 10), (40, 5), (200, 60)])
@pytest.mark.parametrize("trials", [0, 1, 2, 50])
@pytest.mark.parametrize("settings", [1, 3, 4])
def test_the_table_fits_and_keeps_what_changes(width: int, height: int, trials: int, settings: int) -> None:
    lines = view_of(trials, settings, seed=3).lines(width, height)
    assert len(lines) < height
    assert max(map(len, lines)) <= width
    assert "0/100 trials ended" in lines[-1]
    if trials:
        assert lines[0].split()[-3:] == ["epoch", "val_loss", "time"]
        assert lines[1].split()[-4:] == ["2/7" if settings > 2 else "2/3", "0.25", "0.0", "s"]
    shown = sum("0.25" in line for line in lines)
    assert shown == trials or f"... and {trials - shown} more at work" in lines


def test_each_trial_counts_its_own_epochs() -> None:
    assert "2/3" in view_of(1, 2).lines(80, 24)[1]
    assert "2/7" in view_of(1, 3).lines(80, 24)[1]
