"""Parts whose structure an experiment must know to be checked. What they build with is added in the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from initviz.experiment.catalogue import Part
from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo, LayerSpec, Shape

TensorRole = Literal["weight", "bias", "branch_scale", "fixed"]
BranchPlace = Literal["none", "inner", "last"]


class LayerError(InitVizError):
    """A layer cannot take the input it is given. The network adds which layer it is."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(Text(en, zh))


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """One trainable tensor of a layer.

    Attributes:
        name: Name within the layer's plain ``torch.nn`` module, such as ``weight`` or ``second.bias``.
        shape: ``(O, I)``, ``(O, I, *kernel)``, ``(O,)`` or ``()``.
        role: ``weight`` and ``bias`` follow the experiment's initializers; ``branch_scale`` multiplies a residual
            branch and is 1 unless an initializer says otherwise; ``fixed`` always starts at ``value``.
        fan_in: Inputs that feed one output, 0 where that means nothing.
        fan_out: Outputs that one input feeds.
        branch: Place within a residual branch.
        value: Start of a ``fixed`` tensor.
    """

    name: str
    shape: tuple[int, ...]
    role: TensorRole
    fan_in: int = 0
    fan_out: int = 0
    branch: BranchPlace = "none"
    value: float = 0.0

    @property
    def size(self) -> int:
        """Number of elements."""
        product = 1
        for extent in self.shape:
            product *= extent
        return product


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPart(Part):
    """A kind of layer, as far as its structure goes.

    Attributes:
        output_shape: From the layer's values and input shape to its output shape; raises ``LayerError``.
        tensors: Its trainable tensors, in the order in which its forms take them. Each tensor of role ``weight``
            is a measured layer: it has a histogram, norms and a signal of its own.
        is_activation: True for a kind that only applies a function to each element.
    """

    output_shape: Callable[[Choice, Shape], Shape]
    tensors: Callable[[Choice, Shape], tuple[TensorSpec, ...]]
    is_activation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyPart(Part):
    """A quick form: a few numbers that stand for a list of layers.

    Attributes:
        layers: From the form's values and the shape of one example to the list.
    """

    layers: Callable[[Choice, Shape], tuple[LayerSpec, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPart(Part):
    """A data set, as far as its structure goes.

    Attributes:
        describe: From its parameters to what is known before it is loaded.
    """

    describe: Callable[[Choice], DataInfo]
