"""Singular values of a start, all of them: of the Jacobians at some examples, and what those of the weights come to."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from initviz.engine.denormals import flushed
from initviz.engine.devices import failures_in_words
from initviz.engine.race import Race
from initviz.telemetry.isometry import EXAMPLES, GroupSpectra, Span
from initviz.telemetry.spectra import Floats, Spectrum, blank, put

MOST_EXAMPLES = 64
"""Examples whose Jacobians are found at most."""


@dataclass(frozen=True, slots=True)
class JacobianFacts:
    """A Jacobian of one lane at some examples. NaN and infinity where a number means nothing.

    Attributes:
        singular_values: ``(N, n)`` a row an example, in falling order; None where it was not computed: where the input
            has no slope, there are no two hidden layers, or it is too large.
        condition_number: Largest over smallest of all of them; infinite where the smallest cannot be told from 0.
        mean_square: Mean of their squares.
        spread: Standard deviation of their squares over the mean of their squares.
        effective_rank: Mean over the examples of the exponential of the entropy of the values divided by their sum.
    """

    singular_values: tuple[tuple[float, ...], ...] | None
    condition_number: float
    mean_square: float
    spread: float
    effective_rank: float


@dataclass(frozen=True, slots=True)
class WeightFacts:
    """A weight taken as a matrix ``(O, I)``, a convolution's as ``(O, I * height * width)``; NaN where it is too large.

    Attributes:
        spectral_norm: Largest singular value.
        smallest_singular_value: Smallest of the ``min(O, I)``.
        condition_number: The one over the other.
        effective_rank: Exponential of the entropy of the values divided by their sum.
    """

    spectral_norm: float
    smallest_singular_value: float
    condition_number: float
    effective_rank: float


@dataclass(frozen=True, slots=True)
class IsometryFacts:
    """A lane as it stands.

    Attributes:
        layers: Its measured layers, from input to output.
        jacobian: Of the outputs before the softmax by the input.
        hidden_jacobian: Of the last hidden layer's pre-activations by the first one's.
    """

    layers: tuple[WeightFacts, ...]
    jacobian: JacobianFacts
    hidden_jacobian: JacobianFacts


def probe_isometry(race: Race, examples: int | None = None) -> tuple[IsometryFacts, ...]:
    """Find the singular values of every lane, without training it.

    Args:
        race: Usually before its first step.
        examples: First training examples to find Jacobians at, at most ``MOST_EXAMPLES``; a few when None.
    Raises:
        ValueError: ``examples`` is below 1.
        InitVizError: The device failed or ran out of memory.
    """
    if examples is not None and examples < 1:
        raise ValueError(f"the number of examples must be at least 1, not {examples}")
    wanted = EXAMPLES if examples is None else min(examples, MOST_EXAMPLES)
    found: dict[int, IsometryFacts] = {}
    with failures_in_words(race.device), flushed(False):
        inputs = race.data.inputs[:wanted].to("cpu", torch.float64)
        for group in race.groups:
            looker = GroupSpectra(group, race.data.inputs, race.catalogue)
            rows = group.flat.detach().to("cpu", torch.float64)
            weights = blank((race.num_lanes, len(group.layout.measured)))
            for _ in looker.weights(rows, weights):
                pass
            jacobian = _jacobians(looker, rows, looker.span, inputs)
            hidden = _jacobians(looker, rows, looker.hidden_span, inputs)
            for place, lane in enumerate(group.lanes):
                layers = tuple(_weight(weights, (lane, layer)) for layer in range(len(group.layout.measured)))
                found[lane] = IsometryFacts(layers, jacobian[place], hidden[place])
    return tuple(found[lane] for lane in range(race.num_lanes))


def _jacobians(looker: GroupSpectra, rows: Tensor, span: Span | None, inputs: Tensor) -> list[JacobianFacts]:
    if span is None or not looker.can_find(span):
        nothing = JacobianFacts(None, *[float("nan")] * 4)
        return [nothing] * len(rows)
    values = torch.linalg.svdvals(looker.jacobian(rows, span, inputs)).numpy()
    return [_facts(own, max(span.extents)) for own in values]


def _facts(values: Floats, extent: int) -> JacobianFacts:
    spectrum = blank((1,))
    put(spectrum, 0, values, extent)
    return JacobianFacts(
        tuple(tuple(row) for row in values.tolist()),
        float(spectrum.condition_number[0]),
        float(spectrum.mean_square[0]),
        float(spectrum.spread[0]),
        float(spectrum.effective_rank[0]),
    )


def _weight(spectrum: Spectrum, place: tuple[int, int]) -> WeightFacts:
    return WeightFacts(
        float(spectrum.largest[place]),
        float(spectrum.smallest[place]),
        float(spectrum.condition_number[place]),
        float(spectrum.effective_rank[place]),
    )


__all__ = ["IsometryFacts", "JacobianFacts", "WeightFacts", "probe_isometry"]
