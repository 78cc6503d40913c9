"""What was asked of a training, checked before it begins; what it will record is known before, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tbcli.config import Config, TrainConfig
from tbcli.data import SOURCES, require_source
from tbcli.errors import ConfigError, DoesNotFit
from tbcli.gates import Gate, all_hold, names_asked, parse_conditions
from tbcli.models import require_model
from tbcli.naming.direction import direction_of, how_to_declare
from tbcli.naming.matching import did_you_mean
from tbcli.naming.series import AT_STEP, PREFIXES, resolve, without_split
from tbcli.naming.tags import STEPS_PER_SECOND, TEST
from tbcli.naming.words import VALIDATION
from tbcli.recorders.registry import chosen_names
from tbcli.runs.summary import FACTS, LEARNING_RATE, Metric, Summary
from tbcli.tasks import TASKS, Task
from tbcli.tasks.measures import find_loss, find_metric, known_loss, known_metric
from tbcli.training.cluster import place_of_process
from tbcli.training.ray_cluster import require_ray
from tbcli.training.until import COUNTED, summarize_epoch
from tbcli.usercode import is_reference

if TYPE_CHECKING:
    from tbcli.data.dataset import Dataset

_VAL = PREFIXES[VALIDATION]
_USUAL = tuple(dict.fromkeys(("loss", *(name for task in TASKS.values() for name in task.metrics))))
MEASURED = (*_USUAL, *(_VAL + name for name in _USUAL))
"""The metrics of an epoch, of any task: those that `--monitor` and `--until` can watch, besides `--metrics`."""
_NUMBERS = ("seconds", "age", "bytes", "epoch", "epochs", "parameters", "saved_epoch", "trial")


Expecting = Callable[[Summary], None]
"""Takes the names that a training will have values of; raises where one is missing that it needs."""


def expects_anything(summary: Summary) -> None:
    """Take whatever names there will be."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The metrics that a training will have, as far as they are known.

    Args:
        of_epoch: Of the training samples in an epoch, the loss first.
        of_split: Of a whole split, by the saved model alone.
        is_complete: Whether there are no others: a user's model or metric may have names that only TensorFlow tells.
        has_validation: Whether samples are held out for validation.
        has_test: Whether there may be a test set.
    """

    of_epoch: tuple[str, ...]
    of_split: tuple[str, ...]
    is_complete: bool
    has_validation: bool
    has_test: bool = True

    @property
    def series(self) -> tuple[str, ...]:
        """The metrics of an epoch."""
        return (*self.of_epoch, *(_VAL + name for name in self.of_epoch if self.has_validation))


def expect(config: Config, dataset: Dataset | None = None) -> Expected:
    """Return what is known of the metrics: before the data are loaded those of any task, then those of theirs.

    Raises:
        ConfigError: A metric is unknown.
        DoesNotFit: A metric does not suit the task.
    """
    task = dataset.task if dataset else TASKS.get(config.data.task)
    tasks = (task,) if task else tuple(TASKS.values())
    names = ["loss", *(name for each in tasks for name in each.metrics)]
    is_complete = not (is_reference(config.model.name) or config.model.name.endswith((".keras", ".h5")))
    for text in config.train.metrics:
        if is_reference(text):
            is_complete = False
        else:
            names.append(_metric_name(text, task))
    may_have_own = config.data.source not in SOURCES
    has_validation = dataset.validation is not None if dataset else bool(config.data.validation_split) or may_have_own
    return Expected(
        tuple(dict.fromkeys(names)),
        tuple(dict.fromkeys(name for each in tasks for name in each.final_metrics)),
        is_complete,
        has_validation,
        dataset is None or dataset.test is not None,
    )


def _metric_name(text: str, task: Task | None) -> str:
    return (find_metric(text, task) if task else known_metric(text)).name


def monitored(train: TrainConfig, task: Task | None = None) -> str:
    """Return what the history calls the metric of ``--monitor``, which may be named as it was in ``--metrics``.

    Args:
        train: What was asked.
        task: Of the data, once it is known.
    """
    prefix = _VAL if train.monitor.startswith(_VAL) else ""
    name = train.monitor.removeprefix(prefix)
    return prefix + _metric_name(name, task) if name in train.metrics and not is_reference(name) else train.monitor


def check_request(config: Config) -> None:
    """Check all that can be checked without data and without TensorFlow.

    Raises:
        ConfigError: A model, a recorder, a loss or a metric is unknown, a condition does not follow its grammar,
            Ray is missing, or devices and workers were asked for at once.
        NotFound: The data are not there.
    """
    train = config.train
    if train.devices != "1" and (train.workers > 1 or place_of_process()):
        raise ConfigError(
            f"--devices {train.devices} cannot be had with several workers: each takes one GPU",
            hint="start a worker for each GPU",
        )
    require_source(config.data.source)
    require_model(config.model)
    chosen_names(config.record)
    if config.train.ray:
        require_ray(config.train.ray)
    check_metrics(config, expect(config), TASKS.get(config.data.task))


def check_for_data(config: Config, dataset: Dataset) -> Expected:
    """Check what was asked against the task of the data, and return the metrics that there will be.

    Raises:
        ConfigError: A metric is not measured.
        DoesNotFit: The loss or a metric does not suit the task.
    """
    from tbcli.training.augmentation import require_images

    task = dataset.task
    require_images(config.data.augment, dataset.input_shape)
    require_profiled_steps(config, len(dataset.train))
    if config.train.loss and not is_reference(config.train.loss):
        find_loss(config.train.loss, task, task.outputs(len(dataset.class_names)))
    if config.data.balance and not task.has_classes:
        raise DoesNotFit(f"--balance needs classes, but {dataset.name!r} is {task.name}", hint="without `--balance`")
    expected = expect(config, dataset)
    check_metrics(config, expected, task)
    return expected


def check_metrics(config: Config, expected: Expected, task: Task | None = None) -> None:
    """Check the names of metrics, as far as it is known which there will be.

    Args:
        config: What was asked.
        expected: The metrics that there will be.
        task: Of the data, once it is known.

    Raises:
        ConfigError: Training does not measure what it is to watch, or which way that is better is not known.
    """
    train = config.train
    if train.loss and not is_reference(train.loss):
        known_loss(train.loss)
    watched = expected if expected.has_validation else replace(expected, has_validation=True)  # then without `val_`
    monitor = monitored(train, task)
    if monitor not in watched.series and expected.is_complete:
        raise ConfigError(
            f"cannot monitor {train.monitor!r}: training does not measure it",
            hint=did_you_mean(train.monitor, watched.series),
        )
    direction = direction_of(monitor, config.direction, asked=True)
    if (train.patience or train.saves_best) and (direction.is_guessed or not direction.sense):
        watching = "--patience" if train.patience else "--save best"
        raise ConfigError(
            f"{watching} cannot watch {train.monitor!r}: its name does not tell whether higher or lower is better",
            hint=how_to_declare(without_split(monitor)),
        )
    _check_until(config, expected)


def until_gates(config: Config) -> tuple[Gate, ...]:
    """Return the conditions of ``--until``, none where it is not set.

    Raises:
        ConfigError: They do not follow the grammar.
    """
    return parse_conditions(config.train.until) if config.train.until else ()


def _check_until(config: Config, expected: Expected) -> None:
    """Check that ``--until`` asks for what is measured after an epoch, and compares no number with a word."""
    gates = until_gates(config)
    metrics, counts = dict.fromkeys(expected.series, Metric(0.0, 1, 0.0)), dict.fromkeys(COUNTED, 0)
    summary = summarize_epoch(metrics, counts, config.direction)
    missing = [field for gate in gates for field in names_asked(gate) if field.of(summary) is None]
    if missing and not expected.is_complete:
        return
    for field in missing:
        raise _not_measured(str(field), field.name, expected)
    all_hold(gates, summary)


def _not_measured(written: str, name: str, expected: Expected) -> ConfigError:
    """Return the error of a name in ``--until`` that no epoch has a value for."""
    happened = "it is not measured after an epoch"
    hint = did_you_mean(name, (*expected.series, *COUNTED))
    with_validation = resolve(name, replace(expected, has_validation=True).series, {})
    if name.lower().startswith(TEST):
        happened = "the test set is evaluated once, after training"
        hint = did_you_mean(_VAL + name.lower().removeprefix(TEST), expected.series)
    elif with_validation and with_validation not in expected.series:
        happened = "no samples are held out for validation"
        hint = f"a training metric such as {without_split(with_validation)!r}, or a `--validation-split` above 0"
    return ConfigError(f"--until cannot use {written!r}: {happened}", hint=hint)


def require_profiled_steps(config: Config, samples: int) -> None:
    """Check that the steps to trace are steps of this training.

    Args:
        config: What was asked.
        samples: How many samples there are to train on.

    Raises:
        ConfigError: The training ends before them.
    """
    if config.record.profile_steps is None:
        return
    from tbcli.data.dataset import count_steps

    train = config.train
    steps = train.epochs * count_steps(samples, train.batch_size, train.steps_per_epoch)
    if config.record.profile_steps[1] > steps:
        raise ConfigError(
            f"cannot trace steps {config.record.profile!r}: this training has {steps} steps",
            hint=f"`--profile {steps}` traces the last one" if steps > 1 else "more `--epochs` or a smaller batch size",
        )


def expected_summary(config: Config, expected: Expected | None = None) -> Summary:
    """Return a summary with every name that a training will have, and stand-ins for the values.

    Args:
        config: What was asked.
        expected: The metrics; those of any task, unless given.
    """
    expected = expected or expect(config)
    per_step = [*expected.of_epoch, LEARNING_RATE] if config.record.log_every else []
    series = [*expected.series, LEARNING_RATE, STEPS_PER_SECOND, *(name + AT_STEP for name in per_step)]
    metrics = {name: Metric(0.0, 1, 0.0) for name in series}
    of_saved_model = [_VAL + name for name in expected.of_split if expected.has_validation]
    of_saved_model += [TEST + name for name in (*expected.of_epoch, *expected.of_split) if expected.has_test]
    metrics |= {name: Metric(0.0, None, 0.0, is_series=False) for name in of_saved_model}

    def fact(name: str) -> Any:
        return None if name not in FACTS else 0 if name in _NUMBERS else ""

    def settings() -> dict[str, Any]:
        sections = config.as_dict().items()
        return {f"{section}.{name}": value for section, group in sections for name, value in group.items()}

    return Summary("this training", "", metrics, read_fact=fact, read_settings=settings, directions=config.direction)
