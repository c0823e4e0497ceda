"""What theory says of one network's start, layer by layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from initviz.experiment.text import Text

Floats = NDArray[np.float64]
Phase = Literal["ordered", "critical", "chaotic"]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What mean-field theory says of a lane's start, for its L measured layers; read-only arrays.

    NaN stands where theory does not cover a layer, and from there on (forward: towards the output, backward: towards
    the input).

    Attributes:
        preactivation_q: ``(L,)`` E[z^2] over batch and units.
        grad_preactivation_q: ``(L,)`` E[(dC/dz)^2] as a multiple of the output layer's, whose entry is 1.
        q_spread: ``(L,)`` standard deviation over draws of ln E[z^2], at this width. ``preactivation_q`` is the mean
            over draws; where nothing pulls the signal back, as in ReLU networks, the median lies half the square of the
            spread below it.
        grad_q_spread: ``(L,)`` standard deviation over draws of ln E[(dC/dz)^2] relative to the output layer's.
        correlation: ``(L,)`` correlation of the pre-activations of two examples.
        sigma_w: ``(L,)`` sqrt(fan_in * Var w).
        sigma_b: ``(L,)`` standard deviation of the biases.
        chi: ``(L,)`` sigma_w^2 E[phi'(z)^2]: what the mean square of the gradient is multiplied by on its way back
            through the layer's weight and the activation before it; NaN for the first layer.
        q_star: Fixed point of the repeated hidden layer's E[z^2]; NaN without one.
        c_star: Fixed point of its correlation; NaN without one.
        chi_star: chi at the fixed point q*, for equal inputs (c = 1); NaN without one.
        xi_q: Depth scale over which E[z^2] nears q*, in layers; infinite at criticality, NaN without a fixed point.
        xi_c: Depth scale over which the correlation nears c*, in layers.
        phase: On which side of the critical line the repeated hidden layer lies; None where layers differ.
        activation: Key of the repeated hidden layer's activation; empty where layers differ.
        critical_sigma_w: sigma_w at which that layer would be critical with this sigma_b; NaN without.
        keep: Share of that layer's activations that dropout keeps.
        not_covered: What theory does not cover, and where, in a sentence; None where it covers everything.
    """

    preactivation_q: Floats
    grad_preactivation_q: Floats
    q_spread: Floats
    grad_q_spread: Floats
    correlation: Floats
    sigma_w: Floats
    sigma_b: Floats
    chi: Floats
    q_star: float
    c_star: float
    chi_star: float
    xi_q: float
    xi_c: float
    phase: Phase | None
    activation: str = ""
    critical_sigma_w: float = math.nan
    keep: float = 1.0
    not_covered: Text | None = None
