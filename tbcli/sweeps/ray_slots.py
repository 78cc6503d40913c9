"""Slots whose trials Ray places: for each trial a task of Ray's, which starts the worker that stands here otherwise."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from tbcli.config import Config
from tbcli.errors import describe_error
from tbcli.sweeps.directory import SweepDirectory
from tbcli.sweeps.ray_nodes import (
    LOOK_SECONDS,
    Mark,
    cpus_for_each,
    gpus_for_each,
    nodes_of,
    require_shared,
    room_for,
    told_apart,
    told_by_ray,
)
from tbcli.sweeps.slots import Slot, Worker, WorkerProcess, own_cores
from tbcli.training.ray_cluster import LOCAL, become_like, ray_cluster

WORDS = "words"
"""The group of an actor's methods that are answered while its trial is trained."""
_END_SECONDS = 10.0


@contextmanager
def slots_by_ray(
    config: Config, trials: int, directory: SweepDirectory, command: Sequence[str], say: Callable[[str], None]
) -> Iterator[list[Slot]]:
    """Yield slots whose trials Ray places.

    Args:
        config: The settings of the sweep.
        trials: How many there are to run.
        directory: Of the sweep.
        command: What a worker is.
        say: Told what a person waits for.

    Raises:
        ConfigError: Ray cannot be reached, or has a node that does not see the workspace.
    """
    address, asked = config.train.ray, config.sweep.parallel
    say("starting Ray on this machine" if address == LOCAL else f"joining Ray at {address}")
    cpus = max(len(own_cores()), min(int(asked), trials) if asked != "auto" else 1)
    with ray_cluster(address, cpus) as ray, told_apart(directory) as mark:
        nodes = nodes_of(ray)
        if address != LOCAL:
            require_shared(ray, nodes, mark)
        gpus = gpus_for_each(config, nodes)
        count = max(1, min(trials, room_for(nodes, gpus) if asked == "auto" else int(asked)))
        share = cpus_for_each(nodes, count)
        place = ray.remote(num_cpus=share, num_gpus=gpus, concurrency_groups={WORDS: 1})(PlacedTrial)
        placing = partial(place.remote, command, mark, share, str(Path.cwd()))
        slots = [RaySlot(number, ray, placing, directory, command) for number in range(count)]
        yield [*slots]
        deadline = time.monotonic() + _END_SECONDS
        for slot in slots:
            slot.await_end(max(0.0, deadline - time.monotonic()))


class RaySlot(Slot):
    """A slot whose trials Ray places, each anew.

    Args:
        number: From 0.
        ray: The module.
        placing: Makes the actor that a trial is a task of, given where its output goes.
        directory: Of the sweep.
        command: What a worker is.
    """

    def __init__(
        self, number: int, ray: Any, placing: Callable[[str], Any], directory: SweepDirectory, command: Sequence[str]
    ) -> None:
        super().__init__(number, (), directory, command)
        self._ray, self._placing = ray, placing
        self._started: list[RayWorker] = []

    def suits(self, config: Mapping[str, Mapping[str, Any]]) -> bool:
        """No worker trains a second one: Ray may have another place for it."""
        return False

    def start(self, config: Mapping[str, Mapping[str, Any]]) -> Worker:
        """Return a worker that waits for a place."""
        output = str(self._directory.output_file(f"worker-{self.number}").absolute())
        worker = RayWorker(self._ray, self._placing(output), config["train"]["name"])
        self._started = [each for each in self._started if each.is_alive()] + [worker]
        return worker

    def await_end(self, seconds: float) -> None:
        """Wait until what it has started has ended, for a time."""
        for each in self._started:
            each.await_end(seconds)


