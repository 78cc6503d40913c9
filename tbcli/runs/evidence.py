"""``evidence.npz``: the saved model's predictions for every sample of each split. Written and read only here.

Figures are drawn from it without TensorFlow and without the data. The file is a NumPy archive; its arrays are
``task`` (classification where there is none), ``class_names`` and ``layers``, of each split ``<split>_indices``,
``_labels`` and ``_probabilities`` (of a regression ``_values``), of the split that the model is judged by
``<split>_mistakes_indices`` and ``_thumbnails``, and of the projector's samples ``projector_*``.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from zipfile import BadZipFile, ZipFile

import numpy as np

from tbcli.errors import NotFound
from tbcli.runs.files import atomic_file, open_regular
from tbcli.runs.run import Run
from tbcli.tasks import CLASSIFICATION, TASKS, Task

_LOOKING = "confusion"  # a recorder that looks at predictions, and says why it cannot
SPLITS = ("test", "validation")
"""The saved model is judged by the first of these that the run has."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """The saved model's predictions for a split.

    Args:
        split: ``test``, or ``validation`` where there was no test set.
        indices: Positions of the samples in their source ``[n]``.
        labels: True class numbers ``[n]``, labels or values ``[n, k]``.
        outputs: Probabilities ``[n, classes]`` or values ``[n, k]``.
        class_names: A name for each class number, label or value.
        task: What was learnt.
    """

    split: str
    indices: np.ndarray
    labels: np.ndarray
    outputs: np.ndarray
    class_names: tuple[str, ...]
    task: Task = CLASSIFICATION

    @property
    def probabilities(self) -> np.ndarray:
        """The outputs, where the task's are probabilities."""
        return self.outputs

    @property
    def guesses(self) -> np.ndarray:
        """What the outputs decide, shaped as the labels: the most probable class of each sample, ..."""
        return self.task.predictions(self.outputs)

    @property
    def errors(self) -> np.ndarray:
        """How wrong each sample is ``[n]``; 0 where it is right."""
        return self.task.errors(self.labels, self.outputs)


@dataclass(frozen=True, slots=True)
class Mistakes:
    """The worst mistakes of the saved model, the worst first: of classes the most confident ones.

    Args:
        predictions: Of the whole split.
        rows: Which of them are shown ``[k]``.
        thumbnails: Pictures of those ``[k, height, width, 1 or 3]``, uint8; None where the samples are no images.
    """

    predictions: Predictions
    rows: np.ndarray
    thumbnails: np.ndarray | None

    @property
    def count(self) -> int:
        """How many mistakes there are in all."""
        return int(np.count_nonzero(self.predictions.errors))


@dataclass(frozen=True, slots=True)
class Features:
    """Outputs of the penultimate layer for the projector's samples.

    Args:
        labels: True class numbers ``[n]``, labels or values ``[n, k]``.
        features: ``[n, width]``.
        outputs: Probabilities ``[n, classes]`` or values ``[n, k]``.
        class_names: A name for each class number, label or value.
        task: What was learnt.
        indices: Positions of the samples in their source ``[n]``; None when read.
        thumbnails: Pictures of the samples ``[n, height, width, 1 or 3]``, uint8; None when read, and where the samples
            are no images.
    """

    labels: np.ndarray
    features: np.ndarray
    outputs: np.ndarray
    class_names: tuple[str, ...]
    task: Task = CLASSIFICATION
    indices: np.ndarray | None = None
    thumbnails: np.ndarray | None = None

    @property
    def probabilities(self) -> np.ndarray:
        """The outputs, where the task's are probabilities."""
        return self.outputs


