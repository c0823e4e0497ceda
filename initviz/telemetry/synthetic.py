"""Made-up runs that look like real ones, without torch: for tests, drawing benchmarks and previews.

The lanes tell the product's story by turns: zeros (stalled), a small normal start (vanishing), Xavier (learning), He
(learning, faster), and a start that is far too large (diverging).
"""

from __future__ import annotations

import numpy as np

from initviz.catalog.remedy_part import Gauge
from initviz.experiment.text import Text
from initviz.telemetry import synthetic_units
from initviz.telemetry.ensemble import Answers
from initviz.telemetry.frame import (
    Boundary,
    Confusion,
    Floats,
    Frame,
    Histogram,
    LaneInfo,
    LaneState,
    RunInfo,
    Scalars,
    Scale,
    Signal,
    TimeGradient,
    Validation,
)

NAMES = ("zeros", "N(0, 0.01²)", "Xavier", "He", "N(0, 1)")
STDS = (0.0, 0.01, 0.125, 0.177, 1.0)
FACTORS = (0.0, 0.006, 0.5, 1.0, 8.0)
"""By how much the mean square of the signal changes a layer."""
RATES = (0.0, 0.0, 1 / 400, 1 / 150, 0.0)
CONSTANT_LOSS = 2.3026
DIVERGED_AT = 37
NUM_BINS = 64
NUM_CLASSES = 10
EXAMPLES_A_CLASS = 36
STOPPED_AT, BEST_STEP = 240, 180
TIME_STEPS = 40
TIME_FACTORS = (0.0, 0.55, 0.8, 0.97, 1.35)
"""By how much the gradient changes from one time step to the one before."""
GAUGES = (
    Gauge("clipped", Text("share of clipped steps", "被裁剪的步数占比"), "%"),
    Gauge("underflow", Text("gradients lost to zero", "下溢为零的梯度"), "%"),
    Gauge("loss_scale", Text("loss scale", "损失缩放因子")),
)
LOWEST_LR, HIGHEST_LR, BEST_LR = 1e-5, 10.0, 0.3


def story(lane: int) -> int:
    """Return which of the stories a lane tells, 0 to 4."""
    return lane % len(NAMES)


def run_info(
    num_lanes: int = 4,
    num_layers: int = 13,
    run_id: int = 1,
    total_steps: int = 2000,
    two_dimensional: bool = False,
    remedies: bool = False,
    tests_rates: bool = False,
) -> RunInfo:
    """Return a run of K lanes and L layers.

    Args:
        num_lanes: K, 1 to 16.
        num_layers: L, at least 1; the last is the output layer.
        run_id: Its number.
        total_steps: Updates in the whole run.
        two_dimensional: Whether there are points for a decision boundary.
        remedies: Whether there are gauges, averaged weights, early stopping (of the fourth lane), and two recurrent
            layers.
        tests_rates: Whether the learning rate rises all the time.
    """
    layers = (*(f"dense_{place}" for place in range(1, num_layers)), "output")
    lanes = tuple(
        LaneInfo(
            name=NAMES[story(lane)]
            if lane < len(NAMES)
            else f"{NAMES[story(lane)]} {lane // len(NAMES) + 1}",
            color=lane,
            layers=layers,
            num_parameters=64 * 65 * num_layers,
            target_stds=(STDS[story(lane)],) * num_layers,
            drawn_stds=(STDS[story(lane)] * 1.01,) * num_layers,
            tests_rates=tests_rates,
            beside="weights" if remedies else "",
        )
        for lane in range(num_lanes)
    )
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 2, 200 if two_dimensional else 0)
    angle = rng.uniform(0, np.pi, len(classes)) + np.pi * classes
    points: Floats = np.stack((np.cos(angle) + classes, np.sin(angle) + classes / 2), axis=1)
    return RunInfo(
        run_id=run_id,
        name="Made-up run",
        device="cpu",
        task="classification",
        total_steps=total_steps,
        steps_per_epoch=12,
        constant_loss=CONSTANT_LOSS,
        lanes=lanes,
        class_names=tuple(str(number) for number in range(NUM_CLASSES)),
        points=points + 0.1 * rng.standard_normal(points.shape),
        point_classes=classes.astype(np.int64),
        recurrent_layers=("rnn_1", "rnn_2") if remedies else (),
        gauges=GAUGES if remedies else (),
    )


