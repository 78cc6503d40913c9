"""One HParams table of all runs that are served, with the columns that only some of them have.

TensorBoard takes the columns of the first run that names any, for all runs. Its plugin is given a provider of data that
answers with the columns of all: those that the runs name, their other hyperparameters, and their other metrics.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tbcli.naming import tags
from tbcli.serving.session_groups import regrouped, with_content

HPARAMS = "hparams"
MOST_METRICS = 100
_FAMILIES = (("validation", tags.EPOCH), ("train", tags.EPOCH), ("", tags.TEST))
"""Directory below a run's own, and how the tags of its metrics begin there."""
_NO_METRICS = (tags.LEARNING_RATE, tags.STEPS_PER_SECOND)

_FIELDS = {bool: "bool_value", str: "string_value", float: "number_value"}

Contents = Mapping[str, Mapping[str, bytes]]
"""``{run: {tag: what the plugin wrote}}``."""


def unite_tables(plugin: Any) -> Any:
    """Return a plugin, or the loader of HParams', which then shows the columns of all runs."""
    if getattr(plugin, "plugin_name", "") != HPARAMS:
        return plugin
    from tensorboard.backend.application import make_plugin_loader

    loader = make_plugin_loader(plugin)
    load = loader.load

    def loaded(context: Any) -> Any:
        changed = copy.copy(context)
        changed.data_provider = UnitedProvider(context.data_provider, str(getattr(context, "logdir", "") or ""))
        return load(changed)

    loader.load = loaded
    return loader


class UnitedProvider:
    """A provider of data in front of another one; see `tensorboard.data.provider.DataProvider`.

    Args:
        provider: The one that reads.
        logdir: What it reads.
    """

    def __init__(self, provider: Any, logdir: str = "") -> None:
        self._provider, self._logdir = provider, logdir

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def list_tensors(self, ctx: Any = None, *, experiment_id: str, plugin_name: str, run_tag_filter: Any = None) -> Any:
        """Return what there is, with the columns of all runs in place of those of the first."""
        from tensorboard.plugins.hparams import metadata

        found = self._provider.list_tensors(
            ctx, experiment_id=experiment_id, plugin_name=plugin_name, run_tag_filter=run_tag_filter
        )
        if plugin_name == HPARAMS and self._logdir:
            found = regrouped(found, self._logdir)
        first = next((run for run, known in found.items() if metadata.EXPERIMENT_TAG in known), None)
        if plugin_name != HPARAMS or first is None:
            return found  # without any columns TensorBoard gathers them itself
        contents = {run: {tag: each.plugin_content for tag, each in known.items()} for run, known in found.items()}
        scalars = self._provider.list_scalars(ctx, experiment_id=experiment_id, plugin_name="scalars")
        try:
            united = unite_experiments(contents, {run: list(known) for run, known in scalars.items()})
        except Exception:  # noqa: BLE001 - a table without some columns rather than none: others' bytes may be anything
            return found
        changed = with_content(found[first][metadata.EXPERIMENT_TAG], united)
        return {**found, first: {**found[first], metadata.EXPERIMENT_TAG: changed}}

    def read_last_scalars(
        self, ctx: Any = None, *, experiment_id: str, plugin_name: str, run_tag_filter: Any = None
    ) -> Any:
        """Return the last values; those of an epoch of our runs as their histories have them, to the last digit."""
        found = self._provider.read_last_scalars(
            ctx, experiment_id=experiment_id, plugin_name=plugin_name, run_tag_filter=run_tag_filter
        )
        return {run: _as_in_history(last) if _is_ours(run) else last for run, last in found.items()}


def _is_ours(run: str) -> bool:
    from tbcli.runs.ids import looks_like_id

    return looks_like_id(run.partition("/")[0])


def _as_in_history(last: Mapping[str, Any]) -> dict[str, Any]:
    """Return values that an event file has as float32, each with the digits by which its run's history tells it."""
    from tbcli.runs.history import as_kept

    return {
        tag: type(one)(one.step, one.wall_time, as_kept(float(one.value))) if tag.startswith(tags.EPOCH) else one
        for tag, one in last.items()
    }


def unite_experiments(contents: Contents, scalars: Mapping[str, Sequence[str]]) -> bytes:
    """Return an experiment with the columns of all runs, as the plugin writes it.

    Args:
        contents: Of all runs.
        scalars: The tags of scalars by directory.
    """
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    written = [known[metadata.EXPERIMENT_TAG] for known in contents.values() if metadata.EXPERIMENT_TAG in known]
    experiments = [metadata.parse_experiment_plugin_data(content) for content in dict.fromkeys(written)]
    sessions = {
        run: _session_values(known[metadata.SESSION_START_INFO_TAG])
        for run, known in contents.items()
        if metadata.SESSION_START_INFO_TAG in known
    }
    whole = api_pb2.Experiment(description=next((each.description for each in experiments if each.description), ""))
    whole.hparam_infos.extend(_hyperparameters(experiments, sessions))
    whole.metric_infos.extend(_metrics(experiments, sessions, scalars))
    data = plugin_data_pb2.HParamsPluginData(experiment=whole, version=metadata.PLUGIN_DATA_VERSION)
    return bytes(data.SerializeToString())


