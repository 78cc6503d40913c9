from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tbcli.config import PathsConfig
from tbcli.errors import ConfigError, NotFound, Refused, TbcliError
from tbcli.runs import Run, RunStore
from tbcli.runs.claim import claim
from tbcli.runs.cleaning import trash as module
from tbcli.runs.cleaning import trash_place
from tbcli.runs.cleaning.removal import remove_run
from tbcli.runs.cleaning.removal_plan import Filters, plan_removal
from tbcli.runs.cleaning.trash import Trash
from tbcli.runs.files import utc_now, write_json
from tests.fakes import make_run


def store_of(workspace: Path) -> RunStore:
    return RunStore(PathsConfig(workspace=str(workspace)))


def trash_of(workspace: Path) -> Trash:
    return Trash(store_of(workspace))


def content(run: Run) -> dict[str, bytes]:
    return {path: Path(path).read_bytes() for path, _ in run.files()}


def test_a_run_that_was_moved_comes_back_as_it_was(tmp_path: Path) -> None:
    run, other = make_run(tmp_path, name="first"), make_run(tmp_path)
    before, trash = content(run), trash_of(tmp_path)
    assert trash.move(run) == run_bytes(before)
    assert not any(part.exists() for part in (run.logs, run.plots, run.models))
    (moved,) = trash.list()
    assert (moved.id, moved.name, moved.status, moved.bytes()) == (run.id, "first", "finished", run_bytes(before))
    trash.restore(moved)
    assert content(run) == before
    assert trash.list() == []
    assert list(trash.place.iterdir()) == []
    assert {each.id for each in store_of(tmp_path).list()} == {run.id, other.id}


def run_bytes(files: dict[str, bytes]) -> int:
    return sum(map(len, files.values()))


def test_each_root_has_its_trash_beside_it(tmp_path: Path) -> None:
    made = make_run(tmp_path / "ws")
    places = {part: tmp_path / part / "deep" / part for part in ("logs", "plots", "models")}
    for part, place in places.items():
        place.parent.mkdir(parents=True)
        (tmp_path / "ws" / part).rename(place)
    store = RunStore(
        PathsConfig(logdir=f"{places['logs']}", plots_dir=f"{places['plots']}", models_dir=f"{places['models']}")
    )
    run, trash = store.find(made.id), Trash(store)
    trash.move(run)
    assert all(list((place.parent / ".tbcli-trash").iterdir()) for place in places.values())
    trash.restore(trash.find(made.id))
    assert run.saved_model.exists()
    assert not any(list((place.parent / ".tbcli-trash").iterdir()) for place in places.values())
    trash.move(run)
    assert trash.purge(trash.find(made.id)) > 3000
    assert not any(list((place.parent / ".tbcli-trash").iterdir()) for place in places.values())


def test_the_trash_lies_outside_of_every_root(tmp_path: Path) -> None:
    logs = tmp_path / "ws" / "logs"
    paths = PathsConfig(logdir=str(logs), plots_dir=str(logs / "plots"), models_dir=str(tmp_path / "ws"))
    assert Trash(RunStore(paths)).place == tmp_path / ".tbcli-trash"


def test_roots_that_are_one_directory_move_each_file_once(tmp_path: Path) -> None:
    made = make_run(tmp_path, files=False)
    store = RunStore(
        PathsConfig(logdir=f"{tmp_path}/logs", plots_dir=f"{tmp_path}/logs", models_dir=f"{tmp_path}/logs/.")
    )
    before = content(store.find(made.id))
    Trash(store).move(store.find(made.id))
    Trash(store).restore(Trash(store).find("latest"))
    assert content(store.find(made.id)) == before


def test_a_workspace_that_moved_restores_to_where_it_is_now(tmp_path: Path) -> None:
    run = make_run(tmp_path / "old")
    trash_of(tmp_path / "old").move(run)
    (tmp_path / "old").rename(tmp_path / "new")
    trash = trash_of(tmp_path / "new")
    trash.restore(trash.find(run.id))
    assert store_of(tmp_path / "new").find(run.id).saved_model.exists()


