"""What `tbcli clean --slim` does: take heavy kinds of evidence from runs, after showing and asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbcli.cli.output import Output, counted_bytes
from tbcli.cli.removing import confirm, counted_runs, print_at_once, report_removed, show_runs_that_go

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbcli.runs import Run
    from tbcli.runs.cleaning.removal_plan import Removal


def slim_runs(
    removal: Removal, kinds: Sequence[str], output: Output, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Take kinds of evidence from the runs that were chosen, for good, and print their ids.

    Raises:
        ConfigError: Nobody is there to be asked.
        Refused: The answer was no, or some of them could not be slimmed.
    """
    from tbcli.exporting.slimming import plan_slimming, slim
    from tbcli.runs.cleaning.heavy import STATES, takes_states
    from tbcli.runs.cleaning.removal import one_by_one

    named = ", ".join(kinds)
    if takes_states(kinds) and STATES not in kinds:
        named += " and the states to resume from"
    ends = " A slimmed run cannot be resumed." if takes_states(kinds) else ""
    sizes: dict[str, int] = {}
    chosen: list[Run] = []
    for run in removal.runs:
        plan = plan_slimming(run, kinds)
        for path in plan.damaged:
            output.warn(f"{run.id}: {path} is damaged: what stands behind that place stays as it is")
        if plan.is_needed:
            chosen.append(run)
            sizes[run.id] = plan.bytes
    show_runs_that_go(removal.live, chosen, list(sizes.values()), output, "No run holds any of that: nothing to slim.")
    total = counted_bytes(sum(sizes.values()))
    if dry_run:
        output.say(f"Nothing was removed (--dry-run): without {named} {total} would be freed.{ends * bool(chosen)}")
        report_removed(sizes, output, json=as_json, dry_run=True)
        return
    if chosen and not yes:
        what = f"{named} from {counted_runs(len(chosen))}"
        confirm(what, f"Remove {what} for good ({total})?{ends}")
    freed: dict[str, int] = {}
    try:
        for run, count in one_by_one(chosen, lambda run: slim(run, kinds), "slimmed"):
            freed[run.id] = count
            if not as_json:
                print_at_once(run.id, output)
    finally:
        if chosen:
            output.say(f"Freed {counted_bytes(sum(freed.values()))}.{ends}")
        if as_json:
            report_removed(freed, output, json=True, dry_run=False)
