"""``tbcli train``: trains, records, saves; stdout is the run id."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.check import check_trained, require_known, settle_gates
from tbcli.cli.completing import complete_run
from tbcli.cli.earlier import Continuation, continued, repeated, settle_end, told_repetition
from tbcli.cli.options import OUTPUT_PANEL, TRAINING_PANEL, Common, refuse_together, with_options
from tbcli.cli.output import (
    Output,
    printable,
    result_at_once,
    stdout_kept_clean,
    streams_set_aside,
)
from tbcli.errors import ConfigError, Diverged

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.gates import Gate
    from tbcli.runs import Run


@with_options("data", "model", "train", "record", "plot.automatic")
def train(
    common: Common,
    *,
    audit: Annotated[
        bool, typer.Option("--audit", help="Audit every dashboard after training.", rich_help_panel=OUTPUT_PANEL)
    ] = False,
    check: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EXPR",
            help='Exit with 7 unless this condition holds, such as "val_accuracy.best>=0.98". Repeatable.',
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Load, check, build and take one step, say what would be trained, and keep nothing.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Go on with a run that stopped, or with more --epochs; `tbcli help resume`.",
            rich_help_panel=TRAINING_PANEL,
            autocompletion=complete_run,
        ),
    ] = None,
    allow_changes: Annotated[
        bool,
        typer.Option(
            "--allow-changes",
            help="With --resume, take settings that make another experiment of the run, and record them.",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = False,
    detach: Annotated[
        bool,
        typer.Option(
            "--detach",
            help="Leave the terminal once the run is made, and print its id then.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False,
    print_config: Annotated[
        bool,
        typer.Option(
            "--print-config", help="Print the resolved configuration as TOML and exit.", rich_help_panel=OUTPUT_PANEL
        ),
    ] = False,
) -> None:
    """Train a model with TensorBoard filled, and keep the run.

    Settings are flags, or words such as lr=0.01 epochs=3; `tbcli help settings` lists them all.
    """
    if _follows(common, is_alone=dry_run or print_config):
        return
    leave = None
    if detach:
        refuse_together({"--detach": True, "--dry-run": dry_run, "--print-config": print_config})
        leave = _leave_terminal(common.output)
    output = common.output
    if common.value("record.recorders") == "help":
        from tbcli.cli.render.train import recorder_lines

        output.results(recorder_lines(common.without("record.recorders").settle()))
        return
    config, earlier = _settle(common, resume, allow_changes=allow_changes, dry_run=dry_run)
    from tbcli.training.request import check_request

    check_request(config)
    gates = settle_gates(check or (), config)
    if print_config:
        output.result(config.as_toml(commented=True).rstrip())
        return
    if config.record.profile_steps and find_spec("xprof") is None:
        output.say("The trace is written; to see it, TensorBoard needs the extra: pip install 'tbcli[profile]'")
    _say_recipe(config, output)
    if dry_run:
        with stdout_kept_clean():
            _rehearse(config, gates, output)
        return
    if earlier and any(earlier.at_end):
        settle_end(earlier, output)
        run = earlier.run
    else:
        run = _train(config, gates, output, leave, earlier)
    try:
        from tbcli.cli.render.train import tell_ending

        tell_ending(run, config, output, has_trained=not (earlier and any(earlier.at_end)))
    finally:
        _print_id(run, output)
    try:
        if gates:
            check_trained(run, gates, output)
    finally:  # the one says nothing of the other
        if audit:
            from tbcli.cli.render.audit import audit_trained

            audit_trained(output, config.serve, run)


def _follows(common: Common, *, is_alone: bool) -> bool:
    """Train along, where this process is one of several and not the first; return whether it is.

    Args:
        common: Tells the workspace.
        is_alone: Whether the first one has no use for others.
    """
    if "TF_CONFIG" not in os.environ:
        return False
    from tbcli.training.cluster import place_of_process

    place = place_of_process()
    if place is None or place.is_chief:
        return False
    if is_alone:
        return True
    from pathlib import Path

    workspace = Path(replace(common, config=None).settle().paths.workspace).absolute()
    hush_libraries(verbose=common.output.verbose)
    from tbcli.cli.render.progress import QuietNarrator
    from tbcli.training.following import follow

    with stdout_kept_clean():
        code = follow(workspace, QuietNarrator(common.output))
    if code:
        common.output.say(f"worker 0 ended with exit code {code}, and so does this one: its own output says why")
        raise typer.Exit(code)
    return True


def _settle(
    common: Common, resume: str | None, *, allow_changes: bool, dry_run: bool
) -> tuple[Config, Continuation | None]:
    """Return the settings: of a resumed run its own with what was typed, else those of all layers."""
    if resume is not None:
        refuse_together({"--resume": True, "--config": common.config is not None, "--dry-run": dry_run})
        earlier = continued(common, resume, allow_changes=allow_changes)
        return earlier.config, earlier
    if allow_changes:
        raise ConfigError("--allow-changes needs --resume", hint="`tbcli train --resume latest --allow-changes`")
    common, run = repeated(common)
    config = common.settle()
    if run:
        common.output.say(told_repetition(run, config))
    return config, None


def _say_recipe(config: Config, output: Output) -> None:
    """Say what became of the recipe's settings: a file may have overruled them."""
    from tbcli.config import recipe_values
    from tbcli.config.setting import spoken

    said = []
    for key, wanted in recipe_values(config.train.recipe).items():
        value = config.value(key)
        overruled = "" if value == wanted else f" (instead of {spoken(wanted)})"
        said.append(f"{key.partition('.')[2]}={spoken(value)}{overruled}")
    if said:
        output.say(f"recipe {config.train.recipe}: {' '.join(said)}")


