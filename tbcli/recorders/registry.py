"""Which recorders there are, and which of them ``--record`` asks for. Imports none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbcli.config import RecordConfig, did_you_mean
from tbcli.errors import ConfigError
from tbcli.loading import load_object

if TYPE_CHECKING:
    from tbcli.recorders.base import Recorder

LEVELS = ("off", "light", "standard", "full")
ENTRY_POINTS = "tbcli.recorders"
"""The entry-point group in which an installed package names its recorders: ``name = "package.module:Class"``."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorder: where it stands, what it shows, and from which level on it is on."""

    target: str
    help: str
    level: str


RECORDERS = {
    "scalars": Entry("tbcli.recorders.scalars:Scalars", "loss, metrics, learning rate, steps per second", "light"),
    "graphs": Entry(
        "tbcli.recorders.graphs:Graphs", "op graph of the forward pass and conceptual Keras graph", "light"
    ),
    "samples": Entry(
        "tbcli.recorders.samples:Samples", "sample predictions: true label, predicted label, confidence", "light"
    ),
    "gradients": Entry(
        "tbcli.recorders.gradients:Gradients", "gradient norms, update ratios, dead units of every layer", "standard"
    ),
    "train_graph": Entry(
        "tbcli.recorders.train_graph:TrainGraph", "op graph of a training step, backward pass included", "full"
    ),
    "activations": Entry(
        "tbcli.recorders.activations:Activations", "distributions of what every layer answers", "full"
    ),
    "histograms": Entry(
        "tbcli.recorders.histograms:Histograms", "distributions of weights and gradients of every layer", "standard"
    ),
    "profile": Entry("tbcli.recorders.profile:Profile", "trace of the steps that --profile names", "on request"),
}
"""Name -> recorder, in the order in which they record."""


def known_recorders() -> dict[str, Entry]:
    """Return our own recorders and those of installed packages, which are on from the level ``full``.

    A package cannot take the name of one of ours.
    """
    from importlib.metadata import entry_points

    installed = {
        point.name: Entry(point.value, f"from the package {point.dist.name if point.dist else '?'}", "full")
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
            raise ConfigError(f"--record knows no {word!r}", hint=did_you_mean(name, [*LEVELS, *known]))
        elif word == name:
            chosen.add(name)
        else:
            chosen.discard(name)
    if config.profile:
        chosen.add("profile")
    elif "profile" in chosen:
        raise ConfigError("--record profile needs to know which steps", hint="`--profile 20:30` traces ten steps")
    unknown = [name for name in config.cadence if name and name not in known]
    if unknown:
        raise ConfigError(f"--record-every knows no recorder {unknown[0]!r}", hint=did_you_mean(unknown[0], known))
    return [name for name in known if name in chosen]


def load_recorders(names: Sequence[str]) -> list[Recorder]:
    """Return new recorders by name.

    Raises:
        ConfigError: An installed package's recorder does not load.
    """
    recorders, known = [], known_recorders()
    for name in names:
        try:
            recorder: Recorder = load_object(known[name].target)()
        except Exception as error:
            if name in RECORDERS:
                raise  # a bug of ours
            raise ConfigError(
                f"recorder {name!r} does not load: {type(error).__name__}: {error}",
                hint=f"`--record standard,-{name}` goes without it; it is {known[name].help}",
            ) from error
        recorder.name = name
        recorders.append(recorder)
    return recorders
