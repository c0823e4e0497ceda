"""By which law each weight and bias of a network is drawn, as far as the size of the signal depends on it."""

from __future__ import annotations

from dataclasses import dataclass

from initviz.catalog.parts import InitializerPart
from initviz.engine.structure import MeasuredLayer, bias_context
from initviz.experiment.blueprint import Stage
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.errors import InitVizError
from initviz.experiment.parts import TensorSpec
from initviz.experiment.text import Text
from initviz.experiment.values import Choice


class NotCoveredError(InitVizError):
    """Theory has no answer; the text says what for, as the start of a sentence."""


@dataclass(frozen=True, slots=True)
class WeightLaw:
    """How one weight is drawn.

    Attributes:
        variance: Of its numbers, mean 0.
        kurtosis: Their excess kurtosis.
        keeps_lengths: Whether the matrix treats all lengths alike.
        middle_only: Whether only the middle of a convolution's kernel is filled.
        tolerance: How far from 1 the output's variance may be where the start measures and rescales it, else None.
    """

    variance: float
    kurtosis: float = 0.0
    keeps_lengths: bool = False
    middle_only: bool = False
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class BiasLaw:
    """How one bias is drawn.

    Attributes:
        mean: Of its numbers.
        variance: Of its numbers.
        kurtosis: Their excess kurtosis.
    """

    mean: float = 0.0
    variance: float = 0.0
    kurtosis: float = 0.0


def _initializer(choice: Choice, catalogue: Catalogue) -> InitializerPart:
    part = catalogue.get("initializer", choice.name)
    if not isinstance(part, InitializerPart):
        raise TypeError(f"{part.key} is not an initializer")
    return part


def weight_law(stage: Stage, layer: MeasuredLayer, catalogue: Catalogue) -> WeightLaw:
    """Return how a weight is drawn.

    Args:
        stage: Its layer.
        layer: The weight.
        catalogue: Where the initializers are declared.
    Raises:
        NotCoveredError: Its units start alike, or from numbers that nobody drew, or it is another layer's weight.
    """
    spec = layer.slot.spec
    if spec.tied_to is not None:
        raise NotCoveredError(Text("weights shared between layers", "层间共享的权重"))
    choice = spec.start or stage.weight
    part = _initializer(choice, catalogue)
    title = part.title
    if part.data_driven:
        return WeightLaw(0.0, keeps_lengths=True, tolerance=choice.number("tolerance"))
    std = part.target_std(choice, layer.context)
    if std is None:
        raise NotCoveredError(Text(f"the start '{title.en}'", f"“{title.zh}”这种初始化"))
    if not part.centred(choice):
        raise NotCoveredError(
            Text(f"weights that are not drawn about 0 ('{title.en}')", f"不以 0 为中心的权重（“{title.zh}”）")
        )
    factor = spec.start_factor
    return WeightLaw((std * factor) ** 2, part.kurtosis(choice), part.keeps_lengths, part.middle_only)


def bias_law(stage: Stage, spec: TensorSpec, weight: MeasuredLayer, catalogue: Catalogue) -> BiasLaw:
    """Return how a bias is drawn.

    Args:
        stage: Its layer.
        spec: The bias.
        weight: The weight it belongs to.
        catalogue: Where the initializers are declared.
    Raises:
        NotCoveredError: It starts from numbers that nobody drew.
    """
    choice = spec.start or stage.bias
    part = _initializer(choice, catalogue)
    std = part.target_std(choice, bias_context(spec, weight))
    if std is None:
        title = part.title
        raise NotCoveredError(Text(f"the start '{title.en}' of biases", f"偏置的“{title.zh}”初始化"))
    return BiasLaw(part.mean(choice), std**2, part.kurtosis(choice))


def branch_scale(stage: Stage, catalogue: Catalogue) -> float:
    """Return what the learned scale of a residual branch starts at."""
    return _initializer(stage.weight, catalogue).branch_scale
