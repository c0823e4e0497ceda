"""The way back: the mean square of the gradient, layer by layer, as a multiple of the output layer's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from initviz.theory.quadrature import Floats
from initviz.theory.tape import Bent, Divided, Forked, Joined, Lost, Multiplied, Record, Thinned
from initviz.theory.taps import extents, scattered
from initviz.theory.wave import average, log_variance


@dataclass(frozen=True, slots=True)
class Echo:
    """The gradient at one point, on its way back.

    Attributes:
        g: ``(G, P)`` mean square over the units; NaN where theory has lost it.
        likeness: ``(C,)`` squared correlation of the gradients of two examples.
        examples: In a batch.
        noise: Variance of ln g within the branch, but for what depends on the signal's size.
        bias: What ln g may be off by at this width.
        pull: d ln g / d ln q of the signal at this point.
        fresh: Units whose gradients are normal variables that nothing has summed up yet, 0 where there are none.
        rigid: Share of the scatter of their length that is missing.
        kurtosis: Their excess kurtosis.
        thinned: Share of them that masks, which differ from example to example, have kept.
        chi: Measured layer whose chi is being multiplied up, and the product, or None.
    """

    g: Floats
    likeness: Floats
    examples: int
    noise: float = 0.0
    bias: float = 0.0
    pull: float = 0.0
    fresh: int = 0
    rigid: float = 0.0
    kurtosis: float = 0.0
    thinned: float = 1.0
    chi: tuple[int, float] | None = None

    def over_pairs(self, values: Floats, of_one: float) -> float:
        """Return a mean over all pairs of examples of a batch, each with itself included."""
        mean = average(values)
        if math.isnan(mean):
            mean = of_one
        return mean + (of_one - mean) / self.examples

    @property
    def length_noise(self) -> float:
        """Variance of ln of the mean square of fresh normal variables."""
        if not self.fresh:
            return 0.0
        relative = (2 * (1 - self.rigid) + self.kurtosis) * self.over_pairs(self.likeness, 1.0)
        return log_variance(max(relative, 0.0) / self.fresh)


class Back:
    """A way back through a tape.

    Attributes:
        g: ``(L,)`` mean square at every measured layer; NaN where theory has lost it.
        variance: ``(L,)`` variance of its logarithm.
        chi: ``(L,)`` what the mean square is multiplied by through a layer's weight and what stands before it.

    Args:
        signal_variance: ``(L,)`` variance of ln q of the measured layers.
    """

    def __init__(self, signal_variance: Floats) -> None:
        layers = len(signal_variance)
        self.g = np.full(layers, np.nan)
        self.variance = np.full(layers, np.nan)
        self.chi = np.full(layers, np.nan)
        self._signal_variance = signal_variance

    def through(self, tape: Sequence[Record], echo: Echo, outer: float) -> Echo:
        """Follow the gradient back.

        Args:
            tape: What was done, from input to output.
            echo: What comes back to its end.
            outer: Variance of ln g of what came to the end of the branch.
        """
        for record in reversed(tape):
            match record:
                case Multiplied():
                    echo = self._multiplied(record, echo, outer)
                case Bent():
                    echo = self._bent(record, echo)
                case Thinned():
                    keep = record.keep
                    echo = _times(replace(echo, g=echo.g / keep, thinned=echo.thinned * keep), 1 / keep)
                case Joined():
                    echo = replace(echo, g=np.repeat(echo.g, record.places, axis=1))
                    if echo.fresh:
                        echo = replace(echo, fresh=record.units)
                case Divided():
                    factor = average(record.factor)
                    noise = echo.noise + record.scatter
                    echo = _times(replace(echo, g=echo.g * record.factor, noise=noise, pull=-1.0), factor)
                case Forked():
                    echo = self._forked(record, echo, outer)
                case Lost():
                    nothing = np.full((len(echo.g), record.places), np.nan)
                    echo = replace(self._close(echo), g=nothing, fresh=0)
        return echo

    def _close(self, echo: Echo) -> Echo:
        """Note the chi that has been multiplied up."""
        self._note(echo)
        return echo if echo.chi is None else replace(echo, chi=None)

    def _note(self, echo: Echo) -> None:
        if echo.chi is not None:
            index, product = echo.chi
            self.chi[index] = product

    def _multiplied(self, record: Multiplied, echo: Echo, outer: float) -> Echo:
        self._note(echo)
        index = record.index
        self.g[index] = average(echo.g)
        from_signal = self._signal_variance[index]
        pull = 0.0 if np.isnan(from_signal) else echo.pull**2 * float(from_signal)
        self.variance[index] = outer + echo.noise + echo.length_noise + pull + echo.bias**2
        before = scattered(record.step, record.places, self._laid_out(record, echo.g), record.middle_only)
        pulled = -1.0 if record.adapts else record.share * echo.pull
        return Echo(
            g=record.factor * before,
            likeness=echo.likeness * echo.thinned**2,
            examples=echo.examples,
            noise=echo.noise + echo.length_noise + record.own,
            bias=echo.bias,
            pull=pulled,
            fresh=record.units_before,
            rigid=record.rigid,
            kurtosis=record.kurtosis,
            chi=(index, record.factor),
        )

    @staticmethod
    def _laid_out(record: Multiplied, g: Floats) -> Floats:
        """Return the gradient with an entry for every place, where it was the same at all."""
        count = int(np.prod(extents(record.step, record.places)))
        return g if g.shape[1] == count else np.repeat(g[:, :1], count, axis=1)

    def _bent(self, record: Bent, echo: Echo) -> Echo:
        factor = average(record.slopes)
        g = echo.g * record.slopes
        expansion, products = record.expansion, record.products
        if expansion is None or products is None:
            return _times(replace(echo, g=g, noise=echo.noise + echo.length_noise, fresh=0), factor)
        likeness = echo.likeness
        normal = 2 + echo.kurtosis if echo.fresh else 0.0  # of a fresh sum the square scatters too
        relative = echo.over_pairs(
            products.slope_square * (1 + normal * likeness), expansion.slope_fourth * (1 + normal)
        )
        relative -= 1 + 2 * echo.rigid * echo.over_pairs(likeness, 1.0)
        noise = log_variance(max(relative, 0.0) / record.units)
        if echo.pull:
            cross = echo.over_pairs(products.mixed, expansion.cross) - 1
            noise += echo.pull**2 * record.noise + 2 * echo.pull * cross / record.units
        chi = None if echo.chi is None else (echo.chi[0], echo.chi[1] * factor)
        return Echo(
            g=g,
            examples=echo.examples,
            thinned=echo.thinned,
            chi=chi,
            likeness=np.minimum(
                likeness * np.square(products.slope)
                + np.square(1 - likeness) * products.slope_square / record.units,
                1.0,
            ),
            bias=echo.bias + abs(record.slope_growth) / record.units,
            noise=max(echo.noise + noise, 0.0),
            pull=record.slope_growth + record.growth * echo.pull,
        )

    def _forked(self, record: Forked, echo: Echo, outer: float) -> Echo:
        echo = self._close(echo)
        inner = outer + echo.noise + echo.length_noise
        start = replace(echo, noise=0.0, fresh=0, rigid=0.0, kurtosis=0.0, pull=0.0)
        stream = self._close(self.through(record.stream, start, inner))
        thin = replace(start, g=record.scale**2 * echo.g, pull=record.share * echo.pull)
        branch = self._close(self.through(record.branch, thin, inner))
        g = stream.g + branch.g
        whole = average(g)
        share = average(branch.g) / whole if whole > 0 else 0.0
        rest = 1 - share
        crossing = 4 * rest * share / record.units * echo.over_pairs(echo.likeness, 1.0)
        noise = rest**2 * (stream.noise + stream.length_noise) + share**2 * (
            branch.noise + branch.length_noise
        )
        return Echo(
            g=g,
            likeness=rest * stream.likeness + share * branch.likeness,
            examples=echo.examples,
            noise=inner - outer + noise + log_variance(crossing),
            bias=rest * stream.bias + share * branch.bias,
            pull=record.growth * echo.pull
            + rest * stream.pull
            + share * (branch.pull - record.share * echo.pull),
        )


def _times(echo: Echo, factor: float) -> Echo:
    """Multiply the chi that is being multiplied up."""
    return echo if echo.chi is None else replace(echo, chi=(echo.chi[0], echo.chi[1] * factor))
