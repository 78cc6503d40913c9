"""``tbcli sweep``: trains every combination of settings, several at once; stdout is the ids of the runs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.completing import complete_script, complete_sweep, complete_varied
from tbcli.cli.options import Common, Json, refuse_together, with_options
from tbcli.cli.output import Output, printable
from tbcli.config.sections import TrainConfig
from tbcli.config.setting import declared_settings
from tbcli.errors import ConfigError, TbcliError, TrainingFailed

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.sweeps.coordinator import Coordinator
    from tbcli.sweeps.definition import Definition
    from tbcli.sweeps.directory import SweepDirectory
    from tbcli.sweeps.parameters import KindOf
    from tbcli.sweeps.space import Dimension

SWEEP_PANEL = "Sweep"
_OF_TRAINING = [each.key for each in declared_settings(TrainConfig) if each.key != "train.max_time"]
_CHANGEABLE = ("sweep.parallel", "sweep.retry", "sweep.max_time", "sweep.trials", "train.ray")
_FLAGS_TO_CHANGE = ("--parallel", "--retry", "--max-time", "--trials", "--ray")


@with_options("sweep", "data", "model", *_OF_TRAINING, "record", "plot.automatic")
def sweep(
    common: Common,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUES]...",
            help="lr=0.1,0.01 varies, batch_size=64..512:log2 too; epochs=3 is a setting of every trial.",
            autocompletion=complete_varied,
        ),
    ] = None,
    *,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Go on with a sweep that was stopped or killed, by its name or latest.",
            rich_help_panel=SWEEP_PANEL,
            autocompletion=complete_sweep,
        ),
    ] = None,
    script: Annotated[
        str | None,
        typer.Option(
            metavar="SCRIPT",
            help="Run this script in every trial; the words are its options or constants.",
            rich_help_panel=SWEEP_PANEL,
            autocompletion=complete_script,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Check settings and data, print the trials and exit.", rich_help_panel=SWEEP_PANEL
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a model with many settings, several trainings at once, and keep a run of each.

    Values are separated by commas; LOW..HIGH is a range, with :log, :N points or :+DISTANCE behind it. Prints the ids
    of the runs in the order of the trials, with --json the trials and what they reached. Exits with 0 once every trial
    has ended and one has a result, with 5 if none has. `tbcli help sweep` tells more.
    """
    output = common.output
    if resume is not None:
        refuse_together({"--resume": True, "--script": script is not None, "KEY=VALUES": bool(words)})
        _go_on(common, resume, output, dry_run=dry_run, as_json=as_json)
        return
    from tbcli.runs import RunStore
    from tbcli.sweeps.asking import told_pruning, with_name
    from tbcli.sweeps.directory import create_sweep, require_free

    asked = _defined(common, words or ()) if script is None else _scripted(common, words or (), script)
    definition, config, unchecked = asked
    if config.sweep.trials > definition.combinations:
        output.say(f"{definition.combinations} combinations of settings is all there are: no {config.sweep.trials}")
    if definition.prune == "median":
        output.say(told_pruning(definition))
    taken = {run.sweep["name"] for run in RunStore(config.paths).each() if run.sweep}
    if dry_run:
        require_free(config.paths, definition.name, taken)
        _show_trials(definition, output, as_json=as_json)
        output.say(printable(f"not checked: {', '.join(unchecked)}"))
        return
    if config.train.ray:
        from tbcli.training.ray_cluster import require_answer

        require_answer(config.train.ray)  # nothing is left of a sweep that cannot begin
    directory = create_sweep(config.paths, definition.name, taken)
    with directory.claim():
        definition = with_name(definition, directory.name)
        directory.save(definition)
        try:
            _run(definition, directory, config, output, is_new=True, as_json=as_json)
        except ConfigError:
            directory.remove_unused()
            raise


def _go_on(common: Common, name: str, output: Output, *, dry_run: bool, as_json: bool) -> None:
    """Go on with a sweep, or show what is left of it."""
    from tbcli.sweeps.asking import changed_length
    from tbcli.sweeps.directory import find_sweep

    _require_harmless(common)
    config = _settled(common)
    directory = find_sweep(config.paths, name)
    with directory.claim():
        definition = directory.load()
        longer = changed_length(definition, config.sweep.trials)
        if dry_run:
            _show_left(longer, directory, config, output, as_json=as_json)
            return
        if not _is_said(common, "train.ray"):
            config = config.updated({"train.ray": definition.base["train"].get("ray", "")})
        if longer != definition:
            directory.save(longer)
        _run(longer, directory, config, output, is_new=False, as_json=as_json)


