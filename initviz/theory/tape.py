"""What the way forward leaves behind for the way back."""

from __future__ import annotations

from dataclasses import dataclass

from initviz.catalog.parts import Curve
from initviz.catalog.signal_steps import Product
from initviz.theory.quadrature import Floats
from initviz.theory.spectrum import Expansion, Products


@dataclass(frozen=True, slots=True)
class Multiplied:
    """A product.

    Attributes:
        index: Measured layer.
        step: The product.
        places: Extents before it.
        middle_only: Whether only the middle of the kernel is filled.
        factor: fan_out times the variance of the weights in use.
        units_before: Numbers at each place before it.
        share: Part of what comes out that the weights make, without the bias.
        own: Variance of ln of what a weight that was rescaled to what came in was divided by.
        rigid: Share of the scatter of lengths that is missing on the way back.
        kurtosis: Excess kurtosis of what comes back to a unit.
        is_square: Whether as many numbers come out as go in.
        adapts: Whether the weight was rescaled to what came in.
    """

    index: int
    step: Product
    places: tuple[int, ...]
    middle_only: bool
    factor: float
    units_before: int
    share: float
    own: float
    rigid: float
    kurtosis: float
    is_square: bool
    adapts: bool


@dataclass(frozen=True, slots=True)
class Bent:
    """An activation.

    Attributes:
        curve: The function, shifted by what all units have in common.
        slopes: ``(G, P)`` E[phi'^2].
        expansion: Of the function at the mean variance; None where nothing is known, or nothing came in.
        products: Of pairs of examples; None likewise.
        growth: d ln E[phi^2] / d ln q.
        slope_growth: d ln E[phi'^2] / d ln q.
        noise: Variance of ln of the mean square after it, given that before it.
        units: Numbers at each place.
    """

    curve: Curve
    slopes: Floats
    expansion: Expansion | None
    products: Products | None
    growth: float
    slope_growth: float
    noise: float
    units: int


@dataclass(frozen=True, slots=True)
class Thinned:
    """A mask; ``keep`` is the share that stays."""

    keep: float


@dataclass(frozen=True, slots=True)
class Joined:
    """Places laid out as one list; their number, and numbers at each."""

    places: int
    units: int


@dataclass(frozen=True, slots=True)
class Divided:
    """A normalization.

    Attributes:
        factor: ``(G, P)`` what the mean square of the gradient is multiplied by.
        scatter: Variance of ln of what was divided by, about its expectation.
    """

    factor: Floats
    scatter: float


@dataclass(frozen=True, slots=True)
class Forked:
    """A branch added to a stream.

    Attributes:
        stream: What happened to the stream, in order.
        branch: What happened in the branch.
        scale: What the branch was multiplied by.
        share: Part of the sum's mean square that the branch made.
        growth: d ln q of the sum / d ln q of what came in.
        outer: Variance of ln q of what came in.
        units: Numbers at each place of the sum.
    """

    stream: tuple[Record, ...]
    branch: tuple[Record, ...]
    scale: float
    share: float
    growth: float
    outer: float
    units: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A layer that theory does not follow; ``places`` is how many there are before it."""

    places: int


Record = Multiplied | Bent | Thinned | Joined | Divided | Forked | Lost
