"""What was asked of a training, checked before it begins; what it will record is known before, too."""

from __future__ import annotations

from typing import Any

from tbcli.config import Config
from tbcli.data import require_source
from tbcli.errors import ConfigError
from tbcli.gates import Gate, all_hold, names_asked, parse_conditions
from tbcli.models import require_model
from tbcli.naming.matching import did_you_mean
from tbcli.naming.series import AT_STEP, PREFIXES, resolve
from tbcli.naming.tags import MACRO_F1, STEPS_PER_SECOND, TEST
from tbcli.naming.words import VALIDATION
from tbcli.recorders.registry import chosen_names
from tbcli.runs.summary import FACTS, LEARNING_RATE, Metric, Summary
from tbcli.training.until import COUNTED, summarize_epoch

MEASURED = ("loss", "accuracy", "val_loss", "val_accuracy")
"""The metrics of an epoch: those that `--monitor` and `--until` can watch."""
_NUMBERS = ("seconds", "age", "bytes", "epoch", "epochs", "parameters", "saved_epoch")


def check_request(config: Config) -> None:
    """Check all that can be checked without data and without TensorFlow.

    Raises:
        ConfigError: A model, a recorder or a metric is unknown, or a condition does not follow its grammar.
        NotFound: The data are not there.
    """
    require_source(config.data.source)
    require_model(config.model)
    chosen_names(config.record)
    if config.train.monitor not in MEASURED:
        raise ConfigError(
            f"cannot monitor {config.train.monitor!r}: training does not measure it",
            hint=did_you_mean(config.train.monitor, MEASURED),
        )
    parse_until(config)


def parse_until(config: Config) -> tuple[Gate, ...]:
    """Return the conditions of ``--until``, none where it is not set.

    Raises:
        ConfigError: They do not follow the grammar, name something that training does not measure after an epoch, or
            compare a number with a word.
    """
    gates = parse_conditions(config.train.until) if config.train.until else ()
    metrics, counts = dict.fromkeys(_measured(config), Metric(0.0, 1, 0.0)), dict.fromkeys(COUNTED, 0)
    expected = summarize_epoch(metrics, counts, config.direction)
    for field in (field for gate in gates for field in names_asked(gate)):
        if field.of(expected) is None:
            raise _not_measured(str(field), field.name, list(metrics))
    all_hold(gates, expected)
    return gates


def _not_measured(written: str, name: str, measured: list[str]) -> ConfigError:
    """Return the error of a name in ``--until`` that no epoch has a value for."""
    happened, hint = "it is not measured after an epoch", did_you_mean(name, (*measured, *COUNTED))
    if name.lower().startswith(TEST):
        happened = "the test set is evaluated once, after training"
        hint = did_you_mean(PREFIXES[VALIDATION] + name.lower().removeprefix(TEST), measured)
    elif resolve(name, MEASURED, {}) not in (None, *measured):
        happened = "no samples are held out for validation"
        hint = f"a training metric such as {measured[-1]!r}, or a `--validation-split` above 0"
    return ConfigError(f"--until cannot use {written!r}: {happened}", hint=hint)


def _measured(config: Config) -> list[str]:
    """Return the metrics of an epoch of this training."""
    has_validation = bool(config.data.validation_split)
    return [name for name in MEASURED if has_validation or not name.startswith(PREFIXES[VALIDATION])]


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


def expected_summary(config: Config) -> Summary:
    """Return a summary with every name that a training will have, and stand-ins for the values."""
    measured = _measured(config)
    per_step = [name for name in ("loss", "accuracy", LEARNING_RATE) if config.record.log_every]
    series = [*measured, LEARNING_RATE, STEPS_PER_SECOND, *(name + AT_STEP for name in per_step)]
    metrics = {name: Metric(0.0, 1, 0.0) for name in series}
    of_saved_model = ["test_loss", "test_accuracy", f"test_{MACRO_F1}"]
    of_saved_model += [f"val_{MACRO_F1}"] if config.data.validation_split else []
    metrics |= {name: Metric(0.0, None, 0.0, is_series=False) for name in of_saved_model}

    def fact(name: str) -> Any:
        return None if name not in FACTS else 0 if name in _NUMBERS else ""

    def settings() -> dict[str, Any]:
        sections = config.as_dict().items()
        return {f"{section}.{name}": value for section, group in sections for name, value in group.items()}

    return Summary("this training", "", metrics, read_fact=fact, read_settings=settings, directions=config.direction)
