"""The whole training on one page: prepare, record, fit, save, evaluate."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import keras

from tbcli.config import Config
from tbcli.data.dataset import Dataset, unreadable_sample
from tbcli.errors import Diverged, DoesNotFit, TbcliError, TrainingFailed, describe_error
from tbcli.models import build_model, count_outputs
from tbcli.recorders.cadence import choose_spacing
from tbcli.recorders.recording import Recording
from tbcli.recorders.registry import chosen_names, load_recorders
from tbcli.runs import Run
from tbcli.runs.files import write_json
from tbcli.training.agreement import Disagreement, others_differ
from tbcli.training.augmentation import build_augmentation
from tbcli.training.conclusion import signal_stop
from tbcli.training.continuing.changes import version_notes
from tbcli.training.continuing.keeping import StateKeeper
from tbcli.training.continuing.state import Generations
from tbcli.training.epoch import Epochs, require_finite
from tbcli.training.evaluation import Evaluator
from tbcli.training.failures import is_out_of_memory, out_of_memory
from tbcli.training.final_evaluation import final_metrics, keep_evidence, measure
from tbcli.training.interruption import Interruption
from tbcli.training.narration import Narrator
from tbcli.training.objective import choose_objective
from tbcli.training.observing import Observer
from tbcli.training.optimizing import StepPlan, compile_model
from tbcli.training.preparation import Prepared, describe, prepare
from tbcli.training.request import Expecting, expects_anything
from tbcli.training.rescue import places_for_weights, require_space, weights_kept
from tbcli.training.saving import FormatFailed, save_model
from tbcli.training.setup import Setup
from tbcli.training.steps import StepLoop, run_epochs
from tbcli.usercode import is_reference, with_trace

COMPARED_SAMPLES = 32  # between the saved model and each of its files


def train_and_save(
    config: Config,
    dataset: Dataset,
    run: Run,
    narrator: Narrator,
    interruption: Interruption,
    expecting: Expecting = expects_anything,
    saved: Mapping[str, Any] | None = None,
    agree: Callable[[Mapping[str, Any]], None] = lambda facts: None,
) -> None:
    """Fit a model to a dataset, save it, measure it once on the test set, and leave everything in the run.

    Args:
        config: What was asked.
        dataset: What is learnt.
        run: Where everything is left.
        narrator: Receives progress events.
        interruption: Checked at safe points.
        expecting: See `tbcli.training.train`.
        saved: The state that a resumed run goes on from, empty if it begins anew; None of a new run.
        agree: Told what the record is to say of the model; may raise.

    Raises:
        ConfigError, NotFound, DoesNotFit: What was asked, the data and the model do not fit; nothing was trained.
        TrainingFailed: Diverged, out of memory, or a file could not be written.
        Interrupted: A signal came; the state to continue from is in the run's checkpoints.
    """
    before = StepPlan(*saved["epochs"]["plan"]) if saved else None
    ready = prepare(config, dataset, narrator, expecting, before, interruption.check)
    interruption.check()
    ready.strategy.ready(ready.model, ready.facts)
    ready.strategy.stop, ready.feed.before = signal_stop, ready.strategy.announce
    dataset, model, from_logits = ready.dataset, ready.model, ready.objective.from_logits
    agree(ready.facts)
    for note in version_notes(run.record, ready.facts):  # of a resumed run
        narrator.note(note)
    run.update(**ready.facts)
    require_space(run, model, config.train.save_formats)
    settled = _settled(ready.config, run, len(dataset.train), model.count_params())

    with _recorded(settled, run, narrator) as recording:
        deadline = interruption.began + (settled.train.max_seconds or math.inf)
        setup = Setup(settled, dataset, model, run, narrator, ready.health, interruption.check, from_logits, deadline)
        observer = Observer(
            setup,
            model.steps_per_execution,
            needs_backward=recording.needs_backward,
            steps_per_epoch=ready.feed.steps,
        )
        keeper = StateKeeper(Generations(run.checkpoints), settled.train, narrator.warn, narrator.note)
        epochs = Epochs(setup, ready.feed, observer, recording, ready.rate_at, ready.plan, keeper, saved)
        with _state_kept(setup, epochs, keeper):
            _fit(setup, epochs, ready)
            final = _rebuilt_in_float32(config, ready, narrator)
            saved_epoch = epochs.best.give_back(final) if epochs.best and settled.train.saves_best else 0
            run.record.update(ended_by=epochs.ended_by, saved_epoch=saved_epoch or epochs.epochs_done)
            if epochs.is_within and not saved_epoch:
                run.record["saved_step"] = epochs.steps_done
            narrator.stage("Saving the model")
            unsaved = _save(config, ready, final, run, narrator, interruption)
            run.update()
            # Not before the model: whatever is wrong with metrics or evidence, what was learnt is not lost.
            narrator.stage("Evaluating the test set")
            seen = measure(final, dataset, interruption.check, settled.record, from_logits=from_logits)
            ready.health.check_batches()
            run.update(metrics=final_metrics(seen))
            layers = [layer.name for layer in model.layers]
            keep_evidence(run, dataset, seen, projector_points=config.record.projector_points, layers=layers)
            # Without one epoch, as --max-time may end it, what is known is known of the steps.
            latest = epochs.latest or observer.recalled(0, epochs.steps_done, epochs.running)
            told: Any = {**seen, "outcome": "finished"}
            recording.end(replace(latest, **told))
            if unsaved:
                raise unsaved


def _fit(setup: Setup, epochs: Epochs, ready: Prepared) -> None:
    train, feed = setup.config.train, ready.feed
    augmentation = build_augmentation(setup.config.data.augment, train.seed, feed.split)
    waited = setup.run.number("waited_seconds") or 0.0  # before it was resumed
    try:
        run_epochs(setup.model, feed, epochs, train.epochs, augmentation, ready.class_weights)
    except Exception as error:
        if failed := unreadable_sample(error):
            raise failed from error
        if lost := ready.strategy.lost(error):
            _take_in(setup.model, epochs)
            raise lost from error
        if is_out_of_memory(error):
            raise out_of_memory(feed.batch_size, f"at step {epochs.steps_done + 1}") from error
        if not _is_of_user(setup.config, error):
            raise
        raise _step_failed(epochs.steps_done + 1, error) from error
    finally:
        setup.run.record["waited_seconds"] = round(waited + feed.waited_seconds, 3)  # written with the run's next word
        ready.strategy.finish()
        _judge(ready.strategy.difference, setup, epochs.steps_done)


def _judge(difference: Disagreement | None, setup: Setup, step: int) -> None:
    """Tell of processes that came to different values, and record it: the run may go on, and this is not to be lost.

    Raises:
        TrainingFailed: What is trained differs.
    """
    if difference is None:
        return
    if difference.is_of_weights or difference.is_of_states:
        told = {"step": step, "what": difference.what, "is_trained": difference.is_of_weights}
        setup.run.record["workers_differ"] = told
    if difference.is_of_weights and not isinstance(sys.exception(), TrainingFailed):
        raise others_differ(difference)
    if difference.is_of_states:
        setup.narrator.warn(f"what a layer keeps of its samples is of the first worker alone: {difference.what}")
    elif not difference.is_of_weights:
        setup.narrator.note(f"the workers round differently: {difference.what}")


def _take_in(model: keras.Model, epochs: Epochs) -> None:
    """Take in the steps of an execution that another process' end cut short: the state is that after the last one."""
    done = int(model.optimizer.iterations.numpy())
    if done > epochs.steps_done:
        epochs.after_steps(done, {name: float(value) for name, value in model.get_metrics_result().items()})


