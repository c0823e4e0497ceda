"""What is said of a lane is what was measured in it, whichever initializer was chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from initviz.telemetry.explanation import Explanation, explain
from initviz.telemetry.explanation_text import explanation_text, headline
from initviz.telemetry.frame import Frame
from initviz.telemetry.monitor import Monitor
from initviz.theory.prediction import Phase, Prediction
from initviz.views.numbers import percent, significant

DEEP: dict[str, Any] = {"family": "mlp", "depth": 12, "width": 64, "activation": "tanh"}
SHALLOW: dict[str, Any] = {"family": "mlp", "depth": 1, "width": 32, "activation": "relu"}


def _named(start: object) -> object:
    return {"name": start} if isinstance(start, str) else start


def watched(
    weight: object,
    model: dict[str, Any] = DEEP,
    steps: int = 1,
    lr: float = 0.01,
    bias: object = "zeros",
) -> tuple[Monitor, Frame, Frame]:
    """Train one lane on digits; return its monitor, the first frame and the last."""
    document = {
        "schema": 1,
        "seed": 0,
        "steps": max(steps, 1) + 1,
        "data": {"name": "digits", "batch_size": 128},
        "model": model,
        "init": {"weight": _named(weight), "bias": _named(bias)},
        "optimizer": {"name": "sgd", "lr": lr},
    }
    monitor = Monitor(Race(read_document(document, catalogue(), Limits()), catalogue(), Limits()), 1)
    monitor.advance(True)
    first = monitor.frame(complete=True)
    for _ in range(steps - 1):
        monitor.advance()
    monitor.advance(True)
    return monitor, first, monitor.frame(complete=True)


def explained(*given: Any, **settings: Any) -> Explanation:
    monitor, first, last = watched(*given, **settings)
    return explain(monitor.info, 0, first, last, last.lanes[0])


def said(found: Explanation) -> str:
    text = explanation_text(found, significant, percent)
    assert text.zh
    assert text.zh != text.en
    return text.en


def test_a_start_of_zeros_is_silent() -> None:
    found = explained("zeros")
    assert (found.start, found.layer) == ("silent", "dense_1")
    assert "dense 1 gives zero for every example" in said(found)


def test_equal_weights_are_copies_and_stay_so() -> None:
    found = explained({"name": "constant", "value": 0.05}, steps=30)
    assert (found.start, found.share, found.share_now) == ("copies", 1.0, 1.0)
    assert "100\u2009% are copies still" in said(found)


def test_the_factor_is_that_of_the_measured_ends() -> None:
    monitor, first, last = watched({"name": "normal", "std": 0.06})
    found = explain(monitor.info, 0, first, last, last.lanes[0])
    g = first.signal.grad_preactivation_q[0]
    q = first.signal.preactivation_q[0]
    assert found.backward is not None
    assert found.forward is not None
    assert found.backward.total == pytest.approx(g[0] / g[11], rel=1e-12)
    assert found.backward.factor == pytest.approx((g[0] / g[11]) ** (1 / 11), rel=1e-12)
    assert found.forward.total == pytest.approx(q[11] / q[0], rel=1e-12)
    assert found.start == "fades"
    assert headline(found).en == "The gradient vanishes"
    assert significant(found.backward.factor) in said(found)


def test_a_start_that_is_too_large_explodes_and_diverges() -> None:
    found = explained({"name": "normal", "std": 0.5}, DEEP | {"activation": "relu"}, steps=5, lr=0.1)
    assert found.start == "grows"
    assert headline(found).en == "The gradient explodes"
    assert found.fate == "diverged"
    assert "It diverged at step" in said(found)


def test_a_start_that_fits_keeps_the_size() -> None:
    found = explained("he_normal", DEEP | {"activation": "relu", "width": 256})
    assert found.start == "level"
    assert headline(found).en == "Signal and gradient keep their size"


def test_a_few_strong_layers_are_not_called_even() -> None:
    found = explained({"name": "normal", "std": 0.1}, DEEP | {"activation": "relu", "depth": 2})
    assert found.start == "level"
    assert headline(found).en == "Signal and gradient get through"


def test_an_output_layer_of_zeros_waits_for_its_first_step() -> None:
    found = explained("fixup", {"family": "resnet_mlp", "blocks": 4, "width": 32}, steps=40)
    assert found.start == "waits"
    assert found.fate == "learns"


def test_zero_branches_are_not_taken_for_copies() -> None:
    found = explained("fixup", {"family": "resnet_mlp", "blocks": 4, "width": 32})
    assert found.start != "copies"


def test_dead_units_are_told_by_layer() -> None:
    found = explained("he_normal", SHALLOW, bias={"name": "constant", "value": -100.0})
    assert found.start in ("dead", "silent")
    few = explained("he_normal", SHALLOW, bias={"name": "constant", "value": -8.0})
    assert few.start == "dead"
    assert few.layer == "dense_1"
    assert few.share > 0.5
    assert percent(few.share) in said(few)


def test_saturated_values_are_told_by_layer() -> None:
    found = explained({"name": "normal", "std": 3.0}, DEEP | {"depth": 1})
    assert (found.start, found.layer) == ("saturated", "dense_1")


def test_a_lane_that_does_not_learn_is_compared_with_a_constant() -> None:
    found = explained({"name": "normal", "std": 0.01}, steps=60)
    assert found.fate in ("stalled", "early")
    monitor, first, last = watched({"name": "normal", "std": 0.01}, steps=3)
    stalled = replace(last.lanes[0], outcome="stalled", judged=True, train_loss=2.3)
    text = said(explain(monitor.info, 0, first, last, stalled))
    assert "It does not learn" in text
    fallen = replace(stalled, initial_loss=11.4)
    assert "fell from 11.4 to 2.30, which is that of a constant answer" in said(
        explain(monitor.info, 0, first, last, fallen)
    )
    assert f"still that of a constant answer, {significant(monitor.info.constant_loss)}" in text


def test_a_bad_start_that_learns_does_so_all_the_same() -> None:
    monitor, first, last = watched({"name": "normal", "std": 0.06}, steps=3)
    state = replace(last.lanes[0], judged=True, outcome="ok", initial_loss=2.3, train_loss=0.4)
    text = said(explain(monitor.info, 0, first, last, state))
    assert "It learns all the same: the loss fell from 2.30 to 0.400" in text


def test_before_anything_is_measured_nothing_is_claimed() -> None:
    monitor, _, _ = watched("he_normal")
    found = explain(monitor.info, 0, None, None, None)
    assert found.start is None
    assert headline(found).en == "Not measured yet"


def foretold(factor: float, layers: int, phase: Phase, sigma_w: float, spread: float = 0.05) -> Prediction:
    """Return a prediction in which gradients are multiplied by ``factor`` a layer, and signals by 1."""
    back = factor ** np.arange(layers - 1, -1, -1.0)
    ones = np.ones(layers)
    return Prediction(
        preactivation_q=ones,
        grad_preactivation_q=back,
        q_spread=spread * ones,
        grad_q_spread=spread * ones,
        correlation=ones,
        sigma_w=sigma_w * ones,
        sigma_b=0 * ones,
        chi=factor * ones,
        q_star=0.0,
        c_star=1.0,
        chi_star=factor,
        xi_q=np.inf,
        xi_c=1.0,
        phase=phase,
        activation="tanh",
        critical_sigma_w=1.0,
    )


def with_prediction(told: Prediction) -> Explanation:
    monitor, first, last = watched({"name": "normal", "std": 0.06})
    lane = replace(monitor.info.lanes[0], prediction=told)
    info = replace(monitor.info, lanes=(lane,))
    return explain(info, 0, first, last, last.lanes[0])


def test_theory_that_agrees_is_named_as_the_cause() -> None:
    measured = with_prediction(foretold(1.0, 13, "critical", 1.0)).backward
    assert measured is not None
    found = with_prediction(foretold(measured.factor, 13, "ordered", 0.48))
    assert found.backward is not None
    assert found.backward.is_foretold
    text = said(found)
    assert "each Tanh layer" in text
    assert f"and theory foretells {significant(measured.factor)}" in text
    assert "σ_w = 0.480 lies on the ordered side of the critical line, σ_w = 1.00" in text


def test_theory_that_disagrees_is_said_to_and_gives_no_cause() -> None:
    found = with_prediction(foretold(1.5, 13, "chaotic", 2.0))
    assert found.backward is not None
    assert not found.backward.is_foretold
    text = said(found)
    assert "where theory, made for wide layers, foretells 1.50" in text
    assert "side of the critical line" not in text
