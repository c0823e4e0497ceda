"""What a layer does to the signal at its start, step by step, as far as the theory of wide networks follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from initviz.catalog.parts import Curve


@dataclass(frozen=True, slots=True)
class Product:
    """A weighted sum of the inputs, at every place of an image or a sequence by itself.

    Attributes:
        weight: Name of the layer's tensor.
        bias: Name of that of its bias, or empty.
        kernel: Side of a convolution's kernel, 0 where there is none.
        stride: How far the kernel moves at a time.
        padding: Zeros around the image.
        keep: Share of the weights that stays in a step of training.
    """

    weight: str
    bias: str = ""
    kernel: int = 0
    stride: int = 1
    padding: int = 0
    keep: float = 1.0


@dataclass(frozen=True, slots=True)
class Applied:
    """An activation."""

    curve: Curve


@dataclass(frozen=True, slots=True)
class Masked:
    """A random part is set to 0, and the share ``keep`` that stays is divided by it."""

    keep: float


@dataclass(frozen=True, slots=True)
class Flattened:
    """All places are laid out as one list."""


@dataclass(frozen=True, slots=True)
class Normalized:
    """Mean 0 and mean square 1.

    Attributes:
        batch: Over the examples, for every unit or channel; otherwise over the units of every example.
        centred: Whether the mean is taken away.
        groups: Groups of units that are normalized apart.
        eps: Added to the variance.
    """

    batch: bool
    centred: bool
    eps: float
    groups: int = 1


@dataclass(frozen=True, slots=True)
class Added:
    """A branch, times a factor, is added to the stream.

    Attributes:
        stream: What happens to the stream.
        branch: What the branch does with the same input.
        factor: Fixed number that multiplies the branch.
        is_scaled: Whether a learned number, which the initializer starts, multiplies it too.
    """

    stream: tuple[Step, ...]
    branch: tuple[Step, ...]
    factor: float
    is_scaled: bool


Step: TypeAlias = "Product | Applied | Masked | Flattened | Normalized | Added"
