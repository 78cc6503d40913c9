"""What the runs of a script have in common: its configuration, its arguments, its source."""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tbcli.origin import set_origin
from tbcli.scripts.arguments import ArgumentEar, plain_arguments
from tbcli.scripts.program import Program

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.runs.run import Run
    from tbcli.runs.source import SourceCode


_GIVEN = ("x", "y", "validation_split", "validation_data")


class ScriptOrigin:
    """The origin of the runs of this process; see `tbcli.origin`.

    Args:
        program: What runs.
        ear: Hears the program's arguments.
        plan: ``settings`` of the runs, by section; ``constants`` as typed; the file of ``ids``, or None; which trial of
            a ``sweep`` it is, if any.
    """

    def __init__(self, program: Program, ear: ArgumentEar, plan: Mapping[str, Any]) -> None:
        self._program = program
        self._ear = ear
        self._settings: Mapping[str, Mapping[str, Any]] = plan["settings"]
        self._ids_file: str | None = plan["ids"]
        self._sweep: Mapping[str, Any] | None = plan.get("sweep")
        self._process = os.getpid()
        self._directory = os.getcwd()
        self._source: SourceCode | None = None
        self.constants = self._settled(plan["constants"])
        self._recorded = mmap.mmap(-1, 1)  # what a fork of the script records is recorded, too
        set_origin(self)

    def _settled(self, pairs: list[str]) -> dict[str, Any]:
        if not pairs:
            return {}
        from tbcli.scripts.constants import settle_constants

        return settle_constants(pairs, self._program.source(), self._program.file)

    def record_keras(self, keras: Any) -> None:
        """Let every ``fit`` be recorded from now on."""
        from tbcli.scripts.fits import record_fits

        record_fits(keras.Model, _find_callback)

    def config(self) -> Config:
        """Return the configuration that was settled before the script began, wherever the script is now."""
        from tbcli.config import Config

        settings = {
            f"{section}.{key}": value for section, group in self._settings.items() for key, value in group.items()
        }
        config = Config().updated(settings)
        if os.getcwd() == self._directory:
            return config
        places = {f"paths.{name}": value for name, value in self._settings["paths"].items() if value}
        return config.updated({key: os.path.join(self._directory, value) for key, value in places.items()})

    def facts(self) -> dict[str, Any]:
        """Return what each run's record says of the script, and the arguments that it was given until now."""
        arguments = {**self._ear.heard, **plain_arguments(self.constants)}
        of_sweep = {"sweep": dict(self._sweep)} if self._sweep else {}
        return {"script": self._program.shown, "arguments": arguments, **of_sweep}

    def welcome(self, run: Run) -> None:
        """Tell the id of a new run, and keep the source with it."""
        self._recorded[0] = 1
        _say(f"run {run.id}")
        if self._ids_file:
            try:
                with open(self._ids_file, "a", encoding="utf-8") as file:
                    file.write(f"{run.id}\n")
            except OSError as error:
                _say(f"cannot write to {self._ids_file!r}: {error.strerror}")
        from tbcli.runs.source import write_source
        from tbcli.scripts.snapshot import take_source

        try:
            if self._source is None:
                self._source = take_source(self._program)
            write_source(run, self._source)
        except OSError as error:
            _say(f"the source of {run.id} is not kept: {error.strerror}")

    def conclude(self) -> None:
        """Say at the end of the process that nothing was recorded, if so."""
        if os.getpid() != self._process or self._recorded[0]:
            return
        why = f"{self._program.shown} called no fit of keras.Model"
        if "tf_keras" in sys.modules:
            why = f"{self._program.shown} uses Keras 2 (tf_keras); Keras 3 is needed"
        _say(f"nothing was recorded: {why}")


def _find_callback(call: Mapping[str, Any]) -> tuple[Any, bool]:
    """Return the script's own callback of ours, or a new one."""
    from keras import tree

    from tbcli.training.callback import Callback

    given = call.get("callbacks")
    own = [each for each in tree.flatten(getattr(given, "callbacks", given) or []) if isinstance(each, Callback)]
    callback = own[0] if own else Callback()
    callback.see_fit({name: value for name, value in call.items() if name in _GIVEN})
    return callback, not own


def _say(text: str) -> None:
    """Tell a person on stderr, whatever the script has made of it."""
    with suppress(OSError, ValueError):  # closed
        print(f"tbcli: {text}", file=sys.__stderr__, flush=True)
