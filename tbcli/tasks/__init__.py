"""What can be learnt. NumPy only: figures and tables ask a task without Keras."""

from __future__ import annotations

from tbcli.errors import ConfigError
from tbcli.naming.matching import did_you_mean
from tbcli.tasks.classification import Classification
from tbcli.tasks.multi_label import MultiLabel
from tbcli.tasks.regression import Regression
from tbcli.tasks.task import Task

CLASSIFICATION, MULTI_LABEL, REGRESSION = Classification(), MultiLabel(), Regression()
TASKS: dict[str, Task] = {task.name: task for task in (CLASSIFICATION, MULTI_LABEL, REGRESSION)}

__all__ = ["CLASSIFICATION", "MULTI_LABEL", "REGRESSION", "TASKS", "Task", "find_task"]


def find_task(name: str) -> Task:
    """Return the task of a name.

    Raises:
        ConfigError: There is none.
    """
    if name not in TASKS:
        raise ConfigError(f"unknown task {name!r}", hint=did_you_mean(name, TASKS))
    return TASKS[name]
