"""Where each tensor of a network lies in a lane's row of the flat buffer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from initviz.experiment.blueprint import Blueprint
from initviz.experiment.parts import TensorSpec

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Slot:
    """One tensor's place.

    Attributes:
        stage: Index of its layer in the blueprint.
        spec: Name, shape and role.
        offset: Elements before it in a row.
    """

    stage: int
    spec: TensorSpec
    offset: int

    @property
    def stop(self) -> int:
        """Offset of the first element after it."""
        return self.offset + self.spec.size


class Layout:
    """The order of a network's tensors in a row: all measured weights first, layer by layer, then everything else.

    So the norms of all measured layers are one reduction over adjacent segments of ``row[:num_weights]``.

    Attributes:
        slots: Every tensor, in the order in which the layers take them.
        measured: The weights alone, in the order of ``Blueprint.measured_layers`` (L).
        size: Elements of a row (P).
        num_weights: Elements of all measured weights.
    """

    def __init__(self, blueprint: Blueprint) -> None:
        tensors = [(stage.index, spec) for stage in blueprint.stages for spec in stage.tensors]
        offsets: dict[tuple[int, str], int] = {}
        end = 0
        for wanted in (True, False):
            for stage, spec in tensors:
                if (spec.role == "weight") == wanted:
                    offsets[stage, spec.name] = end
                    end += spec.size
            if wanted:
                self.num_weights = end
        self.slots = tuple(Slot(stage, spec, offsets[stage, spec.name]) for stage, spec in tensors)
        self.measured = tuple(slot for slot in self.slots if slot.spec.role == "weight")
        self.size = end

    @property
    def offsets(self) -> tuple[int, ...]:
        """First element of every measured weight (L)."""
        return tuple(slot.offset for slot in self.measured)

    def views(self, buffer: Tensor) -> tuple[Tensor, ...]:
        """Return a view of ``buffer`` for each slot.

        Args:
            buffer: ``(K, P)``, or ``(P,)`` for views without a lane axis.
        """
        lead = buffer.shape[:-1]
        return tuple(
            buffer[..., slot.offset : slot.stop].view((*lead, *slot.spec.shape)) for slot in self.slots
        )
