"""What `tbcli clean` does with its trash: list, restore, purge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tbcli.cli.options import Common
from tbcli.cli.output import Output, counted_age, counted_bytes, padded, printable, shortened
from tbcli.cli.removing import WIDEST_NAME, confirm, counted_runs, print_at_once
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.runs.cleaning.trash import Trash
    from tbcli.runs.cleaning.trash_contents import Trashed

HEADER = ("ID", "NAME", "STATUS", "IN TRASH", "SIZE")


def restore_runs(common: Common, references: Sequence[str], *, all_: bool, as_json: bool) -> None:
    """Bring runs back and print their ids; without any, list the trash.

    Raises:
        NotFound: A reference names nothing in the trash.
        Refused: A run of that id is there, or another process works on it.
    """
    from tbcli.runs.cleaning.removal import one_by_one

    trash, output = _trash(common), common.output
    if not references and not all_:
        _list(trash, output, as_json=as_json)
        return
    trash.tidy()
    found = {one.directory: one for one in (trash.list() if all_ else map(trash.find, references))}  # the newest copy
    restored = []
    try:
        for one, _ in one_by_one(list(found.values()), trash.restore, "restored"):
            restored.append(one.id)
            if not as_json:
                print_at_once(one.id, output)
            if older := sum(other.directory == one.directory for other in trash.list()):
                output.say(f"{printable(one.id)} is the newest of {older + 1} copies; {older} in the trash")
    finally:
        if as_json:
            output.document({"schema": schemas.OTHERS, "restored": restored})


def purge_trash(
    common: Common, references: Sequence[str], older_than: str, *, as_json: bool, dry_run: bool, yes: bool
) -> None:
    """Remove what is in the trash for good, and print the ids.

    Raises:
        NotFound: A reference names nothing in the trash.
        Refused: The answer was no, or something could not be removed.
    """
    from tbcli.runs.cleaning.removal import one_by_one
    from tbcli.runs.cleaning.removal_plan import parse_age

    trash, output = _trash(common), common.output
    least = parse_age(older_than) if older_than else 0.0
    if not dry_run:
        trash.tidy()
    entries = [trash.find(reference) for reference in references] if references else trash.list()
    chosen = list({one.entry: one for one in entries if one.age_seconds() >= least}.values())
    sizes = _sizes(chosen)
    _show(chosen, sizes, output)
    removed = [] if not dry_run else list(zip(chosen, sizes, strict=True))
    if dry_run:
        output.say("Nothing was removed (--dry-run).")
    elif chosen and not yes:
        runs = counted_runs(len(chosen))
        confirm(runs, f"Remove {runs} in the trash for good ({counted_bytes(sum(sizes))})?")
    try:
        for one, freed in one_by_one([] if dry_run else chosen, trash.purge):
            removed.append((one, freed))
            if not as_json:
                print_at_once(one.id, output)
    finally:
        if not dry_run:
            output.say(f"Freed {counted_bytes(sum(size for _, size in removed))}.")
        if as_json:
            gone = [{"id": one.id, "bytes": size} for one, size in removed]
            total = sum(size for _, size in removed)
            output.document({"schema": schemas.OTHERS, "dry_run": dry_run, "runs": gone, "bytes": total})
        elif dry_run:
            output.results([one.id for one in chosen])


def purge_expired(trash: Trash, expired: Sequence[Trashed], days: float, output: Output, *, dry_run: bool) -> None:
    """Remove for good what has been in the trash for so many days, or say what would go."""
    from tbcli.errors import TbcliError
    from tbcli.runs.cleaning.removal import one_by_one

    if not expired:
        return
    has_been = f"in the trash for {days:g} days or more"
    if dry_run:
        output.say(f"{counted_runs(len(expired))} {has_been} would go for good: {counted_bytes(sum(_sizes(expired)))}")
        return
    gone, freed = 0, 0
    try:
        for _, size in one_by_one(expired, trash.purge):
            gone, freed = gone + 1, freed + size
    except TbcliError as error:
        output.warn(error.message)
    output.say(f"{counted_runs(gone)} {has_been} went for good: {counted_bytes(freed)} freed")


def _trash(common: Common) -> Trash:
    from tbcli.runs import RunStore
    from tbcli.runs.cleaning.trash import Trash

    config = common.settle()
    return Trash(RunStore(config.paths, config.direction))


def _list(trash: Trash, output: Output, *, as_json: bool) -> None:
    entries = trash.list()
    sizes = _sizes(entries)
    if as_json:
        listed = [
            {
                "id": one.id, "name": one.name, "status": one.status, "entry": one.entry.name,
                "age_seconds": one.age_seconds(), "bytes": size,
            }
            for one, size in zip(entries, sizes, strict=True)
        ]  # fmt: skip
        output.document({"schema": schemas.OTHERS, "trash": str(trash.place), "runs": listed, "bytes": sum(sizes)})
    elif entries:
        output.results(_table(entries, sizes))
        output.say(f"{counted_bytes(sum(sizes))} in {printable(str(trash.place))!r}; `tbcli clean --purge` empties it.")
    else:
        output.say("The trash is empty.")


def _show(entries: Sequence[Trashed], sizes: Sequence[int], output: Output) -> None:
    for line in _table(entries, sizes) if entries else ["Nothing in the trash is selected."]:
        output.say(line)


def _table(entries: Sequence[Trashed], sizes: Sequence[int]) -> list[str]:
    rows = [
        (
            printable(one.id), shortened(printable(one.name), WIDEST_NAME) or "-", printable(one.status),
            counted_age(one.age_seconds()), counted_bytes(size),
        )
        for one, size in zip(entries, sizes, strict=True)
    ]  # fmt: skip
    return padded([HEADER, *rows], right=frozenset({3, 4}))


def _sizes(entries: Sequence[Trashed]) -> list[int]:
    """Return what each frees, where files with names in several of them count with the last."""
    from tbcli.runs.cleaning.trees import Freed

    freed = Freed()
    return [one.bytes(freed) for one in entries]
