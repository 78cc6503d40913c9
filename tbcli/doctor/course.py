"""The course of a training as the findings see it: its loss, one metric where higher is better, and what guessing has.

Curves have one value per epoch, NaN where an epoch has none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from tbcli.doctor.trends import Values
from tbcli.naming.direction import NO_OVERRIDES, Overrides, direction_of, is_measure
from tbcli.naming.judges import is_accuracy, judge_of

_NONE = np.empty(0)
_FAR = 0.25  # of the way from guessing to what is always right
ENOUGH_STEPS = 300
"""Optimizer steps, after fewer of which nothing tells that a training learns nothing."""
_LOSS, _VALIDATION = "loss", "val_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a training besides its curves.

    Args:
        task: What is learnt, ``""`` where nothing tells.
        classes: How many classes there are; 0 where nothing tells.
        shares: The share of each class among the samples; empty where nothing tells.
        has_entropy_loss: Whether the loss is a plain cross-entropy of classes.
        mean_recall: The mean over the classes of the share that is found; NaN where nothing tells.
        saved_epoch: The epoch whose weights were kept; 0 where nothing tells.
        optimizer: Its name, ``""`` where nothing tells.
        learning_rate: The highest one; NaN where nothing tells.
        validation_split: The share of the training samples that were held out.
        unit: What the points of the curves count.
        loss_name: What the training calls its loss.
        steps: Optimizer steps done; 0 where nothing tells.
        is_unstable: Whether gradients exploded.
        answers: What the saved model answers, as a clause; ``""`` where nothing tells.
        has_one_answer: Whether these are much the same for every sample.
        has_kept_last: Whether the saved model is certainly that of the last epoch.
        run: How commands call the run.
        repeats: The command that repeats the training; ``""`` where tbcli cannot.
    """

    task: str = ""
    classes: int = 0
    shares: tuple[float, ...] = ()
    has_entropy_loss: bool = False
    mean_recall: float = math.nan
    saved_epoch: int = 0
    optimizer: str = ""
    learning_rate: float = math.nan
    validation_split: float = 0.1
    unit: str = "epoch"
    loss_name: str = "loss"
    steps: int = 0
    is_unstable: bool = False
    answers: str = ""
    has_one_answer: bool = False
    has_kept_last: bool = False
    run: str = ""
    repeats: str = ""

    @property
    def guessing_score(self) -> float:
        """The accuracy of whoever always answers the most frequent class; NaN where nothing tells."""
        if self.shares:
            return max(self.shares)
        return 1 / self.classes if self.classes > 1 else math.nan

    @property
    def guessing_loss(self) -> float:
        """The loss of whoever answers how frequent the classes are; NaN where nothing tells."""
        if not self.has_entropy_loss or not (self.shares or self.classes > 1):
            return math.nan
        shares = self.shares or (1 / self.classes,) * self.classes
        return -sum(share * math.log(share) for share in shares if share > 0)

    def is_answered(self, score: float) -> bool:
        """Say whether an accuracy, or the share of each class that is found, is far above that of guessing."""
        chance, one = self.guessing_score, 1 / max(self.classes, 1)
        return score > chance + _FAR * (1 - chance) or self.mean_recall > one + _FAR * (1 - one)

    @property
    def usual_rate(self) -> float:
        """A learning rate that usually learns something."""
        return 0.01 if self.optimizer.lower() == "sgd" else 0.001

    @property
    def lower_rate(self) -> str:
        """A learning rate to try after a divergence, as an option's value."""
        rate = self.learning_rate / 10
        return f"{rate if rate < self.usual_rate else self.usual_rate:.2g}"

    @property
    def other_rate(self) -> str:
        """A learning rate to try where nothing was learnt and nothing was unstable, as an option's value."""
        is_usual = self.usual_rate <= self.learning_rate <= self.usual_rate * 10
        return f"{self.learning_rate * 3 if is_usual else self.usual_rate:.1g}"

    @property
    def epochs_factor(self) -> int:
        """By how much more epochs there must be for `ENOUGH_STEPS`."""
        return math.ceil(ENOUGH_STEPS / max(1, self.steps))

    @property
    def has_few_steps(self) -> bool:
        """Whether it is known that there were so few steps that little can have been learnt."""
        return 0 < self.steps < ENOUGH_STEPS

    def again(self, options: str, otherwise: str) -> str:
        """Return the command that repeats the training with further options, or what to do where there is none."""
        return f"{self.repeats} {options}" if self.repeats else otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The curves of a training, each ``[n]`` or empty.

    Args:
        epochs: Where the points are.
        loss: Of training.
        val_loss: Of validation.
        score: The metric that tells most besides the loss, of training, turned so that higher is better.
        val_score: The same of validation.
        score_name: Its name, without its split.
        known: What is known besides.
    """

    epochs: Values
    loss: Values = field(default_factory=lambda: _NONE)
    val_loss: Values = field(default_factory=lambda: _NONE)
    score: Values = field(default_factory=lambda: _NONE)
    val_score: Values = field(default_factory=lambda: _NONE)
    score_name: str = ""
    known: Known = field(default_factory=Known)

    @property
    def judged(self) -> Values:
        """The score of validation, or else of training."""
        return self.val_score if len(self.val_score) else self.score

    @property
    def has_accuracy(self) -> bool:
        """Whether the score is the share of right answers."""
        return is_accuracy(self.score_name)


def course_of(
    epochs: ArrayLike,
    columns: Mapping[str, ArrayLike],
    known: Known | None = None,
    directions: Overrides = NO_OVERRIDES,
) -> Course:
    """Return the course of a training.

    Args:
        epochs: Where the points are ``[n]``.
        columns: ``{canonical name: values}``, each ``[n]``.
        known: What is known besides.
        directions: The user's ``[direction]`` section.
    """
    known = known or Known()
    curves = {name: np.asarray(values, np.float64) for name, values in columns.items()}
    name = _score_in(curves, known.task, directions)
    sign = -1.0 if name and direction_of(name, directions).sense == "min" else 1.0
    scores = {key: sign * curves[full] for key, full in (("score", name), ("val_score", _VALIDATION + name))
              if name and full in curves}  # fmt: skip
    losses = {full: curves[full] for full in (_LOSS, _VALIDATION + _LOSS) if full in curves}
    return Course(epochs=np.asarray(epochs, np.float64), **losses, **scores, score_name=name, known=known)


def _score_in(curves: Mapping[str, Values], task: str, directions: Overrides) -> str:
    """Return the metric that judges a training besides its loss, ``""`` where there is none for certain."""
    bases = dict.fromkeys(name.removeprefix(_VALIDATION) for name in curves)
    certain = [
        name
        for name in bases
        if "loss" not in name
        and is_measure(name, with_direction=True)
        and not direction_of(name, directions).is_guessed
    ]

    def rank(name: str) -> tuple[bool, ...]:
        rises = direction_of(name, directions).sense == "max"
        return (
            not is_accuracy(name),
            name != "r2",
            name != judge_of(task),
            not rises,
            _VALIDATION + name not in curves,
        )

    return min(certain, key=rank, default="")