def test_a_root_that_moved_alone_is_restored_to_from_the_old_trash(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    trash_of(tmp_path).move(run)
    models = tmp_path / "far" / "models"
    trash = Trash(RunStore(PathsConfig(workspace=str(tmp_path), models_dir=str(models))))
    trash.restore(trash.find(run.id))
    assert (models / run.id / run.saved_model.name).exists()


@pytest.mark.parametrize("part", ["logs", "plots", "models"])
def test_nothing_that_is_there_is_written_over(tmp_path: Path, part: str) -> None:
    run, trash = make_run(tmp_path), trash_of(tmp_path)
    trash.move(run)
    (tmp_path / part / run.id).mkdir()
    with pytest.raises(Refused, match="exists already"):
        trash.restore(trash.find(run.id))
    assert len(trash.list()[0].parts) == 3


def test_of_several_copies_the_newest_is_found(tmp_path: Path) -> None:
    run, trash = make_run(tmp_path), trash_of(tmp_path)
    shutil.copytree(tmp_path / "logs", tmp_path / "copy")
    for day, note in ((1, "old"), (2, "new")):
        run.update(note=note)
        trash.move(run, utc_now() + timedelta(days=day))
        shutil.copytree(tmp_path / "copy", tmp_path / "logs", dirs_exist_ok=True)
    shutil.rmtree(run.logs)
    old, new = trash.list()
    assert trash.find(run.id) == trash.find("latest") == new
    assert trash.find(old.entry.name) == old
    trash.restore(new)
    run.reload()
    assert run.record["note"] == "new"
    assert trash.list() == [old]


def test_a_word_that_means_several_runs_is_refused(tmp_path: Path) -> None:
    runs, trash = [make_run(tmp_path, name="base") for _ in range(2)], trash_of(tmp_path)
    for run in runs:
        trash.move(run)
    for word in ("base", runs[0].id[:8]):
        with pytest.raises(Refused, match="2 runs"):
            trash.find(word)
    for word in ("nothing", "", "best"):
        with pytest.raises(NotFound):
            trash.find(word)


def test_what_is_not_ours_in_the_trash_is_never_listed_nor_touched(tmp_path: Path) -> None:
    run, trash = make_run(tmp_path), trash_of(tmp_path)
    trash.move(run)
    strangers = [trash.place / "mine", trash.place / "a@20260101-000000", trash.place / "b@20260101-000000"]
    strangers[0].mkdir()
    strangers[1].symlink_to(tmp_path)
    strangers[2].write_text("a file")
    trash.tidy()
    (one,) = trash.list()
    trash.purge(one)
    assert all(os.path.lexists(path) for path in strangers)


@pytest.mark.parametrize("make", [lambda path: path.write_text(""), lambda path: path.symlink_to(path.parent / "logs")])
def test_a_trash_that_is_no_directory_of_ours_is_refused(tmp_path: Path, make: Callable[[Path], object]) -> None:
    run, trash = make_run(tmp_path), trash_of(tmp_path)
    make(trash.place)
    for act in (lambda: trash.move(run), trash.list, lambda: trash.require_usable([run.logs])):
        with pytest.raises(Refused, match="not a directory of yours"):
            act()
    assert run.saved_model.exists()


def test_another_users_trash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, trash = make_run(tmp_path), trash_of(tmp_path)
    trash.place.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: trash.place.stat().st_uid + 1)
    with pytest.raises(Refused):
        trash.move(run)


def test_a_trash_on_another_file_system_asks_for_permanent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, trash = make_run(tmp_path), trash_of(tmp_path)
    monkeypatch.setattr(trash_place, "mount_points", lambda: [str(tmp_path / "models")])
    with pytest.raises(ConfigError, match="another file system") as caught:
        trash.move(run)
    assert "--permanent" in caught.value.hint
    assert run.saved_model.exists()


