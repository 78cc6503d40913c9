"""What was typed behind a command: settings in any spelling that people know, and the rest for Typer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand

from tbcli.config.said import Said, merged
from tbcli.config.setting import FALSE, TRUE, Setting
from tbcli.errors import ConfigError, TbcliError

SAID = "tbcli.said"
"""Where a context's ``meta`` keeps the settings that were typed, as ``{"section.key": Said}``."""


_SETTING_OF: dict[str, Setting] = {}


def parameter_of(setting: Setting) -> str:
    """Return the name of the parameter that stands for a setting in a command's options, and know it from now on."""
    name = setting.key.replace(".", "_")
    _SETTING_OF[name] = setting
    return name


class Command(TyperCommand):
    """A command that takes settings by flag and alias, with dashes or underscores.

    One whose options are settings, and that has no arguments, takes ``key=value`` too: the long flag of that name, else
    the setting.
    """

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what stands behind the command's name in its help."""
        return [*super().collect_usage_pieces(ctx), *(["[KEY=VALUE]..."] if _takes_pairs(self) else [])]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Set the settings aside, in the context's ``meta``, and parse the rest as Typer does."""
        try:
            words = _Words(self, args)
            ctx.meta[SAID], args = merged(words.said), words.rest
            if words.unfinished:
                raise ConfigError(f"{words.unfinished} needs a value", hint=f"`tbcli {self.name} --help` shows which")
        except TbcliError:
            if not ctx.resilient_parsing:  # a shell asks what could follow; nobody wants to hear of mistakes
                raise
        return super().parse_args(ctx, args)


def _takes_pairs(command: TyperCommand) -> bool:
    settings = [_SETTING_OF[param.name] for param in command.params if param.name in _SETTING_OF]
    has_own = any(not each.key.startswith("paths.") for each in settings)  # every command has those
    return has_own and not any(param.param_type_name == "argument" for param in command.params)


def _may_be_bare(option: Any) -> bool:
    """Say whether an option's value may be left out, as its help says."""
    return str(option.metavar or "").startswith("[")


class _Words:
    """The words behind a command, sorted into `said`, what they say of settings, and the `rest`, in Typer's spelling.

    `unfinished` is an option at the end that lacks its value.

    Raises:
        ConfigError: There is no such option, or setting.
    """

    def __init__(self, command: TyperCommand, words: Sequence[str]) -> None:
        self.rest: list[str] = []
        self.said: list[tuple[str, Said]] = []
        self.unfinished = ""
        self._options = {
            spelling: param
            for param in command.params
            if param.param_type_name == "option"
            for spelling in (*param.opts, *param.secondary_opts)
        }
        self._aliases = {
            f"--{alias}": setting.flag
            for setting in map(self._setting, self._options.values())
            if setting
            for alias in setting.aliases
        }
        self._name = str(command.name)
        self._takes_pairs = _takes_pairs(command)
        stops_at_words = not command.context_settings.get("allow_interspersed_args", True)
        queue = list(words)
        while queue:
            word = queue.pop(0)
            if word == "--":
                self.rest += [word, *queue]
                return
            if word.startswith("--") and word != "--help":
                self._option(word, queue)
            elif word.startswith("-") and len(word) > 1:
                self.rest.append(word)
            elif stops_at_words:
                self.rest += ["--", word, *queue]  # what follows is for somebody else
                return
            elif not self._takes_pairs:
                self.rest.append(word)
            else:
                self._bare(word)

    def _option(self, word: str, queue: list[str]) -> None:
        typed, equals, value = word.partition("=")
        flag = self._flag(typed)
        if flag is None:
            from tbcli.cli.advice import unknown_option

            raise unknown_option(typed, value or next(iter(queue), ""), self._name, [*self._options, "--help"])
        option = self._options[flag]
        setting = self._setting(option)
        if not getattr(option, "is_flag", False) and not equals:
            is_alone = not queue or queue[0].startswith("-")
            if not queue and not _may_be_bare(option):
                self.unfinished = typed
                return
            bare = setting.bare if setting else ""
            equals, value = "=", bare if is_alone and _may_be_bare(option) else queue.pop(0)
        if setting and setting.kind is bool:
            self._switch(setting, value if equals else None, typed, queue, is_on=flag in option.opts)
        elif setting and equals:
            self._say(setting, value, typed)
        else:
            self.rest.append(flag + equals + value)

    def _switch(self, setting: Setting, value: str | None, typed: str, queue: list[str], *, is_on: bool) -> None:
        """Read ``--plots``, ``--no-plots``, ``--plots=false``, and ``--plots false`` where no argument could stand."""
        if value is None and is_on and self._takes_pairs and queue and queue[0].lower() in ("true", "false"):
            value = queue.pop(0)
        if value is not None and not is_on:
            raise ConfigError(f"{typed} takes no value, got {value!r}", hint=f"`{setting.flag}` or `{typed}`")
        self._say(setting, str(is_on) if value is None else value, typed)

    def _bare(self, word: str) -> None:
        key, equals, value = word.partition("=")
        if not equals:
            raise self._unknown(word, None)
        flag = self._flag("--" + key)
        setting = self._setting(self._options[flag]) if flag else _setting_named(key)
        if setting:
            self._say(setting, value, key)
        elif flag is None:
            raise self._unknown(key, value)
        elif not getattr(self._options[flag], "is_flag", False):
            self.rest.append(f"{flag}={value}")
        elif value.lower() in TRUE:
            self.rest.append(flag)
        elif value.lower() not in FALSE:
            raise ConfigError(f"{key} must be true or false, got {value!r}", hint=f"`{flag}` switches it on")

    def _unknown(self, word: str, value: str | None) -> ConfigError:
        from tbcli.cli.advice import unknown_word

        return unknown_word(word, value, self._name, self._options)

    def _flag(self, typed: str) -> str | None:
        """Return the spelling of an option that Typer knows."""
        spelling = "--" + typed.removeprefix("--").replace("_", "-")
        return spelling if spelling in self._options else self._aliases.get(spelling)

    def _setting(self, option: Any) -> Setting | None:
        return _SETTING_OF.get(option.name)

    def _say(self, setting: Setting, value: str, typed: str) -> None:
        if setting.kind is tuple and self.said and self.said[-1][0] == setting.key:
            value = f"{self.said.pop()[1].value},{value}"  # `--save-format h5 --save-format tflite`
        self.said.append((setting.key, Said(value, typed)))


def _setting_named(key: str) -> Setting | None:
    """Return the setting that a bare word means: by ``section.key``, or by its name where only one section has it."""
    from tbcli.config import SETTINGS, declared

    if "." in key:
        return declared(key)
    name = key.replace("-", "_")
    named = [each for each in SETTINGS.values() if name == each.name or name.replace("_", "-") in each.aliases]
    named = [each for each in named if not each.key.startswith("sweep.")]  # whose flags `tbcli sweep` alone has
    if len(named) > 1:
        keys = " or ".join(f"{each.key}=..." for each in named)
        raise ConfigError(f"{key!r} is a setting of several sections", hint=f"`{keys}`")
    return named[0] if named else None
