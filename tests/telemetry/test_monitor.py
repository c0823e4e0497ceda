"""The monitor tells what happened, and changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from initviz.engine.race import Race
from initviz.telemetry.boundary import BoundaryGrid
from initviz.telemetry.history import RunHistory
from initviz.telemetry.ledger import MAX_OUTPUTS
from initviz.telemetry.monitor import SLOW_GAP_S, Monitor
from tests.telemetry.races import DIGITS, DOCUMENTS, LANES, MOONS, collected, race, segment, with_model


def weights(running: Race) -> list[torch.Tensor]:
    return [group.flat for group in running.groups]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_watching_changes_no_bit(name: str) -> None:
    plain, watched = race(DOCUMENTS[name]), race(DOCUMENTS[name])
    monitor = Monitor(watched, 1, exact=True)
    losses = []
    for step in range(25):
        losses.append(next(plain).loss.clone())
        monitor.advance(step % 3 == 0)
        if step % 7 == 0:
            monitor.validate()
    for ours, theirs in zip(weights(watched), weights(plain), strict=True):
        assert torch.equal(ours, theirs)
    scalars = monitor.take_scalars()
    assert scalars is not None
    np.testing.assert_array_equal(scalars.loss, torch.stack(losses).double().numpy())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_scalars_of_every_step(name: str) -> None:
    running = race(DOCUMENTS[name])
    monitor, other = Monitor(running, 1), race(DOCUMENTS[name])
    taken = []
    for stretch in (1, 3, 30, 70):
        for _ in range(stretch):
            monitor.advance()
        part = monitor.take_scalars()
        assert part is not None
        assert len(part.steps) == stretch
        taken.append(part)
    assert monitor.take_scalars() is None
    step = 0
    for part in taken:
        for row in range(len(part.steps)):
            before = [group.flat.clone() for group in other.groups]
            state = next(other)
            assert part.steps[row] == step == state.step
            np.testing.assert_array_equal(part.loss[row], state.loss.double().numpy())
            np.testing.assert_allclose(part.accuracy[row], state.accuracy.double().numpy(), rtol=1e-6)
            assert tuple(part.lr[row]) == state.lr
            for group, old in zip(other.groups, before, strict=True):
                for place, lane in enumerate(group.lanes):
                    for layer, slot in enumerate(group.layout.measured):
                        cut = slice(slot.offset, slot.stop)
                        for found, wanted in (
                            (part.weight_norm, old[place, cut]),
                            (part.grad_norm, group.grad[place, cut]),
                        ):
                            norm = float(torch.linalg.norm(wanted.double()))
                            assert found[row, lane, layer] == pytest.approx(norm, rel=1e-5, abs=1e-40)
                    assert np.isnan(part.weight_norm[row, lane, len(group.layout.measured) :]).all()
            step += 1
    assert step == 104


def test_scalars_are_read_only_and_hold() -> None:
    monitor = Monitor(race(DOCUMENTS["moons"]), 1)
    scalars, _ = collected(monitor, 10)
    kept = scalars.weight_norm.copy()
    collected(monitor, 80)
    np.testing.assert_array_equal(scalars.weight_norm, kept)
    for name in ("steps", "loss", "accuracy", "lr", "weight_norm", "grad_norm", "update_norm"):
        assert not getattr(scalars, name).flags.writeable


# Divergence


def diverging() -> dict[str, object]:
    wild = {"name": "wild", "optimizer": {"name": "sgd", "lr": 1e6}}
    return {**DIGITS, "lanes": [LANES[3], wild, {**LANES[2], "optimizer": {"name": "sgd", "lr": 1e6}}]}


def test_a_diverged_lane_ends_and_the_others_go_on() -> None:
    monitor = Monitor(race(diverging()), 1)
    alone = Monitor(race({**DIGITS, "lanes": [LANES[3]]}), 1)
    scalars, frames = collected(monitor, 40, every=1)
    single, _ = collected(alone, 40)
    np.testing.assert_allclose(scalars.loss[:, 0], single.loss[:, 0], rtol=1e-5)
    for lane in (1, 2):
        at = frames[-1].lanes[lane].diverged_at
        assert at is not None
        assert 0 < at < 40
        assert np.isfinite(scalars.loss[:at, lane]).all()
        assert np.isnan(scalars.loss[at:, lane]).all()
        assert np.isnan(scalars.accuracy[at:, lane]).all()
        assert np.isfinite(scalars.grad_norm[:at, lane]).all()
        assert np.isnan(scalars.grad_norm[at:, lane]).all()
        assert np.isnan(scalars.weight_norm[at + 1 :, lane]).all()
        assert np.isnan(scalars.update_norm[at:, lane]).all()
        state = frames[at].lanes[lane]
        assert state.outcome == "diverged"
        assert state.bad_layer in monitor.info.lanes[lane].layers
        assert np.isnan(state.train_loss)
        last = frames[-1]
        assert np.isnan(last.signal.preactivation_q[lane]).all()
        assert last.gradients.counts[lane].sum() == 0
        assert last.preactivations.counts[lane].sum() == 0
        # The weights with which it diverged stay to be seen.
        assert segment(last.weights, lane, 0) == segment(last.weights, 0, 0)
        np.testing.assert_array_equal(
            [segment(last.weights, lane, 0)], [segment(frames[at + 1].weights, lane, 0)]
        )
        assert frames[at - 1].lanes[lane].outcome != "diverged"
    assert frames[-1].lanes[0].outcome != "diverged"
    assert np.isfinite(frames[-1].signal.preactivation_q[0]).all()


def test_lanes_are_judged_a_few_times_a_second_and_at_once_when_one_diverges() -> None:
    now = [0.0]
    monitor = Monitor(race(diverging()), 1, clock=lambda: now[0])
    states = []
    for _ in range(40):
        monitor.advance(True)
        states.append(monitor.frame().lanes)
        now[0] += 0.03
    losses = [state[0].train_loss for state in states]
    assert 10 <= len(set(losses)) <= 16
    for lane in (1, 2):
        at = states[-1][lane].diverged_at
        assert at is not None
        assert [state[lane].outcome == "diverged" for state in states] == [step >= at for step in range(40)]
    monitor.advance(True)
    now[0] += 0.01
    stale, fresh = monitor.frame().lanes[0], monitor.frame(complete=True).lanes[0]
    assert stale.train_loss != fresh.train_loss
    assert monitor.lanes[0] == fresh


def test_stalled_lanes_are_named() -> None:
    monitor = Monitor(race({**with_model(DIGITS, depth=8), "lanes": LANES}), 1)
    _, frames = collected(monitor, 200, every=199)
    states = frames[-1].lanes
    assert [state.outcome for state in states] == ["stalled", "stalled", "ok", "ok"]
    assert states[0].initial_loss == pytest.approx(np.log(10))
    assert monitor.info.constant_loss == pytest.approx(np.log(10), rel=1e-3)
    assert states[3].train_loss < 0.2
    assert states[3].best_loss <= states[3].train_loss


# Validation, boundary, info


def test_validation_is_that_of_the_race() -> None:
    monitor = Monitor(race(DOCUMENTS["digits"]), 1)
    collected(monitor, 5, every=2)
    assert monitor.frame().validation is None
    found = monitor.validate()
    other = race(DOCUMENTS["digits"])
    for _ in range(5):
        next(other)
    loss, accuracy = other.evaluate()
    assert found.step == 5
    np.testing.assert_array_equal(found.loss, loss)
    np.testing.assert_array_equal(found.accuracy, accuracy)
    assert monitor.frame().validation is found
    assert not found.loss.flags.writeable


def test_the_boundary_parts_the_classes_a_network_has_learned() -> None:
    running = race({**MOONS, "steps": 200, "lanes": LANES[3:]})
    monitor = Monitor(running, 1)
    _, frames = collected(monitor, 200, every=199)
    boundary = frames[-1].boundary
    assert boundary is not None
    assert boundary.classes.shape == boundary.confidence.shape == (1, 64, 64)
    assert boundary.classes.dtype == np.int16
    x_min, x_max, y_min, y_max = boundary.extent
    points, classes = monitor.info.points, monitor.info.point_classes
    assert x_min < points[:, 0].min() < points[:, 0].max() < x_max
    assert y_min < points[:, 1].min() < points[:, 1].max() < y_max
    column = ((points[:, 0] - x_min) / (x_max - x_min) * 64).astype(int)
    row = ((points[:, 1] - y_min) / (y_max - y_min) * 64).astype(int)
    scalars_accuracy = frames[-1].lanes[0].train_loss
    assert scalars_accuracy < 0.15
    assert (boundary.classes[0, row, column] == classes).mean() > 0.95
    assert (boundary.confidence >= 0.5).all()
    assert (boundary.confidence <= 1.0).all()


def test_boundary_of_several_classes_and_none_for_other_data() -> None:
    blobs = {**MOONS, "data": {"name": "spirals", "batch_size": 64}, "steps": 3}
    running = race(blobs)
    _, (frame, *_) = collected(Monitor(running, 1), 1, every=1)
    assert frame.boundary is not None
    assert frame.boundary.classes.max() < len(running.data.class_names)
    _, (frame, *_) = collected(Monitor(race(DOCUMENTS["digits"]), 1), 1, every=1)
    assert frame.boundary is None


def test_what_is_slow_is_looked_at_less_often() -> None:
    now = [100.0]
    monitor = Monitor(race(MOONS), 1, clock=lambda: now[0])
    boundaries = []
    for _ in range(40):
        monitor.advance(True)
        boundaries.append(monitor.frame().boundary)
        now[0] += 1 / 30
    # All are kept, so that none is taken for another that lay in the same place.
    assert len({id(boundary) for boundary in boundaries}) == 40 // round(SLOW_GAP_S * 30)
    while not monitor.finished:
        monitor.advance(monitor.step == 299)
    assert not any(
        monitor.frame().boundary is boundary for boundary in boundaries
    )  # the last frame is fresh in everything


def test_a_complete_frame_has_the_boundary_of_its_step() -> None:
    """What stays on the screen while training rests is not what the networks answered long ago."""
    running = race(MOONS)
    monitor = Monitor(running, 1, clock=lambda: 0.0)
    for step in range(60):
        monitor.advance(step in (0, 59))
    stale, fresh = monitor.frame().boundary, monitor.frame(complete=True).boundary
    assert stale is not None
    assert fresh is not None
    np.testing.assert_array_equal(fresh.confidence, BoundaryGrid(running).ask().confidence)
    assert not np.array_equal(fresh.confidence, stale.confidence)
    assert monitor.frame(complete=True).boundary is fresh
    assert monitor.frame().boundary is fresh


def test_rate_of_training() -> None:
    now = [0.0]
    monitor = Monitor(race(MOONS), 1, clock=lambda: now[0])
    for step in range(101):
        monitor.advance(step % 50 == 0)
        now[0] += 0.02
    assert monitor.frame().steps_per_s == pytest.approx(50.0)


def test_info_tells_the_run() -> None:
    running = race({**DOCUMENTS["mixed"], "name": "A race"})
    info = Monitor(running, 7).info
    assert (info.run_id, info.name, info.device, info.task) == (7, "A race", "cpu", "classification")
    assert (info.total_steps, info.steps_per_epoch) == (300, running.data.steps_per_epoch)
    assert [lane.name for lane in info.lanes] == ["deep", "xavier", "he", "adam"]
    assert info.num_layers == 7
    assert info.lanes[1].layers == ("dense_1", "dense_2", "dense_3", "dense_4", "output")
    assert info.lanes[1].num_parameters == running.blueprints[1].num_parameters
    for lane, aims, drawn in zip(info.lanes, running.target_stds, running.drawn_stds, strict=True):
        assert lane.target_stds == aims
        assert lane.drawn_stds == drawn
    assert info.points.shape == (0, 2)
    moons = Monitor(race(MOONS), 1).info
    assert moons.task == "binary"
    assert moons.points.shape == (running_size(race(MOONS)), 2)
    assert set(moons.point_classes) == {0, 1}


def running_size(running: Race) -> int:
    return running.data.num_training


def test_no_frame_before_the_first_look() -> None:
    monitor = Monitor(race(MOONS), 1)
    monitor.advance()
    with pytest.raises(RuntimeError, match="looked at"):
        monitor.frame()


def test_the_end() -> None:
    monitor = Monitor(race({**MOONS, "steps": 4}), 1)
    for _ in range(4):
        assert not monitor.finished
        monitor.advance(True)
    assert monitor.finished
    with pytest.raises(StopIteration):
        monitor.advance()
    assert monitor.frame().step == 3


def test_norms_can_be_left_to_full_looks() -> None:
    monitor = Monitor(race(DOCUMENTS["digits"]), 1, norms=False)
    scalars, _ = collected(monitor, 9, every=4)
    assert np.isfinite(scalars.loss).all()
    looked = np.isfinite(scalars.grad_norm).all(axis=(1, 2))
    assert looked.tolist() == [step % 4 == 0 for step in range(9)]


def test_frames_and_scalars_fit_the_history() -> None:
    monitor = Monitor(race(DOCUMENTS["mixed"]), 3)
    history = RunHistory(monitor.info)
    for step in range(60):
        monitor.advance(step % 20 == 0)
        if step % 20 == 0:
            monitor.validate()
            history.add_frame(monitor.frame())
        if step % 15 == 0:
            part = monitor.take_scalars()
            assert part is not None
            history.append(part)
    part = monitor.take_scalars()
    assert part is not None
    history.append(part)
    assert history.loss().values.shape == (60, 4)
    assert history.grad_norm_map().values.shape == (4, 7, 60)
    assert history.validation().steps.tolist() == [1, 21, 41]
    picture = history.histogram_map("weights", 1, 0)
    assert picture is not None
    np.testing.assert_allclose(picture.share.sum(0), 1.0, atol=0.01)


def test_large_batches_do_not_pile_up() -> None:
    document = {
        **DIGITS,
        "data": {"name": "gaussian", "dim": 20, "classes": 10, "samples": 30_000, "batch_size": 20_000},
        "model": {"family": "mlp", "depth": 1, "width": 8, "activation": "relu"},
        "lanes": LANES,
    }
    monitor = Monitor(race(document), 1)
    for _ in range(6):
        monitor.advance()
        held = sum(state.groups[0].outputs.numel() for state in monitor._ledger._states)
        assert held <= MAX_OUTPUTS
    scalars = monitor.take_scalars()
    assert scalars is not None
    assert scalars.steps.tolist() == [0, 1, 2, 3, 4, 5]
