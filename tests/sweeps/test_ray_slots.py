"""Trials that Ray places: with a stand-in for Ray, and, where it is installed, with Ray itself."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tbcli.config import Config
from tbcli.errors import ConfigError
from tbcli.runs import RunStore
from tbcli.sweeps import ray_slots
from tbcli.sweeps.endings import Outcome
from tbcli.sweeps.ray_nodes import Mark, Node, cpus_for_each, room_for
from tbcli.sweeps.ray_slots import PlacedTrial
from tests.sweeps.test_coordinator import Sweep, definition, sizes, top

__all__ = ["top"]


class Actor:
    """The handle of an actor, which lives in threads of this process."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._pools = {name: ThreadPoolExecutor(1) for name in ("", ray_slots.WORDS)}
        self._made = self._pools[""].submit(make)

    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace(options=lambda **given: self._method(name, given))

    def _method(self, name: str, given: dict[str, Any]) -> Any:
        def remote(*words: Any) -> Any:
            if name == "train":
                return self._made.result().train()
            return self._pools[given["concurrency_group"]].submit(lambda: getattr(self._made.result(), name)(*words))

        return SimpleNamespace(remote=remote)


class StandIn(ModuleType):
    """What we use of Ray, in this process."""

    exceptions = SimpleNamespace(RayError=OSError)

    def __init__(self, cpus: int) -> None:
        super().__init__("ray")
        self.__spec__ = ModuleSpec("ray", None, origin="here")
        self.cpus, self.asked, self.killed = cpus, [], []  # type: ignore[var-annotated]
        self.lock = threading.Lock()

    def init(self, **where: Any) -> None:
        self.where = where

    def shutdown(self) -> None:
        self.where = {}

    def nodes(self) -> list[dict[str, Any]]:
        has = {"CPU": float(self.cpus), "memory": 64e9}
        return [{"Alive": True, "NodeID": "a", "NodeManagerAddress": "127.0.0.1", "Resources": has}]

    def remote(self, **takes: Any) -> Callable[[type], Any]:
        self.asked.append(takes)
        return lambda kind: SimpleNamespace(remote=lambda *words: Actor(lambda: kind(*words)))

    def get(self, told: Any) -> Any:
        return told

    def kill(self, actor: Actor) -> None:
        with self.lock:
            self.killed.append(actor)


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    module = StandIn(cpus=4)
    monkeypatch.setitem(sys.modules, "ray", module)
    monkeypatch.setitem(sys.modules, "ray._private.worker", ModuleType("ray._private.worker"))
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        monkeypatch.setenv(name, "1")  # what is changed of them is changed back
    return module


def run_by(sweep: Sweep, address: str, *, goes_on: bool = False) -> list[Outcome]:
    sweep.config = sweep.config.updated({"train.ray": address})
    return sweep.run(goes_on=goes_on)


def test_trials_are_placed_one_by_one_hear_of_pruning_and_tell_how_they_died(top: Path, ray: StandIn) -> None:
    sweep = Sweep(top, definition(sizes("", "die"), prune="median"))
    outcomes = run_by(sweep, "local")
    assert [each.status for each in outcomes] == ["finished", "interrupted"]
    assert outcomes[1].reason.startswith("the worker process ended by SIGKILL")
    assert [run.read_config()["train"]["ray"] for run in sweep.runs()] == [""] * 2
    assert len(ray.killed) == 2  # the places are given back
    assert ray.where == {}
    assert ray.asked == [{"num_cpus": 2, "num_gpus": 0, "concurrency_groups": {"words": 1}}]
    assert not (sweep.directory.path / "placed-by-ray").exists()


def test_a_place_without_the_workspace_fails_its_trial_in_clear_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_slots, "LOOK_SECONDS", 0.0)
    there = tmp_path / ".tbcli" / "sweeps" / "s" / "placed-by-ray"
    placed = PlacedTrial(("python", "-c", "1"), Mark(str(there), "this one"), 1, ".", str(tmp_path / "out"))
    placed.hear({})
    placed.stop()
    (end,) = placed.train()
    assert end["end"] == "failed"
    assert f"{str(tmp_path)!r} is not shared" in end["reason"]
    there.parent.mkdir(parents=True)
    there.write_text("a copy")
    assert not Mark(str(there), "this one").is_seen(0.0)
    there.write_text("this one")
    assert Mark(str(there), "this one").is_seen(0.0)


def test_slots_are_what_cpus_gpus_and_memory_of_the_nodes_allow() -> None:
    small, large = Node("a", "", 2, 0, 64e9), Node("b", "", 8, 0, 64e9)
    assert room_for([small, large], gpus=0) == 10
    assert room_for([Node("a", "", 8, 0, 4.6e9)], gpus=0) == 3
    assert room_for([small, Node("c", "", 8, 4, 64e9)], gpus=1) == 4
    assert room_for([Node("c", "", 8, 4, 64e9)], gpus=2) == 2
    assert [cpus_for_each([small, large], count) for count in (1, 2, 4, 5, 10, 99)] == [8, 4, 2, 2, 1, 1]


def test_a_sweep_that_ray_cannot_begin_is_told_at_once(top: Path, ray: StandIn) -> None:
    sweep = Sweep(top, definition(sizes("", "")))
    with pytest.raises(ConfigError, match=r"cannot reach Ray at '127\.0\.0\.1:1'"):
        run_by(sweep, "127.0.0.1:1")
    sweep.directory.remove_unused()
    assert not sweep.directory.path.exists()


@pytest.mark.ray
def test_ray_places_trials_and_tells_how_they_end(top: Path) -> None:
    pytest.importorskip("ray")
    outcomes = run_by(Sweep(top, definition(sizes("", "fail", "die"), prune="median")), "local")
    assert [each.status for each in outcomes] == ["finished", "failed", "interrupted"]
    assert "SIGKILL" in outcomes[2].reason


@pytest.mark.ray
@pytest.mark.tf
def test_a_sweep_of_four_trials_is_placed_by_ray(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    words = ("lr=0.1,0.01", "batch_size=30,50", "--limit-samples", "200", "--epochs", "2", "--record", "off")
    command = [sys.executable, "-m", "tbcli", "sweep", *words, "--ray", "local", "--workspace", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    runs = RunStore(Config().updated({"paths.workspace": str(tmp_path)}).paths).list()
    runs.sort(key=lambda run: int(run.sweep["trial"]))
    assert done.stdout.split() == [run.id for run in runs]
    assert [(run.status(), run.sweep["trial"]) for run in runs] == [("finished", number) for number in range(4)]
