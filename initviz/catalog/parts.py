"""What each kind of part adds to its declaration: the functions that build with torch and NumPy.

The functions import what they need when they are called, so that listing the catalogue stays fast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from initviz.experiment.catalogue import Part
from initviz.experiment.parts import BranchPlace, DatasetPart, LayerPart
from initviz.experiment.values import Choice, DataInfo, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Generator, Tensor, nn
    from torch.optim import Optimizer

InitTarget = Literal["weight", "bias"]
Saved = tuple["Tensor", ...]
"""Tensors that a forward pass keeps for the backward pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitContext:
    """Where the tensor stands that is to be started.

    Attributes:
        shape: ``(O, I)``, ``(O, I, *kernel)`` or, for a bias, ``(O,)``.
        fan_in: Inputs that feed one output of the layer (of the layer's weight, where the tensor is its bias).
        fan_out: Outputs that one input feeds.
        activation: Key of the activation after the layer; ``identity`` where there is none.
        layer_index: Measured layer, 0 first.
        num_layers: Measured layers in all, the output layer included.
        is_output: True for the output layer.
        branch: Place within a residual branch.
        branch_depth: Weight layers in that branch (m in Fixup), 0 outside.
        num_branches: Residual branches in the network (L in Fixup).
    """

    shape: tuple[int, ...]
    fan_in: int
    fan_out: int
    activation: str = "identity"
    layer_index: int = 0
    num_layers: int = 1
    is_output: bool = False
    branch: BranchPlace = "none"
    branch_depth: int = 0
    num_branches: int = 0


class Draw(Protocol):
    """Fills a tensor in place with an initializer's numbers."""

    def __call__(self, tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
        """Fill ``tensor`` (shape ``context.shape``), drawing from ``generator`` alone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InitializerPart(Part):
    """A way to start a tensor.

    Attributes:
        draw: Fills the tensor.
        target_std: Standard deviation it aims at, or None where it has none (orthogonal rows of odd shapes, say).
        targets: What it can start.
        gain: The gain that it multiplies, for display, or None.
        branch_scale: Start of a residual branch's learned scale (0 for SkipInit and ReZero), 1 otherwise.
        data_driven: True where the engine must rescale the weights on a batch after the draw (LSUV), by the
            parameters ``tolerance`` and ``max_iterations``.
    """

    draw: Draw
    target_std: Callable[[Choice, InitContext], float | None]
    targets: tuple[InitTarget, ...] = ("weight",)
    gain: Callable[[Choice, InitContext], float | None] = lambda choice, context: None
    branch_scale: float = 1.0
    data_driven: bool = False


class ActivationGradient(Protocol):
    """The backward pass of an elementwise function."""

    def __call__(self, grad: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Return dC/dx from ``grad`` = dC/dy, the input ``x`` and the output ``y``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationPart(Part):
    """An elementwise function.

    Attributes:
        function: From a choice to the function on tensors of any shape. The activation layer kind carries the values.
        module: The plain ``torch.nn`` form.
        saturation: Open interval of *outputs* outside which a unit counts as saturated, or None.
        dead_below: True where a unit that outputs 0 for a whole batch passes no gradient (ReLU and kin).
        recommended: Initializer key that suits it.
        gradient: From a choice to its derivative times what flows back, or None where autograd finds that.
    """

    function: Callable[[Choice], Callable[[Tensor], Tensor]]
    module: Callable[[Choice], nn.Module]
    saturation: tuple[float, float] | None = None
    dead_below: bool = False
    recommended: str = "xavier_normal"
    gradient: Callable[[Choice], ActivationGradient] | None = None


class Observer(Protocol):
    """Sees the inside of a layer with several weights while it runs, on sampled steps only."""

    def __call__(self, preactivation: Tensor, activation: Tensor) -> None:
        """Note a measured layer's output before and after its activation, in the lane layout."""
        ...


class LaneForward(Protocol):
    """The lane form of a layer, whose gradient autograd finds.

    Layout with K > 1 lanes: flat activations are ``(K, B, F)``; images are ``(B, K*C, H, W)``, lane-major channels;
    every tensor has a leading lane axis. Before the first trained layer all lanes share their input, which has no
    lane axis then: ``(B, F)`` or ``(B, C, H, W)``. With K = 1 there is no lane axis anywhere: the form is plain torch.
    """

    def __call__(self, x: Tensor, tensors: Sequence[Tensor], observe: Observer | None) -> Tensor:
        """Return the layer's output.

        Args:
            x: Input in the lane layout.
            tensors: In the order of ``LayerPart.tensors``.
            observe: None on steps that are not sampled. A layer with exactly one weight need not call it, since the
                engine notes its output; one with several calls it for each but the last.
        """
        ...


@runtime_checkable
class LaneForm(Protocol):
    """A lane form that tells its own gradient: without autograd's bookkeeping a small step takes half the time.

    Only for layers with at most one weight. Same layout as ``LaneForward``; both methods run without autograd.
    """

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return the layer's output and what ``backward`` will need."""
        ...

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """Write the gradient of every tensor and return that of the input.

        Args:
            grad: dC/dy of the layer's output, not to be changed.
            saved: From the forward pass.
            tensors: In the order of ``LayerPart.tensors``.
            grads: Where dC/d(tensor) goes, in the same order and shapes.
            wants_input: False where nothing before the layer is trained: None is returned then.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchLayerPart(LayerPart):
    """A layer with what runs it.

    Attributes:
        module: The plain ``torch.nn`` form and the oracle of the tests; its parameters bear the ``TensorSpec`` names.
        lanes: The lane form for K lanes, or None where the plain form runs lane by lane.
    """

    module: Callable[[Choice, Shape], nn.Module]
    lanes: Callable[[Choice, Shape, int], LaneForward | LaneForm] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerPart(Part):
    """An update rule. One of its parameters is ``lr``.

    Attributes:
        build: From the choice and the flat ``(K, P)`` parameter (any list of tensors) to a ``torch.optim`` optimizer.
            Elementwise rules keep lanes apart by themselves.
    """

    build: Callable[[Choice, list[Tensor]], Optimizer]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePart(Part):
    """A rule for the learning rate.

    Attributes:
        factor: From the choice and the number of steps in the run to the multiplier of the base rate at a step
            (0 first). A pure function, so the curve can be previewed.
    """

    factor: Callable[[Choice, int], Callable[[int], float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """A loaded data set, before splitting and standardizing.

    Attributes:
        inputs: ``(S, *shape)`` float64.
        targets: ``(S,)`` int64 class indices, or ``(S, num_outputs)`` float64 for regression.
        class_names: Names of the classes; empty for regression.
    """

    inputs: NDArray[np.float64]
    targets: NDArray[np.int64] | NDArray[np.float64]
    class_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadableDatasetPart(DatasetPart):
    """A data set that can be loaded.

    Attributes:
        load: From the choice and the experiment's seed to the examples. The same seed gives the same examples.
        describe: See ``DatasetPart``; must agree with what ``load`` returns.
    """

    load: Callable[[Choice, int], Examples]


__all__ = [
    "ActivationGradient",
    "ActivationPart",
    "DataInfo",
    "Draw",
    "Examples",
    "InitContext",
    "InitTarget",
    "InitializerPart",
    "LaneForm",
    "LaneForward",
    "LoadableDatasetPart",
    "Observer",
    "OptimizerPart",
    "Saved",
    "SchedulePart",
    "TorchLayerPart",
]
