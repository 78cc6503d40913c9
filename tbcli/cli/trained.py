"""What commands that ask a saved model share: finding its run, its settings, and TensorFlow started quietly."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tbcli.cli.options import Common
from tbcli.cli.output import stdout_kept_clean
from tbcli.config.said import Said
from tbcli.errors import NotFound, Refused

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.predicting.saved import SavedModel
    from tbcli.runs import Run
    from tbcli.training import Narrator


def find_trained(common: Common, reference: str) -> Run:
    """Return the run of ours that a reference names, which has saved a model.

    Raises:
        NotFound: It names nothing, a log directory of another program, or a run without a saved model.
        Refused: It names several runs.
    """
    from tbcli.cli.places import find_places
    from tbcli.runs import Run, RunStore
    from tbcli.runs.comparable import NO_NAME

    config = common.settle()
    places = find_places(RunStore(config.paths, config.direction), [reference], common.output)
    if len(places) > 1:
        named = ", ".join(place.logs.name for place in places[:4])
        raise Refused(f"{reference!r} is {len(places)} runs: {named}", hint="name one of them")
    if not places or not isinstance(places[0], Run):
        raise NotFound(f"{reference!r} is no run of tbcli: it has no saved model", hint="`tbcli runs` lists the runs")
    run = places[0]
    if run.data_name == NO_NAME:
        raise NotFound(
            f"run {run.label} has no saved model: a script or a callback saves its own",
            hint="`keras.models.load_model` reads what your script saved",
        )
    if not os.path.lexists(run.saved_model):  # whatever else lies there is told when it is read
        raise NotFound(
            f"run {run.label} has no saved model: there is no {str(run.saved_model)!r}",
            hint=f"it is a copy of run {run.recorded_id}, which has the model"
            if run.is_copy
            else "a model is saved when `tbcli train` finishes",
        )
    return run


def trained_settings(run: Run, common: Common) -> Config:
    """Return the settings that a run was trained with, and over them what was typed."""
    from tbcli.config import load_config

    flags = {key: said for key, said in common.flags.items() if not key.startswith("paths.")}
    if "data.source" in flags and "data.limit_samples" not in flags:
        flags["data.limit_samples"] = Said(0, "--limit-samples")  # that of the training is of no concern
    return load_config(file=str(run.config_file), assignments=common.assignments, flags=flags)


@contextmanager
def opened(common: Common, run: Run) -> Iterator[tuple[SavedModel, Narrator, Callable[[], None]]]:
    """Yield the saved model, who tells of the progress, and what raises when a signal came."""
    from tbcli.cli.render.progress import choose_narrator
    from tbcli.cli.train import hush_libraries
    from tbcli.data.telling import progress_to
    from tbcli.keras_backend import load_keras
    from tbcli.training.interruption import Interruption

    hush_libraries(verbose=common.verbose)
    narrator = choose_narrator(common.output)
    try:
        with Interruption(narrator, "the evaluation") as signals, progress_to(signals.checked(narrator.progress)):
            narrator.stage("Loading the model")
            with narrator.hushed_libraries(), stdout_kept_clean(), signals.checked_imports():
                load_keras()
                from tbcli.predicting.saved import open_saved

                saved = open_saved(run)
            yield saved, narrator, signals.check
            signals.check()
    finally:
        narrator.close()
