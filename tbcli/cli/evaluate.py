"""``tbcli evaluate``: a saved model measured on the data of its run, or on others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.completing import complete_run
from tbcli.cli.options import Common, Json, with_options
from tbcli.cli.output import padded, printable, stdout_kept_clean
from tbcli.cli.trained import find_trained, trained_settings

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.predicting.measuring import Measured
    from tbcli.runs import Run


@with_options("data", last=True)
def evaluate(
    common: Common,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="latest, best, an id, its beginning, a name or a path.", autocompletion=complete_run
        ),
    ],
    as_json: Json = False,
) -> None:
    """Measure the saved model of a run on its test set, or on other data.

    Without --data, the samples are those that the run held out. Of other data, the test set is used
    where there is one, else all samples; classes are matched by name.
    """
    found = find_trained(common, run)
    config, output = trained_settings(found, common), common.output
    with stdout_kept_clean():
        measured = _measure(common, found, config)
    known = (found.record.get("evaluation_data") or {}).get(measured.split)
    is_changed = common.value("data.source") is None and known not in (None, measured.fingerprint)
    if is_changed:
        output.warn("the data are not those that the run was trained and measured on: they have changed since")
    output.say(f"{measured.samples:,} samples of {printable(measured.data)}, {measured.split}")
    if as_json:
        output.document(
            {
                "schema": 1, "run": found.id, "data": measured.data, "split": measured.split,
                "samples": measured.samples, "metrics": measured.metrics, "data_changed": is_changed,
            }
        )  # fmt: skip
    else:
        rows = [["metric", "value"], *([name, f"{value:.6g}"] for name, value in measured.metrics.items())]
        output.results(padded(rows, right=frozenset({1})))


def _measure(common: Common, run: Run, config: Config) -> Measured:
    from tbcli.cli.trained import opened

    with opened(common, run) as (saved, narrator, check):
        from tbcli.predicting.measuring import evaluate_saved

        is_other = common.value("data.source") is not None
        narrator.stage("Evaluating")
        return evaluate_saved(saved, config, is_other=is_other, say=narrator.note, check=check)
