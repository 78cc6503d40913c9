"""What a fit lets be seen of its samples: those of its validation passes, as the model answers them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import keras

from tbcli.config import RecordConfig
from tbcli.data.dataset import Dataset
from tbcli.recorders.base import Evidence
from tbcli.runs import Run
from tbcli.training.final_evaluation import keep_evidence
from tbcli.training.fits.compiled import Compiled, with_units
from tbcli.training.fits.fit_evidence import Looked, fingerprint_heard, read_heard, stub_dataset
from tbcli.training.fits.fit_settings import UNKNOWN
from tbcli.training.taps.activations import LayerProbe, ProbeActivations
from tbcli.training.taps.fit import FitTaps

if TYPE_CHECKING:
    from tbcli.training.fits.fit_features import FitFeatures


class FitSight:
    """The latest validation pass, if there is any.

    Args:
        taps: In place.
        compiled: What the model was compiled for.
    """

    def __init__(self, taps: FitTaps, compiled: Compiled) -> None:
        self._taps = taps
        self.compiled = compiled
        self.no_evidence = ""
        self._looked: Looked | None = None
        self._layers: LayerProbe | None = None
        self._features: FitFeatures | None = None

    def follow(self, taps: FitTaps) -> None:
        """Look by other taps, those of a further fit."""
        self._taps, self._layers, self._features = taps, None, None

    def hear(self) -> str | None:
        """Take what was heard in a validation pass; return a fingerprint of its samples, None where there was none."""
        heard = self._taps.validation.end()
        if heard is None:
            self.no_evidence = self._taps.validation.missing
            return None
        self.compiled = with_units(self.compiled, self._taps.model, int(math.prod(heard.outputs.shape[1:])))
        self._looked = read_heard(heard, self.compiled, UNKNOWN)
        self.no_evidence = self._looked.why_no_evidence
        return fingerprint_heard(heard, self._looked)

    @property
    def has_looked(self) -> bool:
        """Whether there was a validation pass."""
        return self._looked is not None

    @property
    def has_inputs(self) -> bool:
        """Whether samples themselves are at hand."""
        return self._looked is not None and self._looked.has_inputs

    @property
    def evidence(self) -> Evidence | None:
        """The predictions, None where there are none that the task could read."""
        return self._looked.evidence if self._looked else None

    @property
    def dataset(self) -> Dataset:
        """The validation samples, or data of which nothing is known."""
        return self._looked.dataset if self._looked else self.no_dataset

    @property
    def no_dataset(self) -> Dataset:
        """Data of which nothing is known."""
        return stub_dataset(UNKNOWN, None, None, 0, self.compiled.task)

    def activations(self, model: keras.Model) -> ProbeActivations | None:
        """Return what the layers answer to the probe, None where samples are not at hand."""
        if not self.has_inputs:
            return None
        self._layers = self._layers or LayerProbe(model)
        return ProbeActivations(self._layers, self.dataset.probe)

    @property
    def has_features(self) -> bool:
        """Whether features were looked for already."""
        return self._features is not None

    def add_features(self, model: keras.Model, config: RecordConfig) -> int:
        """Add the features of the projector's samples to the evidence; return of how many samples, at most."""
        looked, points = self._looked, config.projector_points
        assert looked
        assert looked.evidence
        if self._features is None:
            from tbcli.training.fits.fit_features import FitFeatures

            points = min(points, len(looked.dataset.validation or ()))
            self._features = FitFeatures(model, config.projector_layer)
        features = self._features.look(looked.dataset, points)
        self._looked = replace(looked, evidence=replace(looked.evidence, features=features))
        return points

    def keep(self, run: Run, points: int) -> None:
        """Keep the evidence with a run.

        Args:
            run: The run.
            points: Samples of the projector.
        """
        if self.evidence is None:
            return
        layers = [layer.name for layer in self._taps.model.layers]
        keep_evidence(run, self.dataset, {"validation": self.evidence}, projector_points=points, layers=layers)
