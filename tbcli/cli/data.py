"""``tbcli data``: what was understood of data, before anyone trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tbcli.cli.completing import offer
from tbcli.cli.options import OUTPUT_PANEL, Common, Json, with_options
from tbcli.cli.output import Output, stdout_kept_clean
from tbcli.config.said import Said
from tbcli.errors import ConfigError
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.config import DataConfig
    from tbcli.data.dataset import Dataset

_MOST_PICTURES = 40


@with_options("data")
def data(
    common: Common,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]",
            help="A name, a path or FILE.py:FUNCTION; else what --data or a file says.",
            autocompletion=offer("tbcli.data:SOURCES"),
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write a PNG of example images.", rich_help_panel=OUTPUT_PANEL),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show how data are read, and check them for problems, before training.

    Nothing is trained, and nothing is written beside the data.
    """
    config, output = _with_source(common, source).settle().data, common.output
    from tbcli.data import load_dataset, require_source

    require_source(config.source)
    from tbcli.data.inspection import inspect_dataset

    with _told(config, output) as tell:
        dataset = load_dataset(config, tell)
        picture = _examples(dataset) if out else None
        inspection = inspect_dataset(dataset)
    if out and picture:
        _write(out, picture)
    if as_json:
        output.document(
            {
                "schema": schemas.OTHERS,
                "data": {"source": config.source, "target": config.target, **inspection.as_document()},
            }
        )
    else:
        from tbcli.cli.render.data import report_lines

        output.results(report_lines(inspection, config))


def _with_source(common: Common, source: str | None) -> Common:
    """Return what was typed with the argument as the setting."""
    if source is None:
        return common
    if "data.source" in common.flags:
        raise ConfigError(
            f"data are given twice: {source!r} and {common.value('data.source')!r}", hint="leave out `--data`"
        )
    return replace(common, flags={**common.flags, "data.source": Said(source, "DATA")})


def load_quietly(config: DataConfig, output: Output) -> Dataset:
    """Return the data of a source, told how far it is."""
    from tbcli.data import load_dataset

    with _told(config, output) as tell:
        return load_dataset(config, tell)


@contextmanager
def _told(config: DataConfig, output: Output) -> Iterator[Callable[[str], None]]:
    """Show how far it is; what libraries print goes to stderr or nowhere."""
    from tbcli.cli.render.progress import choose_narrator
    from tbcli.cli.train import hush_libraries
    from tbcli.data import needs_keras
    from tbcli.data.telling import progress_to
    from tbcli.keras_backend import load_keras

    hush_libraries(verbose=output.verbose)
    narrator = choose_narrator(output)
    try:
        with stdout_kept_clean(), progress_to(narrator.progress):
            if needs_keras(config.source):
                with narrator.hushed_libraries():
                    load_keras()
            yield narrator.progress
    finally:
        narrator.close()


def _examples(dataset: Dataset) -> bytes:
    """Return a PNG of a few training samples, an equal number of each class as far as possible.

    Raises:
        ConfigError: They are no images.
    """
    import numpy as np

    from tbcli.figures.png.examples import draw_examples

    if len(dataset.input_shape) != 3 or dataset.input_shape[2] not in (1, 3):
        raise ConfigError(
            f"--out needs images, but samples have shape {list(dataset.input_shape)}", hint="leave out `--out`"
        )
    labels = dataset.train.labels[dataset.train.positions]
    groups = labels if dataset.task.has_classes else np.zeros(len(labels), np.int64)
    ranks = np.empty(len(groups), np.int64)
    for number in np.unique(groups):
        rows = np.flatnonzero(groups == number)
        ranks[rows] = np.arange(len(rows))
    chosen = np.lexsort((groups, ranks))[:_MOST_PICTURES]
    images, shown = dataset.train.batch(chosen)
    return draw_examples(images, [_caption(dataset, each) for each in shown], dataset.name)[0]


def _caption(dataset: Dataset, label: Any) -> str:
    """Return what the label of a sample says."""
    if dataset.task.has_classes:
        return dataset.class_names[int(label)]
    if label.dtype.kind == "f":
        return ", ".join(f"{value:.4g}" for value in label)
    return ", ".join(name for name, is_set in zip(dataset.class_names, label, strict=True) if is_set) or "none"


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise ConfigError(f"cannot write {str(path)!r}: {error.strerror}", hint="`--out` with another file") from error
