"""The Typer application, and the one place where failures become two lines and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tbcli import __version__
from tbcli.cli.output import abandon_stdout, show_error
from tbcli.errors import ConfigError, Refused, TbcliError


class ErrorsInTwoLines(TyperGroup):
    """Turns our failures and Typer's own usage errors into two lines on stderr and the exit code of the contract."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:
        """Run and leave the process; called by Typer and by its test runner alike."""
        extra["standalone_mode"] = False
        try:
            code = super().main(args=args, prog_name=prog_name, **extra)
            sys.stdout.flush()
        except TbcliError as error:
            show_error(error)
            code = error.exit_code
        except typer.Abort:
            error = Refused("not confirmed, nothing was done", hint="`--yes` confirms in advance")
            show_error(error)
            code = error.exit_code
        except typer.TyperException as error:
            show_error(_usage_error(error))
            code = ConfigError.exit_code
        except BrokenPipeError:
            abandon_stdout()
            code = 0
        except KeyboardInterrupt:
            code = 130
        sys.exit(code if isinstance(code, int) else 0)


def _usage_error(error: typer.TyperException) -> ConfigError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "tbcli"
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    # Typer puts its suggestions behind the message; the second line is where we keep what to try.
    happened, _, suggestion = message.replace("\n", " ").partition(" Did you mean ")
    hint = f"did you mean {suggestion} (`{command} --help` lists all)" if suggestion else f"`{command} --help`"
    return ConfigError(happened.rstrip(), hint=hint)


app = typer.Typer(
    name="tbcli",
    cls=ErrorsInTwoLines,
    no_args_is_help=True,
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
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Train Keras models with TensorBoard filled, plot and serve the runs, keep the disk clean."""


def _add_commands() -> None:
    from tbcli.cli.clean import clean
    from tbcli.cli.plot import plot
    from tbcli.cli.runs import runs
    from tbcli.cli.serve import serve
    from tbcli.cli.train import train

    for command in (train, plot, serve, clean, runs):
        app.command()(command)


_add_commands()


def main() -> None:
    """Run ``tbcli`` as a process."""
    if os.environ.get("TERM") == "dumb":
        os.environ.setdefault("NO_COLOR", "1")  # Rich's help honours the one, not always the other
    app(prog_name="tbcli")
