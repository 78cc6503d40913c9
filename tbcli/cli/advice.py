"""What to type instead of a word that is no option and no setting; knows the words of other tools."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tbcli.config import SETTINGS
from tbcli.errors import ConfigError
from tbcli.loading import load_object
from tbcli.naming.matching import nearest

_DEVICE = "choose the GPU with CUDA_VISIBLE_DEVICES=0 in front of the command; empty is the CPU"
_PLACE = "`--workspace DIR` holds logs, plots and models; `--logdir`, `--plots-dir` and `--models-dir` set one alone"
_FEED = "leave it out: batches are prepared beside the training"
_RESUME = "`--resume RUN` goes on with a run, `--config RUN` repeats it from its start"
_MIXED = "`--precision mixed_bfloat16`"

FOREIGN = {
    "accelerator": _DEVICE, "device": _DEVICE, "gpu": _DEVICE,
    "num-gpus": "`--devices N`", "cuda": _DEVICE, "no-cuda": _DEVICE,
    "default-root-dir": _PLACE, "out-dir": _PLACE, "output-dir": _PLACE, "project": _PLACE, "root-dir": _PLACE,
    "save-dir": _PLACE, "work-dir": _PLACE, "workdir": _PLACE,
    "num-workers": _FEED, "dataloader-num-workers": _FEED,
    "checkpoint": _RESUME, "ckpt": _RESUME, "ckpt-path": _RESUME, "continue": _RESUME,
    "resume-from-checkpoint": _RESUME,
    "amp": _MIXED, "bf16": _MIXED, "mixed-precision": _MIXED, "half": _MIXED,
    "fp16": "`--precision mixed_float16`", "fp32": "`--precision float32`",
    "max-steps": "`--epochs 1 --steps-per-epoch N`", "steps": "`--epochs 1 --steps-per-epoch N`",
    "output": "`--out FILE`", "output-file": "`--out FILE`", "outfile": "`--out FILE`",
    "debug": "`--verbose`", "silent": "`--quiet`", "force": "`--yes`",
    "bind-all": "`--host 0.0.0.0`",
    "logdir-spec": "`tbcli serve RUN RUN` shows chosen runs",
}  # fmt: skip
"""What other tools call something -> what to type here; taken only where the command has no such option."""

COMMAND_WORDS = {
    "exec": "run", "execute": "run", "script": "run",
    "fit": "train", "draw": "plot", "graph": "plot", "board": "serve", "tensorboard": "serve",
    "ui": "serve", "view": "serve", "delete": "clean", "remove": "clean", "rm": "clean", "prune": "clean",
    "list": "runs", "ls": "runs", "show": "runs", "history": "runs", "diff": "compare", "assert": "check",
    "test": "check", "verify": "check", "dump": "export", "download": "export"
}  # fmt: skip
"""What other tools call a command -> ours."""


def unknown_option(typed: str, value: str, command: str, options: Iterable[str]) -> ConfigError:
    """Return the error of an option that a command does not have.

    Args:
        typed: As it was written, with its dashes.
        value: What stands behind it.
        command: Name of the command.
        options: The spellings that it has.
    """
    advice = _replacement(typed.removeprefix("--"), value, command, list(options))
    if command == "run":
        advice += f"an option of the script stands behind it: `tbcli run SCRIPT {typed}`; "
    return ConfigError(f"no such option: {typed}", hint=f"{advice}`tbcli {command} --help` lists all")


def unknown_word(typed: str, value: str | None, command: str, options: Iterable[str]) -> ConfigError:
    """Return the error of a word behind a command without arguments; without ``=`` its value is None."""
    known = list(options)
    word = typed.lower().replace("_", "-")
    if value is not None:
        return ConfigError(
            f"no setting and no option is called {typed!r}",
            hint=f"{_replacement(typed, value, command, known)}`tbcli help settings` lists all",
        )
    is_named = f"--{word}" in known or any(word in each.aliases for each in SETTINGS.values())
    advice = f"`--{word} ...` or `{typed}=...`" if is_named else _thing(typed)
    return ConfigError(f"unexpected word {typed!r}", hint=f"{advice}; `tbcli {command} --help` lists all")


def _thing(word: str) -> str:
    for key in ("model.name", "data.source"):
        if word in load_object(SETTINGS[key].words):
            return f"`{SETTINGS[key].flag} {word}`"
    if "/" in word or "." in word:
        return f"`--data {word}`"
    return "settings are written `--epochs 3` or `epochs=3`"


def _replacement(typed: str, value: str, command: str, options: list[str]) -> str:
    """Return what to type instead, to stand in front of where all is listed; ``""`` where nothing is near."""
    word = typed.lower().replace("_", "-")
    if f"--{word}" in options:
        return f"did you mean --{word}? "
    named = [
        each
        for each in SETTINGS.values()
        if command in ("train", "sweep") and word in _spellings(each.name, each.aliases)
    ]
    if len(named) == 1:
        return f"`--set {named[0].key}={value or '...'}`; "
    if word in FOREIGN and _is_open(FOREIGN[word], command, options):
        return f"{FOREIGN[word]}; "
    flags = {flag.removeprefix("--"): flag for flag in options if flag.startswith("--")}
    if command in ("train", "sweep"):
        for each in SETTINGS.values():
            for spelling in _spellings(each.name, each.aliases):
                usable = each.flag if each.flag in options else f"--set {each.key}=..."
                flags.setdefault(spelling, usable)
    found = nearest(word, flags)
    return f"did you mean {flags[found]}? " if found else ""


def unknown_command(typed: str, commands: Collection[str]) -> ConfigError:
    """Return the error of a command that is not there; see `unknown_option`."""
    guess = COMMAND_WORDS.get(typed.lower()) or nearest(typed, commands)
    advice = f"did you mean {guess!r}? " if guess else ""
    return ConfigError(f"no such command: {typed!r}", hint=f"{advice}`tbcli --help` lists all")


def _spellings(name: str, aliases: Iterable[str]) -> tuple[str, ...]:
    return (name.replace("_", "-"), *aliases)


def _is_open(advice: str, command: str, options: list[str]) -> bool:
    """Say whether an advice is for a command: it has the first option named there, or trains or serves."""
    named = [word.strip("`") for word in advice.split() if word.startswith("`--")]
    return named[0] in options if named else command in ("train", "serve")
