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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tbcli.config import Config
from tbcli.data.dataset import Split
from tbcli.errors import ConfigError, DoesNotFit, TrainingFailed
from tbcli.runs.files import write_json
from tbcli.training.agreement import (
    checksum_of,
    compared_variables,
    differences,
    largest_difference,
    others_differ,
    parts_of,
    require_same_parts,
    variables_of,
)
from tbcli.training.cluster import WorkerPlace, await_workers_beside, place_of_process, require_workers_beside
from tbcli.training.gathering import gather
from tbcli.training.hardware import name_of_device
from tbcli.training.interruption import check_signals
from tbcli.training.lesson import Lesson
from tbcli.training.strategy import Shared

_LOOK_SECONDS = 30.0  # for a file on a disk that is shared by a network
_COMPARE_SECONDS, _COMPARE_SHARE = 60.0, 100  # between comparisons of weights: at least, and times what one takes


class Message(NamedTuple):
    """What is said before each execution; summed over all.

    Args:
        goes_on: Of the first one: whether another execution follows.
        epoch: Of the first one, from 1; 0 where nothing is trained yet.
        position: Of the first one: steps of the epoch that are done.
        steps: Of the first one: steps of the execution that follows.
        compares: Of the first one: whether the weights are compared, and nothing else; 2 at the end.
        code: Of the first one, where it does not go on: what it exits with.
        signals: Of the others: whether a signal came.
        problems: Of the others: whether there is something that they cannot do.
        who: Of the others: their number, where there is.
        weights: Of all, where they are compared: a checksum.
        squares: Its square; from both sums it is seen whether all have the same.
    """

    goes_on: int = 0
    epoch: int = 0
    position: int = 0
    steps: int = 0
    compares: int = 0
    code: int = 0
    signals: int = 0
    problems: int = 0
    who: int = 0
    weights: int = 0
    squares: int = 0

    @property
    def troubled(self) -> str:
        """Those that there is a problem with, in words."""
        return f"worker {self.who}" if self.problems == 1 else f"{self.problems} workers"


