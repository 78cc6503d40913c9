"""The machines of a cluster of Ray's: what they have room for, and whether they see the workspace."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tbcli.config import Config
from tbcli.errors import ConfigError
from tbcli.sweeps.directory import SweepDirectory
from tbcli.sweeps.slots import BYTES_PER_WORKER

LOOK_SECONDS = 30.0  # for a file on a disk that is shared by a network
_CHECK_SECONDS = 60.0


class Node(NamedTuple):
    """A machine of the cluster.

    Args:
        id: By which Ray knows it.
        address: Its own.
        cpus: How many Ray may use.
        gpus: The same.
        memory: Bytes.
    """

    id: str
    address: str
    cpus: int
    gpus: int
    memory: float


class Mark(NamedTuple):
    """By what a workspace is known to be the same one, and no copy.

    Args:
        path: A file in it.
        word: What that file says.
    """

    path: str
    word: str

    @property
    def workspace(self) -> str:
        """The workspace, of which it is a file of a sweep."""
        return str(Path(self.path).parents[3])

    def is_seen(self, seconds: float) -> bool:
        """Say whether it is seen from here, at least after a time."""
        path, deadline = Path(self.path), time.monotonic() + seconds
        while True:
            with suppress(OSError, ValueError):
                if path.read_text("utf-8") == self.word:
                    return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
            with suppress(OSError):
                list(path.parent.iterdir())  # some network file systems look only then


@contextmanager
def told_apart(directory: SweepDirectory) -> Iterator[Mark]:
    """Mark the workspace for the time of the block."""
    mark = Mark(str(directory.path.absolute() / "placed-by-ray"), secrets.token_hex())
    path = Path(mark.path)
    path.write_text(mark.word, "utf-8")
    try:
        yield mark
    finally:
        path.unlink(missing_ok=True)


def nodes_of(ray: Any) -> list[Node]:
    """Return the machines that trials can be placed on now."""
    nodes = []
    for each in ray.nodes():
        has = each["Resources"]
        if each["Alive"] and has.get("CPU", 0) >= 1:
            sizes = int(has["CPU"]), int(has.get("GPU", 0)), float(has.get("memory", 0))
            nodes.append(Node(each["NodeID"], each["NodeManagerAddress"], *sizes))
    return nodes


def require_shared(ray: Any, nodes: Sequence[Node], mark: Mark) -> None:
    """Check that every node sees the workspace.

    Raises:
        ConfigError: One does not, or cannot run this program.
    """
    on_node = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    look = ray.remote(num_cpus=0)(_sees)
    asked = {
        look.options(scheduling_strategy=on_node(node.id, soft=False)).remote(mark): node.address for node in nodes
    }
    done, _ = ray.wait([*asked], num_returns=len(asked), timeout=_CHECK_SECONDS) if asked else ([], [])
    for each in done:  # of one that has not answered yet its trials will tell
        try:
            is_seen = ray.get(each)
        except ray.exceptions.RayTaskError as error:
            raise ConfigError(
                f"Ray's node {asked[each]} cannot run tbcli: {str(error).splitlines()[-1]}",
                hint="every node needs the same tbcli and TensorFlow as this one",
            ) from error
        except ray.exceptions.RayError:
            continue  # it was lost a moment ago, which Ray does not know yet
        if not is_seen:
            raise ConfigError(
                f"Ray's node {asked[each]} cannot see the workspace {mark.workspace!r}",
                hint="name a directory that all machines share: `--workspace DIR`",
            )


def _sees(mark: Mark) -> bool:
    return mark.is_seen(LOOK_SECONDS)


def gpus_for_each(config: Config, nodes: Sequence[Node]) -> int:
    """Return the GPUs of a trial: none where there are none, and no more than a node has."""
    train = config.train
    wanted = train.workers * (int(train.devices) if train.devices.isdecimal() else 1)
    return min(wanted, max((node.gpus for node in nodes), default=0))


def room_for(nodes: Sequence[Node], gpus: int) -> int:
    """Return how many trials fit at once, each with a CPU, or with its GPUs."""
    if gpus:
        return sum(min(node.gpus // gpus, node.cpus) for node in nodes)
    return sum(max(1, min(node.cpus, int(node.memory / BYTES_PER_WORKER))) for node in nodes)


def cpus_for_each(nodes: Sequence[Node], count: int) -> int:
    """Return the CPUs of a trial: an even share, as far as they are on one node."""
    for cpus in range(max((node.cpus for node in nodes), default=1), 1, -1):
        if sum(node.cpus // cpus for node in nodes) >= count:
            return cpus
    return 1


def told_by_ray(error: Exception) -> str:
    """Return how a worker ended, by Ray's error: that goes on for many lines, the cause last."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if "died because" in line]
    told += [line for line in reversed(lines) if "Error: " in line and "RpcError" not in line]
    if told:
        return f"as Ray tells: {told[0][:300]}"
    return f"with its node, or with Ray's process there ({type(error).__name__})"
