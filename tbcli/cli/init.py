"""``tbcli init``: a commented ``tbcli.toml`` to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tbcli.cli.data import load_quietly
from tbcli.cli.options import Common, with_options
from tbcli.cli.output import Output, printable
from tbcli.errors import ConfigError, Refused

if TYPE_CHECKING:
    from tbcli.config import Config


@with_options("data", "model", "train", "record")
def init(common: Common) -> None:
    """Write a commented tbcli.toml, filled in from --data.

    It holds every setting with its default as a comment, and what was said as options. With --data, the
    data are read, and what was understood stands in the file. An existing file is kept.
    """
    config, output = common.settle(), common.output
    from tbcli.config.layers import WORKSPACE_FILE

    path = Path(config.paths.workspace) / WORKSPACE_FILE
    _require_absent(path)
    notes = _understood(config, output) if common.value("data.source") is not None else []
    _write(path, as_commented_toml(_portable(config, path.parent), notes))
    output.say("next    tbcli train")
    output.result(printable(str(path)))


def _portable(config: Config, directory: Path) -> Config:
    """Return the settings with the data's path relative to the file, where they lie below it."""
    root, source = f"{directory.resolve()}/", config.data.source
    return config.updated({"data.source": f"./{source.removeprefix(root)}"}) if source.startswith(root) else config


def _require_absent(path: Path) -> None:
    if path.exists():
        raise Refused(f"{str(path)!r} exists and is kept", hint="edit it, or move it away and run `tbcli init` again")


def _understood(config: Config, output: Output) -> list[str]:
    """Return what the data are, in sentences.

    Raises:
        TbcliError: They do not load.
    """
    dataset = load_quietly(config.data, output)
    splits = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    sizes = ", ".join(f"{len(split):,} {name}" for name, split in splits.items() if split is not None)
    shape = "x".join(map(str, dataset.input_shape))
    names = ", ".join(dataset.class_names[:8]) + (", ..." if len(dataset.class_names) > 8 else "")
    return [
        f"{dataset.task.name} of {shape} inputs: {sizes}",
        f"{len(dataset.class_names)} {dataset.task.names_are}: {names}",
        *dataset.notes,
    ]


def as_commented_toml(config: Config, notes: list[str]) -> str:
    """Return a file of all settings but those of paths: defaults as comments, what differs from them as it is.

    Args:
        config: The settings.
        notes: What is known of the data.
    """
    from tbcli.config import SETTINGS
    from tbcli.config.configuration import FREE, SECTION_HELP
    from tbcli.config.toml import to_toml

    lines = ["# Settings of tbcli in this directory; flags and TBCLI_ variables overrule them.", ""]
    document = config.as_dict()
    for section, values in document.items():
        if section == "paths":
            continue
        lines += [f"# {SECTION_HELP[section]}", f"[{section}]"]
        lines += [f"# {printable(note)}" for note in notes if section == "data"]
        for name, value in values.items():
            setting = SETTINGS.get(f"{section}.{name}")
            line = to_toml({section: {name: value}}, {}).splitlines()[1]
            is_default = setting is not None and config.value(setting.key) == setting.default
            lines += [f"# {setting.comment}"] if setting else []
            lines.append(f"# {line}" if is_default else line)
        lines += [f"# {FREE[section].example}"] if section in FREE and not values else []
        lines.append("")
    return "\n".join(lines)


def _write(path: Path, text: str) -> None:
    from tbcli.runs.files import write_atomically

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    except OSError as error:
        raise ConfigError(
            f"cannot write {str(path)!r}: {error.strerror}", hint="`--workspace DIR` with a writable directory"
        ) from error
