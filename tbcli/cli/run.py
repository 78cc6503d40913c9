"""``tbcli run``: somebody's script in a process of its own, with every fit recorded; stdout is the script's."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.completing import complete_script
from tbcli.cli.options import Common, with_options
from tbcli.errors import ConfigError, NotFound, TbcliError

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.scripts.program import Program

CONTEXT = {"allow_interspersed_args": False}
"""What stands behind SCRIPT is the script's, options too."""
SCRIPT_PANEL = "Script"


@with_options("train.name", "train.note", "record", "plot.automatic", last=True)
def run(
    common: Common,
    script: Annotated[
        str,
        typer.Argument(
            metavar="SCRIPT",
            help="A Python file, or a directory or zip with __main__.py.",
            autocompletion=complete_script,
        ),
    ],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGUMENTS]...", help="The script's own, options too.")
    ] = None,
    *,
    module: Annotated[
        bool, typer.Option("-m", help="SCRIPT is the name of a module, as for python -m.", rich_help_panel=SCRIPT_PANEL)
    ] = False,
    set_constant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Set a literal at the top level of the script, such as lr=0.1. Repeatable.",
            rich_help_panel=SCRIPT_PANEL,
        ),
    ] = None,
    ids: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Write the ids of the runs here, one per line.", rich_help_panel=SCRIPT_PANEL
        ),
    ] = None,
) -> None:
    """Run a training script unchanged, and keep a run for every Keras fit in it.

    The script runs as under `python SCRIPT ARGUMENTS`: stdin, stdout and the exit code are its own, and everything
    behind SCRIPT is for it. Run ids go to stderr. What it parses from its arguments with argparse, click, typer or
    absl becomes hyperparameters of the runs. Loops without fit, and what other processes train, are not recorded.
    """
    config = common.settle()
    _check_recorders(config)
    program = _program(script, config, is_module=module)
    constants = list(set_constant or ())
    _check_constants(program, constants)
    plan = {
        "kind": program.kind,
        "name": program.name,
        "settings": config.as_dict(),
        "constants": constants,
        "ids": _emptied(ids),
    }
    _become(json.dumps(plan), list(arguments or ()))


def _program(script: str, config: Config, *, is_module: bool) -> Program:
    """Return what is to be run.

    Raises:
        NotFound: There is no such script; the hint says so where there is a run of that name.
    """
    from tbcli.scripts.program import MODULE, Program, find_program

    if is_module:
        return Program(MODULE, script)
    try:
        return find_program(script)
    except NotFound as error:
        from tbcli.runs import RunStore

        try:
            RunStore(config.paths, config.direction).find(script)
        except TbcliError:
            raise error from None
        raise NotFound(
            f"{script!r} is a run, not a script",
            hint=f"`tbcli runs {shlex.quote(script)}` shows it; `tbcli run train.py` runs a script",
        ) from None


def _check_recorders(config: Config) -> None:
    """Fail before the script starts if a recorder is unknown.

    Raises:
        ConfigError: It is.
    """
    from tbcli.config import SETTINGS

    if config.record.recorders == SETTINGS["record.recorders"].default:
        return  # the list of them costs 20 ms
    from tbcli.recorders.registry import chosen_names

    if config.record.recorders == "help":
        raise ConfigError("--record help shows no script", hint="`tbcli train --record help` lists the recorders")
    chosen_names(config.record)


def _check_constants(program: Program, pairs: list[str]) -> None:
    """Fail before the script starts if a constant cannot be set.

    Raises:
        ConfigError: It is not there, or takes no such value.
    """
    from tbcli.scripts.program import SCRIPT

    if not pairs:
        return
    if program.kind != SCRIPT:
        raise ConfigError("--set-constant needs a script file", hint="`tbcli run --set-constant lr=0.1 train.py`")
    if Path(program.file).is_file():  # a pipe can be read only once
        from tbcli.scripts.constants import settle_constants

        try:
            settle_constants(pairs, program.source(), program.file)
        except (SyntaxError, ValueError):
            return  # Python itself says it better


def _emptied(ids: str | None) -> str | None:
    """Return the absolute path of the file for the ids, which is there and empty.

    Raises:
        ConfigError: It cannot be written.
    """
    if ids is None:
        return None
    path = Path(ids).absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("w").close()
    except OSError as error:
        raise ConfigError(
            f"cannot write {str(path)!r}: {error.strerror}", hint="`--ids FILE` with a file to write"
        ) from None
    return str(path)


def _become(plan: str, arguments: list[str]) -> None:
    """Replace this process by a Python that runs the script: same process id, terminal and signals, nothing of ours."""
    from tbcli.scripts import start_file

    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *_interpreter_options(), start_file(), plan, *arguments])  # noqa: S606


def _interpreter_options() -> list[str]:
    """Return the options of Python that this process was started with, as in ``python -X dev -m tbcli run``."""
    before = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]
    return before[:-2] if len(before) > 1 and before[-2] in ("-m", "-c") else before[:-1]
