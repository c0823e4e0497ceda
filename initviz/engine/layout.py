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

    So the norms of all measured layers are one reduction over adjacent segments of ``row[:num_weights]``. A weight that
    a layer shares with an earlier one has a place of its own all the same, which repeats the numbers and holds the
    gradient by way of this layer alone; the place of the earlier one holds the whole gradient.

    Attributes:
        slots: Every tensor, in the order in which the layers take them.
        measured: The weights alone, in the order of ``Blueprint.measured_layers`` (L).
        size: Elements of a row (P).
        num_weights: Elements of all measured weights.
        ties: Of every shared weight: where the numbers are, where they are repeated, and whether they are turned.
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
        named = {(slot.stage, slot.spec.name): slot for slot in self.slots}
        self.ties = tuple(
            (named[slot.spec.tied_to.stage, slot.spec.tied_to.name], slot, slot.spec.tied_to.transpose)
            for slot in self.slots
            if slot.spec.tied_to is not None
        )

    @property
    def offsets(self) -> tuple[int, ...]:
        """First element of every measured weight (L)."""
        return tuple(slot.offset for slot in self.measured)

    def views(self, buffer: Tensor) -> tuple[Tensor, ...]:
        """Return a view of ``buffer`` for each slot.

        Args:
            buffer: ``(K, P)``, or ``(P,)`` for views without a lane axis.
        """
        return tuple(view_of(buffer, slot) for slot in self.slots)

    def tied_views(self, buffer: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return, for each tie, the view that owns the numbers and the one that repeats them, turned alike.

        Args:
            buffer: As for ``views``.
        """
        return [
            (view_of(buffer, owner), view_of(buffer, copy).mT if turned else view_of(buffer, copy))
            for owner, copy, turned in self.ties
        ]


def view_of(buffer: Tensor, slot: Slot) -> Tensor:
    """Return the view ``(K, *shape)`` of one tensor in a buffer ``(K, P)``, or ``(*shape)`` in ``(P,)``."""
    return buffer[..., slot.offset : slot.stop].view((*buffer.shape[:-1], *slot.spec.shape))
