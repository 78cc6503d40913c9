from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from tbcli.config import PathsConfig
from tbcli.errors import ConfigError, NotFound, Refused
from tbcli.runs import Run, RunStore
from tbcli.runs.cleaning.removal_plan import Filters, parse_age, plan_removal
from tbcli.runs.owner import Owner
from tests.fakes import SOME_MOMENT, make_run

NOW = SOME_MOMENT + timedelta(days=10)


@pytest.fixture
def store(workspace: Path) -> RunStore:
    return RunStore(PathsConfig())


def aged(workspace: Path, days: float, **more: object) -> Run:
    return make_run(workspace, started=NOW - timedelta(days=days, seconds=20), files=False, **more)  # type: ignore[arg-type]


def chosen(store: RunStore, *references: str, **filters: object) -> list[str]:
    return [run.id for run in plan_removal(store, references, Filters(**filters), NOW).runs]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("30m", 1800), ("12h", 43_200), ("7d", 604_800), ("2w", 1_209_600), ("1.5d", 129_600), ("0d", 0)],
)
def test_ages_are_a_number_with_a_unit(text: str, seconds: float) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize("text", ["", "7", "d", "7 days", "-7d", "7y", "1e3d", "nand", "1.2.3d", "٣٣"])
def test_other_ages_are_wrong_usage(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_age(text)


def test_an_age_counts_from_the_end_of_training(workspace: Path, store: RunStore) -> None:
    long = make_run(workspace, started=NOW - timedelta(days=9), record={"ended": "2026-12-02T11:00:00.000Z"})
    old = aged(workspace, 8)
    assert chosen(store, older_than="7d") == [old.id]
    assert chosen(store, older_than="1h") == [long.id, old.id]


def test_an_age_of_exactly_so_much_is_old_enough(workspace: Path, store: RunStore) -> None:
    week = aged(workspace, 7)
    assert chosen(store, older_than="7d") == [week.id]
    assert chosen(store, older_than="169h") == []


def test_the_age_of_a_killed_run_counts_from_its_last_heartbeat(workspace: Path, store: RunStore) -> None:
    run = aged(workspace, 9, record={"ended": None, "status": "running", "pid": 2**22 + 1})
    beat = (NOW - timedelta(days=2)).timestamp()
    os.utime(run.heartbeat_file, (beat, beat))
    assert chosen(store, older_than="3d") == []
    assert chosen(store, older_than="1d") == [run.id]


def test_filters_narrow_each_other_and_keep_spares_of_what_is_left(workspace: Path, store: RunStore) -> None:
    failed = [aged(workspace, days, status="failed") for days in (9, 8, 7, 1)]
    aged(workspace, 9)
    aged(workspace, 0.5)
    assert chosen(store, statuses=("failed",), older_than="3d") == [run.id for run in failed[:3]]
    assert chosen(store, statuses=("failed",), older_than="3d", keep=2) == [failed[0].id]
    assert chosen(store, statuses=("failed",), older_than="3d", keep=5) == []
    assert chosen(store, failed[1].id, failed[3].id, older_than="3d") == [failed[1].id]


def test_keep_alone_selects_all_but_the_newest(workspace: Path, store: RunStore) -> None:
    runs = [aged(workspace, days) for days in (5, 4, 3, 2, 1)]
    assert chosen(store, keep=2) == [run.id for run in runs[:3]]


def test_a_run_whose_process_is_gone_counts_as_interrupted(workspace: Path, store: RunStore) -> None:
    run = aged(workspace, 2, record={"status": "running", "pid": 2**22 + 1})
    assert chosen(store, statuses=("interrupted",)) == [run.id]
    assert chosen(store, statuses=("running",)) == []


def test_statuses_and_counts_are_checked() -> None:
    with pytest.raises(ConfigError, match="finnished") as caught:
        Filters(statuses=("finnished",))
    assert "finished" in caught.value.hint
    with pytest.raises(ConfigError):
        Filters(keep=-1)


@pytest.mark.parametrize("reference", ["latest", "best", "best:val_loss", "base", "NAME", "PATH", "PREFIX"])
def test_runs_are_named_in_every_way(workspace: Path, store: RunStore, reference: str) -> None:
    run = make_run(workspace, name="base")
    words = {"NAME": run.id, "PATH": f"logs/{run.id}/", "PREFIX": run.id[:-1]}
    assert chosen(store, words.get(reference, reference)) == [run.id]


def test_a_run_named_twice_goes_once(workspace: Path, store: RunStore) -> None:
    run = make_run(workspace)
    assert chosen(store, "latest", run.id, f"./logs/{run.id}") == [run.id]


def live(workspace: Path, **more: object) -> Run:
    owner = Owner.current()
    facts = {"status": "running", "pid": owner.pid, "pid_started": owner.pid_started, "host": owner.host}
    return aged(workspace, 9, record=facts, **more)


def test_a_live_run_is_passed_over_by_filters_and_refused_by_name(workspace: Path, store: RunStore) -> None:
    training, done = live(workspace), aged(workspace, 8)
    plan = plan_removal(store, (), Filters(), NOW)
    assert [run.id for run in plan.runs] == [done.id]
    assert len(plan.live) == 1
    assert f"`tbcli stop {training.id}`" in plan.live[0]
    with pytest.raises(Refused, match="still training") as caught:
        plan_removal(store, (done.id, training.id), Filters(), NOW)
    assert str(os.getpid()) in caught.value.message


def test_live_runs_do_not_use_up_what_keep_spares(workspace: Path, store: RunStore) -> None:
    older, newer = aged(workspace, 12), aged(workspace, 11)
    live(workspace)
    assert chosen(store, keep=1) == [older.id]
    assert newer.id not in chosen(store, keep=1)


def test_a_name_of_several_runs_is_refused_with_the_list(workspace: Path, store: RunStore) -> None:
    runs = [aged(workspace, days, name="base") for days in (2, 1)]
    with pytest.raises(Refused) as caught:
        chosen(store, "base")
    assert all(run.id in caught.value.message for run in runs)


def test_a_word_that_is_a_name_and_a_beginning_is_refused(workspace: Path, store: RunStore) -> None:
    run = aged(workspace, 2)
    aged(workspace, 1, name=run.id[:8])
    with pytest.raises(Refused, match="2 runs"):
        chosen(store, run.id[:8])


def test_an_ambiguous_beginning_is_an_error(workspace: Path, store: RunStore) -> None:
    for days in (1, 2):
        aged(workspace, days)
    with pytest.raises(ConfigError, match="matches 2 runs"):
        chosen(store, "20")


def test_what_is_not_there_is_not_found(workspace: Path, store: RunStore) -> None:
    make_run(workspace)
    for reference in ("nothing", "logs/nothing", "../../etc/nothing.d", "latest~7", "x" * 5000, "./" + "x" * 5000):
        with pytest.raises(NotFound):
            chosen(store, reference)
    with pytest.raises(ConfigError):
        chosen(store, "")


def test_what_is_not_a_run_of_this_workspace_is_refused(workspace: Path, store: RunStore) -> None:
    run, foreign = make_run(workspace), make_run(workspace / "other")
    (workspace / "logs" / "tutorial" / "train").mkdir(parents=True)
    (workspace / "logs" / "linked").symlink_to(run.logs)
    (workspace / "logs" / foreign.id).symlink_to(foreign.logs)
    inside = f"logs/{run.id}/train"
    for reference in (
        str(foreign.logs),
        "logs/tutorial",
        "tutorial",
        "./logs",
        "/",
        ".",
        "..",
        inside,
        "logs/linked",
        foreign.id,
    ):
        with pytest.raises(Refused):
            chosen(store, reference)


def test_a_reference_works_from_inside_the_run(
    workspace: Path, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(workspace)
    store = RunStore(PathsConfig(workspace=str(workspace)))
    monkeypatch.chdir(run.logs)
    assert chosen(store, ".") == [run.id]


def test_a_run_in_which_something_is_mounted_stays(
    workspace: Path, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tbcli.runs.cleaning import removal_plan

    mounted, other = aged(workspace, 2), aged(workspace, 1)
    monkeypatch.setattr(removal_plan, "mount_points", lambda: ["/", str(mounted.logs.resolve() / "train")])
    plan = plan_removal(store, (), Filters(), NOW)
    assert [run.id for run in plan.runs] == [other.id]
    assert "mount point" in plan.notes[0]
    with pytest.raises(Refused, match="mount point"):
        plan_removal(store, (mounted.id,), Filters(), NOW)


def test_a_copy_goes_by_its_path_alone(workspace: Path, store: RunStore) -> None:
    run = aged(workspace, 2)
    shutil.copytree(run.logs, run.logs.with_name("copy"))
    plan = plan_removal(store, (), Filters(), NOW)
    assert [one.logs.name for one in plan.runs] == [run.id]
    assert "is a copy of run" in plan.notes[0]
    with pytest.raises(Refused, match="is a copy of run"):
        plan_removal(store, ("copy",), Filters(), NOW)
    assert [one.logs.name for one in plan_removal(store, ("./logs/copy",), Filters(), NOW).runs] == ["copy"]
