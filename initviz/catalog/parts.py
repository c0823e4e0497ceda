"""What each kind of part adds to its declaration: the functions that build with torch and NumPy.

The functions import what they need when they are called, so that listing the catalogue stays fast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from initviz.experiment.catalogue import Part
from initviz.experiment.parameters import Value
from initviz.experiment.parts import BranchPlace, DatasetPart, LayerPart
from initviz.experiment.values import Choice, DataInfo, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Generator, Tensor, nn
    from torch.optim import Optimizer

    from initviz.catalog.signal_steps import Step

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
        mean: Mean of the numbers drawn.
        kurtosis: Excess kurtosis of the numbers drawn: 0 for a normal distribution, -1.2 for a uniform one.
        keeps_lengths: Whether a matrix that it draws treats all lengths alike, as orthogonal ones do.
        middle_only: Whether only the middle of a convolution's kernel is filled.
        centred: Whether the weights, as chosen, are spread about 0, one like the other, so that sums of them behave as
            the formulas for the signal's variance say.
        by_sigma_w: From sigma_w to the values with which weights of any layer are normal with variance
            sigma_w^2 / fan_in, or None where there are none.
        by_sigma_b: From sigma_b to the values with which biases have that standard deviation and mean 0, or None.
        data_driven: True where the engine must rescale the weights on a batch after the draw (LSUV), by the
            parameters ``tolerance`` and ``max_iterations``.
        loads: True where the engine must put numbers from elsewhere in the place of those drawn, biases and all, as its
            parameters ``source`` (``stage:NAME``, ``lane:NAME`` or a file) and ``output`` (whether the output layer's
            too) say.
    """

    draw: Draw
    target_std: Callable[[Choice, InitContext], float | None]
    targets: tuple[InitTarget, ...] = ("weight",)
    gain: Callable[[Choice, InitContext], float | None] = lambda choice, context: None
    branch_scale: float = 1.0
    mean: Callable[[Choice], float] = lambda choice: 0.0
    kurtosis: Callable[[Choice], float] = lambda choice: 0.0
    keeps_lengths: bool = False
    middle_only: bool = False
    centred: Callable[[Choice], bool] = lambda choice: True
    by_sigma_w: Callable[[float], dict[str, Value]] | None = None
    by_sigma_b: Callable[[float], dict[str, Value]] | None = None
    data_driven: bool = False
    loads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """An elementwise function without torch; equal to itself alone, so that what is worked out for it can be kept.

    Attributes:
        value: The function, of arrays of any shape.
        slope: Its derivative; at a corner, that of either side.
        corners: Where the function or one of its derivatives jumps, ascending. Between them it is smooth.
    """

    value: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    slope: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    corners: tuple[float, ...] = ()


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
        curve: The same function and its slope in NumPy; one object for one choice.
        saturation: Open interval of *outputs* outside which a unit counts as saturated, or None.
        dead_below: True where a unit that outputs 0 for a whole batch passes no gradient (ReLU and kin).
        recommended: Initializer key that suits it.
        gradient: From a choice to its derivative times what flows back, or None where autograd finds that.
    """

    function: Callable[[Choice], Callable[[Tensor], Tensor]]
    module: Callable[[Choice], nn.Module]
    curve: Callable[[Choice], Curve]
    saturation: tuple[float, float] | None = None
    dead_below: bool = False
    recommended: str = "xavier_normal"
    gradient: Callable[[Choice], ActivationGradient] | None = None


class Observer(Protocol):
    """Sees the inside of a layer with several weights while it runs, on sampled steps only."""

    def __call__(
        self, preactivation: Tensor | Sequence[Tensor], activation: Tensor | Sequence[Tensor]
    ) -> None:
        """Note a measured layer's output before and after its activation, in the lane layout.

        A recurrent layer gives one tensor ``(K, B, F)`` a time step, each the very one that its recurrence goes on
        with, so that the gradient found for it is the whole one, through time.
        """
        ...


class Now(Protocol):
    """What a layer may ask about the pass that it takes part in."""

    @property
    def training(self) -> bool:
        """True in steps of training and in looks at them, False while outputs are only evaluated."""
        ...

    @property
    def keeps(self) -> bool:
        """True where a layer that keeps running numbers may change them: in steps of training alone."""
        ...

    def generators(self) -> Sequence[Generator]:
        """Return a generator a lane (K), on the device of the tensors, for noise such as dropout masks.

        They depend on the lane's seed and the step alone: layers draw from them one after the other, in order, so that
        the same step gives the same noise whether or not it is watched, and a lane the same noise as alone.
        """
        ...


@runtime_checkable
class Attachable(Protocol):
    """A lane form of either protocol that keeps numbers between steps, draws noise, or acts otherwise in training.

    ``attach`` is called once, before the first pass. With K > 1 every buffer has a leading lane axis.
    """

    def attach(self, now: Now, buffers: Sequence[Tensor]) -> None:
        """Take what the layer may ask, and its buffers, in the order of ``LayerPart.buffers``, to change in place."""
        ...


class LaneForward(Protocol):
    """The lane form of a layer, whose gradient autograd finds.

    Layout with K > 1 lanes: flat activations are ``(K, B, F)``; sequences are ``(K, B, T, F)``; images are
    ``(B, K*C, H, W)``, lane-major channels; every tensor has a leading lane axis. Before the first layer that tells
    lanes apart all share their input, which has no lane axis then: ``(B, F)``, ``(B, T, F)`` or ``(B, C, H, W)``. With
    K = 1 there is no lane axis anywhere: the form is plain torch.
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
        steps: What it does to the signal at its start, or None where theory does not follow it.
    """

    module: Callable[[Choice, Shape], nn.Module]
    lanes: Callable[[Choice, Shape, int], LaneForward | LaneForm] | None = None
    steps: Callable[[Choice, Shape], tuple[Step, ...]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerPart(Part):
    """An update rule. One of its parameters is ``lr``.

    Attributes:
        build: From the choice and the flat ``(K, P)`` parameter (any list of tensors) to a ``torch.optim`` optimizer.
            Elementwise rules keep lanes apart by themselves.
        apart: True for a rule that looks at a whole tensor (a norm, a matrix): it is built once a lane, from the list
            of that lane's tensors in the order of their layers, the output layer's last, each in its own shape.
        build_by_place: In place of ``build``, for a rule that is apart and treats the matrices of hidden layers in a
            way of their own: told besides which of the tensors these are.
    """

    build: Callable[[Choice, list[Tensor]], Optimizer]
    apart: bool = False
    build_by_place: Callable[[Choice, list[Tensor], Sequence[bool]], Optimizer] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePart(Part):
    """A rule for the learning rate.

    Attributes:
        factor: From the choice and the number of steps in the run to the multiplier of the base rate at a step
            (0 first). A pure function, so the curve can be previewed.
        reaction: For a rule that follows the scores: what it makes of them; its factor multiplies the other one. Lanes
            with such a rule each have a rate of their own.
        previews: False where the curve depends on the run, so that there is none to be drawn before.
    """

    factor: Callable[[Choice, int], Callable[[int], float]]
    reaction: Callable[[Choice], Reaction] | None = None
    previews: bool = True


class Reaction(Protocol):
    """A rule for the learning rate that follows the scores."""

    @property
    def factor(self) -> float:
        """Multiplier of the rate by now."""
        ...

    def hear(self, training_loss: float, validation_loss: float) -> None:
        """Take the scores of an epoch in: the mean loss over its steps, and the validation loss (NaN without data)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """A loaded data set, before splitting and standardizing.

    Attributes:
        inputs: ``(S, *shape)`` float64.
        targets: ``(S,)`` int64 class indices, ``(S, T)`` int64 where every position has its own, or
            ``(S, num_outputs)`` float64 for regression.
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
    "Attachable",
    "Curve",
    "DataInfo",
    "Draw",
    "Examples",
    "InitContext",
    "InitTarget",
    "InitializerPart",
    "LaneForm",
    "LaneForward",
    "LoadableDatasetPart",
    "Now",
    "Observer",
    "OptimizerPart",
    "Reaction",
    "Saved",
    "SchedulePart",
    "TorchLayerPart",
]
