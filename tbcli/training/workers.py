"""Several processes that train one model: the first records and saves, the others only take steps.

Each has a whole model of its own, and all of them are the same: they begin with the variables of the first one, and
every step is by the sum of all gradients. What the others are to do the first one says before each execution.
"""

from __future__ import annotations

import json
import secrets
import signal
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tbcli.config import Config
from tbcli.data.dataset import Split
from tbcli.errors import ConfigError, TrainingFailed
from tbcli.runs.files import write_json
from tbcli.training.cluster import WorkerPlace, place_of_process
from tbcli.training.gathering import gather
from tbcli.training.hardware import name_of_device
from tbcli.training.interruption import check_signals
from tbcli.training.lesson import Lesson
from tbcli.training.strategy import Shared

_LOOK_SECONDS = 30.0  # for a file on a disk that is shared by a network


class Message(NamedTuple):
    """What is said before each execution; summed over all.

    Args:
        goes_on: Of the first one: whether another execution follows.
        epoch: Of the first one, from 1; 0 where nothing is trained yet.
        position: Of the first one: steps of the epoch that are done.
        steps: Of the first one: steps of the execution that follows.
        signals: Of the others: whether a signal came.
        problems: Of all: whether there is something that they cannot do.
        weights: At the end: a checksum of the weights.
        squares: Its square; from both sums it is seen whether all have the same.
    """

    goes_on: int = 0
    epoch: int = 0
    position: int = 0
    steps: int = 0
    signals: int = 0
    problems: int = 0
    weights: int = 0
    squares: int = 0


