from __future__ import annotations

from pathlib import Path

import pytest

from tbcli.errors import ServingFailed
from tbcli.runs import LogDirectory
from tbcli.serving import as_logdir, links
from tbcli.serving.links import link_names
from tests.fakes import make_run


def directory(path: Path, *, events: bool = True) -> LogDirectory:
    path.mkdir(parents=True)
    if events:
        (path / "events.out.tfevents.1").touch()
    return LogDirectory(path.name, path)


def test_chosen_runs_keep_their_names_and_the_links_go_afterwards(tmp_path: Path) -> None:
    one, two = make_run(tmp_path), make_run(tmp_path)
    with as_logdir([one, two], tmp_path) as logdir:
        assert {link.name: link.resolve() for link in logdir.iterdir()} == {one.id: one.logs, two.id: two.logs}
        assert not logdir.is_relative_to(tmp_path)
    assert not logdir.exists()
    assert (one.logs / "run.json").exists()


def test_without_a_choice_it_is_the_whole_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with as_logdir([], Path("logs")) as logdir:
        assert logdir == tmp_path / "logs"


def test_a_foreign_root_of_runs_is_served_as_it_is(tmp_path: Path) -> None:
    with as_logdir([directory(tmp_path / "mine", events=False)], tmp_path) as logdir:
        assert logdir == tmp_path / "mine"


def test_a_foreign_run_is_linked_so_that_it_has_a_name(tmp_path: Path) -> None:
    with as_logdir([directory(tmp_path / "mine")], tmp_path) as logdir:
        assert [link.name for link in logdir.iterdir()] == ["mine"]


def test_equal_names_get_numbers_and_a_run_named_twice_is_linked_once(tmp_path: Path) -> None:
    one, two = directory(tmp_path / "a" / "run"), directory(tmp_path / "b" / "run")
    assert link_names([one, two, one]) == {"run": one.logs, "run-2": two.logs}


def test_links_never_lie_inside_a_chosen_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = [directory(tmp_path / "all"), directory(tmp_path / "other")]
    inside = tmp_path / "all" / "temporary"
    inside.mkdir()
    monkeypatch.setattr(links.tempfile, "gettempdir", lambda: str(inside))
    with as_logdir(chosen, tmp_path) as logdir:
        assert not logdir.is_relative_to(tmp_path)


def test_no_room_for_links_is_an_error_of_two_lines(tmp_path: Path) -> None:
    everything = LogDirectory("", Path("/"))
    with (
        pytest.raises(ServingFailed, match="cannot create a temporary directory") as caught,
        as_logdir([everything, everything], tmp_path),
    ):
        pass
    assert "TMPDIR" in caught.value.hint
