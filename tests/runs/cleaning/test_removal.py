from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tbcli.config import PathsConfig
from tbcli.errors import Interrupted, NotFound, Refused
from tbcli.runs import Run, RunStore
from tbcli.runs.cleaning.removal import one_by_one, remove_run
from tbcli.runs.files import write_json
from tbcli.runs.owner import Owner
from tests.fakes import make_run


def store_of(workspace: Path) -> RunStore:
    return RunStore(PathsConfig(workspace=str(workspace)))


def left_of(run: Run) -> list[str]:
    return [path for path, _ in run.files()]


def bring_to_life(run: Run) -> None:
    owner = Owner.current()
    run.update(status="running", pid=owner.pid, pid_started=owner.pid_started, host=owner.host)


def test_remove_takes_logs_plots_and_model_and_counts_the_bytes(tmp_path: Path) -> None:
    run, other = make_run(tmp_path), make_run(tmp_path)
    expected = run.walk_bytes()
    assert remove_run(run) == expected > 3000
    assert not any(place.exists() for place in (run.logs, run.plots, run.models))
    assert len(left_of(other)) == 7


def test_remove_leaves_figures_of_comparisons_and_strangers(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    strangers = [
        tmp_path / "plots" / f"compare-{run.id}" / "a.png",
        tmp_path / "logs" / "tutorial" / "x",
        tmp_path / "models" / "my.keras",
    ]
    for stranger in strangers:
        stranger.parent.mkdir(parents=True, exist_ok=True)
        stranger.write_text("mine")
    remove_run(run)
    assert all(stranger.read_text() == "mine" for stranger in strangers)


@pytest.mark.parametrize("place", ["logs", "plots", "models"])
def test_remove_unlinks_links_inside_and_never_their_targets(tmp_path: Path, place: str) -> None:
    run, precious = make_run(tmp_path / "ws"), tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("years")
    inside: Path = getattr(run, place)
    (inside / "directory").symlink_to(precious)
    (inside / "file.txt").symlink_to(precious / "thesis.tex")
    (inside / "dangling").symlink_to(tmp_path / "nowhere")
    remove_run(run)
    assert not inside.exists()
    assert (precious / "thesis.tex").read_text() == "years"


@pytest.mark.parametrize("place", ["plots", "models"])
def test_remove_leaves_a_link_in_place_of_a_directory(tmp_path: Path, place: str) -> None:
    run, precious = make_run(tmp_path / "ws", files=False), tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("years")
    link: Path = getattr(run, place)
    link.parent.mkdir(parents=True)
    link.symlink_to(precious)
    remove_run(run)
    assert link.is_symlink()
    assert not run.logs.exists()
    assert (precious / "thesis.tex").exists()


def test_remove_refuses_a_run_that_became_a_link(tmp_path: Path) -> None:
    elsewhere, run = make_run(tmp_path / "other"), make_run(tmp_path / "ws")
    run.logs.rename(tmp_path / "moved")
    run.logs.symlink_to(elsewhere.logs)
    with pytest.raises(OSError, match=run.id):
        remove_run(run)
    assert len(left_of(elsewhere)) == 7


def test_a_directory_swapped_for_a_link_while_removing_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, precious = make_run(tmp_path / "ws"), tmp_path / "precious"
    precious.mkdir()
    (precious / "events").write_text("years")
    looked_at = os.stat

    def swap_after_the_look(path: object, **how: object) -> os.stat_result:
        found = looked_at(path, **how)  # type: ignore[call-overload]
        if path == "train":
            (run.logs / "train").rename(run.logs / "moved")
            (run.logs / "train").symlink_to(precious)
        return found

    monkeypatch.setattr(os, "stat", swap_after_the_look)
    with pytest.raises(OSError, match="train"):
        remove_run(run)
    assert (precious / "events").read_text() == "years"
    assert run.record_file.exists()


def test_a_linked_root_is_allowed(tmp_path: Path) -> None:
    run = make_run(tmp_path / "disk")
    (tmp_path / "ws").mkdir()
    for root in ("logs", "plots", "models"):
        (tmp_path / "ws" / root).symlink_to(tmp_path / "disk" / root)
    remove_run(run)
    assert left_of(run) == []


def test_three_roots_in_one_directory_still_remove_the_record_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = str(tmp_path / "all")
    made = make_run(tmp_path, settings={"paths.logdir": everything})  # make_run itself keeps to <workspace>/logs
    (tmp_path / "logs").rename(everything)
    gone = unlinked(monkeypatch)
    places = PathsConfig(logdir=everything, plots_dir=everything, models_dir=f"{everything}/.")
    remove_run(RunStore(places).find(made.id))
    assert gone[-1] == "run.json"
    assert gone.count("run.json") == 1


def unlinked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that fills with the names of files as they are removed."""
    names: list[str] = []
    unlink = os.unlink

    def noting(name: str, **how: int) -> None:
        names.append(name)
        unlink(name, **how)

    monkeypatch.setattr(os, "unlink", noting)
    return names


def test_plots_and_models_go_first_and_the_record_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path)
    names = unlinked(monkeypatch)
    remove_run(run)
    assert names[:2] == ["training_history.png", "mnist_cnn_model.keras"]
    assert names[-1] == "run.json"


@pytest.mark.parametrize("survivors", range(1, 8))
def test_a_second_call_finishes_what_a_failure_at_any_file_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survivors: int
) -> None:
    run = make_run(tmp_path)
    left, unlink = [7 - survivors], os.unlink

    def failing(name: str, **how: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise PermissionError(13, "Permission denied", name)
        unlink(name, **how)

    monkeypatch.setattr(os, "unlink", failing)
    with pytest.raises(PermissionError) as caught:
        remove_run(run)
    assert Path(str(caught.value.filename)).exists()
    assert [each.id for each in store_of(tmp_path).list()] == [run.id]
    monkeypatch.undo()
    remove_run(run)
    assert left_of(run) == []
    assert not run.logs.exists()


def test_a_second_call_finishes_what_a_killed_process_left(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from tests.runs.cleaning.test_removal import store_of, remove_run\n"
        "unlink = os.unlink\n"
        "def fatal(name, **how):\n"
        "    if name == 'history.csv': os.kill(os.getpid(), signal.SIGKILL)\n"
        "    unlink(name, **how)\n"
        "os.unlink = fatal\n"
        "remove_run(store_of(Path(sys.argv[1])).find(sys.argv[2]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path), run.id], check=False)
    assert done.returncode == -signal.SIGKILL
    names = [Path(path).name for path in left_of(run)]
    assert "history.csv" in names
    assert "run.json" in names
    assert "training_history.png" not in names
    remove_run(run)
    assert left_of(run) == []


def test_a_live_run_is_refused_however_stale_its_heartbeat(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    bring_to_life(run)
    os.utime(run.heartbeat_file, (0, 0))
    with pytest.raises(Refused, match="still training"):
        remove_run(run)
    assert len(left_of(run)) == 7


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"id": "another", "schema": 1}', '{"id": "ID"}'])
def test_what_is_not_clearly_ours_is_refused(tmp_path: Path, record: str) -> None:
    run = make_run(tmp_path)
    run.record_file.write_text(record.replace("ID", run.id))
    with pytest.raises(Refused, match="not a run of tbcli's"):
        remove_run(run)
    assert len(left_of(run)) == 7


def test_a_record_that_is_a_link_makes_no_run_of_ours(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.record_file.rename(tmp_path / "record.json")
    run.record_file.symlink_to(tmp_path / "record.json")
    with pytest.raises(Refused):
        remove_run(run)


def test_what_is_gone_already_is_not_found(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    remove_run(run)
    with pytest.raises(NotFound):
        remove_run(run)
    run.logs.parent.rmdir()
    with pytest.raises(NotFound):
        remove_run(run)


def test_a_directory_closed_to_us_keeps_plots_and_model_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path)
    # The superuser may do all, so the system's answer is put into its mouth.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != run.logs)
    with pytest.raises(PermissionError, match=run.id):
        remove_run(run)
    assert len(left_of(run)) == 7


def removing(victim: Run, happening: Callable[[], object]) -> Callable[[Run], int]:
    """Return what removes a run, where something happens just before one of them."""

    def remove(run: Run) -> int:
        if run.id == victim.id:
            happening()
        return remove_run(run)

    return remove


def test_runs_that_vanish_meanwhile_are_passed_over(tmp_path: Path) -> None:
    runs = [make_run(tmp_path) for _ in range(3)]
    remove = removing(runs[1], lambda: remove_run(runs[1]))
    assert [run.id for run, _ in one_by_one(runs, remove)] == [runs[0].id, runs[2].id]


def test_a_run_that_comes_to_life_meanwhile_stays_and_does_not_stop_the_others(tmp_path: Path) -> None:
    runs, store = [make_run(tmp_path) for _ in range(3)], store_of(tmp_path)
    remove = removing(runs[1], lambda: bring_to_life(runs[1]))
    gone = []
    with pytest.raises(Refused, match=r"1 of 3 runs could not be removed.*still training"):
        gone.extend(run.id for run, _ in one_by_one(runs, remove))
    assert [run.id for run in store.list()] == [runs[1].id]


def test_an_interrupt_says_how_far_it_came(tmp_path: Path) -> None:
    runs, store = [make_run(tmp_path) for _ in range(3)], store_of(tmp_path)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="2 of 3 runs are removed") as caught:
        list(one_by_one(runs, removing(runs[2], interrupt)))
    assert caught.value.exit_code == 130
    assert [run.id for run in store.list()] == [runs[2].id]


def test_two_processes_removing_at_once_leave_nothing_and_no_traceback(tmp_path: Path) -> None:
    for _ in range(30):
        make_run(tmp_path)
    argv = [sys.executable, "-m", "tbcli", "clean", "--all", "--yes", "--workspace", str(tmp_path)]
    pair = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate() for process in pair]
    assert store_of(tmp_path).list() == []
    assert [process.returncode for process in pair] == [0, 0], answers
    assert not [entry for root in ("logs", "plots", "models") for entry in (tmp_path / root).iterdir()]
    assert len(list((tmp_path / ".tbcli-trash").iterdir())) == 30


def test_records_of_a_newer_schema_are_still_runs(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    write_json(run.record_file, {**run.record, "schema": 99})
    remove_run(run)
    assert left_of(run) == []
