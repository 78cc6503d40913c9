"""Quality gates: conditions on a run, and the verdicts on them; `grammar` describes how they are written."""

from tbcli.gates.baseline import Tolerance, gated_by, judge_against
from tbcli.gates.grammar import (
    Condition,
    Field,
    Gate,
    Group,
    all_hold,
    names_asked,
    parse_conditions,
    parse_field,
    parse_fields,
)
from tbcli.gates.verdicts import (
    Verdict,
    failure_of,
    hint_on_unknown,
    is_condition,
    judge,
    judge_unfinished,
    parse_gates,
)

__all__ = [
    "Condition",
    "Field",
    "Gate",
    "Group",
    "Tolerance",
    "Verdict",
    "all_hold",
    "failure_of",
    "gated_by",
    "hint_on_unknown",
    "is_condition",
    "judge",
    "judge_against",
    "judge_unfinished",
    "names_asked",
    "parse_conditions",
    "parse_field",
    "parse_fields",
    "parse_gates",
]
