"""The contract between training (when), recorders (what) and writers (where)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tbcli.config import Config
from tbcli.tasks import CLASSIFICATION, Task

if TYPE_CHECKING:
    from tbcli.data.dataset import Dataset
    from tbcli.recorders.registry import Promise


@dataclass(frozen=True, slots=True)
class Evidence:
    """The model's predictions for the samples of one split.

    Args:
        indices: Positions of the samples in their source ``[n]``, int64.
        labels: What is true of them, as the task has it: class numbers ``[n]``, labels or values ``[n, k]``.
        outputs: What the model says of them, as the task reads it: probabilities ``[n, classes]`` or values ``[n, k]``,
            float32.
        features: What stands for a sample in the projector, of the first samples only ``[<= n, width]``, float32; None
            where the model has nothing of the kind.
        metrics: ``{name: value}`` over all samples of the split: loss and the compiled metrics.
        task: What is learnt.
    """

    indices: np.ndarray
    labels: np.ndarray
    outputs: np.ndarray
    features: np.ndarray | None
    metrics: Mapping[str, float]
    task: Task = CLASSIFICATION

    @property
    def probabilities(self) -> np.ndarray:
        """The outputs ``[n, classes or labels]``, where the task's are probabilities."""
        return self.outputs

    @property
    def predictions(self) -> np.ndarray:
        """What the outputs decide, shaped as the labels: the most probable class of each sample, ..."""
        return self.task.predictions(self.outputs)

    def first(self, count: int) -> Evidence:
        """Return the evidence of the first samples; the metrics are those of all."""
        features = None if self.features is None else self.features[:count]
        return replace(
            self,
            indices=self.indices[:count],
            labels=self.labels[:count],
            outputs=self.outputs[:count],
            features=features,
        )


class Activations(Protocol):
    """Layer outputs for the probe samples, computed on first access and cached."""

    @property
    def peaks(self) -> Mapping[str, np.ndarray]:
        """``{layer: [units]}``: the largest output of each unit after a ReLU, over some 200 probe samples."""

    @property
    def values(self) -> Mapping[str, np.ndarray]:
        """``{layer: [samples, ...]}``: the outputs of every layer that computes, of a few probe samples."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of training, computed once and shared by all recorders.

    Args:
        config: What was asked.
        dataset: What is learnt; recorders read the probe sample from it.
        model: The `keras.Model` in training.
        epoch: Epochs done, counted from 1; 0 before the first.
        step: Optimizer steps done.
        logs: Metrics of the epoch as the history names them: ``loss``, ``val_accuracy``, ``learning_rate``, ...
        validation: What the model says of the validation split now, at the end the saved model; None where there is
            none, and before training.
        probe: The same of the dataset's probe sample; None before training.
        test: What the saved model says of the test set; None until the end.
        gradients: ``{variable path: array}`` of a recent step's own backward pass; empty before the first step, and
            unless a recorder asks for them.
        step_graph: The `tf.Graph` of the training step as it runs; None where ``gradients`` is empty.
        activations: What the layers answer now; None before training, and where an epoch has no pictures.
        has_features: Whether evidence of this model holds features.
        facts: What the run's record says from the start: ``id``, ``started``, ``versions``, ``git``, ``device``, ...
        outcome: ``running``, and at the end what became of the run: one of `tbcli.runs.run.STATUSES`.
        settings: What is known of the settings, as ``{section: {name: value}}``, where the training is not ours; None
            where ``config`` is all of it.
        no_backward: Why there are no figures of the backward pass, or ``""``.
        no_evidence: Why there is no evidence of the validation samples although they were measured, or ``""``.
    """

    config: Config
    dataset: Dataset
    model: Any
    epoch: int
    step: int
    logs: Mapping[str, float]
    validation: Evidence | None = None
    probe: Evidence | None = None
    test: Evidence | None = None
    gradients: Mapping[str, np.ndarray] = field(default_factory=dict)
    step_graph: Any = None
    activations: Activations | None = None
    has_features: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    outcome: str = "running"
    settings: Mapping[str, Mapping[str, Any]] | None = None
    no_backward: str = ""
    no_evidence: str = ""


@dataclass(frozen=True, slots=True)
class Steps:
    """The optimizer steps of one execution, each with its own values.

    Args:
        first: Number of the first of these steps, counted from 1 over the whole training.
        last: Number of the last of these steps.
        values: ``{name: [last - first + 1]}``: with ``--log-every`` each batch's own loss, metrics and learning rate;
            where a recorder needs the backward pass ``gradients/...`` and ``updates/...``, NaN at steps not measured.
    """

    first: int
    last: int
    values: Mapping[str, np.ndarray]


