"""A sweep as one document: what ``tbcli sweep --json`` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.runs import Run
    from tbcli.sweeps.definition import Definition, Trial
    from tbcli.sweeps.endings import Outcome


def as_document(
    definition: Definition, outcomes: Mapping[int, Outcome], runs: Mapping[int, Run], *, dry_run: bool = False
) -> dict[str, Any]:
    """Return a sweep for JSON; keys are only ever added.

    Args:
        definition: The sweep.
        outcomes: How trials have ended, by their numbers.
        runs: The run of each trial that has one.
        dry_run: Whether it was only planned.
    """
    goal = {"metric": definition.metric, "sense": definition.sense}
    trials = [_trial(definition, number, outcomes.get(number), runs.get(number)) for number in range(definition.count)]
    known = [trial for trial in trials if trial["params"] is not None]
    values = [trial for trial in known if trial["status"] == "finished" and trial["value"] is not None]
    best = (min if definition.sense == "min" else max)(values, key=lambda trial: trial["value"], default=None)
    return {
        "schema": schemas.SWEEP,
        "name": definition.name or None,
        **goal,
        "method": definition.method,
        "seeds": definition.seeds,
        "count": definition.count,
        "space": {each.key: each.as_dict() for each in definition.dimensions},
        "dry_run": dry_run,
        "best": best["trial"] if best else None,
        "trials": known,
    }


def _trial(definition: Definition, number: int, outcome: Outcome | None, run: Run | None) -> dict[str, Any]:
    """Return what is known of a trial; its settings are None where a sampler has not chosen them yet."""
    planned: Trial | None = definition.planned(number) if definition.is_planned else None
    said = run.sweep if run else {}
    params = outcome.params if outcome else said.get("params") if run else planned.params if planned else None
    status = outcome.status if outcome else run.status() if run else None
    return {
        "trial": number,
        "params": None if params is None else dict(params),
        "seed": definition.seed_of(number),
        "status": status,
        "value": outcome.value if outcome else None,
        "run": run.id if run else None,
        "error": outcome.reason if outcome and not outcome.has_result else None,
    }
