"""Quality gates: conditions on what is known of a run, and what came of them; `grammar` says how they are written."""

from tbcli.gates.grammar import Condition, Field, all_hold, parse_conditions, parse_field, parse_fields
from tbcli.gates.verdicts import Tolerance, Verdict, failure_of, judge, judge_against, parse_gates

__all__ = [
    "Condition",
    "Field",
    "Tolerance",
    "Verdict",
    "all_hold",
    "failure_of",
    "judge",
    "judge_against",
    "parse_conditions",
    "parse_field",
    "parse_fields",
    "parse_gates",
]
