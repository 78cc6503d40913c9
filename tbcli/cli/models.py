"""``tbcli models``: what ``--model`` can name, and how large each is for the data."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tbcli.cli.options import Common, Json, with_options
from tbcli.cli.output import Output, padded, printable, stderr_hushed, stdout_kept_clean

if TYPE_CHECKING:
    from tbcli.data.dataset import Dataset
    from tbcli.models.catalogue import ModelFacts

_WIDTH = 80


@with_options("data")
def models(common: Common, *, as_json: Json = False) -> None:
    """List the models, their arguments, and their number of parameters for --data.

    TensorFlow is loaded, for every model is built once. `tbcli help models` explains models of your own.
    """
    config = common.settle()
    from tbcli.data import load_dataset
    from tbcli.models.architectures import application_names

    dataset = load_dataset(config.data)
    entries = _listed(dataset, common.output)
    if as_json:
        common.output.document(_document(dataset, entries, application_names()))
    else:
        common.output.results(_lines(dataset, entries, application_names()))


def _listed(dataset: Dataset, output: Output) -> list[ModelFacts]:
    from tbcli.cli.train import hush_libraries

    hush_libraries(verbose=output.verbose)
    from tbcli.keras_backend import load_keras

    with stdout_kept_clean(), stderr_hushed():
        load_keras()
        from tbcli.models.catalogue import list_models

        return list_models(dataset)


def _lines(dataset: Dataset, entries: Sequence[ModelFacts], applications: Sequence[str]) -> list[str]:
    from tbcli.models.architectures import describe_samples

    rows = [["model", "takes", "parameters", "arguments"], *map(_row, entries)]
    chosen = next(entry.name for entry in entries if entry.is_default)
    others = textwrap.wrap(", ".join(applications), _WIDTH, initial_indent="  ", subsequent_indent="  ")
    return [
        *padded(rows, right=(2,)),
        "",
        *(f"{entry.name}: {entry.about}" for entry in entries),
        "",
        f"Parameters are counted for {printable(dataset.name)}, {describe_samples(dataset)}; auto chooses {chosen}.",
        "",
        "keras.applications, with new weights or `--weights FILE`:",
        *others,
    ]


def _row(entry: ModelFacts) -> list[str]:
    count = "-" if entry.parameters is None else f"{entry.parameters:,}"
    return [
        entry.name,
        entry.suits,
        count,
        " ".join(f"{name}={value}" for name, value in entry.arguments.items()) or "-",
    ]


def _document(dataset: Dataset, entries: Sequence[ModelFacts], applications: Sequence[str]) -> dict[str, Any]:
    from dataclasses import asdict

    from tbcli.naming import schemas

    data = {"name": dataset.name, "task": dataset.task.name, "input_shape": list(dataset.input_shape)}
    return {
        "schema": schemas.OTHERS,
        "data": data,
        "models": [asdict(entry) for entry in entries],
        "applications": list(applications),
    }