def _is_stopped(info: RunInfo, lane: int) -> bool:
    return bool(info.gauges) and lane == 3


def _rates(info: RunInfo, steps: Floats) -> Floats:
    share = steps / max(1, info.total_steps - 1)
    if info.lanes[0].tests_rates:
        rates: Floats = LOWEST_LR * (HIGHEST_LR / LOWEST_LR) ** share
        return rates
    return np.asarray(0.05 * 0.5 ** (2 * steps / max(1, info.total_steps)))


def _range_loss(lane: int, rates: Floats) -> Floats:
    """Return a loss that falls around a rate of the lane's own, and explodes at a larger one."""
    best = BEST_LR * 10.0 ** (-0.4 * story(lane))
    fall = 1 / (1 + (rates / (0.1 * best)) ** 1.5)
    return np.asarray(CONSTANT_LOSS * (0.2 + 0.8 * fall) + 0.5 * (rates / best) ** 3)


def _loss(lane: int, steps: Floats) -> Floats:
    rate = RATES[story(lane)]
    if story(lane) == 4:
        return np.where(steps < DIVERGED_AT, CONSTANT_LOSS * 1.3 ** steps.clip(max=DIVERGED_AT), np.nan)
    if rate == 0:
        return np.full_like(steps, CONSTANT_LOSS)
    return 0.02 + CONSTANT_LOSS * np.exp(-rate * steps)


def _grad_norms(lane: int, steps: Floats, num_layers: int) -> Floats:
    """Return ``(S, L)``: the signal's factor a layer, falling as the loss does."""
    depth = np.arange(num_layers - 1, -1, -1, dtype=np.float64)
    with np.errstate(over="ignore"):
        norms = np.power(FACTORS[story(lane)], depth / 2) * np.ones((len(steps), 1))
        return 0.3 * norms * np.sqrt(_loss(lane, steps) / CONSTANT_LOSS)[:, None]


def scalars(info: RunInfo, first: int, count: int) -> Scalars:
    """Return the scalars of ``count`` steps from step ``first`` on; the same for the same arguments."""
    steps = np.arange(first, first + count, dtype=np.int64)
    lanes, layers = len(info.lanes), info.num_layers
    rng = np.random.default_rng((info.run_id, first))
    shape = (count, lanes)
    times = steps.astype(np.float64)
    rates = _rates(info, times)
    loss = np.stack([_loss(lane, times) for lane in range(lanes)], axis=1)
    if info.lanes[0].tests_rates:
        loss = np.stack([_range_loss(lane, rates) for lane in range(lanes)], axis=1)
    loss = loss * rng.lognormal(0, 0.04, shape) * np.where(loss == CONSTANT_LOSS, 1e-3, 1.0) + np.where(
        loss == CONSTANT_LOSS, CONSTANT_LOSS * 0.999, 0.0
    )
    for lane in range(lanes):
        if _is_stopped(info, lane):
            loss[steps >= STOPPED_AT, lane] = np.nan
    accuracy = np.where(np.isnan(loss), np.nan, np.clip(np.exp(-loss), 0.1, 1))
    grad = np.stack([_grad_norms(lane, times, layers) for lane in range(lanes)], axis=1)
    grad = grad * rng.lognormal(0, 0.2, grad.shape)
    stds = np.array([STDS[story(lane)] for lane in range(lanes)])
    weight = 64 * stds[:, None] * np.ones((count, lanes, layers)) + 1e-6 * steps[:, None, None]
    lr = np.ones(shape) * rates[:, None]
    with np.errstate(over="ignore"):  # a deep network that explodes leaves float32, as in real life
        grad_norm, update_norm = grad.astype(np.float32), (grad * lr[:, :, None]).astype(np.float32)
    return Scalars(
        steps=steps,
        loss=loss,
        accuracy=accuracy,
        lr=lr,
        weight_norm=weight.astype(np.float32),
        grad_norm=grad_norm,
        update_norm=update_norm,
    )


