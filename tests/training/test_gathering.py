"""Workers wait for one another for a limited time, and a signal ends the waiting."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from tbcli.errors import ConfigError, Interrupted, TrainingFailed
from tbcli.training import cluster
from tbcli.training.cluster import WorkerPlace, free_ports, require_workers_beside
from tbcli.training.gathering import gather


def nothing() -> None:
    pass


def places(count: int) -> list[WorkerPlace]:
    addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(count))
    return [WorkerPlace(addresses, index) for index in range(count)]


def test_all_go_on_once_all_are_there() -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda place: gather(place, nothing, 20), places(3)))


@pytest.mark.parametrize(("index", "missing"), [(0, "worker 1 .*, 2 "), (2, "worker 0 ")])
def test_who_did_not_come_is_told(index: int, missing: str) -> None:
    with pytest.raises(TrainingFailed, match=missing):
        gather(places(3)[index], nothing, 0.1)


@pytest.mark.parametrize("index", [0, 1])
def test_a_signal_ends_the_waiting(index: int) -> None:
    def signalled() -> None:
        raise Interrupted(15, "training was interrupted by SIGTERM", hint="")

    with pytest.raises(Interrupted):
        gather(places(2)[index], signalled, 20)


@pytest.mark.parametrize("index", [0, 1])
def test_a_port_that_is_taken_is_told(index: int) -> None:
    place = places(2)[index]
    address = ("127.0.0.1", int(place.workers[index].rpartition(":")[2]))
    with socket.create_server(address), pytest.raises(ConfigError, match="address of this worker, 127"):
        gather(place, nothing, 20)


def test_other_lists_of_workers_are_told_to_both() -> None:
    one, two, three = places(3)[0].workers
    here, there = WorkerPlace((one, two), 0), WorkerPlace((one, two, three), 1)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(gather, place, nothing, 20) for place in (here, there)]
    for number, each in zip((1, 0), waiting, strict=True):
        with pytest.raises(ConfigError, match=f"worker {number} has another list"):
            each.result()


def test_nobody_waits_for_a_worker_beside_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_BESIDE", [SimpleNamespace(poll=lambda: None)])
    require_workers_beside()
    monkeypatch.setattr(cluster, "_BESIDE", [SimpleNamespace(poll=lambda: 2, returncode=2)])
    with pytest.raises(TrainingFailed, match="exit code 2"):
        gather(places(2)[0], require_workers_beside, 20)