def test_a_rename_across_file_systems_leaves_the_run_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, trash, rename = make_run(tmp_path), trash_of(tmp_path), os.rename
    before = content(run)

    def across(source: Any, target: Any, **how: Any) -> None:
        if target == "models":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target, **how)

    monkeypatch.setattr(os, "rename", across)
    with pytest.raises(ConfigError, match="another file system"):
        trash.move(run)
    assert content(run) == before
    assert list(trash.place.iterdir()) == []
    monkeypatch.undo()
    trash.move(run)

    def back(source: Any, target: Any, **how: Any) -> None:
        if source == "plots":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target, **how)

    monkeypatch.setattr(os, "rename", back)
    with pytest.raises(Refused, match="another file system") as caught:
        trash.restore(trash.find(run.id))
    assert str(run.plots) in caught.value.hint
    assert trash.list()[0].parts.keys() == {"logs", "plots", "models"}


def test_linked_roots_have_their_trash_where_they_lie(tmp_path: Path) -> None:
    make_run(tmp_path / "disk")
    (tmp_path / "ws").mkdir()
    for root in ("logs", "plots", "models"):
        (tmp_path / "ws" / root).symlink_to(tmp_path / "disk" / root)
    (run,), trash = store_of(tmp_path / "ws").list(), trash_of(tmp_path / "ws")
    before = content(run)
    trash.move(run)
    assert list((tmp_path / "disk" / ".tbcli-trash").iterdir())
    trash.restore(trash.find(run.id))
    assert content(run) == before


def test_a_run_directory_swapped_meanwhile_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, trash, rename = make_run(tmp_path), trash_of(tmp_path), os.rename

    def swapping(source: Any, target: Any, **how: Any) -> None:
        if target == "plots":
            run.plots.replace(tmp_path / "aside")
            run.plots.mkdir()
            (run.plots / "thesis.tex").write_text("years")
        rename(source, target, **how)

    monkeypatch.setattr(os, "rename", swapping)
    with pytest.raises(Refused, match="swapped"):
        trash.move(run)
    assert (run.plots / "thesis.tex").read_text() == "years"
    assert run.record_file.exists()
    assert trash.list() == []


@pytest.mark.parametrize("part", ["plots", "models"])
def test_links_in_place_of_parts_stay(tmp_path: Path, part: str) -> None:
    run, trash, elsewhere = make_run(tmp_path), trash_of(tmp_path), tmp_path / "elsewhere"
    link: Path = getattr(run, part)
    link.rename(elsewhere)
    link.symlink_to(elsewhere)
    trash.move(run)
    assert link.is_symlink()
    assert list(elsewhere.iterdir())


def test_something_mounted_in_a_run_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tbcli.runs.cleaning import removal, trees

    run, trash = make_run(tmp_path), trash_of(tmp_path)
    monkeypatch.setattr(removal, "mount_points", lambda: ["/", str(run.logs / "train")])
    with pytest.raises(Refused, match="mount point"):
        trash.move(run)
    monkeypatch.undo()
    trash.move(run)
    (moved,) = trash.list()
    monkeypatch.setattr(trees, "mount_points", lambda: ["/", str(moved.parts["models"])])
    with pytest.raises(Refused, match="mount point"):
        trash.purge(moved)
    assert trash.list() == [moved]


def test_a_directory_that_somebody_holds_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tbcli.runs.cleaning import removal

    monkeypatch.setattr(removal, "_TRIES", 1)
    run, trash = make_run(tmp_path), trash_of(tmp_path)
    with claim(run.logs), pytest.raises(Refused, match="in use"):
        trash.move(run)
    trash.move(run)


