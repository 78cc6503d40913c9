"""The whole training on one page: model, recorders, fit, evaluate, save."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from tbcli.config import Config
from tbcli.data.dataset import Dataset
from tbcli.errors import Interrupted, TrainingFailed
from tbcli.models import build_model, count_outputs
from tbcli.recorders.cadence import choose_spacing
from tbcli.recorders.recording import Recording
from tbcli.recorders.registry import chosen_names, load_recorders
from tbcli.runs import Run
from tbcli.runs.files import write_json
from tbcli.training.augmentation import build_augmentation
from tbcli.training.checkpoint import save_state
from tbcli.training.epoch import Epochs
from tbcli.training.feed import TrainingFeed
from tbcli.training.final_evaluation import final_metrics, keep_evidence, measure
from tbcli.training.hardware import choose_device, choose_precision, threads_in_use
from tbcli.training.health import Health
from tbcli.training.interruption import Interruption
from tbcli.training.narration import Narrator
from tbcli.training.observing import Observer
from tbcli.training.optimizing import choose_steps_per_execution, compile_model
from tbcli.training.saving import save_model
from tbcli.training.setup import Setup
from tbcli.training.steps import run_epochs

COMPARED_SAMPLES = 32  # between the saved model and each of its files


def train_and_save(config: Config, dataset: Dataset, run: Run, narrator: Narrator, interruption: Interruption) -> None:
    """Fit a model to a dataset, measure it once on the test set, and leave everything in the run.

    Raises:
        TrainingFailed: Diverged, out of memory, or a file could not be written.
        Interrupted: A signal came; the state to continue from is in the run's checkpoints.
    """
    device, precision = choose_device(), choose_precision(config.train.precision)
    keras.utils.set_random_seed(config.train.seed)
    if config.train.deterministic:
        tf.config.experimental.enable_op_determinism()
    health = Health(dataset)
    health.check_inputs()
    dataset = health.dataset
    model = build_model(config.model, dataset, precision, narrator.note)
    loss = dataset.task.loss(count_outputs(model, dataset))
    facts = {"device": device, "precision": precision, "threads": threads_in_use()}
    run.update(**facts, loss=loss, parameters=model.count_params())
    config = _spaced(config, run, len(dataset.train), model.count_params())
    narrator.note(f"{config.model.name} with {model.count_params():,} parameters on {device} in {precision}")

    with _recorded(config, run, narrator) as recording:
        setup = Setup(config, dataset, model, run, narrator, health, interruption.check)
        epochs, feed = _prepared(setup, recording)
        with _state_kept(setup, epochs, feed.steps):
            _fit(setup, epochs, feed, interruption)
            narrator.stage("Evaluating the test set")
            final = _rebuilt_in_float32(config, dataset, model)
            saved_epoch = epochs.patience.restore(final) if epochs.patience else 0
            seen = measure(final, dataset, interruption.check, config.record)
            health.check_batches()
            saved_epoch = saved_epoch or epochs.epochs_done
            run.update(ended_by=epochs.ended_by, saved_epoch=saved_epoch, metrics=final_metrics(seen))
            narrator.stage("Saving the model")
            samples, _ = dataset.probe.batch(slice(COMPARED_SAMPLES))
            with narrator.hushed_libraries():
                save_model(final, run.models, run.model_stem, config.train.save_formats, samples)
            # Not before the model: whatever is wrong with the evidence, what was learnt is not lost.
            layers = [layer.name for layer in model.layers]
            keep_evidence(run, dataset, seen, projector_points=config.record.projector_points, layers=layers)
            if epochs.latest:
                told: Any = {**seen, "outcome": "finished"}
                recording.end(replace(epochs.latest, **told))


def _prepared(setup: Setup, recording: Recording) -> tuple[Epochs, TrainingFeed]:
    """Compile the model; return what tells the story of its epochs, and what feeds it."""
    train, dataset, model = setup.config.train, setup.dataset, setup.model
    feed = TrainingFeed(dataset.train, train.batch_size, train.steps_per_epoch, train.seed)
    profile = setup.config.record.profile_steps
    steps_per_execution = choose_steps_per_execution(train, profile, feed.steps, feed.batch_bytes)
    total, outputs = feed.steps * train.epochs, count_outputs(model, dataset)
    compile_model(model, train, total, steps_per_execution, dataset.task, outputs, fused=True)
    observer = Observer(setup, steps_per_execution, needs_backward=recording.needs_backward)
    return Epochs(setup, feed, observer, recording), feed


def _fit(setup: Setup, epochs: Epochs, feed: TrainingFeed, interruption: Interruption) -> None:
    augmentation = build_augmentation(setup.config.data.augment, setup.config.train.seed, feed.split)
    with interruption.deferred():
        try:
            run_epochs(setup.model, feed, epochs, setup.config.train.epochs, augmentation)
        except tf.errors.ResourceExhaustedError as error:
            raise TrainingFailed(
                f"out of memory at step {epochs.steps_done + 1}", hint=f"use a `--batch-size` below {feed.batch_size}"
            ) from error


def _spaced(config: Config, run: Run, samples: int, parameters: int) -> Config:
    """Settle now how far apart pictures are, so that whoever continues or repeats the run makes the same ones."""
    if not config.record.spacing:
        config = config.updated({"record.spacing": choose_spacing(samples, parameters)})
        write_json(run.config_file, config.as_dict())
    return config


@contextmanager
def _recorded(config: Config, run: Run, narrator: Narrator) -> Iterator[Recording]:
    """Open the recorders; afterwards record their cost and output, however training ended."""
    recorders = load_recorders(chosen_names(config.record))
    recording = Recording(recorders, config.record, run.logs, narrator.warn)
    try:
        with recording:
            yield recording
    finally:
        run.record["recording"] = recording.report(recording.seconds)  # to be written with the run's last word


@contextmanager
def _state_kept(setup: Setup, epochs: Epochs, steps_per_epoch: int) -> Iterator[None]:
    """Save a checkpoint when a signal comes, also during evaluation and saving."""
    try:
        yield
    except Interrupted:
        save_state(
            setup.run.checkpoints,
            setup.model,
            epoch=epochs.epochs_done,
            step=epochs.steps_done,
            steps_per_epoch=steps_per_epoch,
        )
        raise


def _rebuilt_in_float32(config: Config, dataset: Dataset, model: keras.Model) -> keras.Model:
    """Return the model with the trained weights and float32 layers: the one evaluated is the one saved."""
    final = build_model(config.model, dataset, "float32")
    final.set_weights(model.get_weights())
    # Whoever loads it and goes on to train has no use for a schedule that is at its end.
    once = replace(config.train, schedule="constant")
    compile_model(final, once, 1, 1, dataset.task, count_outputs(final, dataset))
    final.optimizer.build(final.trainable_variables)  # saved without its variables, it would load with a warning
    return final
