"""The way forward: the mean square and the correlation of the signal, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from initviz.catalog.signal_steps import Added, Applied, Flattened, Masked, Normalized, Product, Step
from initviz.engine.structure import MeasuredLayer
from initviz.experiment.blueprint import Stage
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.text import Text
from initviz.theory.moments import is_homogeneous, shifted, table
from initviz.theory.quadrature import Floats
from initviz.theory.spectrum import spectrum
from initviz.theory.tape import Bent, Divided, Forked, Joined, Multiplied, Record, Thinned
from initviz.theory.taps import extents, gathered
from initviz.theory.wave import SMALL, Wave, average, log_variance
from initviz.theory.weight_laws import BiasLaw, NotCoveredError, bias_law, branch_scale, weight_law

NORMAL_KURTOSIS_OF_GRADIENTS = 3.0


@dataclass(slots=True)
class Found:
    """What is known of the L measured layers so far; ``q_star`` and its like are found from the same."""

    q: Floats
    c: Floats
    variance: Floats
    sigma_w: Floats
    sigma_b: Floats
    centre: Floats
    keep: Floats


@dataclass(slots=True)
class Walk:
    """A way through the layers.

    Attributes:
        layers: All measured layers.
        catalogue: Where the initializers are declared.
        found: Filled on the way.
        next: The next measured layer.
    """

    layers: Sequence[MeasuredLayer]
    catalogue: Catalogue
    found: Found
    next: int = 0
    laws: dict[int, float] = field(default_factory=dict)

    def through(
        self, steps: Sequence[Step], wave: Wave, stage: Stage, outer: float
    ) -> tuple[Wave, tuple[Record, ...]]:
        """Follow the signal through some steps of a layer.

        Args:
            steps: What is done, in order.
            wave: What comes in.
            stage: The layer.
            outer: Variance of ln q of what came into the branch.
        Raises:
            NotCoveredError: Theory has no answer.
        """
        tape: list[Record] = []
        for step in steps:
            record: Record
            match step:
                case Product():
                    wave, record = self._multiplied(step, wave, stage, outer)
                case Applied():
                    wave, record = _bent(step, wave)
                case Masked():
                    wave, record = _thinned(step, wave)
                case Flattened():
                    wave, record = _joined(wave)
                case Normalized():
                    wave, record = _divided(step, wave)
                case Added():
                    wave, record = self._forked(step, wave, stage, outer)
            tape.append(record)
        return wave, tuple(tape)

    def _multiplied(self, step: Product, wave: Wave, stage: Stage, outer: float) -> tuple[Wave, Multiplied]:
        index = self.next
        layer = self.layers[index]
        spec = layer.slot.spec
        law = weight_law(stage, layer, self.catalogue)
        bias = BiasLaw()
        for tensor in stage.tensors:
            if tensor.role == "bias" and tensor.name == step.bias:
                bias = bias_law(stage, tensor, layer, self.catalogue)
        base = bias.variance + bias.mean**2
        came = gathered(step, wave.places, wave.q, law.middle_only)
        size = average(came)
        variance = law.variance / step.keep
        adapts = law.tolerance is not None
        if adapts:  # the weights were divided until the output's variance was 1
            variance = max(1 - bias.variance, 0.0) / max(size, SMALL) / spec.fan_in
        square = spec.fan_in * variance
        q = square * came + base
        if adapts and math.isnan(size):
            q = np.ones_like(came)
        whole = average(q)
        if whole == 0:
            share, c = 0.0, np.ones_like(wave.c)
        else:
            share = 1.0 if math.isnan(size) else square * size / whole
            c = (square * size * wave.c + base) / whole
        units = spec.shape[0]
        inputs = math.prod(spec.shape[1:])
        flat = not step.kernel and not adapts
        rigid = share**2 * min(1.0, units / inputs) if law.keeps_lengths and flat else 0.0
        excess = (law.kurtosis + 3) / step.keep - 3
        kurtosis = (
            excess * wave.fourth / inputs * share**2
            + bias.kurtosis * (bias.variance / max(whole, SMALL**2)) ** 2
        )
        joint = 0.0
        if excess:
            joint = excess / inputs * share**2 * (1 + (wave.fourth - 1) * wave.same_squares)
        noise, off, sensitivity = (
            share**2 * (wave.noise + wave.own),
            share * wave.bias,
            share * wave.sensitivity,
        )
        c_noise = share**2 * wave.c_noise
        # What all units have in common does not scatter.
        drawn = max(1 - bias.mean**2 / whole, 0.0) if whole > 0 else 0.0
        alike = min(1.0, wave.over_pairs(np.square(c) + c_noise, 1.0))
        own = drawn * (2 - drawn) * (2 * (1 - rigid) * alike + joint) / units
        scatter = log_variance(max(own, 0.0))
        if law.tolerance is not None:
            # The batch that the start measured is not the one that is looked at, and it measured the variance about
            # the mean of few units.
            about = 1.5 * wave.over_pairs(c, 1.0) / units
            own += about**2
            noise = law.tolerance**2 / 3 + 1 / wave.examples + about**2
            scatter = off = sensitivity = 0.0
        after = Wave(
            q=q,
            c=c,
            c_noise=c_noise,
            examples=wave.examples,
            units=units,
            places=extents(step, wave.places),
            is_normal=True,
            mean=bias.mean,
            fourth=3.0 + kurtosis,
            kurtosis=kurtosis,
            joint_kurtosis=joint,
            bias=off,
            rigid=rigid,
            rigid_pairs=rigid,
            noise=noise,
            own=scatter,
            sensitivity=sensitivity,
        )
        found = self.found
        found.q[index] = whole
        found.c[index] = average(c)
        found.variance[index] = after.sensitivity**2 * outer + after.noise + after.own + after.bias**2
        found.sigma_w[index] = math.sqrt(square)
        found.sigma_b[index] = math.sqrt(bias.variance)
        found.centre[index] = bias.mean
        self.next = index + 1
        record = Multiplied(
            index=index,
            step=step,
            places=wave.places,
            middle_only=law.middle_only,
            factor=spec.fan_out * variance,
            units_before=wave.units,
            share=share,
            own=own if adapts else 0.0,
            rigid=min(1.0, inputs / units) if law.keeps_lengths and flat else 0.0,
            kurtosis=excess if units == 1 else min(1.0, NORMAL_KURTOSIS_OF_GRADIENTS / units) * excess,
            is_square=spec.fan_in == spec.fan_out,
            adapts=adapts,
        )
        return after, record

    def _forked(self, step: Added, wave: Wave, stage: Stage, outer: float) -> tuple[Wave, Forked]:
        scale = step.factor * (branch_scale(stage, self.catalogue) if step.is_scaled else 1.0)
        inner = wave.sensitivity**2 * outer + wave.noise + wave.own
        start = replace(wave, noise=0.0, own=0.0, sensitivity=1.0)
        stream, stream_tape = self.through(step.stream, start, stage, inner)
        branch, branch_tape = self.through(step.branch, start, stage, inner)
        added = scale**2 * branch.q
        q = stream.q + added
        common = 2 * scale * stream.mean * branch.mean if stream.is_normal else 0.0
        q = q + common
        size = average(q)
        if size > 0:
            share = average(added) / size
            c = (stream.c * stream.size + scale**2 * branch.c * branch.size + common) / size
        else:
            share, c = 0.0, np.ones_like(wave.c)
        rest = 1 - share
        crossing = 4 * rest * share / stream.units * stream.over_pairs(stream.c * branch.c, 1.0)
        sensitivity = rest * stream.sensitivity + share * branch.sensitivity
        mixed = rest**2 * stream.noise + share**2 * branch.noise
        own = rest**2 * stream.own + share**2 * branch.own + log_variance(crossing)
        after = Wave(
            q=q,
            c=np.clip(c, -1, 1),
            c_noise=rest**2 * stream.c_noise + share**2 * branch.c_noise,
            examples=wave.examples,
            units=stream.units,
            places=stream.places,
            is_normal=stream.is_normal and (branch.is_normal or scale == 0),
            is_renewed=stream.is_renewed or (branch.is_renewed and scale != 0),
            mean=stream.mean + scale * branch.mean,
            fourth=rest**2 * stream.fourth + share**2 * branch.fourth + 6 * rest * share,
            kurtosis=rest**2 * stream.kurtosis + share**2 * branch.kurtosis,
            joint_kurtosis=rest**2 * stream.joint_kurtosis + share**2 * branch.joint_kurtosis,
            bias=rest * stream.bias + share * branch.bias,
            noise=sensitivity**2 * (wave.noise + wave.own) + mixed,
            own=own,
            sensitivity=sensitivity * wave.sensitivity,
        )
        record = Forked(stream_tape, branch_tape, scale, share, sensitivity, inner, stream.units)
        return after, record


def _bent(step: Applied, wave: Wave) -> tuple[Wave, Bent]:
    if not wave.is_normal:
        raise NotCoveredError(
            Text("an activation of what is not a fresh weighted sum", "作用于非加权和信号的激活函数")
        )
    if wave.is_renewed and not is_homogeneous(step.curve):
        raise NotCoveredError(Text("this activation after batch normalization", "批归一化之后的这种激活函数"))
    curve = shifted(step.curve, wave.mean)
    q = np.maximum(wave.q - wave.mean * wave.mean, 0.0) if wave.mean else wave.q
    seen = table(curve).look(q)
    size, came = average(seen.second), average(q)
    lost = math.isnan(came) and is_homogeneous(curve)
    if lost:  # how large the signal is makes no difference to its gradient
        came = 1.0
    if not math.isfinite(came) or came <= 0 or size == 0:
        nothing = np.full_like(wave.c, 1.0 if came == 0 else np.nan)
        after = replace(wave, q=seen.second, c=nothing, is_normal=False, is_renewed=False, own=0.0, rigid=0.0)
        return after, Bent(curve, seen.slope, None, None, 1.0, 0.0, 0.0, wave.units)
    c = np.ones_like(wave.c) if lost else (wave.c * wave.size - wave.mean * wave.mean) / came
    expansion = spectrum(curve).at(came)
    products = expansion.products(np.minimum(np.maximum(c, -1), 1))
    # What the correlations themselves scatter by adds to their mean square, which decides what a batch averages out.
    bent = float(expansion.squares[2, 2])
    added = bent * average(wave.c_noise)
    lengths = bent * wave.same_squares if wave.rigid else 0.0
    tails = wave.joint_kurtosis * (expansion.sixth - 2 * expansion.fourth_bend)
    relative = wave.over_pairs(products.square, expansion.fourth) + added - 1 - wave.rigid * lengths
    # Units that sum few inputs are not quite normal, which adds to the scatter and moves the mean as well.
    noise = log_variance(max(relative + tails, 0.0) / wave.units)
    noise += (wave.kurtosis * expansion.fourth_bend) ** 2
    steepness = products.slope * (average(seen.slope) * came / size)
    free = np.square(1 - np.square(products.value))
    scatter = free * np.maximum(products.square - np.square(products.value), 0.0) / wave.units
    scatter *= 1 - wave.rigid_pairs * float(expansion.squares[0, 1])
    after = Wave(
        q=seen.second,
        c_noise=np.minimum(np.square(steepness) * wave.c_noise + scatter, free),
        bias=seen.growth * wave.bias + abs(1 - seen.growth) / wave.units,
        c=np.full_like(c, np.nan) if lost else products.value,
        examples=wave.examples,
        units=wave.units,
        places=wave.places,
        mean=expansion.mean * math.sqrt(size) if not lost else math.nan,
        third=expansion.third,
        fourth=expansion.fourth,
        noise=seen.growth**2 * wave.noise + noise,
        sensitivity=seen.growth * wave.sensitivity,
    )
    return after, Bent(
        curve, seen.slope, expansion, products, seen.growth, seen.slope_growth, noise, wave.units
    )


def _thinned(step: Masked, wave: Wave) -> tuple[Wave, Thinned]:
    keep = step.keep
    noise = (1 / keep - 1) * wave.fourth / (wave.units * wave.examples)
    after = replace(
        wave,
        q=wave.q / keep,
        c=wave.c * keep,
        c_noise=wave.c_noise * keep**2,
        is_normal=wave.is_normal and keep == 1,
        fourth=wave.fourth / keep,
        noise=wave.noise + noise,
    )
    return after, Thinned(keep)


def _joined(wave: Wave) -> tuple[Wave, Joined]:
    count = wave.q.shape[1]
    after = replace(
        wave,
        q=wave.q.mean(axis=1, keepdims=True),
        units=wave.units * count,
        places=(),
        is_normal=wave.is_normal and count == 1,
    )
    return after, Joined(count, wave.units)


def _divided(step: Normalized, wave: Wave) -> tuple[Wave, Divided]:
    mean = wave.mean * wave.mean if step.centred else 0.0
    if step.batch:
        mean = wave.over_pairs(wave.c, 1.0) * wave.size
    rest = np.maximum(wave.q - mean, 0.0)
    # A sequence is normalized at every place by itself, everything else over all places.
    per_place = len(wave.places) == 1 and not step.batch
    size = rest if per_place else rest.mean(axis=None if step.batch else 1, keepdims=True)
    factor = np.broadcast_to(1 / (size + step.eps), rest.shape)
    left = average(rest)
    c = (wave.c * wave.size - mean) / left if left > 0 else np.full_like(wave.c, np.nan)
    q = rest * factor
    if math.isnan(left):  # whatever came in, this is what goes on
        q = np.ones_like(rest)
    together = wave.units * (1 if per_place else wave.q.shape[1]) / step.groups
    lost = _lost_in_normalizing(step, wave, together, left)
    after = Wave(
        q=q,
        c=np.clip(c, -1, 1),
        c_noise=wave.c_noise,
        examples=wave.examples,
        units=wave.units,
        places=wave.places,
        is_normal=wave.is_normal,
        is_renewed=step.batch,
        fourth=wave.fourth,
        rigid=0.0 if step.batch else 1.0,
    )
    scatter = wave.own
    if step.batch:
        # Every unit is divided by its own deviation, which few different examples leave uncertain.
        scatter += 2 * after.same_squares / wave.units + after.same_squares**2
        lost *= 1 + 2 * after.same_squares
    return after, Divided(factor * lost, scatter)


def _lost_in_normalizing(step: Normalized, wave: Wave, together: float, left: float) -> float:
    """Return what the mean square of the gradient is multiplied by, beside the division, in a finite group.

    The directions of the mean and of the signal itself are taken out of it, and the mean of one over a variance is
    more than one over the mean.

    Args:
        step: The normalization.
        wave: What comes in.
        together: Numbers that are normalized together.
        left: Their variance.
    """
    if step.batch:
        return float(max(1 - 2 / (wave.examples * wave.q.shape[1]), 0.0))
    taken = 1 + step.centred
    if wave.is_normal or not left > 0:
        return max(together - taken, 0.0) / max(together - taken - 1, 1.0)
    mean = wave.mean if step.centred else 0.0
    size = wave.size
    # In units of the mean square, which may be near the end of the range of numbers.
    shift = mean / math.sqrt(size)
    fourth = wave.fourth - 4 * shift * wave.third + 6 * shift**2 - 3 * shift**4
    tails = fourth * (size / left) ** 2 - 1
    return max(1 - taken / together, 0.0) * (1 + max(tails, 0.0) / together)
