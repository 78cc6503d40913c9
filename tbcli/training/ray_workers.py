"""Workers that Ray places: an actor starts the same command that stands beside a first worker elsewhere."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from tbcli.errors import ConfigError
from tbcli.training.cluster import TF_CONFIG, TIED, WorkerPlace, free_ports, placed, worker_command

LOCAL = "local"
_PLACE_SECONDS = 120.0


@contextmanager
def workers_by_ray(count: int, address: str, workspace: Path) -> Iterator[None]:
    """Have Ray start the other workers; they end with this block, and with this process.

    Args:
        count: Of workers, this process, which is the first, included.
        address: Of a cluster that runs; ``local`` starts one for the time of the training.
        workspace: Where they find what to train.

    Raises:
        ConfigError: Ray is not installed, cannot be reached, or has no room.
    """
    ray = _connected(count, address)
    try:
        own = "127.0.0.1" if address == LOCAL else ray.util.get_node_ip_address()
        actors = [_actor(ray).remote() for _ in range(count - 1)]
        try:
            others = ray.get([actor.address.remote() for actor in actors], timeout=_PLACE_SECONDS)
        except ray.exceptions.GetTimeoutError as error:
            raise ConfigError(
                f"Ray has found no room for {count - 1} workers within {_PLACE_SECONDS:.0f} s",
                hint="fewer `--workers`, or a cluster with more free CPUs or GPUs",
            ) from error
        addresses = (f"{own}:{free_ports(1, own)[0]}", *others)
        for index, actor in enumerate(actors, 1):
            actor.start.remote(worker_command(workspace), WorkerPlace(addresses, index).as_tf_config())
        with placed(WorkerPlace(addresses, 0)):
            yield
        with suppress(ray.exceptions.RayError):
            ray.get([actor.wait.remote() for actor in actors], timeout=30)
    finally:
        ray.shutdown()  # ends the actors, and they what they started


def _connected(count: int, address: str) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray = import_module("ray")
        ray.init  # noqa: B018 - a directory of that name imports, too
    except (ImportError, AttributeError) as error:
        raise ConfigError("--ray needs Ray, which is not installed", hint="pip install 'tbcli[ray]'") from error
    where: dict[str, Any] = {"address": address}
    if address == LOCAL:
        # Its dashboard lets whoever reaches it run commands (CVE-2025-62593): there is none.
        where = {"address": LOCAL, "num_cpus": count, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(**where, log_to_driver=False, configure_logging=False, namespace="tbcli")
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"cannot reach Ray at {address!r}: {error}", hint=f"`--ray {LOCAL}` starts it on this machine"
        ) from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)  # Ray's own would end this process on the spot
    return ray


def _actor(ray: Any) -> Any:
    """Return the actor's class: it takes a GPU where the cluster has some."""
    gpus = 1 if ray.cluster_resources().get("GPU") else 0

    class RayWorker:
        """Starts one worker where Ray has placed it."""

        def address(self) -> str:
            host = ray.util.get_node_ip_address()
            return f"{host}:{free_ports(1, host)[0]}"

        def start(self, command: list[str], tf_config: str) -> None:
            # Ray sets the number of threads to 1, which is for those that share a process.
            kept = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
            environment = {**kept, TF_CONFIG: tf_config, TIED: "1"}
            self.child = subprocess.Popen(  # noqa: S603 - this program
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
            )

        def wait(self) -> int:
            return self.child.wait()

    return ray.remote(num_cpus=1, num_gpus=gpus)(RayWorker)