def write_evidence(
    run: Run,
    predictions: Sequence[Predictions],
    *,
    layers: Sequence[str] = (),
    mistakes: Mistakes | None = None,
    features: Features | None = None,
) -> None:
    """Write the evidence of a run, replacing what it has.

    Args:
        run: The run it belongs to.
        predictions: Of each split that was measured, all with the same classes.
        layers: Names of the model's layers, from the input on.
        mistakes: Of the split that the model is judged by.
        features: Of the projector's samples; None where the model has no such layer.

    Raises:
        OSError: It could not be written.
    """
    arrays: dict[str, np.ndarray | None] = {"layers": np.array(layers, np.str_) if layers else None}
    for seen in predictions:
        arrays |= {"class_names": np.array(seen.class_names), "task": np.array(seen.task.name)}
        arrays |= {f"{seen.split}_{name}": getattr(seen, name) for name in ("indices", "labels")}
        arrays[f"{seen.split}_{seen.task.outputs_are}"] = seen.outputs
    if mistakes is not None:
        split = mistakes.predictions.split
        arrays[f"{split}_mistakes_indices"] = mistakes.predictions.indices[mistakes.rows]
        arrays[f"{split}_mistakes_thumbnails"] = mistakes.thumbnails
    if features is not None:
        columns = ("indices", "labels", "features", "thumbnails")
        arrays |= {f"projector_{name}": getattr(features, name) for name in columns}
        arrays[f"projector_{features.task.outputs_are}"] = features.outputs
    with atomic_file(run.evidence_file) as temporary:
        np.savez(temporary, **{name: array for name, array in arrays.items() if array is not None})  # type: ignore[arg-type]


def read_predictions(run: Run) -> Predictions:
    """Return the predictions for the test set, else for the validation split.

    Raises:
        NotFound: The run keeps no evidence, none of these splits, or the file is damaged.
    """
    with _Evidence(run) as evidence:
        return _predictions(evidence)


def read_mistakes(run: Run) -> Mistakes:
    """Return the most confident mistakes that the run kept, none where the model made none.

    Raises:
        NotFound: The run keeps no evidence, it has no mistakes marked in it, or the file is damaged.
    """
    with _Evidence(run) as evidence:
        predictions = _predictions(evidence)
        key = f"{predictions.split}_mistakes"
        marked = evidence.read(f"{key}_indices", "no mistakes to show")
        row_of = {index: row for row, index in enumerate(predictions.indices.tolist())}
        rows = np.array([row_of[index] for index in marked.tolist() if index in row_of], np.int64)
        thumbnails = evidence.read(f"{key}_thumbnails") if f"{key}_thumbnails" in evidence else None
        if thumbnails is not None:
            evidence.check(len(thumbnails) == len(rows) and thumbnails.ndim == 4)
        return Mistakes(predictions, rows, thumbnails)


def read_features(run: Run) -> Features:
    """Return the outputs of the penultimate layer for the projector's samples.

    Raises:
        NotFound: The run keeps no evidence, the model has no such layer, or the file is damaged.
    """
    with _Evidence(run) as evidence:
        needed = "features are kept of validation samples, by a model whose layers are connected in the open"
        features = Features(
            features=evidence.read("projector_features", "no features", needed),
            labels=evidence.read("projector_labels"),
            outputs=evidence.read(f"projector_{evidence.task.outputs_are}"),
            class_names=evidence.class_names,
            task=evidence.task,
        )
        evidence.check_shapes(features.labels, features.outputs, features.class_names)
        evidence.check(len(features.features) == len(features.labels))
        return features


def read_task(run: Run) -> Task | None:
    """Return what was learnt, as the evidence has it, else the run's record; None where neither tells."""
    try:
        with _Evidence(run) as evidence:
            return evidence.task
    except NotFound:
        return TASKS.get(run.task_name or "")


def count_samples(run: Run, split: str) -> int:
    """Return how many samples of a split were measured; 0 where the run does not tell."""
    try:
        with _Evidence(run) as evidence:
            return len(evidence.read(f"{split}_labels"))
    except NotFound:
        return 0


def read_layers(run: Run) -> tuple[str, ...]:
    """Return the names of the model's layers from the input on; none where the run does not tell."""
    try:
        with _Evidence(run) as evidence:
            return tuple(map(str, evidence.read("layers")))
    except NotFound:
        return ()


