"""Optuna's study of a sweep: chooses for ``tpe``, prunes, and holds what every trial reached.

It is Optuna's own journal, which its dashboard and its functions read. What a trial's state is, the runs say: the
study is brought up to date with them when a sweep goes on. Only one process at a time has it open, that which holds
the sweep's directory.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from tbcli.sweeps.definition import Definition, Trial
from tbcli.sweeps.endings import Outcome, cut_torn_tail
from tbcli.sweeps.goal import goal_from
from tbcli.sweeps.space import Dimension, Value

_TRIAL, _RUN = "trial", "run"
_FIRST_PRUNED_EPOCH = 2  # after a single one too little is known
FIRST_FINISHED = 5
"""So many trials have to finish before the median of them prunes one."""


class Study(Protocol):
    """Knows what trials reached, and what to try next."""

    def begin(self, number: int, params: Mapping[str, Value] | None) -> Trial:
        """Return a trial that begins, or that is gone on with; without params one that it chooses."""

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Hear of an epoch; return whether to stop the trial."""

    def end(self, outcome: Outcome) -> None:
        """Hear how a trial ended: `finished`, `pruned`, or anything else, which is a failure."""


class Unstudied:
    """Without Optuna: trials are those of the definition, and nothing is pruned.

    Args:
        definition: The sweep.
    """

    def __init__(self, definition: Definition) -> None:
        self._definition = definition

    def begin(self, number: int, params: Mapping[str, Value] | None) -> Trial:
        """Return a trial of the definition."""
        if params is None:
            return self._definition.planned(number)
        return Trial(number, params, self._definition.seed_of(number))

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Never stop a trial."""
        return False

    def end(self, outcome: Outcome) -> None:
        """Keep nothing: the runs do."""


class OptunaStudy:
    """A study of Optuna's in a journal.

    Args:
        definition: The sweep.
        journal: The file; a torn last line is cut off.
        warn: Told of a file that cannot be read, which is put aside.
    """

    def __init__(self, definition: Definition, journal: Path, warn: Callable[[str], None]) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.filterwarnings("ignore", module="optuna")
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        self._optuna, self._definition = optuna, definition
        cut_torn_tail(journal)
        try:
            self._study = self._opened(journal)
        except OSError:
            raise
        except Exception:  # noqa: BLE001 - whatever Optuna makes of bytes that it has not written
            aside = journal.with_suffix(".damaged")
            journal.rename(aside)
            warn(f"Optuna's journal was damaged, and is written anew from the runs; {str(aside)!r} is what it was")
            self._study = self._opened(journal)
        known = self._study.get_trials(deepcopy=False)
        # What the sampler draws must not be what it drew before the sweep was killed.
        self._study.sampler = optuna.samplers.TPESampler(
            seed=definition.base_seed + 1000 * len(known), multivariate=True, constant_liar=True
        )
        self._live: dict[int, Any] = {}
        self._finished: dict[int, Any] = {}
        self._params: dict[int, Mapping[str, Value]] = {}
        self._goal, self._best = goal_from(definition.metric, definition.sense), dict[int, float]()
        for each in known:
            self._recall(each)

    def _opened(self, journal: Path) -> Any:
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        lock: Any = _Held()
        return self._optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(journal), lock_obj=lock)),
            study_name=self._definition.name,
            direction="minimize" if self._definition.sense == "min" else "maximize",
            load_if_exists=True,
            pruner=self._pruner(),
        )

    def _recall(self, kept: Any) -> None:
        """Know a trial of the journal again; one that was killed before it was one has failed."""
        number, is_finished = kept.user_attrs.get(_TRIAL), kept.state.is_finished()
        if number is not None and {each.key for each in self._definition.dimensions} <= {*kept.params}:
            self._params[number] = kept.params
            if is_finished:
                self._finished[number] = kept.state
            else:
                self._finished.pop(number, None)
                self._live[number] = self._optuna.trial.Trial(self._study, kept._trial_id)
                for value in kept.intermediate_values.values():
                    self._best[number] = self._best_of(value, self._best.get(number))
        elif not is_finished:
            self._study.tell(kept.number, state=self._optuna.trial.TrialState.FAIL)

    def _pruner(self) -> Any:
        pruners = self._optuna.pruners
        epochs = self._definition.most_epochs
        match self._definition.prune:
            case "median":
                return pruners.MedianPruner(n_startup_trials=FIRST_FINISHED, n_warmup_steps=_FIRST_PRUNED_EPOCH)
            case "hyperband":
                return pruners.HyperbandPruner(min_resource=1, max_resource=max(1, epochs))
            case _:
                return pruners.NopPruner()

    def begin(self, number: int, params: Mapping[str, Value] | None) -> Trial:
        """Return a trial of the definition, one that is known, or one that the sampler chooses."""
        if number not in self._live:
            self._ask(number, params or self._settled(number))
        chosen = {each.key: self._params[number][each.key] for each in self._definition.dimensions}
        return Trial(number, chosen, self._definition.seed_of(number))

    def _settled(self, number: int) -> Mapping[str, Value] | None:
        """Return what is known of a trial before the sampler is asked: all, or that it differs only in its seed."""
        if self._definition.is_planned:
            return self._definition.planned(number).params
        return self._params.get(number, self._params.get(number - number % self._definition.seeds))

    def _ask(self, number: int, params: Mapping[str, Value] | None) -> None:
        samplers = self._optuna.samplers
        chooses = self._study.sampler
        if params is not None:
            self._study.sampler = samplers.PartialFixedSampler(dict(params), samplers.RandomSampler(seed=0))
        try:
            asked = self._study.ask(spaces_of(self._definition))
        finally:
            self._study.sampler = chooses
        asked.set_user_attr(_TRIAL, number)
        self._live[number], self._params[number] = asked, dict(asked.params)
        self._finished.pop(number, None)
        self._best.pop(number, None)

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Keep the value of an epoch, or the best so far where trials are judged by that, and ask the pruner."""
        trial = self._live[number]
        if self._goal.selector == "best":
            value = self._best[number] = self._best_of(value, self._best.get(number))
        trial.report(value, epoch)
        return bool(self._definition.prune and trial.should_prune())

    def _best_of(self, value: float, other: float | None) -> float:
        return value if other is None or self._goal.is_better(value, other) else other

    def end(self, outcome: Outcome) -> None:
        """Tell Optuna, unless it knows; a trial that was gone on with meanwhile is another one to it."""
        number, state = outcome.trial, self._state_of(outcome)
        if self._finished.get(number) == state:
            return
        if number not in self._live:
            self._ask(number, outcome.params)
        trial = self._live.pop(number)
        trial.set_user_attr(_RUN, outcome.run)
        is_complete = state == self._optuna.trial.TrialState.COMPLETE
        self._study.tell(trial.number, outcome.value if is_complete else None, state=state)
        self._finished[number] = state

    def _state_of(self, outcome: Outcome) -> Any:
        states = self._optuna.trial.TrialState
        if outcome.status == "finished" and outcome.value is not None:
            return states.COMPLETE
        return states.PRUNED if outcome.status == "pruned" else states.FAIL


class _Held:
    """The lock of the journal: the sweep's directory is locked already, and nothing is left behind by a kill."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def spaces_of(definition: Definition) -> dict[str, Any]:
    """Return what Optuna calls the distributions of the settings that vary."""
    return {each.key: _distribution(each) for each in definition.dimensions}


def _distribution(dimension: Dimension) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if dimension.values:
        return CategoricalDistribution(dimension.values)
    if dimension.is_whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.is_log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.is_log)


def open_study(definition: Definition, journal: Path, warn: Callable[[str], None]) -> Study:
    """Return the study of a sweep: Optuna's where it is installed."""
    return OptunaStudy(definition, journal, warn) if find_spec("optuna") else Unstudied(definition)
