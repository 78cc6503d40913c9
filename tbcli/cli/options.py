"""Options that every command accepts, and options that are settings; and how they become a configuration."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tbcli.cli.completing import complete_assignment, complete_config, complete_run, completion_of
from tbcli.cli.output import Output
from tbcli.cli.typed import SAID, parameter_of
from tbcli.config.paths import PathsConfig
from tbcli.config.said import Said
from tbcli.config.setting import PANELS, Setting, declared_settings
from tbcli.errors import ConfigError

if TYPE_CHECKING:  # `--help` and `--version` settle nothing
    from tbcli.config import Config
    from tbcli.runs import LogDirectory, Run, RunStore

PANEL = "Everywhere"
OUTPUT_PANEL = "Output"
TRAINING_PANEL = "Training"


@dataclass(frozen=True, slots=True)
class Common:
    """What was typed that every command understands.

    Args:
        flags: The settings that were typed, as ``{"section.key": Said}``.
        config: The file of ``--config``.
        assignments: The pairs of ``--set``.
        quiet: Whether to show results, warnings and errors only.
        verbose: Whether to show the libraries' logs.
    """

    flags: Mapping[str, Said] = field(default_factory=dict)
    config: str | None = None
    assignments: tuple[str, ...] = ()
    quiet: bool = False
    verbose: bool = False

    @property
    def output(self) -> Output:
        """Where the command speaks."""
        return Output(quiet=self.quiet, verbose=self.verbose)

    def value(self, key: str) -> object:
        """Return the text that a flag was given, None where it was not typed."""
        said = self.flags.get(key)
        return said.value if said else None

    def without(self, key: str) -> Common:
        """Return the same without a flag."""
        return replace(self, flags={name: said for name, said in self.flags.items() if name != key})

    def settle(self) -> Config:
        """Return the configuration with all layers applied."""
        from tbcli.config import load_config

        return load_config(file=self.config, assignments=self.assignments, flags=self.flags)


def _common_parameters(
    config: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Settings: a TOML file or a run's config.json; `tbcli train --config RUN` repeats a run.",
            rich_help_panel=PANEL,
            autocompletion=complete_config,
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any setting, as section.key=value; `tbcli help settings` lists them. Repeatable.",
            rich_help_panel=PANEL,
            autocompletion=complete_assignment,
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


def with_options(*settings: str, last: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command, whose first parameter is a `Common`, the options that every command accepts, and settings.

    Args:
        settings: Whose flags the command has: keys such as ``plot.dpi``, or sections such as ``train``.
        last: Whether they are listed behind the command's own options.
    """
    chosen = _chosen(settings) if settings else []
    places = declared_settings(PathsConfig)

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

        @functools.wraps(command)
        def accepting(context: typer.Context, **values: Any) -> None:
            common = Common(
                flags=context.meta.get(SAID, {}),
                config=values["config"],
                assignments=tuple(values["set_"] or ()),
                quiet=values["quiet"],
                verbose=values["verbose"],
            )
            command(common, **{parameter.name: values[parameter.name] for parameter in own})

        flags = [_parameter(each) for each in chosen]
        first, second = (own, flags) if last else (flags, own)
        _declare(accepting, [*first, *second, *map(_parameter, places), *_DECLARED.values()])
        return accepting

    return decorate


def _chosen(keys: Sequence[str]) -> list[Setting]:
    """Return the settings with flags that keys or sections name, in the order of their panels."""
    from tbcli.config import SETTINGS

    named = [each for each in SETTINGS.values() if each.flag and {each.key, each.key.partition(".")[0]} & {*keys}]
    return sorted(named, key=lambda each: PANELS.index(each.panel))


with_common_options = with_options()


def _declare(command: Callable[..., None], parameters: Iterable[inspect.Parameter]) -> None:
    """Let Typer see these parameters, and the context."""
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    keywords = [context, *(each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters)]
    command.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in keywords}
    del command.__wrapped__  # type: ignore[attr-defined] # inspect would look through it to the shorter signature


def _parameter(setting: Setting) -> inspect.Parameter:
    """Return the parameter whose option shows a setting in help and to shells; its value is read in `typed` alone."""
    kinds: dict[type, Any] = {bool: bool, tuple: list[str]}
    flag = f"{setting.flag}/--no-{setting.flag.removeprefix('--')}" if setting.kind is bool else setting.flag
    option = typer.Option(
        flag,
        metavar=setting.metavar or None,
        help=setting.described,
        show_default=setting.meaning or True,
        rich_help_panel=setting.panel,
        autocompletion=completion_of(setting),
    )
    default = list(setting.default) if setting.kind is tuple else setting.default
    shown = default if setting.kind in kinds else str(default)
    return inspect.Parameter(
        parameter_of(setting),
        inspect.Parameter.KEYWORD_ONLY,
        default=shown,
        annotation=Annotated[kinds.get(setting.kind, str), option],
    )


def refuse_together(actions: Mapping[str, bool]) -> None:
    """Raise a `ConfigError` where two options were typed that exclude each other.

    Args:
        actions: Whether each was typed, by its name.
    """
    asked = [name for name, is_asked in actions.items() if is_asked]
    if len(asked) > 1:
        raise ConfigError(f"{' and '.join(asked)} exclude each other", hint="one at a time")


def find_runs(common: Common, store: RunStore, references: Iterable[str]) -> list[Run | LogDirectory]:
    """Return what the references name, each once; where several runs have a name, the newest, and say so.

    Raises:
        NotFound: A reference names nothing.
        ConfigError: A reference is the beginning of several ids.
    """
    from tbcli.cli.places import find_place

    found = [find_place(store, reference, common.output) for reference in references]
    return list({run.logs.resolve(): run for run in found}.values())


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