def _predictions(evidence: _Evidence) -> Predictions:
    split = next((split for split in SPLITS if f"{split}_labels" in evidence), SPLITS[0])
    told = Predictions(
        split=split,
        labels=evidence.read(f"{split}_labels", "neither test nor validation samples"),
        indices=evidence.read(f"{split}_indices"),
        outputs=evidence.read(f"{split}_{evidence.task.outputs_are}"),
        class_names=evidence.class_names,
        task=evidence.task,
    )
    evidence.check_shapes(told.labels, told.outputs, told.class_names)
    evidence.check(len(told.indices) == len(told.labels))
    return told


def _why_none(run: Run) -> str:
    """Return why a run that came to its end has no predictions, ``""`` where nothing tells."""
    recording = run.record.get("recording")
    switched_off = recording.get("switched_off") if isinstance(recording, dict) else None
    told = run.record.get("no_evidence") or (switched_off or {}).get(_LOOKING)
    return str(told) if told else ""


class _Evidence:
    """The open file of a run: an array is read when it is asked for.

    Args:
        run: The run it belongs to.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._file: ZipFile

    def __enter__(self) -> _Evidence:
        try:
            with open_regular(self._run.evidence_file):
                self._file = ZipFile(self._run.evidence_file)
        except FileNotFoundError:
            raise self._absent() from None
        except (OSError, BadZipFile) as error:
            raise self._damaged(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __contains__(self, key: str) -> bool:
        return f"{key}.npy" in self._file.namelist()

    @property
    def class_names(self) -> tuple[str, ...]:
        """A name for each class number."""
        return tuple(map(str, self.read("class_names")))

    @property
    def task(self) -> Task:
        """What was learnt; runs from before there was a choice do not tell."""
        name = str(self.read("task")) if "task" in self else CLASSIFICATION.name
        self.check(name in TASKS)
        return TASKS[name]

    def read(self, key: str, lacking: str = "", why: str = "") -> np.ndarray:
        """Return an array.

        Args:
            key: Its name.
            lacking: What it is that the run has not, without the array: ``no features``.
            why: What such a run needs; else that it was trained by a version that did not keep it.

        Raises:
            NotFound: There is no such array, or it is damaged.
        """
        if key not in self:
            raise NotFound(
                f"run {self._run.label} keeps {lacking or f'no {key!r}'} in its evidence", hint=why or self._again
            )
        try:
            with self._file.open(f"{key}.npy") as member:
                array: np.ndarray = np.lib.format.read_array(member, allow_pickle=False)
        # A spoilt index of the file may also ask for a password, or for a compression nobody knows: RuntimeError.
        except (OSError, ValueError, EOFError, BadZipFile, RuntimeError) as error:
            raise self._damaged(error) from error
        return array

    def check(self, is_right: bool) -> None:
        """Reject arrays that are inconsistent.

        Raises:
            NotFound: They do not.
        """
        if not is_right:
            raise self._damaged("its arrays do not fit one another")

    def check_shapes(self, labels: np.ndarray, outputs: np.ndarray, class_names: Sequence[str]) -> None:
        """Refuse labels and outputs that do not fit.

        Raises:
            NotFound: They do not.
        """
        self.check(self.task.fits(labels, outputs, len(class_names)))

    def _absent(self) -> NotFound:
        if self._run.is_live():
            return NotFound(f"run {self._run.label} has no evidence yet", hint="it is written when training finishes")
        if why := _why_none(self._run):  # as of a training that is not ours
            return NotFound(f"run {self._run.label} has no evidence: {why}", hint="`--kind history` shows its epochs")
        return NotFound(
            f"run {self._run.label} has no evidence: it is {self._run.status()}",
            hint="evidence is written only when training finishes; `--kind history` shows its epochs",
        )

    def _damaged(self, error: Exception | str) -> NotFound:
        return NotFound(f"cannot read {str(self._run.evidence_file)!r}: {error}", hint=self._again)

    @property
    def _again(self) -> str:
        return f"train again to have it: `tbcli train --config {shlex.quote(str(self._run.config_file))}`"
