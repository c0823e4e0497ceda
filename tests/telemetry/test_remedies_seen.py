"""What remedies, classes and sequences add to frames, scores and states, against torch.nn and scikit-learn."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, recall_score
from torch import Tensor, nn

from initviz.telemetry.frame import Confusion, Frame, TimeGradient
from initviz.telemetry.history import RunHistory
from initviz.telemetry.monitor import Monitor
from tests.telemetry.races import DIGITS, LANES, MOONS, collected, race

ADDING: dict[str, Any] = {
    "device": "cpu",
    "dtype": "float64",
    "steps": 40,
    "data": {"name": "adding", "batch_size": 16, "validation": 0.2},
    "model": {"layers": [{"kind": "rnn", "units": 6}, {"kind": "last_step"}]},
    "optimizer": {"name": "sgd", "lr": 0.01},
    "lanes": [
        {"name": "xavier", "init": {"weight": {"name": "xavier_normal"}}},
        {"name": "small", "init": {"weight": {"name": "normal", "std": 0.05}}},
    ],
}


def first_look(document: dict[str, Any], **changes: Any) -> tuple[Monitor, Frame]:
    monitor = Monitor(race(document, **changes), 1)
    monitor.advance(want_frame=True)
    return monitor, monitor.frame()


# Gradient through time


def unrolled(kind: str, tensors: list[Tensor], x: Tensor, head: nn.Linear, wanted: Tensor) -> list[float]:
    """Return the norm of dC/dh_t for every step, from cells that torch.nn has, one after the other.

    Of the plain recurrence it is that of the sum before its function, of the others that of the state.
    """
    units = head.in_features
    w_in, b_in, w_back, b_back = tensors
    noted: list[Tensor] = []
    h = x.new_zeros(len(x), units)
    cell: nn.GRUCell | nn.LSTMCell
    cell = nn.GRUCell(x.shape[2], units) if kind == "gru" else nn.LSTMCell(x.shape[2], units)
    cell = cell.double()
    if kind != "rnn":
        with torch.no_grad():
            for name, value in zip(("weight_ih", "bias_ih", "weight_hh", "bias_hh"), tensors, strict=True):
                getattr(cell, name).copy_(value)
    c = torch.zeros_like(h)
    for step in range(x.shape[1]):
        if kind == "rnn":
            z = x[:, step] @ w_in.T + b_in + h @ w_back.T + b_back
            z.requires_grad_()
            noted.append(z)
            h = torch.tanh(z)
        elif isinstance(cell, nn.GRUCell):
            h = cell(x[:, step], h)
            noted.append(h)
        else:
            h, c = cell(x[:, step], (h, c))
            noted.append(h)
    loss = nn.functional.mse_loss(head(h), wanted)
    return [float(grad.norm()) for grad in torch.autograd.grad(loss, noted)]


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("lanes", [1, 2])
def test_the_gradient_at_each_time_step_is_that_of_the_unrolled_network(kind: str, lanes: int) -> None:
    document = {
        **ADDING,
        "model": {"layers": [{"kind": kind, "units": 6}, {"kind": "last_step"}]},
        "lanes": ADDING["lanes"][:lanes],
    }
    running = race(document)
    (group,) = running.groups
    start = group.flat.clone()
    inputs, targets = running.data.batch(0)
    monitor = Monitor(running, 1)
    monitor.advance(want_frame=True)
    (found,) = monitor.frame().time_gradients
    assert found.layer in monitor.info.recurrent_layers
    assert found.norms.shape == (lanes, inputs.shape[1])
    assert not found.norms.flags.writeable
    for lane in range(lanes):
        *tensors, weight, bias = group.layout.views(start[lane])
        head = nn.Linear(6, 1).double()
        with torch.no_grad():
            head.weight.copy_(weight)
            head.bias.copy_(bias)
        ours = unrolled(kind, [t.clone() for t in tensors], inputs.double(), head, targets.double())
        np.testing.assert_allclose(found.norms[lane], ours, rtol=1e-9)


def test_a_network_without_recurrence_has_no_gradient_through_time() -> None:
    monitor, frame = first_look(MOONS)
    assert monitor.info.recurrent_layers == ()
    assert frame.time_gradients == ()


def test_lanes_with_other_networks_have_no_gradient_through_time() -> None:
    gru = {"name": "gru", "model": {"layers": [{"kind": "gru", "units": 4}, {"kind": "last_step"}]}}
    flat = {"name": "flat", "model": {"layers": [{"kind": "flatten"}, {"kind": "dense", "units": 4}]}}
    monitor, frame = first_look({**ADDING, "lanes": [*ADDING["lanes"], gru, flat]})
    by_layer: dict[str, TimeGradient] = {found.layer: found for found in frame.time_gradients}
    assert set(by_layer) == set(monitor.info.recurrent_layers) == {"rnn_1", "gru_1"}
    assert np.isfinite(by_layer["rnn_1"].norms).all(axis=1).tolist() == [True, True, False, False]
    assert np.isnan(by_layer["gru_1"].norms).all(axis=1).tolist() == [True, True, False, True]


def test_a_gradient_of_1e_30_is_no_zero() -> None:
    tiny = [{"name": "tiny", "init": {"weight": {"name": "normal", "std": 0.01}}}]
    _, frame = first_look({**ADDING, "dtype": "float32", "lanes": tiny})
    norms = frame.time_gradients[0].norms[0]
    assert ((norms > 1e-37) & (norms < 1e-24)).any()
    falling = norms[norms > 1e-36]
    assert (np.diff(np.log10(falling)) > 0.5).all()  # the same factor at every step back


# Confusion


@pytest.mark.parametrize("document", [DIGITS, MOONS], ids=["classes", "binary"])
@pytest.mark.parametrize("validation", [0.2, 0.0])
def test_confusions_are_those_that_scikit_learn_counts(document: dict[str, Any], validation: float) -> None:
    data = {**document["data"], "validation": validation}
    monitor = Monitor(race({**document, "data": data, "lanes": LANES}), 1)
    running = monitor._race
    for _ in range(60):
        monitor.advance()
    found = monitor.confusion()
    assert found is not None
    assert found.step == 60
    assert found.held_back == (validation > 0)
    assert not found.counts.flags.writeable
    inputs, targets = (
        (running.data.validation_inputs, running.data.validation_targets)
        if validation
        else (running.data.inputs, running.data.targets)
    )
    wanted = targets.long().numpy()
    classes = len(monitor.info.class_names)
    for lane, outputs in enumerate(running.predict(inputs)):
        answers = outputs.argmax(1).numpy() if classes > 2 else (outputs.squeeze(1) > 0).long().numpy()
        theirs = confusion_matrix(wanted, answers, labels=range(classes))
        np.testing.assert_array_equal(found.counts[lane], theirs)
        np.testing.assert_allclose(
            found.class_accuracy()[lane],
            recall_score(wanted, answers, labels=range(classes), average=None, zero_division=0),
        )


def test_a_class_without_examples_has_no_accuracy() -> None:
    counts = np.array([[[3, 1, 0], [0, 0, 0], [2, 0, 2]]])
    (shares,) = Confusion(0, counts, held_back=True).class_accuracy()
    assert shares[[0, 2]].tolist() == [0.75, 0.5]
    assert np.isnan(shares[1])


def test_regression_has_no_confusion() -> None:
    monitor, frame = first_look(ADDING)
    assert monitor.confusion() is None
    assert frame.confusion is None


def test_confusions_are_counted_about_as_rarely_as_boundaries(monkeypatch: pytest.MonkeyPatch) -> None:
    running = race({**DIGITS, "lanes": LANES})
    calls: list[int] = []
    count = running.confusion

    def counting() -> Any:
        calls.append(running.step)
        return count()

    monkeypatch.setattr(running, "confusion", counting)
    clock = itertools.count(0.0, 0.001)
    monitor = Monitor(running, 1, clock=lambda: next(clock))
    frames = []
    for _ in range(60):
        monitor.advance(want_frame=True)
        frames.append(monitor.frame())
    assert 1 <= len(calls) <= 4
    assert all(frame.confusion is not None for frame in frames)
    confusion = monitor.frame(complete=True).confusion
    assert confusion is not None
    assert confusion.step == running.step


# Gauges and averages


CLIPPED = [
    {"name": "always", "remedies": {"clip_norm": {"max_norm": 1e-9}}},
    {"name": "never", "remedies": {"clip_norm": {"max_norm": 1e9}}},
    {"name": "without"},
]


def test_gauges_stand_by_lane_and_a_lane_without_has_none() -> None:
    monitor = Monitor(race({**DIGITS, "lanes": CLIPPED}), 1)
    history = RunHistory(monitor.info)
    for _ in range(30):
        monitor.advance(want_frame=True)
        history.add_frame(monitor.frame())
    (gauge,) = monitor.info.gauges
    frame = history.frame
    assert frame is not None
    assert gauge.unit == "%"
    assert frame.gauges.shape == (1, 3)
    assert frame.gauges[0, :2].tolist() == [1.0, 0.0]
    assert np.isnan(frame.gauges[0, 2])
    series = history.gauges()
    assert series.values.shape == (30, 1, 3)
    np.testing.assert_array_equal(series.values[-1], frame.gauges)


def test_without_remedies_there_is_nothing_to_show() -> None:
    monitor, frame = first_look(DIGITS)
    assert monitor.info.gauges == ()
    assert frame.gauges.shape == (0, 1)
    assert monitor.validate().averaged_loss is None
    history = RunHistory(monitor.info)
    history.add_frame(frame)
    history.add_validation(monitor.validate())
    assert not len(history.gauges().steps)
    assert not len(history.averaged().steps)


def test_averaged_weights_are_scored_beside_the_raw_ones() -> None:
    """An average over one step is the raw weights; one over ever so many is the start."""
    lanes = [
        {"name": "short", "remedies": {"ema": {"decay": 0.0}}},
        {"name": "long", "remedies": {"ema": {"decay": 0.99}}},
        {"name": "without"},
    ]
    monitor = Monitor(race({**DIGITS, "lanes": lanes}), 1)
    history = RunHistory(monitor.info)
    for _ in range(3):
        for _ in range(20):
            monitor.advance()
        history.add_validation(monitor.validate())
    scores = monitor.validate()
    assert scores.averaged_loss is not None
    assert scores.averaged_accuracy is not None
    assert scores.averaged_loss[0] == pytest.approx(scores.loss[0], rel=1e-5)
    assert scores.averaged_loss[1] > 1.2 * scores.loss[1]
    assert np.isnan(scores.averaged_loss[2])
    assert np.isnan(scores.averaged_accuracy[2])
    assert history.averaged().steps.tolist() == [20, 40, 60]
    np.testing.assert_array_equal(history.averaged().last, scores.averaged_loss)
    np.testing.assert_array_equal(history.averaged_accuracy().last, scores.averaged_accuracy)


# Early stopping


def stopping() -> dict[str, Any]:
    stop = {"early_stopping": {"patience": 2}}
    still = {"name": "still", "remedies": stop, "optimizer": {"name": "sgd", "lr": 1e-30}}
    return {**DIGITS, "lanes": [LANES[3], still, {**LANES[2], "remedies": stop}]}


def test_a_stopped_lane_ends_and_the_others_go_on() -> None:
    monitor = Monitor(race(stopping()), 1)
    epoch = monitor.info.steps_per_epoch
    scalars, frames = collected(monitor, 6 * epoch, every=5)
    states = monitor.lanes
    assert states[1].outcome == "stopped"
    assert states[1].diverged_at is None
    at, best = states[1].stopped_at, states[1].best_step
    assert at is not None
    assert best is not None
    # The first epoch's score is the best; two epochs without a better one end it.
    assert (best, at) == (epoch, 3 * epoch)
    assert np.isfinite(scalars.loss[:at, 1]).all()
    assert np.isnan(scalars.loss[at:, 1]).all()
    assert np.isfinite(scalars.loss[:, 0]).all()
    assert states[1].train_loss == pytest.approx(scalars.loss[at - epoch : at, 1].mean(), rel=0.02)
    assert states[0].outcome == "ok"
    assert states[0].stopped_at is None
    last = frames[-1]
    assert last.lanes[1].outcome == "stopped"
    assert last.gradients.counts[1].sum() == 0
    assert last.weights.counts[1].sum() > 0
    assert np.isnan(last.signal.grad_preactivation_q[1]).all()
    assert np.isfinite(last.signal.preactivation_q[1]).all()
    assert np.isfinite(monitor.validate().loss).all()  # with the weights that it keeps
    confusion = monitor.confusion()
    assert confusion is not None
    assert (confusion.counts.sum(axis=(1, 2)) > 0).all()


def test_a_lane_that_was_stopped_is_told_at_once() -> None:
    """A look at a moment's distance must not say that it goes on."""
    monitor = Monitor(race(stopping()), 1, clock=lambda: 0.0)
    for _ in range(3 * monitor.info.steps_per_epoch + 1):
        monitor.advance(want_frame=True)
    assert monitor.frame().lanes[1].outcome == "stopped"