def _require_harmless(common: Common) -> None:
    """Refuse what would make other trials of a sweep that has begun.

    Raises:
        ConfigError: Something else was typed than how to go on.
    """
    said = {key: said.typed for key, said in common.flags.items()}
    said |= {pair.partition("=")[0].strip(): "--set " + pair for pair in common.assignments}
    said |= {"config": "--config"} if common.config is not None else {}
    for key, typed in said.items():
        if key not in _CHANGEABLE and not key.startswith("paths."):
            raise ConfigError(
                f"{typed} cannot be changed: a sweep goes on with its own settings",
                hint=f"beside --resume stand {', '.join(_FLAGS_TO_CHANGE)}; a new sweep takes anything",
            )


def _is_said(common: Common, key: str) -> bool:
    """Say whether a setting stands in this command."""
    return key in common.flags or any(pair.partition("=")[0].strip() == key for pair in common.assignments)


def _run(
    definition: Definition,
    directory: SweepDirectory,
    config: Config,
    output: Output,
    *,
    is_new: bool,
    as_json: bool,
) -> None:
    """Run a sweep to its end, and print the ids of its runs, or one document, whatever ended it.

    Raises:
        TrainingFailed: No trial has a result.
        Interrupted: A signal came.
    """
    from tbcli.cli.render.sweep import as_document
    from tbcli.cli.render.sweep_progress import choose_view
    from tbcli.runs.cleaning.trees import errors_naming
    from tbcli.sweeps.coordinator import Coordinator

    view = choose_view(output)
    view.prints_ids = not as_json
    with errors_naming(directory.path):  # Optuna does not say of which file it speaks
        coordinator = Coordinator(definition, directory, config, view)
        try:
            coordinator.run(goes_on=not is_new)
        finally:
            if as_json:
                output.document(as_document(definition, coordinator.outcomes, coordinator.runs()))
            else:
                output.results([run.id for _, run in sorted(coordinator.runs().items())])
    _write_back(definition, config, output)
    _conclude(coordinator, definition, directory, config, output)


def _write_back(definition: Definition, config: Config, output: Output) -> None:
    """Write the groups for TensorBoard; without them the sweep has lost nothing."""
    from tbcli.runs import RunStore
    from tbcli.sweeps.summary_run import write_summary

    try:
        write_summary(RunStore(config.paths, config.direction), definition.name)
    except (TbcliError, OSError) as error:
        output.warn(f"TensorBoard does not show the groups of sweep {definition.name!r}: {error}")


def _conclude(
    coordinator: Coordinator, definition: Definition, directory: SweepDirectory, config: Config, output: Output
) -> None:
    """Say what came of it.

    Raises:
        TrainingFailed: No trial has a result.
    """
    from tbcli.cli.render.sweep import best_lines
    from tbcli.cli.render.sweeps_told import told_cleaned
    from tbcli.runs import RunStore

    outcomes = [outcome for _, outcome in sorted(coordinator.outcomes.items())]
    reached = [outcome for outcome in outcomes if outcome.has_result]
    name = printable(shlex.quote(definition.name))
    for line in best_lines(definition, reached):
        output.say(line)
    without = len(outcomes) - len(reached)
    told = [f"{len(reached)} of {definition.count} trials have a result"]
    told += [f"{without} ended without: {printable(str(directory.log_file))} says why"] if without else []
    output.say("; ".join(told))
    runs = coordinator.runs()
    if cleaned := told_cleaned(RunStore(config.paths, config.direction), outcomes, runs):
        output.say(cleaned)
    if coordinator.left:
        left = "1 trial is left" if coordinator.left == 1 else f"{coordinator.left} trials are left"
        output.say(f"next    tbcli sweep --resume {name}   ({left})")
    elif reached and runs:
        output.say(f"next    tbcli runs --sweep {name}")
        output.say(f"        tbcli effects {printable(shlex.quote(definition.metric))} --sweep {name}")
        output.say(f"        tbcli serve --sweep {name}")
    if not reached:
        first = outcomes[0] if outcomes else None
        why = f"; trial {first.trial}: {first.reason or first.status}" if first else f": {coordinator.why_late}"
        raise TrainingFailed(
            f"no trial of sweep {definition.name!r} has a result{why}",
            hint=f"{str(directory.path)!r} keeps what the trials said"
            if first
            else f"`tbcli sweep --resume {shlex.quote(definition.name)}` goes on with it",
        )


def _defined(common: Common, words: Sequence[str]) -> tuple[Definition, Config, list[str]]:
    """Return the sweep that was asked for, its settings, and what could not be checked."""
    from tbcli.cli.data import load_quietly
    from tbcli.cli.varied import guesses_of, read_words, require_single, with_arguments
    from tbcli.sweeps.asking import check_data, check_trials, settle_sweep

    require_single(common.flags)
    kind_of = _kinds_of(common, words)
    said = read_words(words, _spellings(), kind_of)
    _require_unset(common, said.dimensions)
    common = replace(common, flags=with_arguments(said, common.flags))
    config = _settled(common)
    if "plot.automatic" not in common.flags:
        config = config.updated({"plot.automatic": False})  # figures of a hundred trials are seldom looked at
    definition = settle_sweep(config, said.dimensions)
    check_trials(definition, config)
    for guess in guesses_of(words, kind_of):
        common.output.say(printable(guess))
    unchecked = check_data(definition, config, partial(load_quietly, output=common.output))
    return definition, config, unchecked


