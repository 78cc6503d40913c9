"""Dead units, gradients that vanish or explode: found in layers that have them, never in those of a good training."""

from __future__ import annotations

import numpy as np
import pytest

from tbcli.doctor.course import Known
from tbcli.doctor.findings import Finding
from tbcli.doctor.layer_health import findings_on_layers

KNOWN = Known(run="r1", repeats="tbcli train --config r1", learning_rate=0.002)
FALLING = [1.0, 0.5, 0.3, 0.2]


def found(dead: object = None, norms: object = None, whole: list[float] | None = None) -> list[Finding]:
    as_arrays = [{name: np.array(values) for name, values in dict(part or {}).items()} for part in (dead, norms)]  # type: ignore[call-overload]
    return list(findings_on_layers(*as_arrays, np.array(whole) if whole else None, KNOWN))


def test_a_layer_whose_units_are_dead_at_the_end_is_named() -> None:
    (finding,) = found(dead={"relu1": [0.1, 0.2], "relu2": [0.5, 0.97]})
    assert (finding.name, finding.where) == ("dead-layer", "layer relu2")
    assert "97% of 'relu2'" in finding.what
    assert finding.fix == "tbcli train --config r1 --learning-rate 0.0002"


def test_a_gradient_that_never_reaches_a_layer_has_vanished() -> None:
    (finding,) = found(norms={"first": [1e-9, 1e-8], "last": [1.0, 0.5]})
    assert finding.name == "vanishing-gradients"
    assert finding.fix.endswith("`tbcli plot r1 --kind gradients` shows how they change")


@pytest.mark.parametrize("whole", [[1.0, 0.5, float("nan")], [1.0, 2.0, 1.5, 1.0, 1e4, 1e6]])
def test_a_gradient_that_is_not_finite_or_grows_beyond_measure_explodes(whole: list[float]) -> None:
    assert [finding.name for finding in found(whole=whole)] == ["exploding-gradients"]


def test_a_good_training_has_healthy_layers() -> None:
    norms = {"first": FALLING, "last": [value * 30 for value in FALLING], "late": [1e-9, 0.1, 0.1, 0.1]}
    assert found({"relu": [0.1, 0.3, 0.3, 0.3]}, norms, [3.0, 9.0, 1.0, 30.0]) == []
    assert found(norms={"only": [0.0, 0.0]}) == []
    assert found(whole=[5.0]) == []
    assert found({"empty": []}, {"empty": [], "lost": [float("nan")]}, []) == []
