"""``tbcli predict``: what a saved model says of images, arrays and tables."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.completing import complete_run
from tbcli.cli.listing import require_one_form
from tbcli.cli.options import OUTPUT_PANEL, Common, Json, with_common_options
from tbcli.cli.output import printable
from tbcli.cli.trained import find_trained, opened
from tbcli.errors import DoesNotFit, NotFound
from tbcli.runs.files import json_ready

if TYPE_CHECKING:
    from tbcli.predicting.predictions import Prediction
    from tbcli.predicting.saved import SavedModel


@with_common_options
def predict(
    common: Common,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="latest, best, an id, its beginning, a name or a path.", autocompletion=complete_run
        ),
    ],
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help="Images, folders of images, .npz files, tables.")
    ],
    top: Annotated[
        int, typer.Option(min=1, metavar="K", help="Name the K most probable classes.", rich_help_panel=OUTPUT_PANEL)
    ] = 1,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail at an image that cannot be read.", rich_help_panel=OUTPUT_PANEL)
    ] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="CSV, one row per input.", rich_help_panel=OUTPUT_PANEL)
    ] = False,
    as_json: Json = False,
) -> None:
    """Ask the saved model of a run about images, arrays or tables.

    Each input gets a label with its confidence, or values, written as they come in the order of the inputs.
    """
    require_one_form(csv=as_csv, json=as_json)
    found, output = find_trained(common, run), common.output
    for path in inputs:
        if not path.exists():
            raise NotFound(
                f"no input: there is no {str(path.absolute())!r}", hint="an image, a folder, .npz or a table"
            )
    broken: list[str] = []

    def leave_out(problem: str) -> None:
        if strict:
            raise DoesNotFit(f"cannot read {problem}", hint="leave out `--strict` to go on without it")
        broken.append(problem)
        output.warn(f"left out {problem}")

    with opened(common, found) as (saved, narrator, check):
        from tbcli.predicting.inputs import open_inputs
        from tbcli.predicting.predictions import predict_all

        samples = open_inputs(inputs, saved, leave_out, narrator.note)
        narrator.stage(f"Predicting {_counted(samples.total)}")
        form = _Json(found.id) if as_json else _Csv(saved, top) if as_csv else _Lines(saved)
        output.results(form.begin())
        done = 0
        for answers in predict_all(saved, samples, top=top):
            check()
            output.results(form.rows(answers))
            done += len(answers)
            narrator.progress(f"Predicted {done:,} of {_counted(samples.total)}")
        output.results(form.end())
    if broken and len(broken) == samples.total:
        raise DoesNotFit("none of the images could be read", hint="the warnings above say why")


def _counted(samples: int) -> str:
    return f"{samples:,} sample{'' if samples == 1 else 's'}"


class _Lines:
    """The input, and what the model says of it: of labels those that it has."""

    def __init__(self, saved: SavedModel) -> None:
        self._ranks = saved.task.has_classes or saved.task.outputs_are == "values"

    def begin(self) -> list[str]:
        return []

    def rows(self, answers: Sequence[Prediction]) -> list[str]:
        return [f"{printable(answer.name)}  {self._said(answer)}" for answer in answers]

    def end(self) -> list[str]:
        return []

    def _said(self, answer: Prediction) -> str:
        shown = answer.best if self._ranks else answer.best[: answer.decided]
        said = "  ".join(f"{printable(name)} {value:.4g}" for name, value in shown or answer.best[:1])
        return said if shown else f"none (most likely {said})"


class _Csv:
    """A row per input: of classes label and confidence, as often as asked; of labels and values a column each."""

    def __init__(self, saved: SavedModel, top: int) -> None:
        self._top = min(top, len(saved.class_names)) if saved.task.has_classes else 0
        self._names = saved.class_names
        self._has_labels = saved.task.outputs_are == "probabilities" and not self._top

    def begin(self) -> list[str]:
        numbers = ["", *(f"_{rank}" for rank in range(2, self._top + 1))]
        pairs = [f"{word}{number}" for number in numbers for word in ("label", "confidence")]
        return [
            _csv_line(["input", *(pairs if self._top else [*(["labels"] if self._has_labels else []), *self._names])])
        ]

    def rows(self, answers: Sequence[Prediction]) -> list[str]:
        return [_csv_line([answer.name, *self._cells(answer)]) for answer in answers]

    def end(self) -> list[str]:
        return []

    def _cells(self, answer: Prediction) -> list[object]:
        if self._top:
            return [cell for pair in answer.best[: self._top] for cell in pair]
        values = dict(answer.best)
        said: list[object] = [";".join(name for name, _ in answer.best[: answer.decided])] if self._has_labels else []
        return [*said, *(values.get(name, "") for name in self._names)]


class _Json:
    """One document, written row by row."""

    def __init__(self, run: str) -> None:
        self._run, self._is_first = run, True

    def begin(self) -> list[str]:
        return [f'{{"schema": 1, "run": {json.dumps(self._run)}, "predictions": [']

    def rows(self, answers: Sequence[Prediction]) -> list[str]:
        lines = [json.dumps(json_ready(answer.as_dict()), ensure_ascii=False) for answer in answers]
        joined = [f"{line}," for line in lines[:-1]] + lines[-1:]
        if not self._is_first:
            joined[0] = f",{joined[0]}"
        self._is_first = False
        return joined

    def end(self) -> list[str]:
        return ["]}"]


def _csv_line(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()
