from __future__ import annotations

import subprocess
import sys
from datetime import UTC, timedelta, timezone
from pathlib import Path

import pytest

from tbcli.config import Config, PathsConfig
from tbcli.errors import ConfigError, NotFound, TrainingFailed
from tbcli.runs import LogDirectory, Run, RunStore
from tbcli.runs.cleaning.trash import Trash
from tbcli.runs.ids import without_slug
from tests.fakes import SOME_MOMENT, make_run


@pytest.fixture
def store(workspace: Path) -> RunStore:
    return RunStore(PathsConfig())


def three_runs(workspace: Path) -> list[Run]:
    return [
        make_run(workspace, started=SOME_MOMENT + timedelta(hours=i), name=name, val_accuracy=value, files=False)
        for i, (name, value) in enumerate([("base", 0.97), ("wide", 0.99), ("base", 0.98)])
    ]


def test_a_taken_id_is_never_claimed_twice(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter(["20261122-120000-aaaa", "20261122-120000-aaaa", "20261122-120000-bbbb"])
    monkeypatch.setattr("tbcli.runs.creation.new_id", lambda now, name: next(ids))
    assert [store.create(Config()).id[-4:] for _ in range(2)] == ["aaaa", "bbbb"]


@pytest.mark.parametrize("name", ["", "first", "Wide ResNet, lr=1"])
def test_the_directory_of_a_run_carries_its_name_and_its_short_id_finds_it(store: RunStore, name: str) -> None:
    run = store.create(Config().updated({"train.name": name}), now=SOME_MOMENT)
    other = store.create(Config(), now=SOME_MOMENT)
    assert run.logs.name == run.id
    assert run.id.endswith({"": "", "first": "-first"}.get(name, "-wide-resnet-lr-1"))
    for reference in (run.id, without_slug(run.id), *([name] if name == "first" else ())):
        assert store.find(reference).id == run.id
    assert store.find(other.id).id == other.id


@pytest.mark.slow
def test_twenty_processes_at_once_all_get_a_run(workspace: Path, store: RunStore) -> None:
    program = (
        "import sys\nfrom datetime import UTC, datetime\n"
        "from tbcli.config import Config\nfrom tbcli.runs import RunStore\n"
        "sys.stdin.readline()\n"
        "print(RunStore(Config().paths).create(Config(), now=datetime(2026, 11, 22, tzinfo=UTC)).id)\n"
    )
    argv = [sys.executable, "-c", program]
    crowd = [subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(20)]
    for process in crowd:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    ids = {process.communicate()[0].strip() for process in crowd}
    assert len(ids) == 20
    assert {run.id for run in store.list()} == ids


def test_a_new_run_has_its_record_configuration_and_heartbeat(store: RunStore) -> None:
    config = Config().updated({"train.name": "base", "train.epochs": 3})
    run = store.create(config, {"device": "cpu"}, now=SOME_MOMENT)
    assert run.heartbeat_file.exists()
    assert run.read_config() == config.as_dict()
    loaded = store.load(run.id)
    assert loaded is not None
    assert loaded.record == run.record
    assert (loaded.name, loaded.status(), loaded.record["device"]) == ("base", "running", "cpu")


@pytest.mark.parametrize("obstacle", ["file", "file/below"])
def test_a_place_where_no_run_can_be_made_is_said(workspace: Path, obstacle: str) -> None:
    (workspace / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot make a run in"):
        RunStore(PathsConfig(logdir=obstacle)).create(Config())


def test_a_full_disk_is_said_and_leaves_no_directory_behind(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(TrainingFailed, match="No space left"):
        store.create(Config())
    assert store.ids() == []


def test_runs_are_listed_oldest_first_also_within_a_second(workspace: Path, store: RunStore) -> None:
    moments = [SOME_MOMENT + timedelta(milliseconds=ms) for ms in (300, 100, 200)]
    runs = {moment: make_run(workspace, started=moment, files=False) for moment in moments}
    assert [run.id for run in store.list()] == [runs[moment].id for moment in sorted(moments)]


@pytest.mark.parametrize("started", [None, 3, "yesterday", ""])
def test_a_run_whose_record_tells_no_start_sorts_by_its_id(workspace: Path, store: RunStore, started: object) -> None:
    oldest, newest = make_run(workspace), make_run(workspace, started=SOME_MOMENT + timedelta(hours=1))
    oldest.update(started=started)
    assert store.find("latest").id == newest.id


def test_an_empty_or_missing_root_has_no_runs(store: RunStore) -> None:
    assert store.list() == []
    assert store.ids() == []
    with pytest.raises(NotFound, match="there are no runs"):
        store.find("latest")


def test_every_kind_of_reference_finds_its_run(workspace: Path, store: RunStore) -> None:
    first, second, third = three_runs(workspace)
    expected = {
        "latest": third,
        "latest~0": third,
        "latest~2": first,
        "best": second,
        "best:val_accuracy": second,
        "best:val_loss": first,
        second.id: second,
        second.id[:-2]: second,
        "wide": second,
        "base": third,
        f"logs/{first.id}": first,
        f"./logs/{first.id}/": first,
        str(first.logs.absolute()): first,
    }
    assert {reference: store.find(reference).id for reference in expected} == {
        key: run.id for key, run in expected.items()
    }


def test_best_falls_back_on_the_training_metric(workspace: Path, store: RunStore) -> None:
    metrics = [{"accuracy": {"best": value, "best_epoch": 1, "last": value}} for value in (0.9, 0.95, None)]
    runs = [make_run(workspace, record={"metrics": each}, files=False) for each in metrics]
    assert store.find("best").id == runs[1].id
    with pytest.raises(NotFound, match="flops"):
        store.find("best:flops")


def test_the_newest_of_several_with_a_name_is_taken_and_said(workspace: Path, store: RunStore) -> None:
    third = three_runs(workspace)[2]
    said: list[str] = []
    assert store.find("base", said.append).id == third.id
    store.find("wide", said.append)
    assert said == [f"2 runs are named 'base': this is the newest, {third.id}"]


def test_an_ambiguous_beginning_lists_the_candidates(workspace: Path, store: RunStore) -> None:
    runs = three_runs(workspace)
    with pytest.raises(ConfigError) as caught:
        store.find("2026")
    assert all(run.id in caught.value.message for run in runs)


def test_a_typo_in_a_name_is_guessed(workspace: Path, store: RunStore) -> None:
    three_runs(workspace)
    with pytest.raises(NotFound) as caught:
        store.find("wied")
    assert "'wide'" in caught.value.hint


def test_a_run_in_the_trash_is_said_to_be_there(workspace: Path, store: RunStore) -> None:
    gone = three_runs(workspace)[1]
    Trash(store).move(gone)
    for reference in (gone.id, gone.id[:-2], "wide"):
        with pytest.raises(NotFound) as caught:
            store.find(reference)
        assert f"clean --restore {reference}" in caught.value.hint


@pytest.mark.parametrize("reference", ["", "latest~", "latest~x", "latest~-1"])
def test_words_that_can_mean_nothing_are_wrong_usage(workspace: Path, store: RunStore, reference: str) -> None:
    three_runs(workspace)
    with pytest.raises(ConfigError):
        store.find(reference)


@pytest.mark.parametrize(
    "reference", ["latest~3", "best:flops", "nothing", "./nothing", "nothing.d", "x" * 300, "./" + "x" * 300]
)
def test_what_is_not_there_is_not_found(workspace: Path, store: RunStore, reference: str) -> None:
    three_runs(workspace)
    with pytest.raises(NotFound):
        store.find(reference)


def test_a_path_to_a_foreign_log_directory_is_one(workspace: Path, store: RunStore) -> None:
    (workspace / "tutorial" / "fit").mkdir(parents=True)
    assert store.find_any("tutorial/fit") == LogDirectory("fit", Path("tutorial/fit"))
    with pytest.raises(NotFound, match="not a run of tbcli's"):
        store.find("tutorial/fit")


def test_links_among_the_runs_are_never_followed(workspace: Path, store: RunStore) -> None:
    foreign = make_run(workspace / "other")
    make_run(workspace)
    (workspace / "logs" / foreign.id).symlink_to(foreign.logs)
    assert store.load(foreign.id) is None
    with pytest.raises(NotFound):
        store.find(foreign.id)


def test_a_directory_without_the_record_of_a_run_is_no_run(workspace: Path, store: RunStore) -> None:
    emptied, other = (make_run(workspace, files=False) for _ in range(2))
    emptied.record_file.write_bytes(b"\xff\xfe{")
    other.record_file.write_text(f'{{"id": "{other.id}"}}')  # some other tool's run.json
    assert store.list() == []


def test_a_run_found_by_path_has_the_plots_and_models_of_this_workspace(workspace: Path) -> None:
    run = make_run(workspace)
    found = RunStore(PathsConfig(plots_dir="elsewhere")).find(f"logs/{run.id}")
    assert found.plots == Path("elsewhere") / run.id


def test_the_moment_of_the_start_is_kept_in_utc(store: RunStore) -> None:
    run = store.create(Config(), now=SOME_MOMENT.astimezone(timezone(timedelta(hours=-5))))
    assert run.record["started"] == "2026-11-22T12:00:00.000Z"
    assert run.started == SOME_MOMENT.astimezone(UTC)


def test_the_best_run_is_sought_among_those_of_the_data_of_the_newest(workspace: Path) -> None:
    told: list[str] = []
    best = make_run(workspace, started=SOME_MOMENT, val_accuracy=0.9)
    make_run(workspace, started=SOME_MOMENT + timedelta(minutes=1), val_accuracy=0.99, record={"data": "photos"})
    make_run(workspace, started=SOME_MOMENT + timedelta(minutes=2), val_accuracy=0.8)
    store = RunStore(PathsConfig())
    assert store.find("best", told.append).id == best.id
    left_out = "1 run of other data or other versions of it was left out"
    assert told == [f"{best.id} is the best by val_accuracy of the runs on mnist; {left_out}"]
    assert store.find("best:val_acc").id == best.id


def test_the_best_by_a_metric_without_direction_needs_the_users_word(workspace: Path) -> None:
    first = make_run(workspace, started=SOME_MOMENT)
    with pytest.raises(ConfigError, match="no run is the best by 'learning_rate': it has no direction") as caught:
        RunStore(PathsConfig()).find("best:learning_rate")
    assert "--set direction.learning_rate=min" in caught.value.hint
    assert RunStore(PathsConfig(), {"learning_rate": "min"}).find("best:learning_rate").id == first.id


def test_a_direction_of_the_user_changes_which_run_is_the_best(workspace: Path) -> None:
    low = make_run(workspace, started=SOME_MOMENT, val_accuracy=0.1)
    high = make_run(workspace, started=SOME_MOMENT + timedelta(minutes=1), val_accuracy=0.9)
    assert RunStore(PathsConfig()).find("best").id == high.id
    assert RunStore(PathsConfig(), {"accuracy": "min"}).find("best").id == low.id