def _hyperparameters(experiments: Sequence[Any], sessions: Mapping[str, Mapping[str, Any]]) -> Iterable[Any]:
    infos: dict[str, Any] = {}
    for info in (info for experiment in experiments for info in experiment.hparam_infos):
        infos.setdefault(info.name, info)
    alike = []
    for name in dict.fromkeys(name for values in sessions.values() for name in values):
        values = [session.get(name) for session in sessions.values()]
        _widen(infos, name, values)
        if infos[name].differs and len(set(values)) == 1:
            alike.append(infos[name])
    if any(info.differs and info not in alike for info in infos.values()):  # those lead; the page shows five at first
        for info in alike:
            info.differs = False
    return infos.values()


def _metrics(
    experiments: Sequence[Any], sessions: Iterable[str], scalars: Mapping[str, Sequence[str]]
) -> Iterable[Any]:
    from tensorboard.plugins.hparams import api_pb2

    infos: dict[tuple[str, str], Any] = {}
    for info in (info for experiment in experiments for info in experiment.metric_infos):
        infos.setdefault((info.name.group, info.name.tag), info)
    for group, tag in _own_metrics(sessions, scalars):
        name = api_pb2.MetricName(group=group, tag=tag)
        title = f"{group} {tag.removeprefix(tags.EPOCH)}".strip().replace("_", " ")
        infos.setdefault((group, tag), api_pb2.MetricInfo(name=name, display_name=title))
    return infos.values()


@lru_cache(maxsize=4096)
def _session_values(content: bytes) -> Mapping[str, bool | float | str]:
    """Return the hyperparameters of a session."""
    from tensorboard.plugins.hparams import metadata

    hparams = metadata.parse_session_start_info_plugin_data(content).hparams
    return {name: getattr(each, kind) for name, each in sorted(hparams.items()) if (kind := each.WhichOneof("kind"))}


def _widen(infos: dict[str, Any], name: str, values: list[Any]) -> None:
    """Let a column take all its values, None where a run has none; a new column leads if the runs differ in it."""
    from tensorboard.plugins.hparams import api_pb2

    given = list(dict.fromkeys(value for value in values if value is not None))
    known = infos.get(name)
    kinds = {type(value) for value in given}
    if known is None:
        kind = kinds.pop() if len(kinds) == 1 else str
        types: dict[Any, int] = {bool: api_pb2.DATA_TYPE_BOOL, float: api_pb2.DATA_TYPE_FLOAT64}
        known = infos[name] = api_pb2.HParamInfo(name=name, type=types.get(kind, api_pb2.DATA_TYPE_STRING))
        known.differs = len(set(values)) > 1
        if kind is float:
            known.domain_interval.min_value, known.domain_interval.max_value = min(given), max(given)
        elif known.type == api_pb2.DATA_TYPE_BOOL:
            given = [False, True]
    _widen_domain(known, given)


def _widen_domain(info: Any, values: list[Any]) -> None:
    """Let the domain of a column hold these values: the page's filters hide what is not in it."""
    if info.HasField("domain_interval"):
        numbers = [value for value in values if isinstance(value, float)]
        info.domain_interval.min_value = min([info.domain_interval.min_value, *numbers])
        info.domain_interval.max_value = max([info.domain_interval.max_value, *numbers])
        return
    if info.WhichOneof("domain") is None and info.type not in (1, 2):  # numbers without a domain take any
        return
    domain = info.domain_discrete
    listed = {getattr(value, value.WhichOneof("kind")) for value in domain.values}
    for value in values:
        if value not in listed:
            setattr(domain.values.add(), _FIELDS[type(value)], value)


def _own_metrics(sessions: Iterable[str], scalars: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Yield group and tag of the metrics of the sessions, as tbcli and Keras name them, each once."""
    seen: dict[tuple[str, str], None] = {}
    for run in sessions:
        for group, beginning in _FAMILIES:
            for tag in sorted(scalars.get(f"{run}/{group}" if group else run, ())):
                name = tag.removeprefix(beginning)
                if tag.startswith(beginning) and name not in _NO_METRICS and "/" not in name:
                    seen[group, tag] = None
    yield from list(seen)[:MOST_METRICS]
