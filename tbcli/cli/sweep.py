"""``tbcli sweep``: trains every combination of settings, several at once; stdout is the ids of the runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tbcli.cli.options import Common, with_options
from tbcli.cli.output import Output, padded, printable
from tbcli.config.sections import TrainConfig
from tbcli.config.setting import declared_settings
from tbcli.errors import ConfigError

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.sweeps.definition import Definition

SWEEP_PANEL = "Sweep"
_OF_TRAINING = [each.key for each in declared_settings(TrainConfig) if each.key != "train.max_time"]
_SHOWN = 5


@with_options("sweep", "data", "model", *_OF_TRAINING, "record", "plot.automatic")
def sweep(
    common: Common,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUES...",
            help="lr=0.1,0.01 varies, batch_size=64..512:log2 too; epochs=3 is a setting of every trial.",
        ),
    ] = None,
    *,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check everything, print the trials and exit.", rich_help_panel=SWEEP_PANEL),
    ] = False,
) -> None:
    """Train a model with many settings, several trainings at once, and keep a run of each.

    Values are separated by commas; LOW..HIGH is a range, with :log, :N points or :+DISTANCE behind it. Prints the ids
    of the runs in the order of the trials. Exits with 0 once every trial has ended and one has a result, with 5 if
    none has. `tbcli help sweep` tells more.
    """
    output = common.output
    definition, _ = _defined(common, words or ())
    if dry_run:
        _show_trials(definition, output)
        return
    raise ConfigError("only --dry-run works yet", hint="`tbcli sweep ... --dry-run`")


def _defined(common: Common, words: Any) -> tuple[Definition, Config]:
    """Return the sweep that was asked for, and its settings, everything checked that can be."""
    from tbcli.cli.varied import read_words
    from tbcli.sweeps.asking import check_trials, settle_sweep

    said = read_words(words, _spellings())
    common = replace(common, flags={**said.fixed, **common.flags})
    config = common.settle()
    definition = settle_sweep(config, said.dimensions)
    check_trials(definition, config)
    return definition, config


def _spellings() -> list[str]:
    """Return the options of this command, for advice."""
    from tbcli.config import SETTINGS

    keys = {"data", "model", "record", "sweep", "plot.automatic", *_OF_TRAINING}
    return [
        *(each.flag for each in SETTINGS.values() if each.flag and {each.key, each.key.partition(".")[0]} & keys),
        *("--dry-run", "--resume", "--script", "--config", "--set", "--quiet", "--verbose", "--help"),
    ]


def _show_trials(definition: Definition, output: Output) -> None:
    """Print the trials as a table."""
    names = [each.name for each in definition.dimensions]
    from tbcli.sweeps.space import spoken_value

    if not definition.is_planned:
        output.say(f"{definition.count} trials, each chosen by Optuna from what those before it reached, among")
        output.results([printable(line) for line in _ranges(definition)])
        return
    has_seeds = definition.seeds > 1
    rows = [["trial", *names, *(["seed"] if has_seeds else [])]]
    for trial in definition.trials():
        values = [spoken_value(value) for value in trial.params.values()]
        rows.append([str(trial.number), *values, *([str(trial.seed)] if has_seeds else [])])
    output.results([printable(line) for line in padded(rows, right={0})])
    each = f", each combination with {definition.seeds} seeds" if has_seeds else ""
    output.say(f"{definition.count} trial{'s' if definition.count != 1 else ''}{each}, judged by {definition.metric}")


def _ranges(definition: Definition) -> list[str]:
    from tbcli.sweeps.space import spoken_value

    rows = []
    for each in definition.dimensions:
        between = f"{spoken_value(each.low)}..{spoken_value(each.high)}" + (":log" if each.is_log else "")
        rows.append([each.name, ",".join(map(spoken_value, each.values)) or between])
    return padded(rows)