def _leave_terminal(output: Output) -> Callable[[Run], None]:
    """Go on in a child process, and return what it must call once there is a run; the parent does not return."""
    from tbcli.cli.detaching import leave_terminal

    ready = leave_terminal()
    if isinstance(ready, int):
        raise typer.Exit(ready)

    def leave(run: Run) -> None:
        try:
            log = os.open(run.output_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError:  # no room
            log = os.open(os.devnull, os.O_WRONLY)
        result_at_once(run.id)
        output.say(f"goes on without this terminal; what it says is in {printable(str(run.output_file))}")
        output.say(f"`tbcli stop {run.id}` ends it")
        ready(log, *streams_set_aside())

    return leave


def _train(
    config: Config,
    gates: Sequence[Gate],
    output: Output,
    leave: Callable[[Run], None] | None = None,
    earlier: Continuation | None = None,
) -> Run:
    hush_libraries(verbose=output.verbose)
    from tbcli.cli.render.progress import choose_narrator
    from tbcli.training import session

    narrator = choose_narrator(output, is_live=leave is None)
    narrator.on_claim = leave or narrator.on_claim
    try:
        with stdout_kept_clean():
            try:
                expecting = partial(require_known, gates)
                if earlier is None:
                    return session.train(config, narrator, own_process=True, expecting=expecting)
                return session.resume(
                    earlier.run,
                    config,
                    narrator,
                    own_process=True,
                    expecting=expecting,
                    allow_changes=earlier.is_allowed_to_change,
                )
            finally:
                narrator.close()
    except BaseException as error:
        if narrator.run and narrator.run.record_file.exists():  # one in which nothing could begin is not kept
            if isinstance(error, Diverged):
                from tbcli.cli.render.train import tell_findings

                tell_findings(narrator.run, output)
            with suppress(ConfigError, BrokenPipeError):  # what ended the training is what is to be told
                output.result(narrator.run.id)
        raise


def _print_id(run: Run, output: Output) -> None:
    try:
        output.result(run.id)
    except ConfigError as error:
        raise ConfigError(f"{error.message}; the run is {run.id}", hint=error.hint) from None


def _rehearse(config: Config, gates: Sequence[Gate], output: Output) -> None:
    hush_libraries(verbose=output.verbose)
    from tbcli.cli.render.progress import choose_narrator
    from tbcli.training.session import rehearse

    narrator = choose_narrator(output)
    try:
        lines = rehearse(config, narrator, own_process=True, expecting=partial(require_known, gates))
    finally:
        narrator.close()
    for line in lines:
        output.say(printable(line))


def hush_libraries(*, verbose: bool) -> None:
    """Keep TensorFlow's start-up chatter off the terminal unless it was asked for; before TensorFlow is imported."""
    if verbose:
        return
    import logging
    import warnings

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.getLogger("absl").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(keras|tensorflow|numpy)\b")
