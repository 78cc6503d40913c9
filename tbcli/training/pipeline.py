"""The whole story of a training on one page: model, recorders, fit, measure, save."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tbcli.config import Config
from tbcli.data.dataset import Dataset, Split
from tbcli.errors import Interrupted, TrainingFailed
from tbcli.models import build_model, count_outputs
from tbcli.recorders.base import Evidence
from tbcli.recorders.projector import thumbnails_of
from tbcli.recorders.recording import Recording
from tbcli.recorders.registry import chosen_names, load_recorders
from tbcli.runs import Run
from tbcli.runs.files import atomic_file
from tbcli.runs.history import HistoryWriter
from tbcli.training.best import BestEpoch
from tbcli.training.checkpoint import save_state
from tbcli.training.evaluation import Evaluator
from tbcli.training.feed import TrainingFeed
from tbcli.training.hardware import choose_device, choose_precision
from tbcli.training.health import Health
from tbcli.training.interruption import Interruption
from tbcli.training.loop import Loop
from tbcli.training.mistakes import mistakes_to_keep
from tbcli.training.narration import Narrator
from tbcli.training.optimizing import choose_steps_per_execution, compile_model, rate_of_step
from tbcli.training.saving import save_model
from tbcli.training.taps.backward import BackwardTap
from tbcli.training.taps.steps import StepTape

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
    model = build_model(config.model, dataset, precision)
    run.update(device=device, precision=precision, parameters=model.count_params())
    narrator.note(f"{config.model.name} with {model.count_params():,} parameters on {device} in {precision}")

    with _recorded(config, run, narrator) as recording:
        loop, feed, best = _prepared(config, dataset, model, run, recording, narrator, health, interruption)
        with _state_kept(run, model, loop, feed.steps):
            _fit(model, loop, feed, config.train.epochs, interruption)
            narrator.stage("Measuring on the test set")
            final = _rebuilt_in_float32(config, dataset, model)
            saved_epoch = best.restore(final) if best else 0
            seen = _measure(final, dataset, interruption)
            health.check_batches()
            run.update(saved_epoch=saved_epoch or loop.epochs_done, metrics=_test_metrics(seen))
            _save_evidence(run, dataset, seen, config.record.projector_points, [layer.name for layer in model.layers])
            narrator.stage("Saving the model")
            samples, _ = dataset.probe.batch(slice(COMPARED_SAMPLES))
            with narrator.hushed_libraries():
                save_model(final, run.models, run.model_stem, config.train.save_formats, samples)
            if loop.latest:
                told: Any = {**seen, "outcome": "finished"}
                recording.end(replace(loop.latest, **told))


def _prepared(
    config: Config,
    dataset: Dataset,
    model: keras.Model,
    run: Run,
    recording: Recording,
    narrator: Narrator,
    health: Health,
    interruption: Interruption,
) -> tuple[Loop, TrainingFeed, BestEpoch | None]:
    """Compile the model; return what tells the story of its fit, what feeds it, and what keeps its best weights."""
    train = config.train
    feed = TrainingFeed(dataset.train, train.batch_size, train.steps_per_epoch, train.seed)
    steps_per_execution = choose_steps_per_execution(train, config.record.profile_steps, feed.steps)
    total_steps = feed.steps * train.epochs
    compile_model(model, train, total_steps, steps_per_execution, count_outputs(model, dataset))
    tape = StepTape(model, steps_per_execution) if config.record.log_every else None
    every = 1 if config.record.log_every else config.record.backward_every
    backward = BackwardTap(model, steps_per_execution, every) if recording.needs_backward else None
    evaluator = Evaluator(model, dataset, interruption.check)
    monitor = train.monitor if dataset.validation else train.monitor.removeprefix("val_")
    best = BestEpoch(monitor, train.patience) if train.patience else None
    loop = Loop(
        config=config,
        dataset=dataset,
        feed=feed,
        evaluator=evaluator,
        recording=recording,
        tape=tape,
        backward=backward,
        history=HistoryWriter(run.history_file),
        best=best,
        rate_at=rate_of_step(train, total_steps),
        narrator=narrator,
        facts=run.record,
        health=health,
        check=interruption.check,
    )
    return loop, feed, best


def _fit(model: keras.Model, loop: Loop, feed: TrainingFeed, epochs: int, interruption: Interruption) -> None:
    with interruption.deferred():
        try:
            model.fit(feed.batches(), epochs=epochs, callbacks=[loop], verbose=0, shuffle=False)
        except tf.errors.ResourceExhaustedError as error:
            raise TrainingFailed(
                f"out of memory at step {loop.steps_done + 1}", hint=f"a `--batch-size` below {feed.batch_size}"
            ) from error


@contextmanager
def _recorded(config: Config, run: Run, narrator: Narrator) -> Iterator[Recording]:
    """Let the recorders work, and note what they cost and left, whatever ends the training."""
    recorders = load_recorders(chosen_names(config.record))
    recording = Recording(recorders, config.record, run.logs, narrator.warn)
    try:
        with recording:
            yield recording
    finally:
        run.record["recording"] = recording.report(recording.seconds)  # to be written with the run's last word


@contextmanager
def _state_kept(run: Run, model: keras.Model, loop: Loop, steps_per_epoch: int) -> Iterator[None]:
    """Leave the state to continue from when a signal comes, also while the trained model is measured and saved."""
    try:
        yield
    except Interrupted:
        save_state(
            run.checkpoints, model, epoch=loop.epochs_done, step=loop.steps_done, steps_per_epoch=steps_per_epoch
        )
        raise


def _rebuilt_in_float32(config: Config, dataset: Dataset, model: keras.Model) -> keras.Model:
    """Return the model with the trained weights and float32 layers: what is measured is what is saved."""
    final = build_model(config.model, dataset, "float32")
    final.set_weights(model.get_weights())
    # Whoever loads it and goes on to train has no use for a schedule that is at its end.
    compile_model(final, replace(config.train, schedule="constant"), 1, 1, count_outputs(final, dataset))
    final.optimizer.build(final.trainable_variables)  # saved without its variables, it would load with a warning
    return final


def _measure(model: keras.Model, dataset: Dataset, interruption: Interruption) -> dict[str, Evidence]:
    """Return what the saved model says of the validation split and, looked at this once, of the test set."""
    evaluator = Evaluator(model, dataset, interruption.check)
    splits = {"validation": dataset.validation, "test": dataset.test}
    return {name: evaluator.evaluate(split) for name, split in splits.items() if split is not None}


def _test_metrics(seen: dict[str, Evidence]) -> dict[str, float]:
    return {f"test_{name}": value for name, value in seen["test"].metrics.items()} if "test" in seen else {}


def _save_evidence(
    run: Run, dataset: Dataset, seen: dict[str, Evidence], projector_points: int, layers: list[str]
) -> None:
    """Write what figures are drawn from without TensorFlow and without the data.

    Index, label and probabilities of every sample of each split, the names of the classes and, from the input on, of
    the layers, pictures of the worst mistakes in the split that the model is judged by, and features and pictures of
    the projector's samples.
    """
    arrays: dict[str, np.ndarray] = {"class_names": np.array(dataset.class_names), "layers": np.array(layers, np.str_)}
    for name, evidence in seen.items():
        arrays[f"{name}_indices"] = evidence.indices
        arrays[f"{name}_labels"] = evidence.labels
        arrays[f"{name}_probabilities"] = evidence.probabilities
    judged = "test" if "test" in seen else "validation"
    split = dataset.test if judged == "test" else dataset.validation
    if split is not None:
        arrays |= mistakes_to_keep(judged, split, seen[judged])
    if dataset.validation is not None:
        arrays |= _projected(dataset.validation, seen["validation"].first(projector_points))
    with atomic_file(run.evidence_file) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def _projected(split: Split, seen: Evidence) -> dict[str, np.ndarray]:
    """Return the arrays of the projector's samples; none of a model that has no features."""
    if seen.features is None:
        return {}
    columns = ("indices", "labels", "features", "probabilities")
    arrays = {f"projector_{column}": getattr(seen, column) for column in columns}
    thumbnails = thumbnails_of(split, len(seen.labels))
    return arrays if thumbnails is None else {**arrays, "projector_thumbnails": thumbnails}
