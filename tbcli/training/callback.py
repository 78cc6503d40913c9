"""`tbcli.Callback`: a run, with every dashboard that can be had, out of somebody's own `fit`."""

from __future__ import annotations

import atexit
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras

from tbcli.config import Config, load_config
from tbcli.errors import TbcliError, describe_error, status_of
from tbcli.origin import current_origin
from tbcli.recorders.registry import chosen_names, load_recorders
from tbcli.training.conclusion import reason_of
from tbcli.training.fits.fit_run import FitRun
from tbcli.training.taps.fit import FitTaps

_PLACES = ("workspace", "logdir", "plots_dir", "models_dir")
_OF_TENSORFLOW = ("attention", "profile", "projector", "train_graph")
_UNFINISHED = "fit did not come to its end"


class Callback(keras.callbacks.Callback):
    """Records a `fit` of yours as a run of tbcli's, which any command then shows, plots, compares and serves.

    It sees the predictions of the validation pass and the gradients of the training step where they are made, needs no
    data, and does not change the result. What it cannot have it says once; a fault of its own never ends the training.

    What is not given is taken from ``tbcli.toml`` of the current directory and from ``TBCLI_*`` variables, as for
    ``tbcli train``. Each `fit` makes a run of its own. As a context manager it ends the run with the right status when
    an exception leaves the block; otherwise that is done at the exit of the process.

    Args:
        name: Name of the run.
        note: Free-text note stored with the run.
        record: What to record: a level (``off``, ``light``, ``standard``, ``full``) and/or recorders, as ``--record``.
        workspace: Directory that holds logs, plots and models.
        one_run: Whether a further `fit` goes on in the run of the first.

    Example:
        >>> import keras, numpy, tbcli
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> with tbcli.Callback(name="first") as recording:
        ...     history = model.fit(numpy.zeros((8, 4)), numpy.zeros(8), verbose=0, callbacks=[recording])
        >>> tbcli.list_runs()[-1].name
        'first'
    """

    def __init__(
        self,
        name: str | None = None,
        note: str | None = None,
        record: str | None = None,
        workspace: str | os.PathLike[str] | None = None,
        one_run: bool = False,
    ) -> None:
        super().__init__()
        asked = {
            "train.name": name,
            "train.note": note,
            "record.recorders": record,
            "paths.workspace": None if workspace is None else os.fspath(workspace),
        }
        self._asked = {key: value for key, value in asked.items() if value is not None}
        self._one_run = one_run
        chosen_names(Config().updated(self._asked).record)  # what is wrong with it is said now, not in the fit
        self._config: Config | None = None
        self._recorders: Mapping[str, str] = {}
        self._taps: FitTaps | None = None
        self._run: FitRun | None = None
        self._given: Mapping[str, Any] | None = None
        self._epoch = 0
        self._is_fitting = False
        self._fault = ""
        self._said: set[str] = set()

    def __getstate__(self) -> dict[str, Any]:
        """A copy, such as a tuner makes for each trial, is a new callback with the same settings."""
        return {"_asked": self._asked, "_one_run": self._one_run}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__()  # type: ignore[misc] # as new
        self._asked, self._one_run = state["_asked"], state["_one_run"]

    def __enter__(self) -> Callback:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """End the run that is open."""
        if error is not None:
            self._end(status_of(error), reason_of(error))
        else:
            self._end_open()

    def see_fit(self, given: Mapping[str, Any]) -> None:
        """Take the arguments of the `fit` that follows, by name, which Keras does not show to callbacks."""
        self._given = given

    # The moments of Keras, in their order.

    def set_model(self, model: keras.Model) -> None:
        """Tap a model: Keras makes its functions next."""
        super().set_model(model)
        if self._is_fitting or not self._one_run:
            self._end_open()  # of a fit that came to no end
        self._fault = ""
        self._attempt(self._tap, model)

    def _tap(self, model: keras.Model) -> None:
        if self._run is None or self._config is None:
            self._config = self._settled()
            self._recorders = {name: why_not_here(name) for name in chosen_names(self._config.record)}
        if self._taps is not None and self._taps.fits(model):
            self._taps.install()
            return
        if self._taps is not None:
            self._taps.remove()
        names = [name for name, why in self._recorders.items() if not why]
        needs_backward = any(recorder.needs_backward for recorder in load_recorders(names))
        self._taps = FitTaps(model, self._config.record, needs_backward=needs_backward, on_fault=self._tell_fault)

    def _settled(self) -> Config:
        """Return the configuration with absolute places: the script may go elsewhere."""
        origin = current_origin()
        config = origin.config().updated(self._asked) if origin else load_config(flags=self._asked)
        places = {name: getattr(config.paths, name) for name in _PLACES}
        return config.updated({f"paths.{name}": str(Path(place).absolute()) for name, place in places.items() if place})

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin the run, or go on with it; later if the model is not built yet."""
        self._is_fitting = True
        if self.model.built:
            self._attempt(self._begin)

    def _begin(self) -> None:
        if self._taps is None or self._config is None:
            return
        epochs = self.params.get("epochs")
        if self._run is not None:
            self._run.go_on(self.model, self._taps, epochs)
            return
        self._run = FitRun(self._config, self._recorders, self.model, self._taps, epochs, self._say)
        _OPEN.add(self)
        if current_origin() is None:  # else that tells of its runs
            self._say(f"recording {self._run.run.id} in {self._run.run.logs.parent}")
        self._run.begin(self.model, self._given)
        self._given = None  # nothing of ours keeps their data in memory

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch."""
        self._epoch = epoch
        if self._run is not None:
            self._attempt(self._run.begin_epoch, epoch)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Count steps. Not at their end: Keras would wait for each of them."""
        if self._run is not None and self._run.count_to(batch):
            self._attempt(self._run.begin_batch, lambda: self.model)
        elif self._run is None and batch:
            self._attempt(self._begin_late)

    def _begin_late(self) -> None:
        """Begin the run of a model that was built by its first step."""
        if self._run is None:
            self._begin()
            if self._run is not None:
                self._run.begin_epoch(self._epoch)

    def on_test_begin(self, logs: Any = None) -> None:
        """Listen to the validation pass."""
        if self._is_fitting:
            self._attempt(self._begin_late)
        if self._is_fitting and self._taps is not None:
            self._attempt(self._taps.validation.begin)

    def on_test_end(self, logs: Any = None) -> None:
        """Take what was heard; leave a model alone that is evaluated by itself."""
        if self._is_fitting and self._run is not None:
            self._attempt(self._run.after_validation)
        elif not self._is_fitting:
            self._untap()

    def on_predict_end(self, logs: Any = None) -> None:
        """Leave a model alone that only predicts."""
        if not self._is_fitting:
            self._untap()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record the epoch."""
        self._attempt(self._begin_late)
        if self._run is not None:
            model = self.model
            is_last = not self._one_run and (bool(model.stop_training) or epoch + 1 == self.params.get("epochs"))
            steps = self.params.get("steps")
            self._attempt(self._run.end_epoch, model, epoch, logs or {}, steps=steps, last=is_last)

    def on_train_end(self, logs: Any = None) -> None:
        """End the run; one that further fits go on in is ended with the block or the process."""
        self._is_fitting = False
        self._untap()
        if not self._one_run:
            self._end("finished", "")

    # Its ends, and faults.

    def _untap(self) -> None:
        if self._taps is not None:
            with suppress(Exception):
                self._taps.remove()

    def _end_open(self) -> None:
        """End the run that is open, if any: finished after the end of a fit, interrupted in the middle of one."""
        if self._is_fitting:
            self._end("interrupted", _UNFINISHED)
        else:
            self._end("finished", "")

    def _end(self, status: str, reason: str) -> None:
        self._untap()
        self._is_fitting = False
        run, self._run = self._run, None
        _OPEN.discard(self)
        if run is None or run.process != os.getpid():  # a fork does not end what its parent records
            return
        self._attempt(run.end, status, reason)
        if self._fault:
            with suppress(Exception):
                run.abandon(status, "; ".join(filter(None, (reason, f"recording stopped: {self._fault}"))))

    def _attempt(self, work: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        """Do some work of ours; a fault of it ends the recording, not the training."""
        if self._fault:
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # whoever makes errors of them does not mean those of libraries of ours
                work(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the training must go on
            self._fault = describe_error(error)
            self._untap()
            self._say(f"recording stopped, the training goes on: {_with_place(error)}")

    def _tell_fault(self, error: Exception) -> None:
        """Say of a measurement that failed inside a step; the recording goes on without it."""
        self._say(f"a measurement failed and is left out: {_with_place(error)}")

    def _say(self, text: str) -> None:
        """Tell a person, once."""
        if text in self._said:
            return
        self._said.add(text)
        with suppress(Exception):  # a closed stderr
            sys.stderr.write(f"tbcli: {text}\n")
            sys.stderr.flush()


def why_not_here(recorder: str) -> str:
    """Return why a recorder cannot work where Keras runs in this process, or ``""``."""
    backend = keras.config.backend()
    is_absent = recorder in _OF_TENSORFLOW and backend != "tensorflow"
    return f"it needs TensorFlow, and Keras runs on {backend}" if is_absent else ""


def _with_place(error: Exception) -> str:
    """Return what an exception says and, of one that is a bug of ours, where it was raised."""
    if isinstance(error, TbcliError):
        return f"{error.message}\n       {error.hint}"
    frames = traceback.extract_tb(error.__traceback__)
    place = next((frame for frame in reversed(frames) if f"{os.sep}tbcli{os.sep}" in frame.filename), None)
    return describe_error(error) + (f" ({Path(place.filename).name}:{place.lineno})" if place else "")


_OPEN: set[Callback] = set()
"""Those with a run that has not ended."""


def _end_all() -> None:
    """End all runs at the exit of the process, by the exception that ended it, if one did."""
    error = getattr(sys, "last_value", None)
    for callback in list(_OPEN):
        if error is not None:
            callback._end(status_of(error), reason_of(error))
        else:
            callback._end_open()
    if isinstance(error, KeyboardInterrupt):
        # Python keeps a flag, by which it exits with 130, and forgets it whenever a text is executed, as imports do.
        with suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")  # noqa: S102 - which sets it


atexit.register(_end_all)
