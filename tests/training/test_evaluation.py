"""One pass gives metrics, probabilities and features, and they are those Keras would give."""

from __future__ import annotations

import numpy as np
import pytest

from tbcli.config import DataConfig, ModelConfig, RecordConfig, TrainConfig
from tbcli.data.dataset import Dataset, cut_splits
from tbcli.errors import Interrupted
from tbcli.models import FEATURES, build_model
from tbcli.tasks import CLASSIFICATION
from tbcli.training.evaluation import Evaluator
from tbcli.training.feed import EVALUATION_BATCH
from tbcli.training.objective import usual_objective
from tbcli.training.optimizing import StepPlan, compile_model

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    count = EVALUATION_BATCH + 120  # a whole batch and a smaller one
    inputs = np.random.Generator(np.random.PCG64(1)).integers(0, 256, (count, 10, 10, 1)).astype(np.uint8)
    return cut_splits("noise", (inputs, np.arange(count) % 3), None, ("a", "b", "c"), DataConfig(validation_split=0.0))


@pytest.fixture(scope="module")
def model(dataset: Dataset) -> object:
    built = build_model(ModelConfig(name="cnn"), dataset, "float32")
    compile_model(built, TrainConfig(), StepPlan(10), 1, usual_objective(CLASSIFICATION, 10))
    return built


def test_evidence_agrees_with_keras(dataset: Dataset, model: object) -> None:
    seen = Evaluator(model, dataset, lambda: None, RecordConfig()).evaluate(dataset.train)
    inputs, labels = dataset.train.batch(slice(None))
    expected = model.evaluate(inputs, labels, verbose=0, return_dict=True)  # type: ignore[attr-defined]
    assert set(seen.metrics) == set(expected) == {"loss", "accuracy"}
    for name, value in expected.items():
        assert seen.metrics[name] == pytest.approx(value, abs=1e-5)
    assert np.allclose(seen.probabilities, model.predict(inputs, verbose=0), atol=1e-5)  # type: ignore[attr-defined]
    assert np.array_equal(seen.labels, labels)
    assert np.array_equal(seen.indices, dataset.train.positions)
    assert (seen.predictions == seen.labels).mean() == pytest.approx(seen.metrics["accuracy"], abs=1e-6)
    assert seen.features is not None
    assert seen.features.shape == (len(labels), model.get_layer(FEATURES).units)  # type: ignore[attr-defined]


def test_a_second_look_and_a_prediction_say_the_same(dataset: Dataset, model: object) -> None:
    evaluator = Evaluator(model, dataset, lambda: None, RecordConfig())
    first, second = evaluator.evaluate(dataset.train), evaluator.evaluate(dataset.train)
    assert first.metrics == second.metrics
    predicted = evaluator.predict(dataset.train.first(30))
    assert np.allclose(predicted.probabilities, first.first(30).probabilities, atol=1e-6)
    assert predicted.metrics == {}


def test_a_signal_is_answered_between_two_batches(dataset: Dataset, model: object) -> None:
    def interrupted() -> None:
        raise Interrupted(2, "Ctrl-C", hint="x")

    with pytest.raises(Interrupted):
        Evaluator(model, dataset, interrupted, RecordConfig()).evaluate(dataset.train)
