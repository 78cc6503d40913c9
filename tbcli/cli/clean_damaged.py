"""What `tbcli clean --damaged` does: the same as with runs, with what killed processes left behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tbcli.cli.options import Common
from tbcli.cli.output import Output, counted_age, counted_bytes, padded, printable
from tbcli.cli.removing import confirm, print_at_once, report_removed

if TYPE_CHECKING:
    from tbcli.runs.cleaning.damaged import WreckPlan
    from tbcli.runs.cleaning.wreckage import Wreck


def clean_damaged(
    common: Common,
    references: Sequence[str],
    older_than: str,
    *,
    permanent: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Show what is left over, ask, and remove it: to the trash, but for temporary files, which nobody can use.

    Raises:
        NotFound: A reference names nothing that is damaged.
        Refused: The answer was no, or something could not be removed.
    """
    from tbcli.runs import RunStore
    from tbcli.runs.cleaning.damaged import called, plan_wreckage, remove_wreck
    from tbcli.runs.cleaning.removal import one_by_one
    from tbcli.runs.cleaning.trash import Trash

    config, output = common.settle(), common.output
    store = RunStore(config.paths, config.direction)
    trash, is_permanent = Trash(store), permanent or not config.clean.trash_days
    if not is_permanent and not dry_run:
        trash.tidy()
    plan = plan_wreckage(store, references, older_than)
    _show(plan, output)
    if not is_permanent:
        trash.require_usable(path for wreck in plan.wrecks for path in wreck.paths)
    if dry_run:
        output.say("Nothing was removed (--dry-run).")
        sizes = {called(wreck): size for wreck, size in zip(plan.wrecks, plan.sizes, strict=True)}
        report_removed(sizes, output, json=as_json, dry_run=True)
        return
    if plan.wrecks and not yes:
        what = f"what is damaged in {len(plan.wrecks)} places"
        confirm(what, f"Remove {what} ({counted_bytes(sum(plan.sizes))})?")

    def remove(wreck: Wreck) -> int:
        if is_permanent or wreck.kind == "temporary":
            return remove_wreck(wreck, store.logs_root)
        return trash.move_wreck(wreck)

    removed: dict[str, int] = {}
    moved = 0
    try:
        for wreck, size in one_by_one(plan.wrecks, remove):
            removed[called(wreck)] = size
            moved += size if not is_permanent and wreck.kind != "temporary" else 0
            if not as_json:
                print_at_once(called(wreck), output)
    finally:
        if plan.wrecks:
            output.say(f"Freed {counted_bytes(sum(removed.values()) - moved)}.")
        if moved:
            output.say(f"{counted_bytes(moved)} moved to trash: `tbcli clean --restore` lists it.")
        if as_json:
            report_removed(removed, output, json=True, dry_run=False)


def _show(plan: WreckPlan, output: Output) -> None:
    from tbcli.runs.cleaning.damaged import called
    from tbcli.runs.files import utc_now

    for sentence in plan.staying:
        output.say(printable(sentence))
    if not plan.wrecks:
        output.say("Nothing is damaged: nothing to remove.")
        return
    rows = [("WHAT", "AGE", "SIZE", "WHY")]
    for wreck, size in zip(plan.wrecks, plan.sizes, strict=True):
        age = counted_age((utc_now() - wreck.since).total_seconds())
        rows.append((printable(called(wreck)), age, counted_bytes(size), printable(wreck.what)))
    for line in padded(rows, right=frozenset({1, 2})):
        output.say(line)
