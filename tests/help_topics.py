"""The generated parts of the help topics; ``python -m tests.help_topics`` writes them into the files."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import tbcli.errors
import tbcli.gates.grammar
import tbcli.naming.metric_words as words
from tbcli.cli.app import COMMANDS
from tbcli.cli.topics import topics
from tbcli.config import SECTION_HELP, SETTINGS, Setting
from tbcli.config.setting import spoken
from tbcli.errors import TbcliError
from tbcli.naming.words import SPLITS
from tbcli.recorders.registry import RECORDERS


def _settings() -> str:
    lines = []
    for section, about in SECTION_HELP.items():
        lines += [f"### [{section}]", "", about, ""]
        for each in SETTINGS.values():
            if each.key.startswith(f"{section}."):
                lines.append(_setting(each))
        lines += [""] if lines[-1] else []
    return "\n".join(lines).strip()


def _setting(each: Setting) -> str:
    flag = f", `{each.flag}`" if each.flag else ""
    negative = f", `--no-{each.flag.removeprefix('--')}`" if each.flag and each.kind is bool else ""
    dashes = "--" if each.flag else ""
    others = ", ".join(f"`{dashes}{alias}`" for alias in each.aliases)
    aliases = f" (also {others})" if others else ""
    allowed = "" if each.choices or not each.allowed else f" {each.allowed[0].upper()}{each.allowed[1:]}."
    default = each.meaning or f"`{spoken(each.default)}`".replace("`empty`", "empty")
    return f"- `{each.key}`{flag}{negative}{aliases}: {each.described}{allowed} Default: {default}."


def _exit_codes() -> str:
    kinds: dict[int, str] = {}
    for kind in vars(tbcli.errors).values():
        is_kind = isinstance(kind, type) and issubclass(kind, TbcliError) and kind.__module__ == "tbcli.errors"
        if is_kind and "exit_code" in vars(kind) and kind is not TbcliError:
            kinds[kind.exit_code] = (kind.__doc__ or "").partition("\n")[0]
    return "\n".join(f"- `{code}`: {text}" for code, text in sorted(kinds.items()))


def _conditions() -> str:
    return "\n".join((tbcli.gates.grammar.__doc__ or "").strip().splitlines()[2:])


def _recorders() -> str:
    rows = [f"| `{name}` | {entry.level} | {entry.help} |" for name, entry in RECORDERS.items()]
    return "\n".join(["| recorder | level | shows |", "|---|---|---|", *rows])


def _commands() -> str:
    return "\n".join(f"- `tbcli {name}`: {about}" for name, about in COMMANDS.items())


def _splits() -> str:
    by_split: dict[str, list[str]] = {}
    for word, split in SPLITS.items():
        by_split.setdefault(split.split, []).append(word)
    return "\n".join(f"- {split}: {', '.join(found)}" for split, found in by_split.items())


def _direction() -> str:
    lists = {
        "Lower is better": words.LOWER,
        "Higher is better": f"{words.HIGHER}, {words.SCORE}",
        "Lower is better, as a guess, if no other word says anything": words.PARTS_TO_LOWER,
        "Measured for each class or target, whose name follows and decides nothing": words.PER_CLASS,
        "Never the name of a class": words.NOT_CLASSES,
        "No direction": words.NEITHER,
        "Lower is better, but only if asked for": words.LESS_WHEN_ASKED,
        "Higher is better, but only if asked for": words.MORE_WHEN_ASKED,
    }
    return "\n".join(f"- {title}: {', '.join(_entries(text))}" for title, text in lists.items())


def _entries(text: str) -> list[str]:
    return sorted({" ".join(entry.split()) for entry in text.split(",") if entry.strip()})


GENERATED: dict[tuple[str, str], Callable[[], str]] = {
    ("settings", "All settings"): _settings,
    ("exit-codes", "Failures"): _exit_codes,
    ("conditions", "The grammar"): _conditions,
    ("recorders", "All recorders"): _recorders,
    ("scripts", "Commands"): _commands,
    ("metrics", "Words for splits"): _splits,
    ("metrics", "Words for directions"): _direction,
}
"""Topic and heading -> what stands below the heading, up to the next of its level."""


def with_generated(topic: str, text: str) -> str:
    """Return the text of a topic with its generated parts as they should be."""
    for (name, heading), generate in GENERATED.items():
        if name == topic:
            pattern = rf"(?ms)^## {re.escape(heading)}\n.*?(?=^## |\Z)"
            assert re.search(pattern, text), f"{topic} has no heading {heading!r}"
            part = f"## {heading}\n\n{generate()}\n\n"
            text = re.sub(pattern, lambda _, part=part: part, text)
    return text.rstrip() + "\n"


def write() -> None:
    """Write every generated part into its file."""
    path: Path
    for name, path in topics().items():
        path.write_text(with_generated(name, path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    write()