class RayWorker(Worker):
    """A worker that Ray places.

    Args:
        ray: The module.
        actor: Of `PlacedTrial`.
        name: Of the trial, for those who look at Ray.
    """

    def __init__(self, ray: Any, actor: Any, name: str) -> None:
        reader, self._writer = os.pipe()
        super().__init__(reader)
        self._ray, self._actor = ray, actor
        self._is_placed = self._has_ended = False
        self._how = ""
        self._tell({"stage": "waiting for Ray to place it"})
        self._listener = threading.Thread(target=self._listen, args=(name,), name="tbcli-ray", daemon=True)
        self._listener.start()

    def _listen(self, name: str) -> None:
        try:
            for told in self._actor.train.options(num_returns="streaming", name=name).remote():
                self._pass_on(self._ray.get(told))
        except Exception as error:  # noqa: BLE001 - Ray has many, and this thread nobody to tell
            is_rays = isinstance(error, self._ray.exceptions.RayError)
            self._how = told_by_ray(error) if is_rays else f"for {describe_error(error)}"
        finally:
            os.close(self._writer)
            self.kill()  # its place is free for others

    def _pass_on(self, event: dict[str, Any]) -> None:
        if "died" in event:
            self._how = event["died"]
            return
        self._is_placed = True
        self._has_ended = "end" in event
        self._tell(event)

    def _tell(self, event: Mapping[str, Any]) -> None:
        with suppress(OSError):  # nobody may be listening any more
            os.write(self._writer, f"{json.dumps(event)}\n".encode())

    def send(self, line: Mapping[str, Any]) -> None:
        """Tell the worker something, once it is placed."""
        self._call("hear", dict(line))

    def stop(self) -> None:
        """Ask it to stop; one that waits for a place gives that up."""
        if self._is_placed:
            self._call("stop")
        else:
            self.kill()

    def kill(self) -> None:
        """End it at once."""
        with suppress(self._ray.exceptions.RayError):
            self._ray.kill(self._actor)

    def close(self) -> str:
        """Let it end, and wait for that where a trial is not over yet."""
        if not self._has_ended:
            self._call("dismiss")
            self._listener.join()
        os.close(self._pipe)
        return self._how

    def is_alive(self) -> bool:
        """Say whether Ray may still tell something."""
        return self._listener.is_alive()

    def await_end(self, seconds: float) -> None:
        """Wait until Ray tells nothing more, for a time."""
        self._listener.join(seconds)

    def _call(self, method: str, *words: Any) -> None:
        with suppress(self._ray.exceptions.RayError):  # the actor is gone, which its events tell
            getattr(self._actor, method).options(concurrency_group=WORDS).remote(*words)


class PlacedTrial:
    """An actor of Ray's, of which one trial is the one long task; where it is placed it starts the worker.

    Args:
        command: What a worker is.
        mark: By which the workspace is known.
        share: Of the CPUs.
        directory: In which the sweep was started.
        output: Where what libraries print goes.
    """

    def __init__(self, command: Sequence[str], mark: Mark, share: int, directory: str, output: str) -> None:
        self._problem = "" if mark.is_seen(LOOK_SECONDS) else f"Ray placed it where {mark.workspace!r} is not shared"
        if not self._problem:
            become_like(directory)
            if share < len(own_cores()):
                os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(share))  # the other cores are for others
            self._worker = WorkerProcess([sys.executable, *command[1:]], (), Path(output))

    def train(self) -> Iterator[dict[str, Any]]:
        """Yield the events of the worker, and in the end how it died."""
        if self._problem:
            yield {"end": "failed", "run": "", "reason": self._problem}
            return
        yield {"stage": "Starting"}
        while True:
            for event in self._worker.events():
                if event is None:
                    yield {"died": self._worker.close()}
                    return
                yield event
                if "end" in event:
                    self._worker.dismiss()

    def hear(self, line: Mapping[str, Any]) -> None:
        """Tell the worker something."""
        if not self._problem:
            self._worker.send(line)

    def stop(self) -> None:
        """Ask the worker to stop."""
        if not self._problem:
            self._worker.stop()

    def dismiss(self) -> None:
        """Let the worker end."""
        if not self._problem:
            self._worker.dismiss()
