"""What mattered, as a table for a person and as one document."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tbcli.cli.output import is_terminal, padded, printable, shortened, styled, wants_colour
from tbcli.cli.render.comparison import wrapped
from tbcli.cli.render.shown import shown_metric
from tbcli.effects.judging import ONLY_WITH
from tbcli.naming import schemas
from tbcli.naming.matching import listed
from tbcli.naming.shortening import shortened_names

if TYPE_CHECKING:
    from tbcli.effects.analysis import Effects
    from tbcli.effects.inquiry import Inquiry
    from tbcli.effects.interactions import Interaction
    from tbcli.effects.judging import SettingEffect
    from tbcli.effects.levels import Level

Importances = Mapping[str, float] | None
_PIPED = 0
_TOGETHER = re.compile(r" (?=%)|(?<=\(p) |(?<=\bn) (?=\d)|(?<=±) | (?=±)")
_NARROWEST = 14  # of a name
_LONGEST_BEST, _NARROWEST_VALUE = 22, 7
_MOVING = ("effect", "confounded")
_CURVED = "ADJUSTED ± SE: beside the other settings that matter; of a number, SE is around its fitted curve"


def as_lines(inquiry: Inquiry, method: str, importances: Importances) -> list[str]:
    """Return the settings, the levels of those that matter, and sentences about the rest."""
    width = shutil.get_terminal_size().columns if is_terminal(sys.stdout) else _PIPED
    blocks = [
        [_heading(inquiry)],
        _settings(inquiry, method, importances, width),
        _levels(inquiry, width),
        [line for text in _sentences(inquiry) for line in _wrapped(text, width)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block).split("\n")


def _wrapped(text: str, width: int) -> list[str]:
    """Return a sentence in lines that fit, no number of which is parted from its sign or its name."""
    return [line.replace("\u00a0", " ") for line in wrapped(_TOGETHER.sub("\u00a0", text), width)]


def _heading(inquiry: Inquiry) -> str:
    effects, better = inquiry.effects, {"min": ", lower is better", "max": ", higher is better"}
    many = f" of {len(effects.points.configurations):,} configurations" if effects.is_repeated else ""
    return f"{printable(inquiry.asked)}: {_runs(effects.runs)}{many}{better.get(inquiry.direction.sense, '')}"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count:,} runs"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _settings(inquiry: Inquiry, method: str, importances: Importances, width: int) -> list[str]:
    settings = _ordered(inquiry, importances)
    if not settings:
        return []
    title = "IMPORTANCE" if importances is None else method.upper()
    rows = [["SETTING", title, "EFFECT", "BEST", "P", "VERDICT"]]
    for one in settings:
        best = one.main.best if one.verdict in _MOVING and inquiry.direction.sense else "-"
        rows.append([printable(one.name), _importance(one, importances), _effect(one),
                     shortened(printable(best), _LONGEST_BEST), "-" if one.p is None else _p(one.p),
                     printable(one.told)])  # fmt: skip

    def paint(column: int, cell: str) -> str:
        is_moving = column == 5 and cell.strip().startswith((*_MOVING, ONLY_WITH))
        return styled(cell, "green", sys.stdout) if is_moving else cell

    return padded(_fitted(rows, 3, width), right=(1, 4), paint=paint if wants_colour(sys.stdout) else None)


def _ordered(inquiry: Inquiry, importances: Importances) -> Sequence[SettingEffect]:
    settings = inquiry.effects.settings
    return settings if importances is None else sorted(settings, key=lambda one: -importances.get(one.name, -1.0))


def _fitted(rows: Sequence[Sequence[str]], value: int, width: int) -> list[list[str]]:
    """Return rows that fit a window: names are shortened, and then values.

    Args:
        rows: The heading first; a name first in each.
        value: The column of values.
        width: Of the window; 0 for none.
    """
    columns = [list(column) for column in zip(*rows, strict=True)]
    wide = [max(map(len, column)) for column in columns]
    if not width or (over := sum(wide) + 2 * (len(wide) - 1) - width) <= 0:
        return [list(row) for row in rows]
    names = dict.fromkeys(columns[0][1:])
    short = shortened_names(list(names), max(_NARROWEST, wide[0] - over))
    known = dict(zip(names, short, strict=True))
    columns[0] = [columns[0][0], *(known[name] for name in columns[0][1:])]
    if (over := over - wide[0] + max(map(len, columns[0]))) > 0:
        columns[value] = [shortened(text, max(_NARROWEST_VALUE, wide[value] - over)) for text in columns[value]]
    return [list(row) for row in zip(*columns, strict=True)]


def _importance(one: SettingEffect, importances: Importances) -> str:
    share = _share_of(one, importances)
    return "-" if share is None else f"{share:.0%}".replace("%", " %")


def _share_of(one: SettingEffect, importances: Importances) -> float | None:
    """Return the importance of a setting; None where nothing tells it."""
    if importances is not None:
        return importances.get(one.name)
    return None if one.why else one.share


def _effect(one: SettingEffect) -> str:
    return f"{shown_metric(one.main.size)} ± {one.main.error:.2g}"


def _p(p: float) -> str:
    return "<0.001" if p < 0.0005 else f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"


def _levels(inquiry: Inquiry, width: int) -> list[str]:
    """Return the metric at each value of the settings that matter."""
    settings = [one for one in inquiry.effects.settings if one.verdict in _MOVING]
    rows = [["SETTING", "VALUE", "MEAN ± SD", "ADJUSTED ± SE", "N", ""]]
    for one in settings:
        for place, level in enumerate(one.levels):
            mark = "best" if level.is_best and inquiry.direction.sense else ""
            rows.append(["" if place else printable(one.name), *_level(level), str(level.n), mark])
    if not settings:
        return []
    told = _wrapped(_CURVED, width) if any(_has_curve(one) for one in settings) else []
    return [*padded(_fitted(rows, 1, width), right=(2, 3, 4)), *told]


def _has_curve(one: SettingEffect) -> bool:
    """Say whether a number has more values than are shown, or than a line goes through."""
    return one.factor.is_number and len(one.factor.levels) > 2


def _level(level: Level) -> list[str]:
    spread = "" if level.deviation is None else f" ± {level.deviation:.2g}"
    text = shortened(printable(level.text), _LONGEST_BEST)
    return [text, f"{shown_metric(level.mean)}{spread}", f"{shown_metric(level.adjusted)} ± {level.error:.2g}"]


def _sentences(inquiry: Inquiry) -> Iterator[str]:
    effects = inquiry.effects
    if not effects.settings:
        yield f"no setting varies over {_runs(effects.runs)}"
    yield from _untold(effects.settings)
    for pair in (effects.interaction, *effects.interactions):
        if pair is not None:
            yield _together(pair, inquiry)
    if not effects.is_varying:
        yield f"{printable(inquiry.asked)} does not vary: {shown_metric(inquiry.values[0])} in {_all(effects.runs)}"
    else:
        yield _of_seeds(inquiry)
        if effects.is_testable:
            yield _parts(effects)
    if effects.points.repeats:
        yield f"{_runs(effects.points.repeats)} that repeat another one, seed and all, were averaged with it"
    if effects.single_valued:
        yield f"left out: {effects.single_valued} setting{_s(effects.single_valued)} with a single value"
    for one, same in effects.twins.items():
        yield f"{printable(one)} has the values of {printable(same)}, and is not told apart"
    if inquiry.left_out:
        yield "left out: " + ", ".join(f"{_runs(count)} {printable(why)}" for why, count in inquiry.left_out.items())


def _all(count: int) -> str:
    return "1 run" if count == 1 else f"all {count:,} runs"


def _parts(effects: Effects) -> str:
    """Return what the variance is made of; the parts add up to the whole."""
    seeds = "" if effects.seed_share is None else f"seeds {effects.seed_share:.0%}, "
    told = f"of the variance: settings with an effect, alone or in pairs, {effects.explained:.0%}, {seeds}"
    told = f"{told}unexplained {effects.unexplained:.0%}".replace("%", " %")
    if any(one.verdict not in _MOVING and round(one.share, 2) for one in effects.settings):
        told += " (the importance of what is noise or cannot be told is part of that)"
    return told


def _untold(settings: Sequence[SettingEffect]) -> Iterator[str]:
    """Yield what keeps verdicts from being told."""
    groups = dict.fromkeys(tuple(sorted((one.name, *one.confounded_with))) for one in settings if one.confounded_with)
    for group in groups:
        yield f"{listed(list(map(printable, group)))} vary together: which of them matters cannot be told"
    reasons: dict[str, list[str]] = {}
    for one in settings:
        if one.why:
            reasons.setdefault(one.why, []).append(printable(one.name))
    for why, names in reasons.items():
        yield f"cannot tell: {listed(names)} ({why})"
    for one in settings:
        if one.factor.condition:
            yield f"{printable(one.name)} is judged where {printable(one.factor.condition)}"


def _together(pair: Interaction, inquiry: Inquiry) -> str:
    settings = inquiry.effects.settings
    names = f"interaction of {printable(pair.one)} and {printable(pair.other)}"
    if pair.p is None:
        return f"{names}: cannot tell, too few runs for each pair of values"
    if pair.verdict == "noise":
        return f"{names}: no more than noise (p {_p(pair.p)})"
    alone = [one.name for one in settings if one.interacts_with and one.name in (pair.one, pair.other)]
    verb = "matters" if len(alone) == 1 else "matter"
    only = f"; {listed(list(map(printable, alone)))} {verb} only so" if alone else ""
    for one in settings:
        if one.name in (pair.one, pair.other) and one.verdict == "confounded":
            only += f"; {printable(one.name)} cannot be told from {listed(list(map(printable, one.confounded_with)))}"
    share = f"{pair.share:.0%}".replace("%", " % of the variance")
    return f"{names}: {share} (p {_p(pair.p)}){only}{_best_of(pair, inquiry)}"


def _best_of(pair: Interaction, inquiry: Inquiry) -> str:
    """Return at which two values the metric is best, ``""`` where no value is better than another."""
    cells = [(cell.mean, cell) for cell in pair.cells if cell.mean is not None]
    if not inquiry.direction.sense or not cells:
        return ""
    choose = min if inquiry.is_lower_better else max
    mean, cell = choose(cells, key=lambda each: each[0])
    one, other = f"{printable(pair.one)}={printable(cell.one)}", f"{printable(pair.other)}={printable(cell.other)}"
    return f"; best at {one}, {other}: mean {shown_metric(mean)}, n {cell.n}"


def _of_seeds(inquiry: Inquiry) -> str:
    noise = inquiry.effects.points.noise
    if noise is None:
        return "noise between seeds: not known, no two runs differ only in their seed"
    return f"noise between seeds: ± {noise.deviation:.2g} ({noise.groups} group{_s(noise.groups)}, {noise.runs} runs)"


def as_document(inquiry: Inquiry, method: str, importances: Importances) -> dict[str, Any]:
    """Return all of it for JSON; keys are only ever added."""
    effects = inquiry.effects
    noise = effects.points.noise
    return {
        "schema": schemas.METRICS,
        "metric": inquiry.metric,
        "at": inquiry.at,
        "direction": inquiry.direction.sense or None,
        "is_guessed": inquiry.direction.is_guessed,
        "importance_by": method,
        "n": effects.runs,
        "points": len(effects.points.y),
        "repeats": effects.points.repeats,
        "runs": [
            {"id": summary.id, "value": value} for summary, value in zip(inquiry.summaries, inquiry.values, strict=True)
        ],
        "left_out": dict(inquiry.left_out),
        "settings": [_setting(one, inquiry, importances) for one in _ordered(inquiry, importances)],
        "interaction": effects.interaction.as_dict() if effects.interaction else None,
        "interactions": [pair.as_dict() for pair in effects.interactions],
        "seeds": {**noise.as_dict(), "share": effects.seed_share} if noise else None,
        "unexplained": effects.unexplained,
        "single_valued": effects.single_valued,
        "notes": list(inquiry.notes),
        "explained": effects.explained,
        "configurations": len(effects.points.configurations),
        "twins": dict(effects.twins),
    }


def _setting(one: SettingEffect, inquiry: Inquiry, importances: Importances) -> dict[str, Any]:
    has_best = bool(inquiry.direction.sense) and one.verdict in _MOVING
    return {
        "setting": one.name,
        "kind": "number" if one.factor.is_number else "category",
        "is_log": one.factor.is_log,
        "importance": _share_of(one, importances),
        "share": one.share,
        "verdict": one.told,
        "p": one.p,
        "effect": one.main.size,
        "error": one.main.error,
        "best": one.main.best if has_best else None,
        "confounded_with": list(one.confounded_with),
        "interacts_with": one.interacts_with or None,
        "condition": one.factor.condition or None,
        "why": one.why or None,
        "levels": [{**level.as_dict(), "is_best": level.is_best and has_best} for level in one.levels],
    }
