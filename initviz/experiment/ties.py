"""Weights that a layer shares with an earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from initviz.experiment.errors import ExperimentError
from initviz.experiment.parts import TensorSpec, TiedTo
from initviz.experiment.text import Text
from initviz.experiment.values import Tie

if TYPE_CHECKING:
    from initviz.experiment.blueprint import Stage


def tied(
    tensors: tuple[TensorSpec, ...], tie: Tie, before: Sequence[Stage], path: str
) -> tuple[TensorSpec, ...]:
    """Return a layer's tensors with its weights tied to those of an earlier layer, one to one in their order.

    Args:
        tensors: Of the layer.
        tie: Whose weights it shares.
        before: The layers before it.
        path: Where the tie stands, for the message.
    Raises:
        ExperimentError: There is no such layer, or the shapes do not fit.
    """
    owner = next((stage for stage in before if stage.name == tie.layer), None)
    if owner is None:
        known = (
            ", ".join(stage.name for stage in before if any(t.role == "weight" for t in stage.tensors)) or "-"
        )
        raise ExperimentError(
            Text(
                f"there is no earlier layer '{tie.layer}' whose weights could be shared. Earlier layers: {known}.",
                f"前面没有名为“{tie.layer}”的层可供共享权重。前面的层有：{known}。",
            ),
            path,
        )
    theirs = [spec for spec in owner.tensors if spec.role == "weight"]
    mine = [spec for spec in tensors if spec.role == "weight"]
    wanted = [_turned(spec.shape) if tie.transpose else spec.shape for spec in theirs]
    found = [spec.shape for spec in mine]
    if not mine or wanted != found:
        raise ExperimentError(
            Text(
                f"its weights of shape {_shown(found)} cannot be those of '{tie.layer}', which have shape "
                f"{_shown(wanted)}{' when turned' if tie.transpose else ''}. Give both layers the same size, or undo "
                "the tie.",
                f"它的权重形状为 {_shown(found)}，不能与“{tie.layer}”共享（{'转置后' if tie.transpose else ''}"
                f"形状为 {_shown(wanted)}）。请让两层大小一致，或取消共享。",
            ),
            path,
        )
    targets = iter(theirs)
    return tuple(
        _share(spec, next(targets), owner, tie) if spec.role == "weight" else spec for spec in tensors
    )


def _share(spec: TensorSpec, theirs: TensorSpec, owner: Stage, tie: Tie) -> TensorSpec:
    """Point to the first owner, so that a chain of ties is one tie."""
    first = theirs.tied_to
    if first is None:
        return replace(spec, tied_to=TiedTo(owner.index, theirs.name, tie.transpose))
    return replace(spec, tied_to=TiedTo(first.stage, first.name, first.transpose != tie.transpose))


def _turned(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[::-1] if len(shape) == 2 else shape


def _shown(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(" x ".join(str(extent) for extent in shape) for shape in shapes) or "-"