def _is_of_user(config: Config, error: Exception) -> bool:
    """Return whether an error may come from code of the user's."""
    said = (config.model.name, config.train.loss, *config.train.metrics)
    return any(map(is_reference, said)) and not isinstance(error, (TbcliError, OSError, MemoryError))


def _step_failed(step: int, error: Exception) -> DoesNotFit:
    failed = DoesNotFit(
        f"{'the first step' if step == 1 else f'step {step}'} fails: {describe_error(error)}",
        hint="a model, a loss and metrics are called in a graph: with keras.ops, not with NumPy",
    )
    return with_trace(failed, error)


def _save(
    config: Config, ready: Prepared, final: keras.Model, run: Run, narrator: Narrator, interruption: Interruption
) -> TrainingFailed | None:
    """Save a model with what Keras alone can load of its loss and metrics; then compile it with all of them.

    Returns:
        What went wrong with another format than Keras' own, or None.
    """
    samples, _ = ready.dataset.probe.batch(slice(COMPARED_SAMPLES))
    objective, failed = ready.objective, None
    if final is not ready.model:
        objective = choose_objective(config.train, ready.dataset, final, count_outputs(final, ready.dataset))
    # Whoever loads it and goes on to train has no use for a schedule that is at its end.
    compile_model(final, replace(config.train, schedule="constant"), StepPlan(1), 1, objective)
    final.optimizer.build(final.trainable_variables)  # saved without its variables, it would load with a warning
    if objective.is_plain:
        final.compile(final.optimizer, objective.loss, metrics=objective.plain_metrics(), jit_compile=False)
    final.compiled = objective.is_plain
    said = list[str]()
    with narrator.hushed_libraries():
        try:
            save_model(
                final,
                run.models,
                run.model_stem,
                config.train.save_formats,
                samples,
                ready.dataset.columns,
                said.append,
                elsewhere=places_for_weights(run),
                check=interruption.check,
            )
        except FormatFailed as error:
            failed = error
    for text in said:
        narrator.warn(text)
    final.compile(final.optimizer, objective.loss, metrics=objective.metrics(), jit_compile=False)
    return failed