def test_lanes_may_have_rates_of_their_own() -> None:
    plateau = {"name": "reduce_on_plateau", "patience": 1}
    lanes = [
        {**LANES[3], "schedule": plateau},
        {"name": "still", "schedule": plateau, "init": {"weight": {"name": "zeros"}}},
    ]
    monitor = Monitor(race({**DIGITS, "lanes": lanes}), 1)
    scalars, _ = collected(monitor, 120)
    assert len(np.unique(scalars.lr[:, 0])) < len(np.unique(scalars.lr[:, 1]))
    assert scalars.lr[-1, 1] < scalars.lr[-1, 0]
    assert not any(lane.tests_rates for lane in monitor.info.lanes)


def test_a_range_test_is_recognized() -> None:
    monitor = Monitor(race({**DIGITS, "schedule": {"name": "range_test"}}), 1)
    assert monitor.info.lanes[0].tests_rates
    for name in ("constant", "step", "cosine", "one_cycle", "cyclic", "warm_restarts"):
        info = Monitor(race({**DIGITS, "schedule": {"name": name}}), 1).info
        assert not info.lanes[0].tests_rates, name


def test_watching_a_deep_remedied_network_changes_no_bit() -> None:
    document = {
        **DIGITS,
        "model": {
            "layers": [
                {"kind": "flatten"},
                {"kind": "dense", "units": 24},
                {"kind": "batch_norm"},
                {"kind": "activation"},
                {"kind": "dropout", "rate": 0.3},
            ]
        },
        "remedies": {"clip_norm": {"max_norm": 0.5}, "ema": {"decay": 0.9}, "l2": {"strength": 1e-3}},
        "lanes": LANES[2:],
    }
    plain, watched = race(document), race(document)
    monitor = Monitor(watched, 1, exact=True)
    for step in range(25):
        next(plain)
        monitor.advance(step % 3 == 0)
        if step % 7 == 0:
            monitor.validate()
            monitor.confusion()
            monitor.gauges()
    for ours, theirs in zip(watched.groups, plain.groups, strict=True):
        assert torch.equal(ours.flat, theirs.flat)
