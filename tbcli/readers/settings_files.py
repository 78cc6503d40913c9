"""Settings that other programs leave beside their logs, as Lightning's ``hparams.yaml``."""

from __future__ import annotations

import os

from tbcli.events.damage import TEXT_LOG, Damage
from tbcli.readers.plain_yaml import Setting, parse_plain_yaml

NAMES = ("hparams.yaml", "args.yaml")  # Lightning; Ultralytics and timm
_MOST_BYTES = 1 << 20
_MOST_NAMES = 5


class SettingsFiles:
    """Reads the settings beside logs, and says once for all runs what of them is skipped."""

    def __init__(self) -> None:
        self._damage: list[Damage] = []
        self._skipped: dict[str, list[tuple[str, list[str]]]] = {}

    def read_beside(self, path: str, name: str) -> dict[str, Setting]:
        """Return the settings that lie in the directory of a log; nothing where none do.

        Args:
            path: The log.
            name: The same, relative to the log directory.
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
                detail = f"cannot be read: {error.strerror or error}"
                self._damage.append(Damage(relative, 0, TEXT_LOG, detail))
                continue
            settings |= found
            if skipped:
                self._skipped.setdefault(file, []).append((relative, skipped))
        return settings

    def damage(self) -> list[Damage]:
        """Return what was skipped: an incident for all files of a name, which names the first."""
        return [*self._damage, *(_told(files) for files in self._skipped.values())]


def _told(files: list[tuple[str, list[str]]]) -> Damage:
    skipped = list(dict.fromkeys(name for _, names in files for name in names))
    listed = ", ".join(skipped[:_MOST_NAMES]) + (", ..." if len(skipped) > _MOST_NAMES else "")
    several = f" ({len(files)} runs have such files)" if len(files) > 1 else ""
    return Damage(files[0][0], 0, TEXT_LOG, f"only plain values are read, not those of {listed}{several}")
