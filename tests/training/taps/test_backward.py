"""Gradient norms, update ratios and gradients are those of the training step itself, to the number."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from tbcli.config import TrainConfig
from tbcli.tasks import CLASSIFICATION

pytestmark = pytest.mark.tf

STEPS, BATCH, PER_EXECUTION = 10, 8, 4
RANDOM = np.random.default_rng(3)
INPUTS = RANDOM.normal(size=(STEPS * BATCH, 6)).astype(np.float32)
LABELS = RANDOM.integers(0, 3, STEPS * BATCH)


def build(optimizer: str, precision: str = "float32", *, fused: bool = False) -> Any:
    import keras

    from tbcli.training.objective import usual_objective
    from tbcli.training.optimizing import StepPlan, compile_model

    keras.utils.set_random_seed(5)
    keras.config.set_dtype_policy(precision)
    try:
        model = keras.Sequential(
            [
                keras.Input((6,)),
                keras.layers.Dense(5, activation="relu", name="first"),
                keras.layers.Dense(3, activation="softmax", dtype="float32", name="second"),
            ]
        )
    finally:
        keras.config.set_dtype_policy("float32")
    config = TrainConfig(optimizer=optimizer, schedule="constant", learning_rate=0.05)
    compile_model(model, config, StepPlan(STEPS), PER_EXECUTION, usual_objective(CLASSIFICATION, 3), fused=fused)
    return model


def fit(model: Any, every: int = 1) -> tuple[Any, dict[str, np.ndarray]]:
    """Fit with a tap; return it and the values of every step, read after each execution."""
    import keras
    import tensorflow as tf

    from tbcli.training.taps.backward import BackwardTap

    tap = BackwardTap(model, PER_EXECUTION, every)
    parts: list[dict[str, np.ndarray]] = []
    seen = [0]

    class Reader(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            last = int(model.optimizer.iterations)
            parts.append(tap.read(seen[0] + 1, last))
            seen[0] = last

    data = tf.data.Dataset.from_tensor_slices((INPUTS, LABELS)).batch(BATCH)
    model.fit(data, epochs=1, verbose=0, callbacks=[Reader()], shuffle=False)
    return tap, {name: np.concatenate([part[name] for part in parts if part]) for name in tap.names}


@cache
def plain(optimizer: str) -> tuple[dict[str, list[float]], dict[str, np.ndarray]]:
    return by_hand(build(optimizer))


def by_hand(model: Any) -> tuple[dict[str, list[float]], dict[str, np.ndarray]]:
    """Take the same steps one by one with a tape of TensorFlow's own; return the figures and the last gradients."""
    import tensorflow as tf

    names = ("gradients/global_norm", "gradients/first", "gradients/second", "updates/first", "updates/second")
    figures: dict[str, list[float]] = {name: [] for name in names}
    gradients: list[Any] = []
    for step in range(STEPS):
        chosen = slice(step * BATCH, (step + 1) * BATCH)
        with tf.GradientTape() as tape:
            loss = model.compute_loss(INPUTS[chosen], LABELS[chosen], model(INPUTS[chosen], training=True))
        variables = model.trainable_variables
        gradients = [gradient.numpy() for gradient in tape.gradient(loss, [v.value for v in variables])]
        before = [variable.numpy().copy() for variable in variables]
        model.optimizer.apply([tf.constant(gradient) for gradient in gradients], variables)
        changes = [variable.numpy() - old for variable, old in zip(variables, before, strict=True)]
        figures["gradients/global_norm"].append(norm(gradients))
        for layer, part in (("first", slice(0, 2)), ("second", slice(2, 4))):
            figures[f"gradients/{layer}"].append(norm(gradients[part]))
            figures[f"updates/{layer}"].append(norm(changes[part]) / norm(before[part]))
    return figures, {
        v.path.partition("/")[2]: gradient for v, gradient in zip(model.trainable_variables, gradients, strict=True)
    }


