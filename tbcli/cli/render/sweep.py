"""A sweep as tables of its trials, and as one document."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tbcli.cli.output import padded, printable
from tbcli.naming import schemas
from tbcli.sweeps.definition import Definition, Trial
from tbcli.sweeps.endings import ENDED, FAILED, Outcome
from tbcli.sweeps.space import short_name_of, spoken_value

if TYPE_CHECKING:
    from tbcli.runs import Run

_SHOWN = 5


def spoken_settings(trial: Trial) -> str:
    """Return the settings of a trial, as ``learning_rate=0.1 seed=2``."""
    seed = {"train.seed": trial.seed} if trial.seed is not None else {}
    pairs = {**trial.params, **seed}
    return printable(" ".join(f"{short_name_of(key)}={spoken_setting(value)}" for key, value in pairs.items()))


def spoken_setting(value: object) -> str:
    """Return the value of a setting with the digits that a person reads."""
    return f"{value:.6g}" if isinstance(value, float) else spoken_value(value)


def spoken_number(value: float | None) -> str:
    """Return a metric's value as tables have it."""
    return "-" if value is None else f"{value:.4g}"


def planned_lines(definition: Definition) -> list[str]:
    """Return the trials as a table; for a sampler that chooses them, what it chooses among."""
    if not definition.is_planned:
        return [printable(line) for line in _ranges(definition)]
    names = [each.name for each in definition.dimensions]
    has_seeds = definition.seeds > 1
    rows = [["trial", *names, *(["seed"] if has_seeds else [])]]
    for trial in definition.trials():
        values = [spoken_value(value) for value in trial.params.values()]
        rows.append([str(trial.number), *values, *([str(trial.seed)] if has_seeds else [])])
    return [printable(line) for line in padded(rows, right={0})]


def _ranges(definition: Definition) -> list[str]:
    rows = []
    for each in definition.dimensions:
        between = f"{spoken_value(each.low)}..{spoken_value(each.high)}" + (":log" if each.is_log else "")
        rows.append([each.name, ",".join(map(spoken_value, each.values)) or between])
    return padded(rows)


def best_lines(definition: Definition, reached: Sequence[Outcome]) -> list[str]:
    """Return the best trials as a table."""
    measured = [outcome for outcome in reached if outcome.value is not None and outcome.status == "finished"]
    measured.sort(key=lambda outcome: (outcome.value or 0.0) * (1 if definition.sense == "min" else -1))
    names = [each.name for each in definition.dimensions]
    has_seeds = definition.seeds > 1
    rows = [["trial", definition.metric, *names, *(["seed"] if has_seeds else []), "run"]]
    for outcome in measured[:_SHOWN]:
        values = [spoken_setting(value) for value in outcome.params.values()]
        seed = [str(outcome.seed)] if has_seeds else []
        rows.append(
            [str(outcome.trial), spoken_number(outcome.value), *values, *seed, f"{definition.name}-{outcome.trial}"]
        )
    if not measured:
        return []
    lines = [printable(line) for line in padded(rows, right={0, 1})]
    if len(reached) > len(rows) - 1:
        where = f"--sweep {shlex.quote(definition.name)} --sort {shlex.quote(definition.metric)}"
        lines.append(printable(f"the best {len(rows) - 1} of {len(reached)}; all: tbcli runs {where}"))
    return lines


def left_lines(
    definition: Definition, trials: Sequence[Mapping[str, Any]], ended: Mapping[int, Outcome], *, retries: bool
) -> tuple[list[str], int]:
    """Return the trials of a sweep with what becomes of each when it goes on, and how many are left.

    Args:
        definition: The sweep.
        trials: What is known of them, as in its document.
        ended: Those whose end was noted, with that; of a script nothing else tells that it has come to its end.
        retries: Whether those that failed begin again.
    """
    known, left = {each["trial"]: each for each in trials}, 0
    seed = ["seed"] if definition.seeds > 1 else []
    rows = [["trial", "next", *(each.name for each in definition.dimensions), *seed]]
    for number in range(definition.count):
        status, params = (known.get(number, {}).get(name) for name in ("status", "params"))
        is_left = (
            status not in ENDED
            or (retries and status in FAILED)
            or (definition.script is not None and number not in ended)
        )
        left += is_left
        again = "begins again" if status in FAILED or definition.script else "goes on"
        is_gone = number in ended and ended[number].run and not known.get(number, {}).get("run")
        stays = f"stays {status}" + (", cleaned" if is_gone else "")
        fate = ("begins" if status is None else again) if is_left else stays
        values = [spoken_setting(params[each.key]) if params else "-" for each in definition.dimensions]
        rows.append([str(number), fate, *values, *([str(definition.seed_of(number))] if seed else [])])
    return [printable(line) for line in padded(rows, right={0})], left


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
