"""Where there is room for trials: on this machine, each with its share of the cores, or where Ray finds places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

from tbcli.config import Config
from tbcli.errors import ConfigError
from tbcli.sweeps.directory import SweepDirectory
from tbcli.sweeps.slots import BYTES_PER_WORKER, Slot, own_cores
from tbcli.training.cluster import TF_CONFIG, place_of_process


def count_slots(asked: str, trials: int, cores: Sequence[int]) -> int:
    """Return how many trials run at once.

    Args:
        asked: ``--parallel``.
        trials: How many there are to run.
        cores: That this process may use.
    """
    if asked != "auto":
        return max(1, min(int(asked), trials))
    if any(Path("/dev").glob("nvidia[0-9]*")):
        return 1  # they would share its memory
    memory = _free_bytes()
    by_memory = int(memory / BYTES_PER_WORKER) if memory else len(cores)
    return max(1, min(len(cores), by_memory, trials))


def _free_bytes() -> float:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 0.0)


def share_cores(slots: int, cores: Sequence[int]) -> list[list[int]]:
    """Return the cores of each slot: an even share, so that slots do not step on each other."""
    if slots >= len(cores):
        return [[cores[slot % len(cores)]] for slot in range(slots)]
    bounds = [len(cores) * slot // slots for slot in range(slots + 1)]
    return [list(cores[first:last]) for first, last in pairwise(bounds)]


@contextmanager
def open_slots(
    config: Config, trials: int, directory: SweepDirectory, command: Sequence[str], say: Callable[[str], None]
) -> Iterator[list[Slot]]:
    """Yield the slots of a sweep, here or where Ray finds places; in the end their processes end.

    Args:
        config: The settings of the sweep: ``--parallel`` and ``--ray``.
        trials: How many there are to run.
        directory: Of the sweep.
        command: What a worker is.
        say: Told what a person waits for.

    Raises:
        ConfigError: Ray cannot be reached, or has a node that does not see the workspace; or this process is one of
            several workers.
    """
    if place := place_of_process():
        raise ConfigError(
            f"{TF_CONFIG} says that this is one of {len(place.workers)} workers, and a sweep is run by one process",
            hint=f"unset {TF_CONFIG}; `--workers N` gives each trial several processes, `--ray` takes several machines",
        )
    with ExitStack() as stack:
        if config.train.ray and trials:
            from tbcli.sweeps.ray_slots import slots_by_ray

            slots = stack.enter_context(slots_by_ray(config, trials, directory, command, say))
        else:
            cores = own_cores()
            shares = share_cores(count_slots(config.sweep.parallel, trials, cores), cores)
            slots = [Slot(number, share, directory, command) for number, share in enumerate(shares)]
        try:
            yield slots
        finally:
            for slot in slots:
                slot.drop()
