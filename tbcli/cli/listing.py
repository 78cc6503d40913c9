"""Which of many runs to show, and in which order; one is looked at at a time, so that ten thousand fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from tbcli.cli.output import printable
from tbcli.errors import ConfigError, NotFound

if TYPE_CHECKING:
    from tbcli.gates import Field, Gate
    from tbcli.runs import Run
    from tbcli.runs.summary import Metric, Summary, Value

Item = TypeVar("Item")
Shaped = TypeVar("Shaped")


class Chosen(NamedTuple, Generic[Shaped]):
    """What `choose` returns.

    Args:
        rows: What is to be shown, in order.
        notes: Sentences about names that mean several things.
    """

    rows: list[Shaped]
    notes: tuple[str, ...] = ()


class ListingQuery(NamedTuple):
    """Conditions, order and columns of a listing.

    Args:
        conditions: Only runs that meet all of them.
        sort: Order by this; None for the order of time.
        is_reversed: In reverse order.
        columns: Show these; empty for the usual ones.
    """

    conditions: tuple[Gate, ...] = ()
    sort: Field | None = None
    is_reversed: bool = False
    columns: tuple[Field, ...] = ()

    @classmethod
    def parse(cls, where: Sequence[str], sort: str | None, columns: str | None, *, is_reversed: bool) -> ListingQuery:
        """Parse the options of a listing.

        Raises:
            ConfigError: An option does not parse.
        """
        if not where and sort is None and columns is None:
            return cls(is_reversed=is_reversed)
        from tbcli.gates import parse_conditions, parse_field, parse_fields

        return cls(
            tuple(condition for expression in where for condition in parse_conditions(expression)),
            parse_field(sort) if sort is not None else None,
            is_reversed,
            parse_fields(columns) if columns is not None else (),
        )

    @property
    def asks_of_runs(self) -> bool:
        """Whether more is to be known of each run than its usual row."""
        return bool(self.conditions or self.sort or self.columns)

    @property
    def fields(self) -> tuple[Field, ...]:
        """All names that were asked for."""
        if not self.conditions:
            return (*([self.sort] if self.sort else ()), *self.columns)
        from tbcli.gates import names_asked

        asked = (field for gate in self.conditions for field in names_asked(gate))
        return (*asked, *([self.sort] if self.sort else ()), *self.columns)


def guesses_in(query: ListingQuery, directions: Mapping[str, str]) -> list[str]:
    """Return a sentence for each best that was asked for though its direction is a guess."""
    if not query.fields:
        return []
    from tbcli.naming.direction import direction_of

    notes = {
        field.name: direction_of(field.name, directions, asked=True).note
        for field in query.fields
        if field.selector in ("best", "epoch")
    }
    return [f"the best of {printable(name)} {note}" for name, note in notes.items() if note]


def choose(
    query: ListingQuery,
    items: Iterable[Item],
    summarize: Callable[[Item], Summary],
    shape: Callable[[Item, Summary | None], Shaped],
    order: Callable[[Item], Any],
) -> Chosen[Shaped]:
    """Return what is to be shown of the runs that match, in the order that was asked for; no run is kept.

    Metrics sort best first, all else and metrics without direction smallest first; what has no value comes last.

    Args:
        query: What was asked.
        items: The runs.
        summarize: Returns what is known of a run; called only where something was asked.
        shape: Returns what is to be shown of one.
        order: Returns what sorts runs by time.

    Raises:
        NotFound: No run has anything of a name that was asked for.
        ConfigError: A number was to be compared with a word.
    """
    if not query.asks_of_runs:
        timed = sorted(((order(item), shape(item, None)) for item in items), key=lambda pair: pair[0])
        return Chosen([shown for _, shown in (reversed(timed) if query.is_reversed else timed)])
    from tbcli.gates import all_hold

    asked = _Asked(query)
    found: list[tuple[Any, Value | None, Shaped]] = []
    for item in items:
        summary = summarize(item)
        asked.look_into(summary)
        if all_hold(query.conditions, summary, chooses_runs=True):
            found.append((order(item), query.sort.of(summary) if query.sort else None, shape(item, summary)))
    asked.require_all()
    found.sort(key=lambda entry: entry[0])
    if query.sort is None:
        return Chosen([shown for *_, shown in (reversed(found) if query.is_reversed else found)], asked.notes)
    asked.note_order(query.sort)
    known = [entry for entry in found if not _is_nothing(entry[1])]
    known.sort(key=lambda entry: _rank(entry[1]), reverse=asked.is_high_best(query.sort) != query.is_reversed)
    unknown = (entry for entry in found if _is_nothing(entry[1]))
    return Chosen([shown for *_, shown in (*known, *unknown)], asked.notes)


_ENOUGH = 10  # runs to look into for a setting that has the name of a metric


class _Asked:
    """Watches that every name that was asked for means something in one run at least."""

    def __init__(self, query: ListingQuery) -> None:
        self._unknown = list(query.fields)
        self._plain = [field for field in query.fields if not field.selector]
        self._shown = {field.name for field in (*query.columns, *([query.sort] if query.sort else ()))}
        self._notes: dict[str, str] = {}
        self._looked = 0
        self._metrics: set[str] = set()
        self._last: Summary | None = None

    def look_into(self, summary: Summary) -> None:
        self._last = summary
        if self._unknown:
            known = [field for field in self._unknown if field.of(summary) is not None]
            self._metrics.update(field.name for field in known if summary.metric(field.name, field.selector))
            self._unknown = [field for field in self._unknown if field not in known]
        self._looked += 1
        for field in self._plain if self._looked <= _ENOUGH else ():  # a configuration is a file to read
            setting = summary.setting_behind(field.name)
            if setting:
                self._notes[field.name] = self._on_setting(field, setting, summary.setting(field.name))

    def _on_setting(self, field: Field, setting: str, value: Value | None) -> str:
        shown = f"{field.name!r} is the last value of the metric; the setting is {setting!r}"
        if field.name in self._shown or isinstance(value, str):
            return shown
        return f"{field.name!r} in --where is the setting {setting!r}; the metric is '{field.name}.last'"

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes.values())

    def note_order(self, field: Field) -> None:
        """Say where the order of the runs rests on a guess."""
        if self._last and field.name in self._metrics and field.selector != "epoch":
            guess = self._last.direction(field.name, asked=True)
            if guess.is_guessed:
                self._notes[f"{field} by"] = (
                    f"sorted by {str(field)!r} {guess.note}: `[direction]` in tbcli.toml says it"
                )

    def is_high_best(self, field: Field) -> bool:
        if field.name not in self._metrics or field.selector == "epoch" or self._last is None:
            return False
        return self._last.direction(field.name, asked=True).sense == "max"

    def require_all(self) -> None:
        if self._unknown and self._last:
            from tbcli.gates import hint_on_unknown

            unknown = self._unknown[0]
            raise NotFound(f"no run has {str(unknown)!r}", hint=hint_on_unknown(unknown, self._last))


def _is_nothing(value: Value | None) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _rank(value: Value | None) -> tuple[bool, Any]:
    """Return what sorts numbers before words."""
    is_word = isinstance(value, str)
    return is_word, value


def require_one_form(**forms: bool) -> None:
    """Refuse two documents at once.

    Raises:
        ConfigError: More than one of the forms was asked for.
    """
    asked = [f"--{name.replace('_', '-')}" for name, wanted in forms.items() if wanted]
    if len(asked) > 1:
        raise ConfigError(f"{' and '.join(asked)} do not go together", hint=f"leave {asked[-1]} out")


def tags_of_run(run: Run) -> tuple[Mapping[str, Metric], Mapping[str, str]]:
    """Return the metrics in a run's event files and their aliases, for names that its record does not have."""
    from tbcli.readers.logged_runs import tags_of

    return tags_of(run.logs, run.directions)
