"""What a log directory says is not trusted: the projector reads no file outside of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat import tensorflow_stub
from werkzeug.test import Client

from tbcli.serving import projector_files
from tbcli.serving.projector_files import keep_projector_within

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a library within TensorBoard
SECRET = "stolen"
FIELDS = {
    "tensor_path": 'embeddings {{ tensor_name: "a" tensor_path: "{}" tensor_shape: 2 tensor_shape: 2 }}',
    "metadata_path": 'embeddings {{ tensor_name: "a" tensor_path: "good.tsv" metadata_path: "{}" }}',
    "bookmarks_path": 'embeddings {{ tensor_name: "a" tensor_path: "good.tsv" bookmarks_path: "{}" }}',
    "image_path": 'embeddings {{ tensor_name: "a" tensor_path: "good.tsv" sprite {{ image_path: "{}" }} }}',
    "model_checkpoint_path": 'model_checkpoint_path: "{}" embeddings {{ tensor_name: "a" tensor_path: "good.tsv" }}',
}
ROUTES = ("/runs", "/info?run=run", *(f"/{what}?run=run&name=a" for what in ("tensor", "metadata", "bookmarks")))
ROUTES += ("/sprite_image?run=run&name=a",)


@pytest.fixture(scope="module", autouse=True)
def without_tensorflow() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tensorboard.plugins.projector.projector_plugin.tf", tensorflow_stub)
        yield


class Projector:
    """TensorBoard's own, over one log directory."""

    def __init__(self, logdir: Path, *names: str) -> None:
        from tensorboard.backend.application import make_plugin_loader
        from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin

        runs = [SimpleNamespace(run_name=name) for name in names]
        provider = SimpleNamespace(list_runs=lambda *_, **__: runs)
        self.warnings: list[str] = []
        loader = keep_projector_within(make_plugin_loader(ProjectorPlugin), self.warnings.append)
        self.plugin = loader.load(SimpleNamespace(data_provider=provider, logdir=str(logdir)))
        self.apps = self.plugin.get_plugin_apps()

    def get(self, path: str) -> tuple[int, bytes]:
        answer = Client(self.apps[path.partition("?")[0]]).get(path)
        return answer.status_code, answer.data

    def runs(self) -> Any:
        return Client(self.apps["/runs"]).get("/runs").get_json()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run = tmp_path / "logs" / "run"
    run.mkdir(parents=True)
    (run / "good.tsv").write_text("1\t2\n3\t4\n")
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "secret.index").write_text(f"{SECRET}\n")
    (run / "link").symlink_to(tmp_path / "secret")
    (run / "folder").mkdir()
    (run / "linked").symlink_to(tmp_path)
    (run / "circle").symlink_to(run / "circle")
    return run


@pytest.fixture(params=[False, True], ids=["", "linked"])
def logdir(request: pytest.FixtureRequest, run: Path, tmp_path: Path) -> Path:
    if request.param:
        (tmp_path / "links").mkdir()
        (tmp_path / "links" / "run").symlink_to(run)
    return tmp_path / "links" if request.param else run.parent


def wrong_paths(run: Path) -> list[str]:
    outside = run.parent.parent / "secret"
    return [
        "../../secret", str(outside), "link", "linked/secret", "./x/../../../secret", "circle", "folder/../link",
        f"~/../../../../../../{outside}", "file:///etc/passwd/..//../../../../secret", "/dev/zero", "/etc/passwd",
    ]  # fmt: skip


@pytest.mark.parametrize("before", ["", 'embeddings { tensor_name: "first" tensor_path: "good.tsv" } '])
@pytest.mark.parametrize("field", FIELDS)
def test_a_file_outside_of_the_directory_is_refused_with_a_warning(
    field: str, before: str, run: Path, logdir: Path
) -> None:
    for path in wrong_paths(run):
        (run / "projector_config.pbtxt").write_text(before + FIELDS[field].format(path))
        served = Projector(logdir, "run")
        answers = [served.get(route) for route in ROUTES]
        assert not any(SECRET.encode() in data for _, data in answers), path
        if field != "model_checkpoint_path" or "://" in path or path.startswith("/"):
            assert field in " ".join(served.warnings), (path, served.warnings)
        assert served.runs() == ([] if field == "tensor_path" and not before else ["run"])
        assert served.plugin.readers.get("run") is None


@pytest.mark.parametrize("field", FIELDS)
def test_what_is_no_regular_file_hangs_nothing(field: str, run: Path) -> None:
    os.mkfifo(run / "fifo")
    for path in ("fifo", "folder", "circle", "missing", ".", "a\0b".replace("\0", "\\000")):
        (run / "projector_config.pbtxt").write_text(FIELDS[field].format(path))
        served = Projector(run.parent, "run")
        assert [served.get(route)[0] for route in ROUTES if route != "/runs"]
        assert served.runs() in ([], ["run"])
    (run / "projector_config.pbtxt").unlink()
    os.mkfifo(run / "projector_config.pbtxt")
    os.mkfifo(run / "checkpoint")
    assert Projector(run.parent, "run").runs() == []