class Writer(Protocol):
    """Where records go. ``where`` is a directory below the run's own, as ``train``; ``""`` is the run's own."""

    def scalars(self, values: Mapping[str, float], step: int, *, where: str) -> None:
        """Write several scalars of one step."""

    def histogram(self, tag: str, buckets: np.ndarray, step: int, *, where: str) -> None:
        """Write a distribution as buckets ``[k, 3]`` of left edge, right edge and count."""

    def image(self, tag: str, png: bytes, size: tuple[int, int], step: int, *, where: str) -> None:
        """Write a ready PNG of ``size`` (width, height) in pixels."""

    def text(self, tag: str, markdown: str, step: int, *, where: str) -> None:
        """Write Markdown; TensorBoard shows its tables, lists and fenced code."""

    def tensor(self, tag: str, value: np.ndarray, metadata: Any, step: int, *, where: str) -> None:
        """Write a tensor as one of TensorBoard's plugins reads it; its ``SummaryMetadata`` says which and how."""

    @property
    def scalar_tags(self) -> Set[str]:
        """The tags of all scalars written so far, in any directory."""

    def graph(self, graph_def: bytes, *, where: str) -> None:
        """Write a serialized ``GraphDef``: the op graph of a directory, one each."""

    def tagged_graph(self, tag: str, graph_def: bytes, *, where: str) -> None:
        """Write a further op graph of a directory, which the dashboard lists under its tag."""

    def keras_graph(self, model_json: str, *, where: str) -> None:
        """Write a model's JSON, from which TensorBoard draws the conceptual graph."""

    def file(self, name: str, content: bytes, *, where: str) -> None:
        """Write a file beside the event files, whole, in place of an older one."""

    def announce(self, *, where: str) -> None:
        """Create an event file in a directory of other files, because TensorBoard ignores directories without one."""

    def amend(self, tag: str, change: Callable[[Any], Any], *, where: str) -> bool:
        """Change the ``SummaryMetadata`` of a tag that an earlier process wrote; return whether that could be done.

        TensorBoard keeps what it reads first: a second event would say nothing.
        """

    def directory(self, where: str) -> str:
        """Return the directory itself, for writers of TensorFlow's own such as the profiler."""


class Recorder:
    """Writes one kind of evidence. Override only the moments you need.

    Recorders have no writer, no cadence and no ``predict`` of their own: all of that comes with the call. An installed
    package names its recorders in the entry-point group ``tbcli.recorders``.

    Example:
        >>> import tbcli
        >>> class Gap(tbcli.Recorder):
        ...     def on_epoch(self, snapshot, writer):
        ...         gap = snapshot.logs["val_loss"] - snapshot.logs["loss"]
        ...         writer.scalars({"gap/loss": gap}, snapshot.epoch, where="train")
        >>> Gap().needs_backward
        False
    """

    name: str
    needs_backward = False
    """Whether `Steps.values`, `Snapshot.gradients` and `Snapshot.step_graph` must tell of the step's backward pass."""
    is_spaced = False
    """Whether it has fewer turns in a long training: pictures, histograms and reports take time and room."""
    promises: Sequence[Promise] = ()
    """What an installed package's recorder leaves in TensorBoard; of ours the registry says it."""
    made_anew: Set[str] = frozenset()
    """The attributes that a resumed training makes anew, such as clocks and functions: all others are its `state`."""

    def state(self) -> Mapping[str, Any]:
        """Return what a resumed training goes on with: all attributes but those of `made_anew`.

        Their values are numbers, text, bytes, None, arrays of NumPy, and lists, tuples, sets and mappings of these.
        """
        return {name: value for name, value in vars(self).items() if name != "name" and name not in self.made_anew}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned in another process; `on_resume` is called instead of `on_begin`."""
        vars(self).update(state)

    def unsuitable(self, snapshot: Snapshot) -> str | None:
        """Say why this model or data has nothing to show here; None when it has."""
        return None

    def leaves_out(self, snapshot: Snapshot) -> Mapping[str, str]:
        """Say which promises this model or data did not allow to keep: ``{tag of the promise: why}``; at the end."""
        return {}

    def remarks(self, snapshot: Snapshot, writer: Writer) -> Sequence[str]:
        """Return sentences that the user should read at the end of the training; it is told each once."""
        return ()

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Before the first step."""

    def on_resume(self, snapshot: Snapshot, writer: Writer) -> None:
        """Before the first step of another process, with the state of the one before."""

    def on_steps(self, steps: Steps, writer: Writer) -> None:
        """After each execution of optimizer steps; never left out by a cadence."""

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """After an epoch, when the cadence says so."""

    def on_end(self, snapshot: Snapshot, writer: Writer) -> None:
        """After the last epoch, whatever ended the training."""


def variable_path(model: Any, variable: Any) -> str:
    """Return a variable's path without the model's own name, which Keras numbers anew in every process."""
    path: str = variable.path
    return path.removeprefix(f"{model.name}/")