class Workers(Shared):
    """This process, and others elsewhere.

    Args:
        place: Its own.
    """

    def __init__(self, place: WorkerPlace) -> None:
        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            tf.config.set_visible_devices(gpus[place.neighbours_before % len(gpus)], "GPU")
        gather(place, _check)
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
        self._compare_at = 0.0

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
        """Tell the others which steps come; before the first of all give them the variables.

        Raises:
            TrainingFailed: They have other weights by now.
        """
        if self._has_shared and time.monotonic() >= self._compare_at:
            self._compare_now()
        heard = self.say(Message(1, epoch, position, steps))
        if heard.signals:
            self.stop()
        if not self._has_shared:
            self.share()

    def share(self) -> None:
        """Give every process the weights and the optimizer of the first one."""
        assert self._model
        self._has_shared = True
        variables = variables_of(self._model)
        for variable, value in zip(variables, self._of_first(variables), strict=True):
            variable.assign(tf.cast(value, variable.dtype))

    def _of_first(self, variables: list[Any]) -> list[Any]:
        """Return the values that variables have in the first process; every one must be asking."""
        share = 1.0 if self.place.is_chief else 0.0
        return list(self._sums_of([tf.cast(each.value, tf.float64) * share for each in variables]))

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
        code = 0
        try:
            self._introduce(Path(config.paths.workspace), Lesson.of(config, split, saved))
            yield
        except BaseException as error:
            code = getattr(error, "exit_code", 1)
            if isinstance(error, Exception) and (failed := self.lost(error)):
                raise failed from error
            raise
        finally:
            self._dismiss(code)

    def lost(self, error: Exception) -> TrainingFailed | None:
        """Return what to say of a lost worker."""
        if not _is_of_connection(error):
            return None
        self._is_over = True
        goes_on = "`tbcli train --resume RUN` goes on from the last step, with any number of workers"
        return TrainingFailed(
            "a worker is lost: it ended, or its machine does not answer",
            hint="its own error output may say why" + (f"; {goes_on}" if self.place.is_chief else ""),
        )

    def finish(self) -> None:
        """Compare the weights; without effect where the others are lost."""
        if not self._is_over:
            with suppress(tf.errors.OpError):
                self.say(Message(1, compares=2))
                self.compare(at_end=True)

    def _dismiss(self, code: int) -> None:
        if self._has_met and not self._is_over:
            self._is_over = True
            with suppress(tf.errors.OpError):
                self.say(Message(code=code))

    def _compare_now(self) -> None:
        began = time.monotonic()
        self.say(Message(1, compares=1))
        self.compare(at_end=False)
        now = time.monotonic()
        self._compare_at = now + max(_COMPARE_SECONDS, _COMPARE_SHARE * (now - began))
        if self.difference and self.difference.is_of_weights:
            raise others_differ(self.difference)

    def compare(self, *, at_end: bool) -> None:
        """Find out whether all have the same weights; every process must be asking."""
        has_any = self._model is not None and self._has_shared
        variables = compared_variables(self._model, at_end=at_end) if has_any else []
        mine = checksum_of(variables)
        heard = self.say(Message(weights=mine, squares=mine * mine))
        self.difference = None
        if heard.squares * self.shares != heard.weights * heard.weights:
            mine_of_each = differences(variables, self._of_first(variables))
            (parts,) = self._sums_of([tf.constant(mine_of_each, tf.float64)])
            self.difference = largest_difference(self._model, variables, parts.numpy())

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
                f"{heard.troubled} cannot see the workspace {str(workspace)!r}",
                hint="name a directory that all machines share: `--workspace DIR`",
            )

    def ready(self, model: keras.Model, facts: Mapping[str, Any]) -> None:
        """Wait until all others have what they need, and it is known to be the same.

        Raises:
            DoesNotFit: One of them has not.
        """
        heard = self.say(Message(1))
        if not heard.problems:
            self._sums_of([tf.constant(parts_of(model, facts), tf.float64)])
            heard = self.say(Message(1))
        if heard.problems:
            self._is_over = True
            await_workers_beside()
            raise DoesNotFit(
                f"{heard.troubled} could not begin", hint="its own error output says why; nothing was trained"
            )

    def meet(self, workspace: Path) -> Mapping[str, Any]:
        """Return the lesson of the first one, as it was written; called by the others.

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
            self.decline()
            raise ConfigError(
                f"the workspace {str(workspace)!r} is not that of worker 0, {self.place.workers[0]}: no {path.name}",
                hint="name a directory that all machines share: `--workspace DIR`",
            ) from error
        if self.say().problems:
            raise _other_failed()
        return dict(said)

    def agree(self, model: keras.Model, facts: Mapping[str, Any]) -> Message:
        """Say that this process can begin; called by the others. Return what the first one says to that.

        Raises:
            DoesNotFit: It would train something else.
            TrainingFailed: Another one cannot.
        """
        heard = self.say()
        if heard.goes_on and not heard.problems:
            ours = parts_of(model, facts)
            (theirs,) = self._sums_of([tf.zeros(len(ours), tf.float64)])
            try:
                require_same_parts(ours, [int(each) for each in theirs.numpy()])
            except DoesNotFit:
                self.decline()
                raise
            heard = self.say()
        if heard.problems:
            raise _other_failed()
        return heard

    def decline(self) -> None:
        """Say that this process cannot begin; called by the others."""
        self.say(Message(problems=1, who=self.place.index))


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


def _check() -> None:
    check_signals()
    require_workers_beside()


def _hear_sigterm_again() -> None:
    """Set the handler of SIGTERM once more: TensorFlow's notifier of preemption has put its own in its place."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))


def _is_of_connection(error: Exception) -> bool:
    kinds = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)
    of_collectives = isinstance(error, tf.errors.OpError) and "ollective" in str(error)
    return of_collectives or isinstance(error, (*kinds, tf.errors.DeadlineExceededError))


def _meeting_place(workspace: Path, name: int) -> Path:
    return workspace / ".tbcli" / "workers" / f"{name}.json"