def test_a_killed_run_goes_once_its_heartbeat_is_old(tmp_path: Path) -> None:
    run, trash = make_run(tmp_path, status="running", record={"pid": 2**22 + 1}), trash_of(tmp_path)
    with pytest.raises(Refused, match="may still be training: its process is gone, but its last heartbeat"):
        trash.move(run)
    os.utime(run.heartbeat_file, (0, 0))
    trash.move(run)
    assert trash.find("latest").status == "interrupted"


def test_a_directory_that_was_renamed_brings_its_plots_and_model_back(tmp_path: Path) -> None:
    made, trash = make_run(tmp_path), trash_of(tmp_path)
    run = Run(made.id, tmp_path / "logs" / "renamed", made.plots, made.models, made.record)
    made.logs.rename(run.logs)
    before = content(run)
    trash.move(run)
    trash.restore(trash.find(made.id))
    assert content(run) == before


@pytest.mark.parametrize("name", ["x" * 250, "a@b", "two\nlines", "\udcff\U0001f600 'quoted' [b]"])
def test_any_name_of_a_directory_will_do(tmp_path: Path, name: str) -> None:
    made, trash = make_run(tmp_path), trash_of(tmp_path)
    made.logs.rename(tmp_path / "logs" / name)
    (run,) = store_of(tmp_path).list()
    before = content(run)
    trash.move(run)
    assert [one.directory for one in trash.list()] == [name]
    trash.restore(trash.find(made.id))
    assert content(run) == before


@pytest.mark.parametrize("remove", ["trash", "at once"])
def test_another_run_in_the_place_of_the_one_that_was_chosen_stays(tmp_path: Path, remove: str) -> None:
    run, trash = make_run(tmp_path), trash_of(tmp_path)
    identity = plan_removal(store_of(tmp_path), (), Filters()).identities[0]
    shutil.copytree(run.logs, tmp_path / "copy")
    run.logs.rename(tmp_path / "aside")
    (tmp_path / "copy").rename(run.logs)
    with pytest.raises(Refused, match="swapped"):
        (trash.move if remove == "trash" else remove_run)(run, identity=identity)
    assert run.record_file.exists()
    assert run.saved_model.exists()


def test_a_full_disk_asks_for_permanent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, trash = make_run(tmp_path), trash_of(tmp_path)

    def full(path: Path, content: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "write_atomically", full)
    with pytest.raises(ConfigError, match="No space left") as caught:
        trash.move(run)
    assert "--permanent" in caught.value.hint
    assert list(trash.place.iterdir()) == []


def test_an_entry_that_another_process_works_on_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRIES", 1)
    run, trash = make_run(tmp_path), trash_of(tmp_path)
    trash.move(run)
    (moved,) = trash.list()
    with claim(moved.entry):
        for act in (trash.restore, trash.purge):
            with pytest.raises(Refused, match="another `tbcli clean`"):
                act(moved)
        trash.tidy()
    trash.purge(moved)
    for act in (trash.restore, trash.purge):
        with pytest.raises(NotFound):
            act(moved)


def test_files_with_several_names_are_freed_with_the_last(tmp_path: Path) -> None:
    runs, trash = [make_run(tmp_path) for _ in range(2)], trash_of(tmp_path)
    (tmp_path / "outside").write_bytes(b"x" * 5000)
    for run in runs:
        os.link(tmp_path / "outside", run.logs / "linked")
    (runs[0].logs / "both").write_bytes(b"y" * 7000)
    os.link(runs[0].logs / "both", runs[1].logs / "both")
    with (runs[0].logs / "sparse").open("wb") as file:
        file.truncate(1_000_000)
    plan = plan_removal(store_of(tmp_path), (), Filters())
    assert plan.bytes == sum(run.walk_bytes() for run in runs) - 2 * 5000 - 7000 - 1_000_000
    for run in runs:
        trash.move(run)
    assert plan.bytes == sum(trash.purge(each) for each in trash.list())


