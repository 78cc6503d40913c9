"""The trials of a sweep as tables: those that are planned, and the best of those that have ended."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tbcli.cli.output import padded, printable
from tbcli.cli.render.sweep_progress import spoken_number, spoken_setting
from tbcli.sweeps.definition import Definition
from tbcli.sweeps.endings import ENDED, FAILED, Outcome
from tbcli.sweeps.space import spoken_value

_SHOWN = 5


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
    definition: Definition, trials: Sequence[Mapping[str, Any]], ended: Collection[int], *, retries: bool
) -> tuple[list[str], int]:
    """Return the trials of a sweep with what becomes of each when it goes on, and how many are left.

    Args:
        definition: The sweep.
        trials: What is known of them, as in its document.
        ended: Those whose end was noted; of a script nothing else tells that it has come to its end.
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
        fate = ("begins" if status is None else again) if is_left else f"stays {status}"
        values = [spoken_setting(params[each.key]) if params else "-" for each in definition.dimensions]
        rows.append([str(number), fate, *values, *([str(definition.seed_of(number))] if seed else [])])
    return [printable(line) for line in padded(rows, right={0})], left
