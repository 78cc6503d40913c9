from __future__ import annotations

from pathlib import Path

from tbcli.serving import nearest_runs, survey
from tests.fakes import make_run


def touch(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_directories_without_event_files_are_named(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    missing = tmp_path / "nowhere"
    found = survey([run.logs, missing])
    assert found.empty == (missing,)
    assert found.has_events


def test_nothing_at_all_has_no_events(tmp_path: Path) -> None:
    assert not survey([tmp_path]).has_events


def test_embeddings_beside_the_config_need_no_tensorflow(tmp_path: Path) -> None:
    touch(tmp_path / "run" / "projector_config.pbtxt", 'embeddings { tensor_path: "vectors.tsv" }')
    assert survey([tmp_path]).checkpoint is None


def test_embeddings_in_a_checkpoint_are_found(tmp_path: Path) -> None:
    config = touch(tmp_path / "run" / "projector_config.pbtxt", 'model_checkpoint_path: "model.ckpt-1"')
    assert survey([tmp_path]).checkpoint == config


def test_a_checkpoint_of_tensorflow_is_found_without_a_config(tmp_path: Path) -> None:
    state = touch(tmp_path / "checkpoint", 'model_checkpoint_path: "model.ckpt-1"')
    assert survey([tmp_path]).checkpoint == state


def test_the_nearest_runs_may_lie_in_a_parent(tmp_path: Path) -> None:
    make_run(tmp_path)
    assert nearest_runs(tmp_path / "notebooks" / "logs") == tmp_path / "logs"


def test_the_nearest_runs_may_lie_below(tmp_path: Path) -> None:
    make_run(tmp_path / "project")
    assert nearest_runs(tmp_path / "logs") == tmp_path / "project" / "logs"


def test_the_nearest_runs_may_be_foreign(tmp_path: Path) -> None:
    touch(tmp_path / "runs" / "first" / "train" / "events.out.tfevents.1")
    assert nearest_runs(tmp_path / "logs") == tmp_path / "runs"


def test_the_search_for_runs_is_bounded(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "b" / "c" / "d" / "e" / "f" / "events.out.tfevents.1")
    assert nearest_runs(tmp_path / "x" / "y" / "z" / "logs") is None