def test_good_paths_are_shown_below_links_too(run: Path, logdir: Path) -> None:
    (run / "folder" / "metadata.tsv").write_text("one\ntwo\n")
    config = 'embeddings { tensor_name: "a" tensor_path: "good.tsv" metadata_path: "%s" }'
    for path in ("folder/metadata.tsv", str(run / "folder" / "metadata.tsv"), "./folder/../folder/metadata.tsv"):
        (run / "projector_config.pbtxt").write_text(config % path)
        served = Projector(logdir, "run")
        assert served.runs() == ["run"]
        assert served.get("/metadata?run=run&name=a") == (200, b"one\ntwo\n")
        assert np.frombuffer(served.get("/tensor?run=run&name=a")[1], np.float32).tolist() == [1, 2, 3, 4]
        assert served.warnings == []


@pytest.mark.parametrize("broken", ["embeddings {", "\xff\xfe", 'embeddings { tensor_path: "bad.tsv" }', "nonsense: 1"])
def test_one_broken_configuration_leaves_the_others(broken: str, run: Path) -> None:
    other = run.parent / "other"
    shutil.copytree(run, other, symlinks=True)
    (other / "projector_config.pbtxt").write_text('embeddings { tensor_name: "a" tensor_path: "good.tsv" }')
    (run / "bad.tsv").write_text("one\ttwo\n")
    (run / "projector_config.pbtxt").write_text(broken, encoding="latin-1")
    served = Projector(run.parent, "run", "other")
    for _ in range(3):
        assert served.runs() == ["other"]
    assert len(served.warnings) == 1
    (run / "projector_config.pbtxt").write_text('embeddings { tensor_name: "a" tensor_path: "good.tsv" }')
    assert served.runs() == ["run", "other"]


def test_a_request_reads_no_more_than_the_cap(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projector_files, "MOST_ASSET_BYTES", 1000)
    with (run / "large").open("wb") as file:
        file.truncate(1 << 40)  # takes no room
    for field in FIELDS:
        if field != "model_checkpoint_path":
            (run / "projector_config.pbtxt").write_text(FIELDS[field].format("large"))
            served = Projector(run.parent, "run")
            assert all(len(served.get(route)[1]) < 1000 for route in ROUTES)
            assert "too large" in served.warnings[0]
    with (run / "projector_config.pbtxt").open("ab") as file:
        file.truncate(1 << 40)
    assert Projector(run.parent, "run").runs() == []


def test_many_small_vectors_count_together(run: Path) -> None:
    one = 'embeddings { tensor_name: "%d" tensor_path: "good.tsv" } '
    (run / "projector_config.pbtxt").write_text("".join(one % number for number in range(3)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(projector_files, "MOST_ASSET_BYTES", 20)  # two of eight bytes
        served = Projector(run.parent, "run")
        assert b'"0"' in served.get("/info?run=run")[1]
        assert b'"2"' not in served.get("/info?run=run")[1]
        assert "too large" in served.warnings[0]


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@given(text=TEXTS | st.builds(lambda field, path: FIELDS[field].format(path), st.sampled_from(sorted(FIELDS)), TEXTS))
def test_no_configuration_raises(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    run = tmp_path_factory.mktemp("fuzz") / "run"
    run.mkdir()
    (run / "projector_config.pbtxt").write_text(text, encoding="utf-8")
    served = Projector(run.parent, "run")
    assert served.runs() == []


@pytest.mark.tf
def test_tensorflow_reads_a_checkpoint_within_and_none_outside(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    monkeypatch.setattr("tensorboard.plugins.projector.projector_plugin.tf", tf)
    outside = run.parent.parent / "elsewhere"
    saved = [tf.train.Checkpoint(w=tf.Variable([[1.0, 2.0]])).write(str(place / "model")) for place in (run, outside)]
    for said, wanted in ((saved[0], ["run"]), ("model", ["run"]), (saved[1], []), ("../../elsewhere/model", [])):
        (run / "projector_config.pbtxt").write_text(f'model_checkpoint_path: "{said}"')
        served = Projector(run.parent, "run")
        assert served.runs() == wanted, said
        assert (served.plugin.readers.get("run") is not None) == bool(wanted)
        assert bool(served.warnings) != bool(wanted)
    (run / "projector_config.pbtxt").unlink()
    for said, wanted in (("model", ["run"]), (saved[1], [])):
        (run / "checkpoint").write_text(f'model_checkpoint_path: "{said}"')
        assert Projector(run.parent, "run").runs() == wanted
    for name in ("model.index", "model.data-00000-of-00001"):
        (run / name.replace("model", "link")).symlink_to(outside / name)
    (run / "checkpoint").write_text('model_checkpoint_path: "link"')
    assert Projector(run.parent, "run").runs() == []
