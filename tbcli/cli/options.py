"""Options that every command accepts, said once; and how they become a configuration."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from tbcli.cli.output import Output
from tbcli.config import Config, load_config

PANEL = "Everywhere"
OUTPUT_PANEL = "Output"


@dataclass(frozen=True, slots=True)
class Common:
    """What was said with the options that every command has."""

    workspace: str | None = None
    logdir: str | None = None
    plots_dir: str | None = None
    models_dir: str | None = None
    config: str | None = None
    assignments: tuple[str, ...] = ()
    quiet: bool = False
    verbose: bool = False

    @property
    def output(self) -> Output:
        """Where the command speaks."""
        return Output(quiet=self.quiet, verbose=self.verbose)

    def settle(self, flags: Mapping[str, object] | None = None) -> Config:
        """Return the configuration with all layers applied; a flag of None was not said."""
        paths = {
            "paths.workspace": self.workspace,
            "paths.logdir": self.logdir,
            "paths.plots_dir": self.plots_dir,
            "paths.models_dir": self.models_dir,
        }
        return load_config(file=self.config, assignments=self.assignments, flags={**paths, **(flags or {})})


def _common_parameters(
    workspace: Annotated[str | None, typer.Option(metavar="DIR", help="Directory that holds logs, plots and models.", rich_help_panel=PANEL)] = None,
    logdir: Annotated[str | None, typer.Option(metavar="DIR", help="Root of the runs' logs, if elsewhere.", rich_help_panel=PANEL)] = None,
    plots_dir: Annotated[str | None, typer.Option(metavar="DIR", help="Root of the figures, if elsewhere.", rich_help_panel=PANEL)] = None,
    models_dir: Annotated[str | None, typer.Option(metavar="DIR", help="Root of the saved models, if elsewhere.", rich_help_panel=PANEL)] = None,
    config: Annotated[
        str | None, typer.Option(metavar="FILE", help="Settings: a TOML file or a run's config.json.", rich_help_panel=PANEL)
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting, as section.key=value. Repeatable.", rich_help_panel=PANEL)
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Results, warnings and errors only.", rich_help_panel=PANEL)] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the libraries' logs too.", rich_help_panel=PANEL)] = False,
) -> None:
    """Carry the declarations; never called."""


_DECLARED = inspect.signature(_common_parameters, eval_str=True).parameters


def with_common_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, whose first parameter is a `Common`, the options that every command accepts."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

    @functools.wraps(command)
    def accepting(**values: Any) -> None:
        said = {name: values.pop(name) for name in _DECLARED}
        assignments = tuple(said.pop("set_") or ())
        command(Common(assignments=assignments, **said), **values)

    parameters = [*own, *_DECLARED.values()]
    as_keywords = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    accepting.__signature__ = inspect.Signature(as_keywords)  # type: ignore[attr-defined]
    accepting.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del accepting.__wrapped__  # type: ignore[attr-defined] # inspect would look through it to the shorter signature
    return accepting


def complete_run(incomplete: str) -> list[tuple[str, str]]:
    """Offer run ids and the words that name runs by rank; imports nothing heavy."""
    from tbcli.errors import TbcliError
    from tbcli.runs import RunStore

    try:
        store = RunStore(load_config().paths)
    except TbcliError:
        return []
    words = [("latest", "the newest run"), ("best", "the best validation accuracy")]
    ids = [(run_id, "") for run_id in reversed(store.ids())]
    return [(word, text) for word, text in words + ids if word.startswith(incomplete)]


RunsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUN]...", help="latest, best, an id, its beginning, a name or a path.", autocompletion=complete_run),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.", rich_help_panel=OUTPUT_PANEL)]