def _bell(
    rng: np.random.Generator, low: float, high: float, centers: Floats, spreads: Floats, scale: Scale
) -> Histogram:
    """Return bell-shaped counts around ``(K, L)`` centres; a centre that is not finite falls outside."""
    edges = np.linspace(low, high, NUM_BINS + 1)
    shape = centers.shape
    values = (
        rng.normal(size=(*shape, 1024)) * spreads[..., None]
        + np.where(np.isnan(centers), 0, centers)[..., None]
    )
    bins = np.floor((values - low) / (high - low) * NUM_BINS)
    broken = np.isnan(centers)
    below = np.where(broken, 0, (bins < 0).sum(-1))
    above = np.where(broken, 0, (bins >= NUM_BINS).sum(-1))
    counts = np.stack([(bins == place).sum(-1) for place in range(NUM_BINS)], axis=-1)
    counts[broken] = 0
    return Histogram(
        edges=edges,
        scale=scale,
        counts=counts.astype(np.int64),
        below=below.astype(np.int64),
        above=above.astype(np.int64),
        not_finite=np.where(broken, 1024, 0).astype(np.int64),
        sampled=True,
    )


def _confusion(info: RunInfo, step: int, loss: Floats) -> Confusion:
    """Return a lane that always answers the same, or one that is right the oftener the lower its loss."""
    counts = np.zeros((len(loss), NUM_CLASSES, NUM_CLASSES), dtype=np.int64)
    rng = np.random.default_rng((info.run_id, step, 2))
    for lane, value in enumerate(loss):
        if np.isnan(value):
            continue
        for row in range(NUM_CLASSES):
            shares = np.full(NUM_CLASSES, 0.002)
            shares[3] += 1.0 if value > 0.98 * CONSTANT_LOSS else 0.0
            shares[row] += 0.0 if value > 0.98 * CONSTANT_LOSS else np.exp(-value * (0.5 + row / 10))
            shares[(row + 7) % NUM_CLASSES] += 0.2 * min(1.0, value)
            counts[lane, row] = rng.multinomial(EXAMPLES_A_CLASS, shares / shares.sum())
    return Confusion(step, counts, held_back=True)


def _answers(info: RunInfo, step: int, loss: Floats) -> Answers | None:
    """Return logits that are the better the lower a lane's loss is, each lane with errors of its own."""
    if len(loss) < 2:
        return None
    rng = np.random.default_rng((info.run_id, step, 3))
    targets = np.arange(NUM_CLASSES * EXAMPLES_A_CLASS) % NUM_CLASSES
    logits = rng.standard_normal((len(loss), len(targets), NUM_CLASSES))
    gains = np.where(np.isnan(loss), np.nan, 4.0 * (1.0 - np.minimum(loss / CONSTANT_LOSS, 1.0)))
    logits[:, np.arange(len(targets)), targets] += gains[:, None]
    logits[np.isnan(loss)] = np.nan
    return Answers(step, info.task, logits.astype(np.float32), targets)


def _time_gradients(info: RunInfo, loss: Floats) -> tuple[TimeGradient, ...]:
    back = np.arange(TIME_STEPS - 1, -1, -1, dtype=np.float64)
    factors = np.array([TIME_FACTORS[story(lane)] for lane in range(len(loss))])[:, None]
    norms = 0.05 * (loss[:, None] / CONSTANT_LOSS) * factors**back
    return tuple(TimeGradient(name, norms * 0.3**place) for place, name in enumerate(info.recurrent_layers))


