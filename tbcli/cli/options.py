"""Options that every command accepts, said once; and how they become a configuration."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tbcli.cli.output import Output

if TYPE_CHECKING:  # `--help` and `--version` settle nothing
    from tbcli.config import Config
    from tbcli.runs import LogDirectory, Run, RunStore

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
        from tbcli.config import load_config

        paths = {
            "paths.workspace": self.workspace,
            "paths.logdir": self.logdir,
            "paths.plots_dir": self.plots_dir,
            "paths.models_dir": self.models_dir,
        }
        return load_config(file=self.config, assignments=self.assignments, flags={**paths, **(flags or {})})


def _common_parameters(
    workspace: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Directory that holds logs, plots and models.", rich_help_panel=PANEL),
    ] = None,
    logdir: Annotated[
        str | None, typer.Option(metavar="DIR", help="Root of the runs' logs, if elsewhere.", rich_help_panel=PANEL)
    ] = None,
    plots_dir: Annotated[
        str | None, typer.Option(metavar="DIR", help="Root of the figures, if elsewhere.", rich_help_panel=PANEL)
    ] = None,
    models_dir: Annotated[
        str | None, typer.Option(metavar="DIR", help="Root of the saved models, if elsewhere.", rich_help_panel=PANEL)
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Settings: a TOML file or a run's config.json.", rich_help_panel=PANEL),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Any setting, as section.key=value. Repeatable.", rich_help_panel=PANEL
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Results, warnings and errors only.", rich_help_panel=PANEL)
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the libraries' logs too.", rich_help_panel=PANEL)
    ] = False,
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
    del accepting.__wrapped__  # inspect would look through it to the shorter signature
    return accepting


def find_runs(common: Common, store: RunStore, references: Iterable[str]) -> list[Run | LogDirectory]:
    """Return what the references name, each once; where several runs have a name, the newest, and say so.

    Raises:
        NotFound: A reference names nothing.
        ConfigError: A reference is the beginning of several ids.
    """
    from tbcli.cli.places import find_place

    found = [find_place(store, reference, common.output) for reference in references]
    return list({run.logs.resolve(): run for run in found}.values())


def complete_run(context: typer.Context, incomplete: str) -> list[str]:
    """Offer run ids, newest first, and the words that name runs by rank; opens no run."""
    from tbcli.errors import TbcliError
    from tbcli.runs.ids import looks_like_id
    from tbcli.runs.store import RunStore

    said = context.params
    places: dict[str, Any] = {name: said.get(name) for name in ("workspace", "logdir", "config")}
    try:
        store = RunStore(Common(**places, assignments=tuple(said.get("set_") or ())).settle().paths)
        ids = store.ids()
    except TbcliError:
        return []
    # No help texts beside the words: Typer would load Rich to draw them.
    words = ["latest", "best", *filter(looks_like_id, reversed(ids))]
    return [word for word in words if word.startswith(incomplete)]


RunsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[RUN]...", help="latest, best, an id, its beginning, a name or a path.", autocompletion=complete_run
    ),
]
RunArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN]", help="latest, best, an id, its beginning, a name or a path.", autocompletion=complete_run
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.", rich_help_panel=OUTPUT_PANEL)]
