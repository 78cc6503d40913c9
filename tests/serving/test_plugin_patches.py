"""Traces of linked runs are listed; the plugin is a fake, for the real one comes with 400 MB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.test import Client

from tbcli.serving.plugin_patches import list_traces_behind_links


class Plugin:
    """Lists traces as xprof's plugin does: by a walk that follows no link."""

    def __init__(self, logdir: Path | str) -> None:
        self.logdir = str(logdir)

    def generate_runs(self) -> Iterator[str]:
        top = Path(self.logdir)
        for path in sorted(top.rglob("plugins/profile/*")):
            yield str(path.parent.parent.parent.relative_to(top) / path.name)

    def get_plugin_apps(self) -> dict[str, Any]:
        def answer(_: object, start: Any) -> list[bytes]:
            start("200 OK", [])
            return [b"trace"]

        return {"/data": answer}


def loaded(plugin: Any) -> Any:
    return list_traces_behind_links(SimpleNamespace(load=lambda _: plugin)).load(None)


def make_trace(run: Path, name: str) -> None:
    (run / "plugins" / "profile" / name).mkdir(parents=True)


def test_traces_of_real_and_of_linked_directories_are_listed_by_their_paths(tmp_path: Path) -> None:
    make_trace(tmp_path / "runs" / "first" / "train", "monday")
    make_trace(tmp_path / "served" / "here" / "train", "tuesday")
    (tmp_path / "served" / "linked").symlink_to(tmp_path / "runs" / "first")
    (tmp_path / "served" / "gone").symlink_to(tmp_path / "nowhere")
    plugin = loaded(Plugin(tmp_path / "served"))
    assert sorted(plugin.generate_runs()) == ["here/train/tuesday", "linked/train/monday"]
    make_trace(tmp_path / "runs" / "first" / "train", "later")
    assert "linked/train/later" in list(plugin.generate_runs())
    assert plugin.logdir == str(tmp_path / "served")


def test_a_log_directory_that_is_not_there_lists_nothing(tmp_path: Path) -> None:
    for logdir in (tmp_path / "nowhere", "gs://bucket/logs", ""):
        assert list(loaded(Plugin(logdir)).generate_runs()) == []


@pytest.mark.parametrize(
    "query",
    [
        "session_path=/etc", "run_path=x", "run=../../etc/x", "run=/etc/x", "run=a/../../x", "run=~/x", "run=a&host=..",
        "run=a%2F..%2Fb", "run=a&hosts=..%5Cb", "session_path=",
    ],
)  # fmt: skip
def test_traces_are_opened_by_their_names_alone(query: str, tmp_path: Path) -> None:
    (application,) = loaded(Plugin(tmp_path)).get_plugin_apps().values()
    assert Client(application).get(f"/data?{query}").status_code == (403 if query != "session_path=" else 200)
    assert Client(application).get("/data?run=first/train/monday..1&host=a.b").status_code == 200


def test_other_plugins_are_left_as_they_are() -> None:
    other = SimpleNamespace(name="text")
    assert loaded(other) is other
    assert vars(other) == {"name": "text"}
    assert loaded(None) is None  # how a plugin says that it cannot be loaded