def _gauges(info: RunInfo, step: int) -> Floats:
    if not info.gauges:
        return np.zeros((0, len(info.lanes)))
    lanes = np.arange(len(info.lanes), dtype=np.float64)
    clipped = np.exp(-step / (40.0 + 60.0 * (lanes % 5)))
    scale = 2.0 ** (16 - (lanes % 4) + step // 200)
    return np.stack((clipped, 0.3 * (lanes % 5) / 5 + 0.02 * np.sin(step / 30 + lanes) ** 2, scale))


def frame(info: RunInfo, step: int) -> Frame:
    """Return the frame of one step; the same for the same arguments."""
    lanes, layers = len(info.lanes), info.num_layers
    rng = np.random.default_rng((info.run_id, step, 1))
    at = np.array([float(step)])
    loss = np.array([_loss(lane, at)[0] for lane in range(lanes)])
    for lane in range(lanes):
        if _is_stopped(info, lane) and step > STOPPED_AT:
            loss[lane] = _loss(lane, np.array([float(BEST_STEP)]))[0]
    stds = np.array([STDS[story(lane)] for lane in range(lanes)])[:, None] * np.ones((1, layers))
    stds = np.where(np.isnan(loss)[:, None], np.nan, stds)
    depth = np.arange(1, layers + 1)
    factors = np.array([FACTORS[story(lane)] for lane in range(lanes)])[:, None]
    with np.errstate(over="ignore", divide="ignore"):
        q = np.where(np.isnan(stds), np.nan, 0.7 * factors**depth)
        grad_q = np.where(np.isnan(stds), np.nan, 0.1 * factors ** (layers - depth))
        grads = np.stack([_grad_norms(lane, at, layers)[0] for lane in range(lanes)])
        decades = np.log10(grads / 64)
        spread = np.sqrt(q)
    zero = np.zeros_like(stds)
    one = np.full_like(decades, 0.4)
    dead = np.where(np.isnan(stds), np.nan, np.where(q > 0, 0.1, 1.0))
    dead[:, -1] = np.nan
    equal = np.where(factors == 0, 1.0, 0.0) * np.ones((1, layers))
    equal[:, -1] = np.nan
    low = np.where(np.isneginf(decades), -99, decades)
    boundary = None
    if len(info.points):
        grid = np.linspace(-2, 3, 64)
        x, y = np.meshgrid(grid, grid)
        logits = np.stack([(y - 0.2 - 0.6 * np.sin(2 * x)) * (0.2 + 4 * (1 - value / 2.4)) for value in loss])
        probability = 1 / (1 + np.exp(-np.abs(logits)))
        boundary = Boundary((-2, 3, -2, 3), (logits < 0).astype(np.int16), probability.astype(np.float32))
    gains = np.where(np.isnan(loss), np.nan, np.sqrt([FACTORS[story(lane)] for lane in range(lanes)]))
    stopped = [_is_stopped(info, lane) and step > STOPPED_AT for lane in range(lanes)]
    states = tuple(
        LaneState(
            outcome="diverged"
            if np.isnan(value)
            else "stopped"
            if stopped[lane]
            else "stalled"
            if value > 0.98 * CONSTANT_LOSS
            else "ok",
            diverged_at=DIVERGED_AT if np.isnan(value) else None,
            bad_layer=info.lanes[lane].layers[-1] if np.isnan(value) else None,
            train_loss=float(value),
            initial_loss=float(_loss(lane, np.zeros(1))[0]),
            best_loss=float(np.nanmin([value, CONSTANT_LOSS])),
            stopped_at=STOPPED_AT if stopped[lane] else None,
            best_step=BEST_STEP if stopped[lane] else None,
        )
        for lane, value in enumerate(loss)
    )
    return Frame(
        run_id=info.run_id,
        step=step,
        weights=_bell(rng, -0.6, 0.6, zero + 0 * stds, np.nan_to_num(stds), "linear"),
        gradients=_bell(rng, -20, 4, low, one, "log10"),
        updates=_bell(rng, -20, 4, low - 1.3, one, "log10"),
        preactivations=_bell(rng, -4, 4, 0 * spread, np.nan_to_num(spread, posinf=1e6), "linear"),
        activations=_bell(rng, -4, 4, 0.4 * spread, np.nan_to_num(0.6 * spread, posinf=1e6), "linear"),
        signal=Signal(
            preactivation_mean=zero + 0 * q,
            preactivation_q=q,
            activation_mean=0.4 * spread,
            activation_var=0.34 * q,
            grad_preactivation_q=grad_q,
            dead_fraction=dead,
            saturated_fraction=np.full_like(q, np.nan),
            identical_fraction=equal,
        ),
        validation=Validation(
            step,
            loss * 1.05,
            np.clip(np.exp(-loss), 0.1, 1),
            loss * 0.8 if info.gauges else None,
            np.clip(np.exp(-0.7 * loss), 0.1, 1) if info.gauges else None,
        ),
        boundary=boundary,
        lanes=states,
        steps_per_s=850.0,
        confusion=_confusion(info, step, loss),
        time_gradients=_time_gradients(info, loss),
        gauges=_gauges(info, step),
        answers=_answers(info, step, loss),
        spectra=synthetic_units.spectra(gains, layers, step),
        sameness=synthetic_units.sameness(gains, layers, step),
        activity=synthetic_units.activity(gains, layers, step),
    )