def try_one_step(
    config: Config, dataset: Dataset, narrator: Narrator, expecting: Expecting = expects_anything
) -> tuple[str, ...]:
    """Do all that a training does before its first epoch, take one step, and return what would be trained, in lines.

    Raises:
        ConfigError, NotFound, DoesNotFit: As of `train_and_save`.
        Diverged: A sample, or the loss of that step, is not finite.
    """
    ready = prepare(config, dataset, narrator, expecting)
    dataset, model, feed = ready.dataset, ready.model, ready.feed
    augmentation = build_augmentation(config.data.augment, config.train.seed, feed.split)
    loop = StepLoop(model, feed.split, feed.batch_size, augmentation, ready.class_weights)
    narrator.stage("Taking one step")
    feed.begin_epoch(1)
    try:
        logs = loop.run(*feed.split.batch(feed.order[: feed.batch_size]))
    except Exception as error:
        raise (_step_failed(1, error) if _is_of_user(config, error) else error) from error
    ready.health.check_batches()
    require_finite("loss", logs, 1)
    ready.health.check_weights(model, 1)
    few = (dataset.validation or dataset.test or dataset.train).first(feed.batch_size)
    Evaluator(model, dataset, lambda: None, config.record, from_logits=ready.objective.from_logits).evaluate(few)
    return (*describe(ready), "step    " + ", ".join(f"{name} {value:.4g}" for name, value in logs.items()))


def _settled(config: Config, run: Run, samples: int, parameters: int) -> Config:
    """Settle now how far apart pictures are, so that whoever continues or repeats the run makes the same ones."""
    if not config.record.spacing:
        config = config.updated({"record.spacing": choose_spacing(samples, parameters)})
    write_json(run.config_file, config.as_dict())
    return config


@contextmanager
def _recorded(config: Config, run: Run, narrator: Narrator) -> Iterator[Recording]:
    """Open the recorders; afterwards record their cost and output, however training ended."""
    recorders = load_recorders(chosen_names(config.record))
    recording = Recording(recorders, config.record, run.logs, narrator.warn, narrator.note)
    try:
        with recording:
            yield recording
    finally:
        run.record["recording"] = recording.report(recording.seconds)  # to be written with the run's last word


@contextmanager
def _state_kept(setup: Setup, epochs: Epochs, keeper: StateKeeper) -> Iterator[None]:
    """Save the state when anything ends the training before its end, and conclude what was saved after it."""
    run, before = setup.run, setup.run.record.get("saving") or {}
    try:
        yield
        keeper.conclude()
    except BaseException as error:
        is_worthless = isinstance(error, Diverged) or not epochs.has_run  # before a step: all there is was read
        with weights_kept(
            setup.model, run, setup.narrator.warn, is_kept=lambda: is_worthless or keeper.step == epochs.steps_done
        ):
            epochs.save(at_end=True)
        raise
    finally:
        run.record["saving"] = keeper.report(before)  # to be written with the run's last word


def _rebuilt_in_float32(config: Config, ready: Prepared, narrator: Narrator) -> keras.Model:
    """Return the model with the trained weights and float32 layers: the one evaluated is the one saved."""
    try:
        final = build_model(config.model, ready.dataset, "float32")
        final.set_weights(ready.model.get_weights())
    except Exception as error:  # noqa: BLE001 - a user's function may not give the same twice: nothing is lost by that
        narrator.warn(f"the model is saved as it was trained, for a second one is not like it: {describe_error(error)}")
        return ready.model
    return final
