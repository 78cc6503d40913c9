"""Workers that Ray places: an actor starts the same command that stands beside a first worker elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tbcli.errors import ConfigError
from tbcli.training.cluster import TF_CONFIG, TIED, WorkerPlace, free_ports, placed, worker_command
from tbcli.training.ray_cluster import LOCAL, become_like, ray_cluster

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
    with ray_cluster(address, cpus=count) as ray:  # in the end it ends the actors, and they what they started
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
            place = WorkerPlace(addresses, index).as_tf_config()
            actor.start.remote(worker_command(workspace.absolute()), place, str(Path.cwd()))
        with placed(WorkerPlace(addresses, 0)):
            yield
        with suppress(ray.exceptions.RayError):
            ray.get([actor.wait.remote() for actor in actors], timeout=30)


def _actor(ray: Any) -> Any:
    """Return the actor's class: it takes a GPU where the cluster has some."""
    gpus = 1 if ray.cluster_resources().get("GPU") else 0

    class RayWorker:
        """Starts one worker where Ray has placed it."""

        def address(self) -> str:
            host = ray.util.get_node_ip_address()
            return f"{host}:{free_ports(1, host)[0]}"

        def start(self, command: list[str], tf_config: str, directory: str) -> None:
            become_like(directory)
            environment = {**os.environ, TF_CONFIG: tf_config, TIED: "1"}
            self.child = subprocess.Popen(  # noqa: S603 - this program
                [sys.executable, *command[1:]], env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
            )

        def wait(self) -> int:
            return self.child.wait()

    return ray.remote(num_cpus=1, num_gpus=gpus)(RayWorker)