OPERATIONS = ("rename", "mkdir", "open", "stat", "lstat", "fsync", "unlink", "rmdir", "scandir", "replace")


class Broken:
    """Lets the operations of the system fail, or the process die, from the n-th that is asked for on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int, error: BaseException, *, lasting: bool) -> None:
        self.left, self.error, self.lasting, self.hit = number, error, lasting, False
        for name in OPERATIONS:
            monkeypatch.setattr(os, name, self._failing(getattr(os, name)))

    def _failing(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **how: Any) -> Any:
            self.left -= 1
            if self.left == 0 or (self.lasting and self.left < 0):
                self.hit = True
                raise self.error
            return operation(*words, **how)

        return call


class Killed(BaseException):
    """The process is gone: nothing that would tidy up after it runs to its end."""


def everywhere(
    act: Callable[[], object], prepare: Callable[[], object], error: BaseException, *, lasting: bool
) -> Iterator[int]:
    """Act once for each operation, which fails; yield after each."""
    for number in range(1, 500):
        prepare()
        with pytest.MonkeyPatch.context() as patch:
            broken = Broken(patch, number, error, lasting=lasting)
            with suppress(Killed, OSError, TbcliError):
                act()
        yield number
        if not broken.hit:
            return
    raise AssertionError("there is no end of it")


@pytest.mark.slow
@pytest.mark.parametrize("what", ["move", "restore", "purge"])
@pytest.mark.parametrize(
    ("error", "lasting"),
    [
        (OSError(errno.EIO, "Input/output error", "x"), False),
        (OSError(errno.ENOSPC, "No space left", "x"), True),
        (Killed(), True),
    ],
    ids=["error", "full", "killed"],
)
def test_whatever_fails_a_run_is_listed_in_the_trash_or_given_up(
    tmp_path: Path, what: str, error: BaseException, lasting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # it fails in its turn; else it only takes time
    template, workspace = tmp_path / "template", tmp_path / "ws"
    run = make_run(template, epochs=1)
    if what != "move":
        trash_of(template).move(run)

    def prepare() -> None:
        shutil.rmtree(workspace, ignore_errors=True)
        shutil.copytree(template, workspace)

    def act() -> None:
        trash = trash_of(workspace)
        if what == "move":
            trash.move(store_of(workspace).find(run.id))
        else:
            getattr(trash, what)(trash.find(run.id))

    for number in everywhere(act, prepare, error, lasting=lasting):
        trash = trash_of(workspace)
        is_listed, moved = bool(store_of(workspace).list()), trash.list()
        assert is_listed or moved or what == "purge", number
        trash.tidy()
        if not is_listed and (moved := trash.list()):
            trash.restore(moved[0])
        if is_listed or moved:
            (back,) = store_of(workspace).list()
            for left in trash.list():  # a part that resisted to go back with the others
                trash.restore(left)
            assert len(back.files()) == len(content(back)) == 7, number
            trash.move(back)
            trash.purge(trash.list()[0])
        trash.tidy()
        assert not any(files for _, _, files in os.walk(workspace)), number


def test_a_record_of_the_trash_that_is_damaged_hides_no_run(tmp_path: Path) -> None:
    run, trash = make_run(tmp_path), trash_of(tmp_path)
    trash.move(run)
    (moved,) = trash.list()
    for broken in (
        b"",
        b"[]",
        b"\xff",
        b'{"schema": 1, "directory": "../../etc", "id": 5}',
        b'{"schema": 1, "parts": 3}',
    ):
        (moved.entry / "trashed.json").write_bytes(broken)
        assert [one.directory for one in trash.list()] in ([run.id], [])
        if b"etc" not in broken:
            assert trash.find(run.id).parts == moved.parts
    write_json(moved.entry / "trashed.json", {"schema": 1, "parts": {"logs": "/etc/.tbcli-trash/x"}})
    trash.restore(trash.find(run.id))
    assert run.record_file.exists()
