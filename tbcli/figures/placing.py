"""Where a figure lies: below the plots, in a directory named after what it shows, unless the user says otherwise."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tbcli.config import FIGURE_FORMATS
from tbcli.errors import ConfigError, Refused
from tbcli.naming.matching import did_you_mean
from tbcli.naming.slugs import slug_of
from tbcli.runs import LogDirectory, Run
from tbcli.runs.files import read_file
from tbcli.runs.ids import looks_like_id

HISTORY_STEM, FOREIGN_STEM = "training_history", "scalars"
_LONGEST_COMPARISON = 120  # of a directory; file systems take 255 bytes
_LONGEST_NAME = 60  # characters, of up to four bytes, of a directory


class Spot(NamedTuple):
    """Where a figure of curves goes.

    Args:
        path: The file.
        mark: The word by which it is known again.
        note: Why it does not lie where one would look for it first, or ``""``.
    """

    path: Path
    mark: str = ""
    note: str = ""


def spot_for_curves(
    places: Sequence[Run | LogDirectory], plots_root: Path, form: str, *, sweep: str = "", grouped_by: str = ""
) -> Spot:
    """Return where the figure of these places goes: by the shortest name where none of other places lies.

    Args:
        places: At least one.
        plots_root: Where all figures lie.
        form: Of the file.
        sweep: The sweep whose runs these are, all of them.
        grouped_by: The key by which runs became groups, whose figure takes the place of no other one.

    Raises:
        Refused: The directory is a link.
    """
    own = [place for place in places if isinstance(place, Run)]
    by = f"_by_{slug_of(grouped_by) or 'key'}" if grouped_by else ""
    if len(own) == len(places):
        directory = _unlinked(plots_root / sweep) if _is_name(sweep) else own_directory(own, plots_root)
        return Spot(directory / f"{HISTORY_STEM}{by}.{form}")
    mark = _mark(places, plots_root)
    note = ""
    for name in _names(places, mark):
        directory = _unlinked(plots_root / name)
        if _is_free(directory, mark):
            break
        note = note or f"{str(directory)!r} holds the figure of another log directory, which is kept"
    return Spot(directory / f"{FOREIGN_STEM}{by}.{form}", mark, note)


def across_directory(ids: Sequence[str], plots_root: Path, sweep: str = "") -> Path:
    """Return the directory of figures about many runs of anybody.

    Args:
        ids: What scripts call the runs.
        plots_root: Where all figures lie.
        sweep: The sweep whose runs these are, all of them.

    Raises:
        Refused: It is a link.
    """
    name = sweep if _is_name(sweep) else comparison_name([one.strip("/").replace("/", "-") for one in ids])
    return _unlinked(plots_root / name)


def _is_name(sweep: str) -> bool:
    """Say whether a sweep's name can be that of a directory beside those of runs."""
    return bool(sweep) and not sweep.startswith(".") and Path(sweep).name == sweep and not looks_like_id(sweep)


def own_directory(runs: Sequence[Run], plots_root: Path) -> Path:
    """Return the directory of a run's figures, or of a comparison of several.

    Raises:
        Refused: It is a link.
    """
    return _unlinked(runs[0].plots if len(runs) == 1 else plots_root / comparison_name([run.id for run in runs]))


def _unlinked(directory: Path) -> Path:
    if directory.is_symlink():
        raise Refused(
            f"{str(directory)!r} is a link, and links below the plots are not followed",
            hint="`--out FILE.png` elsewhere",
        )
    return directory


def comparison_name(ids: Sequence[str]) -> str:
    """Return the name of the directory for a figure of several runs: the same for the same runs, and never too long."""
    ordered = sorted(ids)
    whole = "compare-" + "+".join(ordered)
    if len(whole.encode()) <= _LONGEST_COMPARISON:
        return whole
    digest = hashlib.blake2b("\n".join(ordered).encode(errors="surrogatepass"), digest_size=4).hexdigest()
    return f"compare-{ordered[0][:40]}+{len(ordered) - 1}-more-{digest}"


def checked_format(out: Path) -> Path:
    """Return the path of a figure whose suffix says its format.

    Raises:
        ConfigError: It says none that is known.
    """
    form = out.suffix.lower().removeprefix(".")
    if form in FIGURE_FORMATS:
        return out
    suffixes = [f".{known}" for known in FIGURE_FORMATS]
    hint = did_you_mean(out.suffix, suffixes) if form else f"a file name that ends in {', '.join(suffixes)}"
    raise ConfigError(f"cannot tell a figure format from the name {str(out)!r}", hint=hint)


def _mark(places: Sequence[Run | LogDirectory], plots_root: Path) -> str:
    """Return the word by which a figure of these places is known again, also where the workspace has moved."""
    root = plots_root.resolve()
    paths = "\n".join(sorted(os.path.relpath(_path(place), root) for place in places))
    return "tbcli-" + hashlib.blake2b(paths.encode(errors="surrogatepass"), digest_size=8).hexdigest()


def _names(places: Sequence[Run | LogDirectory], mark: str) -> Iterator[str]:
    """Yield names of a directory, ever longer: of a foreign log directory its name, ``<parent>-<name>``, and so on."""
    deepest = max(len(_path(place).parts) - 1 for place in places)
    for depth in range(1, max(deepest, 2)):
        names = [_name(place, depth) for place in places]
        yield names[0] if len(names) == 1 else comparison_name(names)
    yield mark


def _name(place: Run | LogDirectory, depth: int) -> str:
    if isinstance(place, Run):
        return place.id
    above = _path(place).parts[1:][-depth:-1]
    name = place.name.replace("/", "-") or "logs"
    return "-".join((*above, name))[-_LONGEST_NAME:] if above else name


def _path(place: Run | LogDirectory) -> Path:
    """Return the path of a log directory, or of the one run inside it that is meant."""
    return place.logs.resolve() / (place.run if isinstance(place, LogDirectory) else "")


def _is_free(directory: Path, mark: str) -> bool:
    """Say whether no figure lies there but of the same places."""
    for figure in (figure for form in FIGURE_FORMATS for figure in directory.glob(f"{FOREIGN_STEM}*.{form}")):
        try:
            drawn = read_file(figure)
        except OSError:
            continue  # the writing says what is wrong
        if mark.encode() not in drawn:
            return False
    return True