def _kinds_of(common: Common, words: Sequence[str]) -> KindOf:
    """Return what tells the types of arguments, by the functions that the other words and the settings name."""
    from tbcli.cli.varied import read_words, with_arguments, without_arguments
    from tbcli.sweeps.parameters import kinds_of

    said = read_words(without_arguments(words), _spellings())
    return kinds_of(said.dimensions, _settled(replace(common, flags=with_arguments(said, common.flags))))


def _settled(common: Common) -> Config:
    """Return the settings.

    Raises:
        ConfigError: No trials were asked for.
    """
    config = common.settle()
    if "sweep.trials" in common.flags and config.sweep.trials == 0:
        raise ConfigError(
            f"{common.flags['sweep.trials'].typed} must be at least 1, got 0",
            hint="without it all of a grid are tried, else 20",
        )
    return config


def _require_unset(common: Common, dimensions: Sequence[Dimension]) -> None:
    """Check that nothing that varies has a value besides.

    Raises:
        ConfigError: Something has.
    """
    for each in dimensions:
        typed = common.flags[each.key].typed if each.key in common.flags else ""
        pairs = [pair for pair in common.assignments if pair.partition("=")[0].strip() == each.key]
        if typed or pairs:
            other = typed or f"--set {pairs[0]}"
            raise ConfigError(f"{each.name} varies, and {other} sets it", hint=f"leave out `{other}`")


def _scripted(common: Common, words: Sequence[str], file: str) -> tuple[Definition, Config, list[str]]:
    """Return a sweep whose trials are runs of a script, its settings, and what could not be checked."""
    from tbcli.cli.varied import VARIABLE, guesses_of_script, read_script_words
    from tbcli.recorders.registry import chosen_names
    from tbcli.sweeps.asking import settle_sweep

    for key, said in common.flags.items():
        if key.partition(".")[0] in VARIABLE and key not in ("train.name", "train.note", "train.ray"):
            name = said.typed.removeprefix("--")
            raise ConfigError(
                f"{said.typed} is a setting of `tbcli train`, and --script runs {file!r}",
                hint=f"`{name}={said.value}` is for the script, where it has such an option or constant",
            )
    config = _settled(common).updated({} if "plot.automatic" in common.flags else {"plot.automatic": False})
    chosen_names(config.record)
    dimensions, script = read_script_words(words, file, has_seeds=config.sweep.seeds > 1)
    for guess in guesses_of_script(words, file):
        common.output.say(printable(guess))
    definition = settle_sweep(config, dimensions, script)
    return definition, config, [f"whether the script takes these values, and measures {definition.metric}"]


def _spellings() -> list[str]:
    """Return the options of this command, for advice."""
    from tbcli.config import SETTINGS

    keys = {"data", "model", "record", "sweep", "plot.automatic", *_OF_TRAINING}
    return [
        *(each.flag for each in SETTINGS.values() if each.flag and {each.key, each.key.partition(".")[0]} & keys),
        *("--dry-run", "--resume", "--script", "--config", "--set", "--quiet", "--verbose", "--help"),
    ]


def _show_trials(definition: Definition, output: Output, *, as_json: bool) -> None:
    """Print the trials as a table, or as one document."""
    from tbcli.cli.render.sweep import as_document, planned_lines

    if as_json:
        output.document(as_document(definition, {}, {}, dry_run=True))
        return
    output.results(planned_lines(definition))
    count = f"{definition.count} trial{'s' if definition.count != 1 else ''}"
    each = f", each combination with {definition.seeds} seeds" if definition.seeds > 1 else ""
    how = "" if definition.is_planned else ", each chosen by Optuna among these from what those before it reached"
    output.say(f"{count}{each}{how}, judged by {definition.metric}")


def _show_left(
    definition: Definition, directory: SweepDirectory, config: Config, output: Output, *, as_json: bool
) -> None:
    """Print the trials of a sweep that has begun, with what would become of each, or one document."""
    from tbcli.cli.render.sweep import as_document, left_lines
    from tbcli.cli.render.sweeps_told import told_cleaned
    from tbcli.runs import RunStore
    from tbcli.sweeps.endings import read_outcomes, runs_of_sweep

    store = RunStore(config.paths, config.direction)
    runs = runs_of_sweep(store, definition.name)
    outcomes = read_outcomes(directory.log_file)
    document = as_document(definition, outcomes, runs, dry_run=True)
    if as_json:
        output.document(document)
        return
    lines, left = left_lines(definition, document["trials"], outcomes, retries=config.sweep.retry > 0)
    output.results(lines)
    output.say(f"{left} of {definition.count} trials {'is' if left == 1 else 'are'} left")
    if cleaned := told_cleaned(store, outcomes.values(), runs):
        output.say(cleaned)
