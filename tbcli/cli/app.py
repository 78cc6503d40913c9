"""The Typer application, and the one place where failures become two lines and an exit code."""

from __future__ import annotations

import errno
import importlib
import inspect
import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from tbcli import __version__
from tbcli.cli.output import abandon_stdout, show_error, unwritable_stdout
from tbcli.errors import ConfigError, NotFound, Refused, TbcliError, TrainingFailed

COMMANDS = {
    "train": "Train a model with TensorBoard filled, and keep the run.",
    "plot": "Plot curves of runs or of any log directory, or what a model confuses.",
    "serve": "Show runs in TensorBoard, all or the chosen ones, until Ctrl-C.",
    "clean": "Remove runs: logs, plots and model together, after showing them and asking.",
    "run": "Run a training script unchanged, and keep a run for every Keras fit in it.",
    "sweep": "Train a model with many settings, several trainings at once, and keep a run of each.",
    "stop": "Ask trainings to finish their step, save and end, and wait until they have.",
    "data": "Show how data are read, and check them for problems, before training.",
    "models": "List the models, their arguments, and their number of parameters for --data.",
    "evaluate": "Measure the saved model of a run on its test set, or on other data.",
    "predict": "Ask the saved model of a run about images, arrays or tables.",
    "runs": "List the runs, the newest last; or show one run, or any log directory, in full.",
    "compare": "Compare runs: metrics at best and last epoch, and the settings that differ.",
    "effects": "Find out which settings a metric follows by more than noise, over many runs.",
    "check": "Check conditions on a run. Exits 7 if a condition fails, 3 if a metric does not exist.",
    "export": "Write the scalars of a run, or of any log directory, as CSV, JSON, Parquet or event files.",
    "doctor": "Find what is wrong with this machine, a log directory or a run, and what mends it.",
    "init": "Write a commented tbcli.toml, filled in from --data.",
    "help": "Show a help topic, or the help of a command; without a name, list the topics.",
    "schema": "Print the JSON Schema of tbcli.toml, which editors complete and check settings by.",
}
"""What ``--help`` lists, in its order; behind each stands the function of that name in the module of that name."""

_TOPICS = ("data", "models", "sweep")  # that have the name of a command, and are shown instead of its options
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_HINTS = {
    errno.EACCES: "check the permissions of that path",
    errno.EMFILE: "too many files are open: `ulimit -n 4096` raises the limit",
    errno.ENOSPC: "`tbcli clean --dry-run --keep 5` shows what could be removed",
}
_SUGGESTIONS = (" Did you mean ", " (Possible options: ")


class Commands(TyperGroup):
    """Loads the command that was asked for, and no other; turns every failure into the contract's words and codes."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {name: TyperCommand(name, help=summary) for name, summary in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name, the command behind it, and its arguments."""
        explained = [word for word in args[1:] if args[0] == "help" and word in COMMANDS and word not in _TOPICS]
        if explained:  # `tbcli help train` is `tbcli train --help`
            return explained[0], load_command(explained[0]), ["--help"]
        if args[0] in COMMANDS:
            return args[0], load_command(args[0]), args[1:]
        if args[0].startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from tbcli.cli.advice import unknown_command

        raise unknown_command(args[0], COMMANDS)

    def main(  # type: ignore[override] # the rest of Typer's parameters pass through
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:
        """Run and leave the process; called by Typer and by its test runner alike."""
        extra["standalone_mode"] = False
        words = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(args=words or ["--help"], prog_name=prog_name, **extra)
            sys.stdout.flush()
        except TbcliError as error:
            code = _failed(error)
        except typer.Abort:
            code = _failed(Refused("not confirmed, nothing was done", hint="`--yes` confirms in advance"))
        except typer.TyperException as error:
            code = _failed(_usage_error(error, words))
        except BrokenPipeError:
            code = _left_by_reader()
        except MemoryError:
            code = _failed(TrainingFailed("out of memory", hint="ask for less at once: fewer runs, or smaller data"))
        except OSError as error:
            code = _failed(_unusable(error))
        except SystemExit as leaving:
            # Typer itself answers a closed pipe, with code 1.
            if not isinstance(leaving.__context__, BrokenPipeError):
                raise
            code = _left_by_reader()
        sys.exit(code if isinstance(code, int) else 0)


def load_command(name: str) -> Any:
    """Return a command with all its options, and a help that folds its paragraphs wherever the window ends."""
    from tbcli.cli.typed import Command

    module = importlib.import_module(f"tbcli.cli.{name}")
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
    command = getattr(module, name)
    help_text = _as_markup(inspect.getdoc(command) or "")
    alone.command(name, cls=Command, help=help_text, context_settings=getattr(module, "CONTEXT", None))(command)
    loaded = typer.main.get_command(alone)
    for parameter in loaded.params:
        if text := getattr(parameter, "help", None):
            parameter.help = _without_markup(text)  # type: ignore[attr-defined] # options and arguments have one
    return loaded


def _as_markup(text: str) -> str:
    """Return the text of a docstring for Typer, which keeps line ends and takes ``[direction]`` for markup."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    return _without_markup("\n\n".join(paragraphs))


def _without_markup(text: str) -> str:
    return text.replace("[", "\\[")


def _failed(error: TbcliError) -> int:
    show_error(error)
    return error.exit_code


def _unusable(error: OSError) -> TbcliError:
    """Return what to say of a path that nobody nearer answered for: too long, closed to us, gone meanwhile."""
    if error.filename is None:
        if error.errno == errno.ENOENT and _is_nowhere():
            return NotFound("the current directory was removed", hint="`cd` to one that is there")
        if error.errno not in _DISK:
            raise error
        return unwritable_stdout(error)  # help and version are printed by Typer itself
    kind = TrainingFailed if error.errno in _DISK else NotFound
    hint = _HINTS.get(error.errno or 0, "check that path")
    return kind(f"cannot use {os.fsdecode(error.filename)!r}: {error.strerror or error}", hint=hint)


def _is_nowhere() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - as good
    except FileNotFoundError:
        return True
    return False


def _left_by_reader() -> int:
    abandon_stdout()
    return 0


def _usage_error(error: typer.TyperException, words: Sequence[str]) -> ConfigError:
    command = " ".join(["tbcli", *(name for name in words[:1] if name in COMMANDS)])
    message = error.format_message().replace("\n", " ")
    for start in _SUGGESTIONS:
        # Typer puts its suggestions behind the message; the second line is where we keep what to try.
        happened, found, suggestion = message.partition(start)
        if found:
            return ConfigError(
                happened.rstrip(), hint=f"did you mean {suggestion.rstrip('?)')}? `{command} --help` lists all"
            )
    if words[0].startswith("-"):
        return ConfigError(message, hint="options stand behind a command: `tbcli train --epochs 3`; see `tbcli --help`")
    return ConfigError(message, hint=f"`{command} --help`")


app = typer.Typer(
    name="tbcli",
    cls=Commands,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,  # a plain traceback of a bug, without the cost of drawing it
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"tbcli {__version__}")  # noqa: T201 - a result
        raise typer.Exit


@app.callback()
def tbcli(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Train Keras models with TensorBoard filled, plot and serve the runs, keep the disk clean."""


def main() -> None:
    """Run ``tbcli`` as a process."""
    _replace_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr is: a name in Greek must not fail under Latin-1
    if os.environ.get("TERM") == "dumb":
        os.environ.setdefault("NO_COLOR", "1")  # Rich's help honours the one, not always the other
    app(prog_name="tbcli")


def _replace_closed_streams() -> None:
    """Let a process that was started with a closed stdout or stderr write into nothing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 - as long as the process
