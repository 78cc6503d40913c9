"""From a setting to a `Dataset`. Importing the room is cheap; what a source needs is imported with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tbcli.config import DataConfig
from tbcli.config.paths import expanded
from tbcli.data.telling import progress_to
from tbcli.errors import ConfigError, DoesNotFit, NotFound
from tbcli.loading import load_object
from tbcli.naming.matching import did_you_mean, nearest
from tbcli.naming.shortening import few
from tbcli.usercode import is_reference

if TYPE_CHECKING:
    from tbcli.data.dataset import Dataset

SOURCES = {
    "mnist": "tbcli.data.mnist:load_mnist",
    "fashion_mnist": "tbcli.data.downloads:load_download",
    "cifar10": "tbcli.data.downloads:load_download",
    "cifar100": "tbcli.data.downloads:load_download",
}
"""Name -> ``module:function`` from a `DataConfig` to a `Dataset`; one file a kind of source."""

FILES = {
    ".npz": "tbcli.data.arrays:load_arrays",
    ".csv": "tbcli.data.tables:load_table",
    ".csv.gz": "tbcli.data.tables:load_table",
    ".tsv": "tbcli.data.tables:load_table",
    ".tsv.gz": "tbcli.data.tables:load_table",
    ".parquet": "tbcli.data.tables:load_table",
    ".zip": "tbcli.data.images:load_images",
}
"""The end of a file's name -> the same; a folder is one of images."""
_TABLE = FILES[".csv"]
_FOLDER, _FUNCTION = FILES[".zip"], "tbcli.data.functions:load_function"


def require_source(name: str) -> str:
    """Return where the loader of a source stands, without importing it.

    A registered name wins; a folder of that name is ``./mnist``.

    Raises:
        NotFound: No source has the name, and no path.
        DoesNotFit: It is a file of a kind that is not read.
    """
    if name in SOURCES:
        return SOURCES[name]
    if is_reference(name):
        return _FUNCTION
    path = expanded(name)
    if path.is_dir():
        return _FOLDER
    if not path.exists():
        raise NotFound(f"no data {name!r}: there is no {str(path.absolute())!r}", hint=_what_lies_there(name, path))
    loader = next((each for suffix, each in FILES.items() if path.name.lower().endswith(suffix)), None)
    if loader is None:
        raise DoesNotFit(
            f"cannot tell what {str(path.absolute())!r} holds by its suffix {path.suffix!r}",
            hint=f"{_folder_meant(path)}{', '.join(FILES)}, or FILE.py:FUNCTION for anything else",
        )
    return loader


def needs_keras(name: str) -> bool:
    """Return whether a source is loaded by Keras, which a caller may want to start on its own terms.

    A file of the user's is, as far as one can tell, if it names TensorFlow or Keras.
    """
    if name not in SOURCES and is_reference(name):
        with suppress(OSError):
            text = expanded(name.rpartition(":")[0]).read_bytes()
            return b"tensorflow" in text or b"keras" in text
    return SOURCES.get(name) == SOURCES["cifar10"]


def _folder_meant(path: Path) -> str:
    """Return the beginning of a hint on the folder of images that a file may stand for."""
    above = path.absolute().parents[:2]  # a file beside the classes, or an image in one of them
    folder = next((each for each in above if sum(inner.is_dir() for inner in each.iterdir()) > 1), None)
    return f"`--data {folder}` for the folder of images; else " if folder else "a folder of images, "


def _what_lies_there(name: str, path: Path) -> str:
    """Return what the user may have meant: a registered name, or what is in that directory."""
    likely = did_you_mean(name, SOURCES)
    parent = path.absolute().parent
    try:
        entries = sorted(each.name for each in parent.iterdir() if not each.name.startswith("."))
    except OSError:
        above = next(each for each in parent.parents if each.is_dir())
        return f"{str(above)!r} has no {parent.relative_to(above).parts[0]!r}"
    stems = {entry.partition(".")[0]: entry for entry in entries}
    guess = stems.get(nearest(path.name.partition(".")[0], stems), "")
    meant = f"did you mean {str(Path(name).with_name(guess))!r}? " if guess else ""
    if not entries or ("did you mean" in likely and not (meant and path.suffix)):
        return likely
    return f"{meant}{str(parent)!r} holds {few(entries, 6)}; known names: {', '.join(SOURCES)}"


def load_dataset(
    config: DataConfig, progress: Callable[[str], None] | None = None, *, to_train: bool = True
) -> Dataset:
    """Load what ``--data`` names.

    Args:
        config: What to load, and how to split it.
        progress: Receives how far it is, such as ``Decoding 300 of 5,000 images``, often; maybe in another thread.
        to_train: Whether it must be fit to learn from: one class is enough to measure a model by.

    Raises:
        ConfigError: There are arguments, but no function to take them.
        NotFound: It is not there.
        DoesNotFit: The data are damaged, do not suit the task, or are too few for what was asked.
    """
    loader = require_source(config.source)
    if config.args and loader != _FUNCTION:
        raise ConfigError(
            f"--data-arg {config.args[0]!r} has no effect: {config.source!r} is not a function",
            hint="remove it; only FILE.py:FUNCTION takes arguments",
        )
    with progress_to(progress) if progress else nullcontext():
        dataset: Dataset = load_object(loader)(config)
        if config.task not in ("auto", dataset.task.name):
            raise DoesNotFit(
                f"{dataset.name!r} is data for {dataset.task.name}, not {config.task}", hint="remove `--task`"
            )
        from tbcli.data.checks import check_dataset

        unused = _not_used(config, loader) if to_train else ()
        odd = (*unused, *check_dataset(dataset, to_train=to_train))
        return replace(dataset, notes=(*dataset.notes, *odd))


def _not_used(config: DataConfig, loader: str) -> Iterator[str]:
    """Yield which settings are of no meaning to a source, a sentence each."""
    if config.target and loader != _TABLE:
        yield f"--target {config.target} is not used: the data are not a table"
    if loader != _FOLDER:
        said = {"--image-size": config.image_size, "--color": config.color if config.color != "auto" else ""}
        yield from (
            f"{flag} {value} is not used: it applies to image files only" for flag, value in said.items() if value
        )