def norm(arrays: list[np.ndarray]) -> float:
    return float(np.sqrt(sum(np.sum(np.square(array, dtype=np.float64)) for array in arrays)))


@pytest.mark.parametrize(
    ("optimizer", "fused"),
    [
        *[(optimizer, False) for optimizer in ("sgd", "adam")],
        *[(optimizer, True) for optimizer in ("adam", "adamw")],
        *[pytest.param(optimizer, False, marks=pytest.mark.slow) for optimizer in ("adamw", "rmsprop")],
        # No fused form is known for these: the same again.
        *[pytest.param(optimizer, True, marks=pytest.mark.slow) for optimizer in ("sgd", "rmsprop")],
    ],
)
def test_every_figure_equals_one_computed_by_hand(optimizer: str, fused: bool) -> None:
    tap, values = fit(build(optimizer, fused=fused))
    expected, gradients = plain(optimizer)
    assert set(values) == set(expected)
    for name, column in values.items():
        assert column == pytest.approx(expected[name], rel=2e-4), name
    for path, gradient in tap.gradients().items():
        assert gradient == pytest.approx(gradients[path], rel=1e-3, abs=1e-6), path


def test_only_every_nth_step_is_measured_and_the_weights_do_not_notice() -> None:
    tapped, bare = build("adam"), build("adam")
    _, values = fit(tapped, every=3)
    measured = ~np.isnan(values["gradients/global_norm"])
    assert measured.tolist() == [step % 3 == 0 for step in range(STEPS)]
    expected, _ = by_hand(bare)
    assert values["gradients/first"][measured] == pytest.approx(
        np.array(expected["gradients/first"])[measured], rel=2e-4
    )
    for ours, theirs in zip(tapped.get_weights(), bare.get_weights(), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-6)


def test_loss_scaling_does_not_show_in_the_norms() -> None:
    _, values = fit(build("adam", "mixed_float16"))
    expected, _ = plain("adam")
    seen = values["gradients/global_norm"]
    assert np.isfinite(seen).any()
    ratio = seen / np.array(expected["gradients/global_norm"])
    assert np.nanmedian(ratio) == pytest.approx(1, abs=0.2)


def test_a_step_whose_variables_are_known_is_traced_once() -> None:
    import tensorflow as tf

    from tbcli.training.taps.backward import BackwardTap

    model, graphs = build("adam"), set()
    tap = BackwardTap(model, PER_EXECUTION, 1)
    tap.make_room(model.trainable_variables)

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            loss = model.compute_loss(INPUTS, LABELS, model(INPUTS, training=True))
        variables = model.trainable_variables
        model.optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
        graphs.add(id(tap.graph))

    model.optimizer.build(model.trainable_variables)
    step()
    assert len(graphs) == 1
    assert not np.isnan(tap.read(1, 1)["gradients/global_norm"]).any()


def test_variables_that_are_not_the_ones_expected_are_measured_all_the_same() -> None:
    import tensorflow as tf

    from tbcli.training.taps.backward import BackwardTap

    model = build("sgd")
    tap = BackwardTap(model, PER_EXECUTION, 1)
    tap.make_room(model.trainable_variables)
    last = model.trainable_variables[2:]
    model.optimizer.apply([tf.ones(variable.shape) for variable in last], last)
    assert tap.names == ["gradients/global_norm", "gradients/second", "updates/second"]
    assert tap.read(1, 1)["gradients/second"] == pytest.approx(np.sqrt(5 * 3 + 3))


@pytest.mark.parametrize("every", [3, *[pytest.param(every, marks=pytest.mark.slow) for every in (1, 8)]])
def test_steps_of_which_none_was_measured_have_no_values(every: int) -> None:
    tap, _ = fit(build("sgd"), every)
    for first in range(1, STEPS + 1):
        for last in range(first, min(STEPS, first + PER_EXECUTION - 1) + 1):
            measured = any((step - 1) % every == 0 for step in range(first, last + 1))
            assert bool(tap.read(first, last)) == measured, (first, last)
