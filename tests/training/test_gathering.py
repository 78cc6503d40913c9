"""Workers wait for one another for a limited time, and a signal ends the waiting."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tbcli.errors import Interrupted, TrainingFailed
from tbcli.training.cluster import WorkerPlace, free_ports
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
