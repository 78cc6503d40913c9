"""Settings that other programs leave beside their logs, as Lightning's ``hparams.yaml``: plain lines of it, no more.

A line ``key: value`` at the left edge whose value is a number, a word, true or false is a setting. What is nested, a
list, tagged or longer than a line is named as skipped, not guessed at.
"""

from __future__ import annotations

import json
import os
import re

from tbcli.events.damage import TEXT_LOG, Damage

NAMES = ("hparams.yaml", "args.yaml")  # Lightning; Ultralytics and timm
_LINE = re.compile(r"""("[^"]*"|'[^']*'|[^\s'"\-#&*!|>%@`{}\[\],:][^:]*?)\s*:(?:\s+(.*?))?\s*""")
_INTEGER = re.compile(r"[-+]?\d+")
_FLOAT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_NOTHING = ("", "~", "null", "Null", "NULL")
_MOST_BYTES = 1 << 20
_MOST_NAMES = 5
Setting = float | str | bool


def read_settings_beside(path: str, name: str, damage: list[Damage]) -> dict[str, Setting]:
    """Return the settings that lie in the directory of a log; nothing where none do.

    Args:
        path: The log.
        name: The same, relative to the log directory.
        damage: Gets what was skipped.
    """
    settings: dict[str, Setting] = {}
    for file in NAMES:
        place = os.path.join(os.path.dirname(path), file)  # noqa: PTH118, PTH120
        relative = f"{name.rpartition('/')[0]}/{file}".lstrip("/")
        try:
            with open(place, encoding="utf-8-sig", errors="replace") as stream:  # noqa: PTH123
                found, skipped = parse_plain_yaml(stream.read(_MOST_BYTES))
        except FileNotFoundError:
            continue
        except OSError as error:
            damage.append(Damage(relative, 0, TEXT_LOG, f"cannot be read: {error.strerror or error}"))
            continue
        settings |= found
        if skipped:
            listed = ", ".join(skipped[:_MOST_NAMES]) + (", ..." if len(skipped) > _MOST_NAMES else "")
            damage.append(Damage(relative, 0, TEXT_LOG, f"only plain values are read, not those of {listed}"))
    return settings


def parse_plain_yaml(text: str) -> tuple[dict[str, Setting], list[str]]:
    """Return the plain settings, and the keys whose values are skipped; a value of null is no setting."""
    settings: dict[str, Setting] = {}
    skipped: list[str] = []
    key = ""
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#") or line.startswith(("---", "...", "%")):
            continue
        if line[0] in " \t-":  # goes on with the value of the key above, so that is none of ours
            if key and key not in skipped:
                settings.pop(key, None)
                skipped.append(key)
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            key = ""
            skipped.append(line.split(":")[0].strip()[:40])
            continue
        key = found[1].strip("\"'")
        value = _scalar(_without_comment(found[2] or ""))
        if value is None:
            skipped.append(key)
        elif value not in _NOTHING or isinstance(value, bool):
            settings[key] = value
    return settings, skipped


def _without_comment(text: str) -> str:
    if text[:1] in ("'", '"'):
        return text
    return re.split(r"(?:^|\s)#", text)[0].strip()


def _scalar(text: str) -> Setting | None:
    """Return the value, ``""`` for none, or None for what is not plain."""
    if text in _NOTHING:
        return ""
    if text[0] == "'" and len(text) > 1 and text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if text[0] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return None
    if text[0] in "'&*!|>%@`{[":
        return None
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) < 19 else text
    if _FLOAT.fullmatch(text):
        return float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
    return text
