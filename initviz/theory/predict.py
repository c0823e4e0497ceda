"""What theory says of a network's start, from its blueprint alone: nothing is drawn and nothing is trained.

References:
    Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232 (dropout, depth scales); Xiao et al.
    2018, arXiv:1806.05393 (convolutions); Yang and Schoenholz 2017, arXiv:1712.08969 (residual blocks); Yang et al.
    2019, arXiv:1902.08129 (batch normalization); Hanin and Rolnick 2018, arXiv:1803.01719 (scatter at finite width).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

import numpy as np

from initviz.catalog.parts import Curve
from initviz.engine.layout import Layout
from initviz.engine.structure import layer_part, measured_layers
from initviz.experiment.blueprint import Blueprint, Stage
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.text import Text
from initviz.theory.backward import Back, Echo
from initviz.theory.forward import Found, Walk
from initviz.theory.mean_field import critical_sigma_w, mean_field
from initviz.theory.prediction import Floats, Prediction
from initviz.theory.tape import Bent, Joined, Lost, Multiplied, Record, Thinned
from initviz.theory.wave import InputSignal, Wave, first_wave
from initviz.theory.weight_laws import NotCoveredError

ALIKE = 0.01
"""Relative difference of sigma_w and sigma_b up to which two layers count as the same."""


@functools.lru_cache(maxsize=256)
def predict(plan: Blueprint, catalogue: Catalogue, signal: InputSignal) -> Prediction:
    """Return what theory says of a network's start; the latest answers are kept.

    Args:
        plan: The network.
        catalogue: Where its parts are declared.
        signal: What goes in.
    """
    # A signal that explodes or vanishes leaves the range of numbers: it is infinite or 0 then.
    with np.errstate(all="ignore"):
        return _predict(plan, catalogue, signal)


def _predict(plan: Blueprint, catalogue: Catalogue, signal: InputSignal) -> Prediction:
    layers = measured_layers(plan, Layout(plan), catalogue)
    count = len(layers)
    unknown = [np.full(count, np.nan) for _ in range(7)]
    found = Found(*unknown)
    walk = Walk(layers, catalogue, found)
    wave = first_wave(signal, plan.data.shape)
    tape: list[Record] = []
    problem: Text | None = None
    if plan.data.tokens:
        problem = Text("symbols", "符号输入")
        wave = _lost(wave, plan.data.shape)
    for stage in plan.stages:
        weights = sum(spec.role == "weight" for spec in stage.tensors)
        first = walk.next
        try:
            wave, records = _passed(walk, stage, catalogue, wave)
            tape.extend(records)
        except NotCoveredError as error:
            if problem is None:
                problem = Text(f"{error.text.en} ({stage.name})", f"{error.text.zh}（{stage.name}）")
            wave = _lost(wave, stage.output_shape)
            tape.append(Lost(_places(stage.input_shape)))
            walk.next = first + weights
    back = Back(found.variance)
    back.through(tape, _first_echo(plan, signal, wave), 0.0)
    back.chi[0] = np.nan
    told = Prediction(
        preactivation_q=_frozen(found.q),
        grad_preactivation_q=_frozen(back.g),
        q_spread=_frozen(np.where(np.isnan(found.q), np.nan, np.sqrt(found.variance))),
        grad_q_spread=_frozen(np.where(np.isnan(back.g), np.nan, np.sqrt(back.variance))),
        correlation=_frozen(found.c),
        sigma_w=_frozen(found.sigma_w),
        sigma_b=_frozen(found.sigma_b),
        chi=_frozen(back.chi),
        q_star=math.nan,
        c_star=math.nan,
        chi_star=math.nan,
        xi_q=math.nan,
        xi_c=math.nan,
        phase=None,
        not_covered=None if problem is None else _sentence(problem),
    )
    return _with_repetition(told, tape, found, [layer.activation for layer in layers])


def _sentence(problem: Text) -> Text:
    return Text(
        f"Theory does not cover {problem.en}: there is no prediction beyond it.",
        f"理论不涵盖{problem.zh}，因此越过它便没有预测。",
    )


def _frozen(values: Floats) -> Floats:
    values.flags.writeable = False
    return values


def _passed(walk: Walk, stage: Stage, catalogue: Catalogue, wave: Wave) -> tuple[Wave, tuple[Record, ...]]:
    part = layer_part(stage, catalogue)
    if part.steps is None:
        title = part.title
        raise NotCoveredError(Text(f"the layer '{title.en}'", f"“{title.zh}”层"))
    return walk.through(part.steps(stage.layer, stage.input_shape), wave, stage, 0.0)


def _lost(wave: Wave, shape: tuple[int, ...]) -> Wave:
    """Return a signal of which nothing is known but its shape."""
    is_image = len(shape) == 3
    places = shape[1:] if is_image else shape[:-1]
    return Wave(
        q=np.full((1, _places(shape)), np.nan),
        c=np.full_like(wave.c, np.nan),
        c_noise=np.zeros_like(wave.c),
        examples=wave.examples,
        units=shape[0] if is_image else shape[-1],
        places=tuple(places),
    )


def _places(shape: tuple[int, ...]) -> int:
    return math.prod(shape[1:] if len(shape) == 3 else shape[:-1])


def _first_echo(plan: Blueprint, signal: InputSignal, wave: Wave) -> Echo:
    """Return the gradient at the output: of examples whose gradients have so many directions as there are outputs.

    Of C classes, one pair of examples in C is of the same class and alike, the others have the correlation -1/(C-1).
    Where large outputs favour one class for all examples, they have 1/2.

    Args:
        plan: The network.
        signal: What goes in.
        wave: What comes out.
    """
    outputs = plan.stages[-1].output_shape
    places = _places(outputs)
    likeness = 1 / max(1, outputs[-1] - 1)
    size, c = wave.size, float(wave.c.mean())
    if size > 0 and c > 0:
        likeness += max(0.5 - likeness, 0.0) * c * (size / (size + 2) if size < math.inf else 1.0)
    return Echo(
        g=np.ones((1, places)),
        likeness=np.full(len(signal.correlation), likeness),
        examples=signal.examples,
    )


@dataclass(frozen=True, slots=True)
class _Hidden:
    """A hidden layer, as far as it decides what becomes of the signal."""

    index: int
    curve: Curve
    keep: float
    is_square: bool


def _hidden(tape: list[Record]) -> list[_Hidden]:
    """Return the hidden layers of a network that is nothing but products with an activation each; else nothing."""
    found: list[_Hidden] = []
    index: int | None = None
    square = True
    for record in tape:
        match record:
            case Multiplied():
                if index is not None:
                    return []
                index = record.index
                square = record.is_square
            case Bent():
                if index is None:
                    return []
                found.append(_Hidden(index, record.curve, 1.0, square))
                index = None
            case Thinned():
                if index is not None:
                    return []
                if found:
                    found[-1] = replace(found[-1], keep=found[-1].keep * record.keep)
            case Joined():
                pass
            case _:
                return []
    return found


def _with_repetition(
    told: Prediction, tape: list[Record], found: Found, activations: list[str]
) -> Prediction:
    """Add what becomes of the signal if the hidden layer goes on being repeated; nothing where layers differ."""
    hidden = _hidden(tape)
    # The first layer reads the data, of another width; it counts only where it is alone.
    repeated = hidden[1:] or hidden
    if not repeated:
        return told
    first = repeated[len(repeated) // 2]
    alike = all(
        layer.curve is first.curve
        and layer.keep == first.keep
        and found.centre[layer.index] == 0
        and (len(hidden) == 1 or layer.is_square)
        and all(
            math.isclose(values[layer.index], values[first.index], rel_tol=ALIKE, abs_tol=1e-9)
            for values in (found.sigma_w, found.sigma_b)
        )
        for layer in repeated
    )
    start = float(found.q[0])
    if not alike or not 0 < start < math.inf:
        return told
    sigma_w, sigma_b = (round(float(values[first.index]), 12) for values in (found.sigma_w, found.sigma_b))
    field = mean_field(first.curve, sigma_w, sigma_b, first.keep, start)
    return replace(
        told,
        q_star=field.q_star,
        c_star=field.c_star,
        chi_star=field.chi,
        xi_q=field.xi_q,
        xi_c=field.xi_c,
        phase=field.phase,
        activation=activations[first.index],
        keep=first.keep,
        critical_sigma_w=critical_sigma_w(first.curve, sigma_b, first.keep, start),
    )
