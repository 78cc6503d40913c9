"""``tbcli effects``: which settings of many runs mattered for a metric, and which differences are noise."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tbcli.cli.completing import complete_metric, complete_run
from tbcli.cli.options import Common, Json, with_common_options
from tbcli.cli.output import Output
from tbcli.cli.places import NoCache, OfSweep, Verify, store_of
from tbcli.errors import ConfigError, NotFound
from tbcli.naming.matching import did_you_mean

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.effects.inquiry import Inquiry
    from tbcli.runs import RunStore
    from tbcli.runs.summary import Summary

_BUILT_IN = "variance"
_ASKED, _TOLD = 20, 12  # runs whose metrics are named, and how many of these
_METHODS = (_BUILT_IN, "fanova", "ped-anova")


@with_common_options
def effects(
    common: Common,
    metric: Annotated[
        str | None,
        typer.Argument(
            metavar="METRIC",
            help="A metric, as val_loss (its last value), val_loss.best, or a fact, as seconds.",
            autocompletion=complete_metric,
        ),
    ] = None,
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN]...",
            help="Ids, names, or paths: the runs in them. [default: all runs]",
            autocompletion=complete_run,
        ),
    ] = None,
    sweep: OfSweep = None,
    importance: Annotated[
        str,
        typer.Option(
            metavar="METHOD",
            help="variance: share of the variance explained; fanova or ped-anova: Optuna's (extra `sweep`).",
        ),
    ] = _BUILT_IN,
    as_json: Json = False,
    verify: Verify = False,
    no_cache: NoCache = False,
) -> None:
    """Find out which settings a metric follows by more than noise, over many runs.

    A permutation test decides, of a full grid with several seeds an F test against the noise between these, corrected
    for the number of settings and of pairs: where nothing matters, one in twenty sets of runs shows something. Effects
    are adjusted for the other settings that matter. Only finished runs count.
    """
    if importance not in _METHODS:
        raise ConfigError(f"unknown --importance {importance!r}", hint=did_you_mean(importance, _METHODS))
    from tbcli.gates import parse_field

    field, config = parse_field(metric) if metric is not None else None, common.settle()
    store = store_of(config, sweep)
    summaries = find_summaries(store, list(runs or ()), common.output, verify=verify, cache=not no_cache)
    if field is None:
        raise ConfigError("effects needs a METRIC", hint=_metrics_of(summaries))
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: threads would only wait for each other
    from tbcli.effects.inquiry import inquire

    inquiry = inquire(sorted(summaries, key=_trial), field.name, field.selector)
    inquiry = replace(inquiry, notes=(*inquiry.notes, *_notes_on_search(config, inquiry.summaries)))
    importances = None
    if importance != _BUILT_IN:
        from tbcli.effects.evaluators import optuna_importances

        spaces = _spaces(config, store.sweep)
        rows = [_sweep_of(one)["params"] if spaces else one.settings for one in inquiry.summaries]
        importances = optuna_importances(
            importance, rows, inquiry.values, is_lower_better=inquiry.is_lower_better, spaces=spaces
        )
        importances = (
            {_as_recorded(key, spaces): share for key, share in importances.items()} if spaces else importances
        )
    _show(inquiry, importance, importances, common.output, as_json=as_json)


def _metrics_of(summaries: Sequence[Summary]) -> str:
    """Return a sentence with the metrics that runs have."""
    from tbcli.cli.output import printable

    names = dict.fromkeys(name for summary in summaries[:_ASKED] for name in summary.metrics)
    told = ", ".join(map(printable, list(names)[:_TOLD])) + (", ..." if len(names) > _TOLD else "")
    return f"the runs have {told}" if told else "a metric, as `tbcli effects val_loss`"


def _trial(summary: Summary) -> int:
    """Return the number of a trial, by which Optuna has them in order; runs of no sweep stay as they are."""
    number = _sweep_of(summary).get("trial")
    return number if isinstance(number, int) else 0


def _sweep_of(summary: Summary) -> Mapping[str, Any]:
    from tbcli.runs.summary import TRIAL_OF

    return summary.read_fact(TRIAL_OF) or {}


def _as_recorded(key: str, keys: Collection[str]) -> str:
    """Return what the settings of a run call what varies in a sweep: an argument stands among those of the run."""
    from tbcli.runs.summary import ARGUMENTS
    from tbcli.sweeps.space import argument_of

    setting, name = argument_of(key)
    is_told_apart = setting == "data.args" and f"model.args.{name}" in keys
    return f"{ARGUMENTS}.data.{name}" if is_told_apart else f"{ARGUMENTS}.{name}" if setting else key


def _notes_on_search(config: Config, summaries: Sequence[Summary]) -> list[str]:
    """Return what has to be known of runs of a sweep that looked where earlier ones had done well."""
    names = {str(name) for summary in summaries if (name := _sweep_of(summary).get("name"))}
    if not any(_method_of(config, name) == "tpe" for name in names):
        return []
    told = "trials of tpe lie where earlier ones did well: p (limit 0.05) is approximate, and importance is that of"
    return [f"{told} where it looked"]


def _method_of(config: Config, sweep: str) -> str:
    """Return how a sweep chose its trials, ``""`` where that is not known any more."""
    from tbcli.sweeps.directory import find_sweep

    try:
        return find_sweep(config.paths, sweep).load().method
    except (NotFound, ConfigError):
        return ""


def _spaces(config: Config, sweep: str) -> dict[str, object]:
    """Return where Optuna looked for settings in a sweep; nothing where that is not known any more."""
    if not sweep or find_spec("optuna") is None:
        return {}
    from tbcli.sweeps.directory import find_sweep
    from tbcli.sweeps.study import spaces_of

    try:
        return spaces_of(find_sweep(config.paths, sweep).load())
    except NotFound:
        return {}


def find_summaries(
    store: RunStore, references: list[str], output: Output, *, verify: bool = False, cache: bool = True
) -> list[Summary]:
    """Return the runs that references name, all runs of the workspace where there are none."""
    from tbcli.cli.places import find_places, list_own_runs
    from tbcli.cli.summaries import summaries_of_place

    places = find_places(store, references, output) if references else [*list_own_runs(store, output)]
    told: set[str] = set()
    return [
        summary
        for place in places
        for summary in summaries_of_place(place, output, verify=verify, cache=cache, told=told)
    ]


def _show(
    inquiry: Inquiry, method: str, importances: dict[str, float] | None, output: Output, *, as_json: bool
) -> None:
    from tbcli.cli.render.effects import as_document, as_lines

    if inquiry.direction.is_guessed:
        output.say(f"{inquiry.metric} {inquiry.direction.note}: `[direction]` in tbcli.toml says it")
    for note in inquiry.notes:
        output.warn(note)
    if as_json:
        output.document(as_document(inquiry, method, importances))
    else:
        output.results(as_lines(inquiry, method, importances))
