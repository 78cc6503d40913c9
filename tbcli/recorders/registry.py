"""The registry of recorders, and the selection by ``--record``. Imports none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbcli.config import RecordConfig
from tbcli.errors import ConfigError
from tbcli.loading import load_object
from tbcli.naming import tags
from tbcli.naming.matching import did_you_mean

if TYPE_CHECKING:
    from tbcli.recorders.base import Recorder

LEVELS = ("off", "light", "standard", "full")
ENTRY_POINTS = "tbcli.recorders"
"""The entry-point group in which an installed package names its recorders: ``name = "package.module:Class"``."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that a recorder writes for a dashboard, which an audit checks.

    Args:
        dashboard: TensorBoard's plugin: ``scalars``, ``images``, ``pr_curves``, ...
        where: Directory below the run's own; None where it may be any.
        tag: How the tags begin; see `tbcli.serving.dashboards` for what is not a summary: graphs, sessions, vectors.
        needs: What it is made of where not every run has that: ``validation``, ``test``, ``end``, other recorders.
        tasks: The tasks it is for; empty for all.
    """

    dashboard: str
    where: str | None = ""
    tag: str = ""
    needs: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecorderEntry:
    """One recorder: its import path, help, lowest level, and what it writes for TensorBoard."""

    target: str
    help: str
    level: str
    promises: tuple[Promise, ...] = ()


# Names of tasks; the tasks themselves need NumPy, which the registry does without.
_OF_CLASSES, _OF_LABELS, _OF_VALUES = ("classification",), ("multi-label",), ("regression",)

RECORDERS = {
    "scalars": RecorderEntry(
        "tbcli.recorders.scalars:ScalarsRecorder",
        "loss, metrics, learning rate, steps per second",
        "light",
        (
            Promise("scalars", "train", tags.EPOCH + "loss"),
            Promise("scalars", "train", tags.EPOCH + tags.LEARNING_RATE),
            Promise("scalars", "train", tags.EPOCH + tags.STEPS_PER_SECOND),
            Promise("scalars", "validation", tags.EPOCH + "loss", needs=("validation",)),
        ),
    ),
    "data": RecorderEntry(
        "tbcli.recorders.data:DataRecorder",
        "classes, labels or target values of every split, and statistics of its inputs",
        "light",
        (
            Promise("text", "", tags.CLASS_BALANCE, tasks=_OF_CLASSES),
            Promise("text", "", tags.LABEL_BALANCE, tasks=_OF_LABELS),
            Promise("text", "", tags.LABELS_PER_SAMPLE, tasks=_OF_LABELS),
            Promise("text", "", tags.TARGETS, tasks=_OF_VALUES),
            Promise("text", "", tags.DATA_STATISTICS),
            Promise("images", "train", tags.CLASS_BALANCE, tasks=_OF_CLASSES),
            Promise("images", "train", tags.LABEL_BALANCE, tasks=_OF_LABELS),
            Promise("images", "train", tags.LABELS_PER_SAMPLE, tasks=_OF_LABELS),
            Promise("images", "train", tags.TARGETS, tasks=_OF_VALUES),
            Promise("images", "train", tags.DATA_PIXELS),
        ),
    ),
    "graphs": RecorderEntry(
        "tbcli.recorders.graphs:GraphsRecorder",
        "op graph of the forward pass and conceptual Keras graph",
        "light",
        (
            Promise("graphs", "train", tags.RUN_GRAPH),
            Promise("graphs", "train", tags.CONCEPTUAL_GRAPH),
        ),
    ),
    "samples": RecorderEntry(
        "tbcli.recorders.samples:SamplesRecorder",
        "sample predictions: what was predicted, what is true, how sure or how far off",
        "light",
        (Promise("images", None, tags.SAMPLES),),
    ),
    "confusion": RecorderEntry(
        "tbcli.recorders.confusion:ConfusionRecorder",
        "confusion matrix, counts of each label, or predicted against true values and residuals",
        "light",
        (
            Promise("images", "validation", tags.CONFUSION + tags.COUNTS, needs=("validation",), tasks=_OF_CLASSES),
            Promise("images", "validation", tags.CONFUSION + tags.NORMALISED, needs=("validation",), tasks=_OF_CLASSES),
            Promise("images", "validation", tags.CONFUSION + tags.LABELS, needs=("validation",), tasks=_OF_LABELS),
            Promise("images", "", tags.CONFUSION_OF_TEST, needs=("test",), tasks=(*_OF_CLASSES, *_OF_LABELS)),
            Promise(
                "images",
                "validation",
                tags.REGRESSION + tags.PREDICTED_VS_TRUE,
                needs=("validation",),
                tasks=_OF_VALUES,
            ),
            Promise("images", "validation", tags.REGRESSION + tags.RESIDUALS, needs=("validation",), tasks=_OF_VALUES),
            Promise("images", "", tags.REGRESSION_OF_TEST, needs=("test",), tasks=_OF_VALUES),
        ),
    ),
    "mistakes": RecorderEntry(
        "tbcli.recorders.mistakes:MistakesRecorder",
        "the worst samples with their indices: the most confident mistakes, or the largest errors",
        "standard",
        (
            Promise("images", "validation", tags.MISTAKES + "validation", needs=("validation",)),
            Promise("images", "", tags.MISTAKES + "test", needs=("test",)),
        ),
    ),
    "kernels": RecorderEntry(
        "tbcli.recorders.kernels:KernelsRecorder",
        "kernels of the first convolution",
        "standard",
        (Promise("images", "train", tags.KERNELS),),
    ),
    "attention": RecorderEntry(
        "tbcli.recorders.attention:AttentionRecorder",
        "Grad-CAM and attention maps",
        "standard",
        (Promise("images", None, tags.ATTENTION),),
    ),
    "gradients": RecorderEntry(
        "tbcli.recorders.gradients:GradientsRecorder",
        "gradient norms, update ratios, dead units of every layer",
        "standard",
        (
            Promise("scalars", "train", tags.GLOBAL_NORM),
            Promise("scalars", "train", tags.UPDATES),
            Promise("scalars", "train", tags.DEAD_UNITS),
        ),
    ),
    "train_graph": RecorderEntry(
        "tbcli.recorders.train_graph:TrainGraphRecorder",
        "op graph of a training step, backward pass included",
        "full",
        (Promise("graphs", "train", tags.OP_GRAPH + tags.TRAIN_STEP),),
    ),
    "activations": RecorderEntry(
        "tbcli.recorders.activations:ActivationsRecorder",
        "distributions of the activations of every layer",
        "full",
        (Promise("histograms", None, tags.ACTIVATIONS),),
    ),
    "histograms": RecorderEntry(
        "tbcli.recorders.histograms:HistogramsRecorder",
        "distributions of weights and gradients of every layer",
        "standard",
        (
            Promise("histograms", "train", tags.WEIGHTS),
            Promise("histograms", "train", tags.GRADIENTS),
        ),
    ),
    "projector": RecorderEntry(
        "tbcli.recorders.projector:ProjectorRecorder",
        "penultimate features of validation samples, with what is true, prediction and thumbnail",
        "standard",
        (Promise("projector", "projector", tags.FEATURES, needs=("validation",)),),
    ),
    "pr_curves": RecorderEntry(
        "tbcli.recorders.pr_curves:PrCurvesRecorder",
        "precision-recall curve of every class, one against the rest, or of every label",
        "standard",
        (Promise("pr_curves", "validation", tags.PR_CURVES, needs=("validation",)),),
    ),
    "text": RecorderEntry(
        "tbcli.recorders.text:TextRecorder",
        "model summary, configuration, environment, note, report per class, label or value",
        "light",
        (
            Promise("text", "", tags.RUN_MODEL),
            Promise("text", "", tags.RUN_CONFIGURATION),
            Promise("text", "", tags.RUN_ENVIRONMENT),
            Promise("text", "validation", tags.REPORT_OF_VALIDATION, needs=("validation",)),
            Promise("text", "", tags.REPORT_OF_TEST, needs=("test",)),
        ),
    ),
    "hparams": RecorderEntry(
        "tbcli.recorders.hparams:HparamsRecorder",
        "this run's hyperparameters and metrics, comparable over all runs",
        "light",
        (
            Promise("hparams", "", tags.SESSION),
            Promise("hparams", "", tags.SESSION + "success", needs=("end",)),
            Promise("hparams", "", tags.SESSION_METRIC + "train/", needs=("scalars",)),
            Promise("hparams", "", tags.SESSION_METRIC + "validation/", needs=("scalars", "validation")),
            Promise("hparams", "", f"{tags.SESSION_METRIC}./{tags.TEST}", needs=("test",)),
        ),
    ),
    "process": RecorderEntry(
        "tbcli.recorders.process:ProcessRecorder",
        "CPU, memory and GPU memory used by the training process",
        "standard",
        (Promise("scalars", "train", tags.SYSTEM),),
    ),
    "profile": RecorderEntry(
        "tbcli.recorders.profile:ProfileRecorder",
        "trace of the steps that --profile names",
        "on request",
        (Promise("profile", "train"),),
    ),
    "layout": RecorderEntry(
        "tbcli.recorders.layout:LayoutRecorder",
        "charts that belong together: training, gradient health, system",
        "light",
        (Promise("custom_scalars", "train", needs=("scalars",)),),
    ),
}
"""Name -> recorder, in the order in which they record."""


def known_recorders() -> dict[str, RecorderEntry]:
    """Return our own recorders and those of installed packages, which are on from the level ``full``.

    A package cannot take the name of one of ours.
    """
    from importlib.metadata import entry_points

    installed = {
        point.name: RecorderEntry(point.value, f"from the package {point.dist.name if point.dist else '?'}", "full")
        for point in entry_points(group=ENTRY_POINTS)
    }
    return {**RECORDERS, **{name: entry for name, entry in installed.items() if name not in RECORDERS}}


def level_names(level: str) -> list[str]:
    """Return the recorders that a level switches on."""
    reach = LEVELS.index(level)
    return [name for name, entry in known_recorders().items() if entry.level in LEVELS[: reach + 1]]


def chosen_names(config: RecordConfig) -> list[str]:
    """Return the recorders that ``--record`` and ``--profile`` ask for, in the registry's order.

    A level, names and ``-name`` in one comma list; names alone mean only those.

    Raises:
        ConfigError: A word is neither a level nor a recorder.
    """
    known = known_recorders()
    chosen: set[str] = set()
    words = [word for word in (word.strip() for word in config.recorders.split(",")) if word]
    if words and words[0].startswith("-"):
        words.insert(0, "standard")
    for word in words:
        name = word.removeprefix("-")
        if word in LEVELS:
            chosen.update(level_names(word))
        elif name not in known:
            raise ConfigError(f"unknown recorder {word!r}", hint=did_you_mean(name, [*LEVELS, *known]))
        elif word == name:
            chosen.add(name)
        else:
            chosen.discard(name)
    if config.profile:
        chosen.add("profile")
    elif "profile" in chosen:
        raise ConfigError("recorder 'profile' needs the steps to trace", hint="`--profile 20:30` traces ten steps")
    unknown = [name for name in config.cadence if name and name not in known]
    if unknown:
        raise ConfigError(f"unknown recorder {unknown[0]!r} in {config.every!r}", hint=did_you_mean(unknown[0], known))
    return [name for name in known if name in chosen]


def names_asked_for(config: RecordConfig) -> set[str]:
    """Return the recorders that ``--record`` names, and not only a level that has them."""
    words = {word.strip() for word in config.recorders.split(",")}
    return (words & known_recorders().keys()) | ({"profile"} if config.profile else set())


def require_loadable(names: Sequence[str]) -> None:
    """Import the recorders of installed packages among these names.

    Raises:
        ConfigError: One does not load.
    """
    for name in names:
        if name not in RECORDERS:
            _load(name)


def load_recorders(names: Sequence[str]) -> list[Recorder]:
    """Return new recorders by name.

    Raises:
        ConfigError: An installed package's recorder does not load.
    """
    recorders = []
    for name in names:
        recorder = _load(name)
        recorder.name = name
        recorders.append(recorder)
    return recorders


def _load(name: str) -> Recorder:
    entry = RECORDERS.get(name) or known_recorders()[name]  # which looks at every installed package
    try:
        recorder: Recorder = load_object(entry.target)()
    except (Exception, SystemExit) as error:
        if name in RECORDERS:
            raise  # a bug of ours
        raise ConfigError(
            f"recorder {name!r} does not load: {type(error).__name__}: {error}",
            hint=f"`--record standard,-{name}` goes without it; it is {entry.help}",
        ) from error
    return recorder