class Workers(Shared):
    """This process, and others elsewhere.

    Args:
        place: Its own.
    """

    def __init__(self, place: WorkerPlace) -> None:
        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            tf.config.set_visible_devices(gpus[place.neighbours_before % len(gpus)], "GPU")
        gather(place, check_signals)
        cluster = tf.train.ClusterSpec({"worker": list(place.workers)})
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            cluster, task_type="worker", task_id=place.index, rpc_layer="grpc"
        )  # TF_CONFIG may say more, which is not for us
        strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)
        _hear_sigterm_again()
        super().__init__(strategy, f"{len(place.workers)} workers, {name_of_device(gpus[:1])}")
        self.place = place
        spec = [tf.TensorSpec((len(Message._fields),), tf.float64)]
        self._sum_of_words = tf.function(lambda word: self._summed([word])[0], input_signature=spec, autograph=False)
        self._sums_of = tf.function(self._summed, autograph=False)
        self._model: keras.Model | None = None
        self._has_shared = self._has_met = self._is_over = False

    def spread(self, model: keras.Model, objective: Any, split: Split, batch_size: int) -> None:
        """Replace the model's step."""
        super().spread(model, objective, split, batch_size)
        self._model = model

    def apply(self, model: keras.Model, gradients: list[Any]) -> None:
        """Take it with the variables of this process."""
        model.optimizer.apply(gradients, model.trainable_variables)

    def say(self, word: Message = Message()) -> Message:  # noqa: B008 - it cannot be changed
        """Say a word, and return the sum of all: every process must be saying one."""
        total = self._sum_of_words(tf.constant(word, tf.float64))
        return Message(*(int(number) for number in total.numpy()))

    def announce(self, epoch: int, position: int, steps: int) -> None:
        """Tell the others which steps come; before the first of all give them the variables."""
        heard = self.say(Message(1, epoch, position, steps))
        if heard.signals:
            self.stop()
        if not self._has_shared:
            self.share()

    def share(self) -> None:
        """Give every process the weights and the optimizer of the first one."""
        assert self._model
        self._has_shared = True
        variables = [each for each in _variables(self._model) if each.dtype != "string"]
        mine = [tf.cast(each.value, tf.float64) * (1.0 if self.place.is_chief else 0.0) for each in variables]
        for variable, value in zip(variables, self._sums_of(mine), strict=True):
            variable.assign(tf.cast(value, variable.dtype))

    def _summed(self, values: list[Any]) -> list[Any]:
        """Return the sums over all processes."""

        def add() -> Any:
            here = [tf.identity(value) for value in values]  # on the device of the process, which its sum needs
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, here)

        return list(self.tf.run(add))

    @contextmanager
    def leading(self, config: Config, split: Split, saved: Mapping[str, Any] | None = None) -> Iterator[None]:
        """Tell the others what to train, and in the end that it is over.

        Raises:
            ConfigError: They do not see this workspace.
            TrainingFailed: One of them is lost.
        """
        try:
            self._introduce(Path(config.paths.workspace), Lesson.of(config, split, saved))
            yield
        except Exception as error:
            if failed := self.lost(error):
                raise failed from error
            raise
        finally:
            self.dismiss()

    def lost(self, error: Exception) -> TrainingFailed | None:
        """Return what to say of a lost worker."""
        if not _is_of_connection(error):
            return None
        self._is_over = True
        return TrainingFailed(
            "a worker is lost: it ended, or its machine does not answer",
            hint="`tbcli train --resume RUN` goes on from the last step, with any number of workers",
        )

    def dismiss(self) -> None:
        """Let the others end; without effect where they have."""
        if self._has_met and not self._is_over:
            self._is_over = True
            with suppress(tf.errors.OpError):
                self.say()
                self.compare()

    def compare(self) -> None:
        """Find out whether all have the same weights in the end; every process must be asking."""
        mine = _checksum(self._model) if self._model and self._has_shared else 0
        heard = self.say(Message(weights=mine, squares=mine * mine))
        self.all_equal = heard.squares * self.shares == heard.weights * heard.weights

    def _introduce(self, workspace: Path, lesson: Lesson) -> None:
        name = secrets.randbelow(2**52)  # one that a float64 holds
        path = _meeting_place(workspace, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, lesson._asdict())
        try:
            self.say(Message(1, name))
            self._has_met = True
            heard = self.say(Message(1))
        finally:
            path.unlink(missing_ok=True)
        if heard.problems:
            self._is_over = True
            raise ConfigError(
                f"{_counted(heard.problems)} cannot see the workspace {str(workspace)!r}",
                hint="name a directory that all machines share: `--workspace DIR`",
            )

    def ready(self) -> None:
        """Wait until all others have what they need.

        Raises:
            TrainingFailed: One of them has not.
        """
        heard = self.say(Message(1))
        if heard.problems:
            self._is_over = True
            raise TrainingFailed(
                f"{_counted(heard.problems)} could not begin", hint="its own error output says why; nothing was trained"
            )

    def meet(self, workspace: Path) -> Lesson:
        """Return what the first one trains; called by the others.

        Raises:
            ConfigError: It is not seen from here.
        """
        path = _meeting_place(workspace, self.say().epoch)
        began = time.monotonic()
        while not path.is_file() and time.monotonic() - began < _LOOK_SECONDS:
            time.sleep(0.2)
            with suppress(OSError):
                list(path.parent.iterdir())  # some network file systems look only then
        try:
            said: Any = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            self.say(Message(problems=1))
            raise ConfigError(
                f"the workspace {str(workspace)!r} is not that of worker 0, {self.place.workers[0]}: no {path.name}",
                hint="name a directory that all machines share: `--workspace DIR`",
            ) from error
        if self.say().problems:
            raise _other_failed()
        return Lesson.read(said)

    def agree(self, problem: bool) -> bool:
        """Say whether this process can begin; called by the others. Return whether the first one goes on.

        Raises:
            TrainingFailed: Another one cannot.
        """
        heard = self.say(Message(problems=int(problem)))
        if heard.problems and not problem:
            raise _other_failed()
        return bool(heard.goes_on)


def _other_failed() -> TrainingFailed:
    return TrainingFailed("another worker could not begin", hint="its own error output says why")


def open_workers() -> Workers:
    """Return the strategy of this process among others."""
    place = place_of_process()
    assert place
    return _opened(place)


@cache  # TensorFlow connects once in a process
def _opened(place: WorkerPlace) -> Workers:
    return Workers(place)


def _hear_sigterm_again() -> None:
    """Set the handler of SIGTERM once more: TensorFlow's notifier of preemption has put its own in its place."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))


def _is_of_connection(error: Exception) -> bool:
    kinds = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)
    of_collectives = isinstance(error, tf.errors.OpError) and "ollective" in str(error)
    return of_collectives or isinstance(error, (*kinds, tf.errors.DeadlineExceededError))


def _checksum(model: keras.Model) -> int:
    is_averaged = getattr(model.optimizer, "inner_optimizer", model.optimizer).use_ema  # the first one's, by then
    checksum = 0
    for each in model.optimizer.variables if is_averaged else _variables(model):
        checksum = zlib.crc32(each.numpy().tobytes(), checksum) if each.dtype not in ("uint32", "string") else checksum
    return checksum & 0xFFFFFF  # its square is a whole number in a float64, and so are the sums


def _variables(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def _meeting_place(workspace: Path, name: int) -> Path:
    return workspace / ".tbcli" / "workers" / f"{name}.json"


def _counted(count: int) -> str:
    return "a worker" if count == 1 else f"{count} workers"
