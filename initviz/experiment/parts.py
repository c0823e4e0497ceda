"""Parts whose structure an experiment must know to be checked. What they build with is added in the catalogue."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from initviz.experiment.catalogue import Part
from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo, LayerSpec, Shape, Tie

TensorRole = Literal["weight", "bias", "branch_scale", "fixed"]
BranchPlace = Literal["none", "inner", "last"]
SignalEffect = Literal["sum", "same", "renewed", "other"]


class LayerError(InitVizError):
    """A layer cannot take the input it is given. The network adds which layer it is."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(Text(en, zh))


@dataclass(frozen=True, slots=True)
class TiedTo:
    """The tensor that another one shares its numbers with.

    Attributes:
        stage: Index of its layer; it comes earlier and has numbers of its own.
        name: Its name within that layer.
        transpose: Whether the two matrices are each other's transpose.
    """

    stage: int
    name: str
    transpose: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferSpec:
    """Numbers that a layer keeps from step to step but does not train, such as a running mean.

    Attributes:
        name: Name within the layer's plain ``torch.nn`` module.
        shape: Of one lane.
        value: What it starts at.
    """

    name: str
    shape: tuple[int, ...]
    value: float = 0.0

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


def _no_buffers(choice: Choice, shape: Shape) -> tuple[BufferSpec, ...]:
    return ()


def _nothing_inside(choice: Choice, shape: Shape) -> int:
    return 0


def _no_report(choice: Choice) -> tuple[Text, ...]:
    return ()


def _no_tie(choice: Choice, info: DataInfo) -> Tie | None:
    return None


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
        tied_to: Where the numbers come from that it shares, or None where it has its own.
        blocks: Equal blocks of rows, such as the gates of a recurrent layer; each is started by itself.
        start: Initializer that the layer names itself, in place of that for its weights or biases.
        start_factor: What the start of a weight is multiplied by.
        raised: Block of a bias, and what is added to its start, or None.
        activated: Whether the layer applies its own activation to what this weight gives, though it is the last one.
        is_table: Whether rows of the weight are looked up, and not multiplied with: an embedding.
    """

    name: str
    shape: tuple[int, ...]
    role: TensorRole
    fan_in: int = 0
    fan_out: int = 0
    branch: BranchPlace = "none"
    value: float = 0.0
    tied_to: TiedTo | None = None
    blocks: int = 1
    start: Choice | None = None
    start_factor: float = 1.0
    raised: tuple[int, float] | None = None
    activated: bool = False
    is_table: bool = False

    @property
    def block_shape(self) -> tuple[int, ...]:
        """Shape of one block, which is what an initializer fills."""
        return (self.shape[0] // self.blocks, *self.shape[1:]) if self.blocks > 1 else self.shape

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
        acts_as: Key of the activation that such a kind applies or resembles, where none of its parameters says so.
        buffers: What it keeps beside them, in the order in which its form takes them.
        is_recurrent: True for a kind that hands a state on from one step of a sequence to the next: there, time is
            depth.
        signal: What it makes of the signal's size at the start, which tells whether that can be foretold: ``sum``
            for a weighted sum of its inputs and nothing else, ``same`` where no number changes, ``renewed`` where the
            size is set anew whatever comes in, ``other`` for everything else.
        inside: From its values and input shape to how many numbers an example it keeps for the backward pass, beside
            its output.
        start_keys: Parameters that decide how its tensors start and nothing else: lanes that differ in them alone
            train as one batch.
    """

    output_shape: Callable[[Choice, Shape], Shape]
    tensors: Callable[[Choice, Shape], tuple[TensorSpec, ...]]
    is_activation: bool = False
    acts_as: str = "identity"
    is_recurrent: bool = False
    buffers: Callable[[Choice, Shape], tuple[BufferSpec, ...]] = _no_buffers
    inside: Callable[[Choice, Shape], int] = _nothing_inside
    start_keys: tuple[str, ...] = ()
    signal: SignalEffect = "other"

    def structure(self, choice: Choice) -> Choice:
        """Return a layer's choice without what only decides its start."""
        return Choice(choice.name, tuple(pair for pair in choice.values if pair[0] not in self.start_keys))


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyPart(Part):
    """A quick form: a few numbers that stand for a list of layers.

    Attributes:
        layers: From the form's values and what is known of the data to the list.
        output_tie: Whose weight the output layer shares, or None.
        depth_key: Parameter that says how deep the network is; empty where several do.
    """

    layers: Callable[[Choice, DataInfo], tuple[LayerSpec, ...]]
    output_tie: Callable[[Choice, DataInfo], Tie | None] = _no_tie
    depth_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPart(Part):
    """A data set, as far as its structure goes.

    Attributes:
        describe: From its parameters to what is known before it is loaded. It is asked at every edit, so it must be
            quick; ``ExperimentError`` says why there is nothing to load.
        report: What was found in the person's files, a sentence each; empty where there are none.
    """

    describe: Callable[[Choice], DataInfo]
    report: Callable[[Choice], tuple[Text, ...]] = _no_report
