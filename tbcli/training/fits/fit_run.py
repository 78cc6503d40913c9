"""A run on disk of somebody's own `fit`: what `tbcli train` leaves, as far as it can be seen from inside of `fit`."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from tbcli.config import Config
from tbcli.data.fingerprint import fingerprints
from tbcli.naming.direction import NOT_METRICS
from tbcli.naming.series import is_of_validation
from tbcli.recorders.base import Snapshot, Steps, variable_path
from tbcli.recorders.cadence import choose_spacing
from tbcli.recorders.recording import Recording, told_by_reason
from tbcli.recorders.registry import load_recorders
from tbcli.runs import RunStore
from tbcli.runs.claim import claim
from tbcli.runs.files import write_json
from tbcli.runs.history import HistoryWriter, keep_row
from tbcli.training.conclusion import Heartbeat, conclude
from tbcli.training.fits.compiled import read_compiled
from tbcli.training.fits.fit_data import read_given
from tbcli.training.fits.fit_evidence import Unreadable
from tbcli.training.fits.fit_settings import UNKNOWN, count_parameters, fit_facts, known_settings
from tbcli.training.fits.fit_sight import FitSight
from tbcli.training.fits.fit_steps import FitSteps
from tbcli.training.fits.undisturbed import undisturbed, value_of
from tbcli.training.taps.fit import FitTaps

_TOLD: set[str] = set()
_NEED_EVIDENCE = ("samples", "confusion", "mistakes", "attention", "projector", "pr_curves")
_NEED_INPUTS = ("samples", "mistakes", "attention", "projector", "activations")
_NEED_TRAINING_DATA = ("data",)
_USUAL_BATCH = 32  # Keras' own; reckoned with where nobody can count the samples of a step
_KNOWN_LATER = ("hparams", "text")  # they write settings, of which the batch size is known after a step


class FitRun:
    """Makes a run and records into it.

    Args:
        config: What was asked of recording.
        recorders: The recorders that were asked for, by name, each with the reason why it cannot be had, or ``""``.
        model: The compiled, built model.
        taps: In place.
        epochs: Number of the last epoch that the fit was asked for.
        say: Told what a person should know, once each.
    """

    def __init__(
        self,
        config: Config,
        recorders: Mapping[str, str],
        model: keras.Model,
        taps: FitTaps,
        epochs: int | None,
        say: Callable[[str], None],
    ) -> None:
        self._config, self._taps, self._say = config, taps, say
        self._sight = FitSight(taps, read_compiled(model))
        self._settings = known_settings(config, model, epochs=epochs)
        self._steps = FitSteps(model, taps)
        chosen = load_recorders([name for name, why in recorders.items() if not why])
        self.run = RunStore(config.paths, config.direction).create(
            config, fit_facts(self._sight.compiled, model), settings=self._settings
        )
        self._claim = claim(self.run.logs)
        self._heartbeat = Heartbeat(self.run)
        self._recording = Recording(chosen, config.record, self.run.logs, lambda text: None)
        self._recording.switched_off.update({name: why for name, why in recorders.items() if why})
        self._history = HistoryWriter(self.run.history_file)
        self._told: set[str] = set()
        self._latest: Snapshot | None = None
        self._is_complete = True  # whether all recorders had their turn in the latest epoch
        self._began = time.perf_counter()
        self.process = os.getpid()
        self._epoch_shift = 0
        self.epochs_done = 0
        self._batch_size: int | None = None

    def begin(self, model: keras.Model, given: Mapping[str, Any] | None = None) -> None:
        """Record the model before its first step that is seen.

        Args:
            model: As it is.
            given: The arguments of `fit`, where they are known.
        """
        with undisturbed(model):
            snapshot = self._snapshot(model, {})
            self._recording.begin(snapshot, waiting=(*_KNOWN_LATER, *_NEED_TRAINING_DATA))
            self._record_data(model, snapshot, given)

    def _record_data(self, model: keras.Model, snapshot: Snapshot, given: Mapping[str, Any] | None) -> None:
        if given is None:
            self._recording.exclude(_NEED_TRAINING_DATA, "a callback is not shown the training data")
            return
        try:
            dataset = read_given(UNKNOWN, given, self._sight.compiled, model)
        except Unreadable as error:
            self._recording.exclude(_NEED_TRAINING_DATA, str(error))
            return
        self._keep_fingerprint("train", fingerprints(dataset)["train"])
        self._recording.settle(replace(snapshot, dataset=dataset), is_final=True, only=_NEED_TRAINING_DATA)

    def go_on(self, model: keras.Model, taps: FitTaps, epochs: int | None) -> None:
        """Record a further fit into the same run."""
        if taps is not self._taps:
            self._taps = taps
            self._sight.follow(taps)
        self._epoch_shift = 0
        self._steps.go_on(model, taps)
        self._keep_settings("train", "epochs", self.epochs_done + (epochs or 0))

    def begin_epoch(self, epoch: int) -> None:
        """Note the beginning of an epoch, counted by Keras from 0."""
        if epoch + 1 + self._epoch_shift <= self.epochs_done:  # a further fit counts from 0 again
            self._epoch_shift = self.epochs_done - epoch
        self._steps.begin_epoch()

    def count_to(self, batch: int) -> bool:
        """Take a count of the epoch's steps; return whether there is something to do, which is seldom."""
        return self._steps.count_to(batch) or (self._batch_size is None and batch > 0)

    def begin_batch(self, model: Callable[[], keras.Model]) -> None:
        """Do what `count_to` asked for.

        Args:
            model: Returns the model in the state it has now, which may take time.
        """
        if self._batch_size is None:
            self._batch_size = self._steps.batch_size(model()) or 0
            self._keep_settings("train", "batch_size", self._batch_size or None)
        self._record_steps()

    def _choose_spacing(self, model: keras.Model) -> None:
        """Settle how far apart pictures are, once it is known how long an epoch is."""
        if self._config.record.spacing:
            return
        samples = self._steps.in_epoch * (self._batch_size or _USUAL_BATCH)
        spacing = choose_spacing(samples, count_parameters(model))
        self._config = self._config.updated({"record.spacing": spacing})
        self._recording.space(self._config.record)
        self._keep_settings("record", "spacing", spacing)

    def _keep_settings(self, section: str, name: str, value: Any) -> None:
        if value is not None:
            self._settings[section][name] = value
            write_json(self.run.config_file, self._settings)

    def _record_steps(self) -> None:
        first, last, values = self._steps.read()
        if last >= first:
            self._recording.steps(Steps(first, last, values))

    def after_validation(self) -> None:
        """Take what was heard in a validation pass."""
        found = self._sight.hear()
        if found is not None:
            self._keep_fingerprint("validation", found)

    def _keep_fingerprint(self, split: str, found: str) -> None:
        """Keep what tells samples from others; not of samples that come in another order each time."""
        kept: dict[str, str] = self.run.record.setdefault("evaluation_data", {})
        known = kept.get(split)
        if known is None or (known and known != found):
            kept[split] = found if known is None else ""
            self.run.update(evaluation_data=kept)

    def end_epoch(
        self, model: keras.Model, epoch: int, logs: Mapping[str, Any], *, steps: int | None, last: bool
    ) -> None:
        """Write the history's row, and record.

        Args:
            model: In the state after the epoch.
            epoch: Counted by Keras from 0.
            logs: What Keras tells callbacks.
            steps: Steps of an epoch, where Keras knows them.
            last: Whether the training is known to end with it.
        """
        self._steps.settle(model, steps)
        self._record_steps()
        self._choose_spacing(model)
        number = epoch + 1 + self._epoch_shift
        values = self._steps.epoch_values(model, logs)
        keep_row(self._history, self._row(number, values), self.run, self._say)
        self.epochs_done = number
        last = last or self._latest is None  # pictures of the first epoch, too, whatever its number
        with undisturbed(model):
            self._look_for_features(model, number, last=last)
            snapshot = self._latest = self._snapshot(model, values, epoch=number)
            is_final = any(map(is_of_validation, values))
            if is_final:
                self._exclude_unseen()
            self._recording.settle(snapshot, is_final=is_final)
            self._recording.epoch(snapshot, last=last)
            self._is_complete = last
        self._tell_failures()

    def _row(self, epoch: int, values: Mapping[str, float]) -> dict[str, float]:
        metrics = {name: value for name, value in values.items() if name not in NOT_METRICS}
        seconds = round(time.perf_counter() - self._began, 3)
        leading = {"epoch": epoch, "step": self._steps.done, "seconds": seconds}
        rate = {"learning_rate": values["learning_rate"]} if "learning_rate" in values else {}  # else an empty cell
        return {**leading, **rate, **metrics}

    def _look_for_features(self, model: keras.Model, epoch: int, *, last: bool) -> None:
        """Add the features of the projector's samples to the evidence, where they are due and can be had."""
        sight = self._sight
        if sight.evidence is None or not sight.has_inputs:
            return
        if self._recording.includes("projector", epoch, last=last or not sight.has_features):
            points = sight.add_features(model, self._config.record)
            self._config = self._config.updated({"record.projector_points": points})

    def _exclude_unseen(self) -> None:
        """Switch off the recorders that have nothing to look at although there is a validation pass."""
        sight = self._sight
        if sight.evidence is None:
            self._recording.exclude(_NEED_EVIDENCE, sight.no_evidence)
        if sight.has_looked and not sight.has_inputs:
            self._recording.exclude(_NEED_INPUTS, "a sample is not one array of numbers")
        if sight.compiled.task and not self.run.record.get("task"):
            self.run.update(task=sight.compiled.task.name)

    def _snapshot(self, model: keras.Model, logs: Mapping[str, float], epoch: int = 0) -> Snapshot:
        dataset = self._sight.dataset if epoch else self._sight.no_dataset
        evidence = self._sight.evidence if epoch else None
        return Snapshot(
            config=self._config,
            dataset=dataset,
            model=model,
            epoch=epoch,
            step=self._steps.done,
            logs=logs,
            validation=evidence,
            probe=evidence.first(len(dataset.probe)) if evidence else None,
            gradients=self._taps.gradients() if epoch else {},
            step_graph=self._taps.graph,
            activations=self._sight.activations(model) if epoch else None,
            has_features=bool(evidence and evidence.features is not None),
            facts=self.run.record,
            settings=self._settings,
            no_backward=self._no_backward if epoch else self._taps.no_backward,
            no_evidence=self._sight.no_evidence,
        )

    @property
    def _no_backward(self) -> str:
        """Why the backward pass is not measured, as far as that is known after a step."""
        is_unheard = not self._taps.hears_backward and self._steps.done > 0
        return self._taps.no_backward or ("the step applies no gradients with model.optimizer" if is_unheard else "")

    def _tell_failures(self) -> None:
        for name in self._recording.failed:
            if name not in self._told:
                self._told.add(name)
                self._say(f"recorder {name!r} was switched off: {self._recording.switched_off[name]}")

    def end(self, status: str, reason: str) -> None:
        """Conclude the run, whatever of it there is.

        Args:
            status: One of `tbcli.runs.run.STATUSES`.
            reason: Why it did not finish, or ``""``.
        """
        self._heartbeat.stop()
        status, reason = self._judged(status, reason)
        if not self._sight.has_looked:
            why = self._sight.no_evidence or "there are no validation samples"
            self._recording.exclude((*_NEED_EVIDENCE, *_NEED_INPUTS), why)
            self._sight.no_evidence = why
        if self._sight.no_evidence:
            self.run.record["no_evidence"] = self._sight.no_evidence
        with undisturbed(self._taps.model):
            if self._latest is not None and not self._is_complete:
                self._recording.complete_epoch(replace(self._latest, outcome=status))
            self._recording.finish(status)
            self._sight.keep(self.run, self._config.record.projector_points)
        with undisturbed():
            self._conclude(status, reason)
        self._tell_failures()
        self._tell_left_out()

    def _judged(self, status: str, reason: str) -> tuple[str, str]:
        """Return what became of the training: one that came to its end without a loss or weights has diverged."""
        if status != "finished" or self._latest is None:
            return status, reason
        loss = self._latest.logs.get("loss", 0.0)
        if not math.isfinite(loss):
            return "diverged", f"the loss is {loss} in epoch {self.epochs_done}"
        broken = first_broken_weight(self._taps.model)
        return ("diverged", f"weights of {broken} are not finite") if broken else (status, reason)

    def _tell_left_out(self) -> None:
        """Say once and by name what this training could not show, and why."""
        failed = self._recording.failed
        reasons = {name: why for name, why in self._recording.switched_off.items() if name not in failed}
        told = told_by_reason(reasons | ({"gradients": self._no_backward} if self._no_backward else {}))
        if told and told not in _TOLD:  # a search with hundreds of trials says it once
            _TOLD.add(told)
            self._say(f"not recorded: {told}")

    def abandon(self, status: str, reason: str) -> None:
        """Conclude the run of a recording that failed, without a further look at the model."""
        self._heartbeat.stop()
        with suppress(Exception):
            self._recording.finish(status)
        self._conclude(status, reason)

    def _conclude(self, status: str, reason: str) -> None:
        self.run.record["recording"] = self._recording.report(self._recording.seconds)
        seconds = time.perf_counter() - self._began
        conclude(self.run, self._config, status, reason, seconds, warn=self._say)
        self._claim.release()


def first_broken_weight(model: keras.Model) -> str:
    """Return the path of the first variable that holds NaN or an infinity, or ``""``."""
    for weight in model.weights:
        if keras.backend.is_float_dtype(weight.dtype) and not np.isfinite(value_of(weight).astype(np.float32)).all():
            return variable_path(model, weight)
    return ""
