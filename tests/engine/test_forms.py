"""A kind of layer needs no lane form and no gradient of its own: the engine runs it all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from initviz.catalog.index import catalogue
from initviz.catalog.parts import LaneForm, Observer, TorchLayerPart
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.parts import LayerError, TensorSpec
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Shape
from tests.engine.oracle import Document, check_against_plain, race


class Scale(nn.Module):
    """Multiplies every number by one of its own: a layer that the engine knows nothing about."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(shape))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x) * self.factor


SCALE = TorchLayerPart(
    kind="layer",
    key="scale",
    title=Text("Scale", "缩放"),
    summary=Text("Scales.", "缩放。"),
    output_shape=lambda choice, shape: shape,
    tensors=lambda choice, shape: (TensorSpec(name="factor", shape=shape, role="fixed", value=1.5),),
    module=lambda choice, shape: Scale(shape),
)


def _by_hand(choice: Choice, shape: Shape, lanes: int) -> object:
    def forward(x: Tensor, tensors: Sequence[Tensor], observe: Observer | None) -> Tensor:
        factor = tensors[0]
        if lanes == 1 or (x.dim() == len(shape) + 1 and len(shape) == 1):
            return torch.tanh(x) * (factor if lanes == 1 else factor.unsqueeze(1))
        if len(shape) == 1:
            return torch.tanh(x) * factor.unsqueeze(1)
        shared = x.shape[1] == shape[0]
        return torch.tanh(x.repeat(1, lanes, 1, 1) if shared else x) * factor.flatten(0, 1)

    return forward


LANE_FORM = replace(SCALE, lanes=_by_hand)  # type: ignore[arg-type]
DIGITS: Document = {
    "dtype": "float64",
    "steps": 100,
    "data": {"name": "digits", "batch_size": 32},
    "optimizer": {"name": "sgd", "lr": 0.005},
}
LANES = [{"name": "a"}, {"name": "b", "seed": 7}, {"name": "c", "seed": 8}]
PLACES: dict[str, list[Document]] = {
    "flat": [{"kind": "flatten"}, {"kind": "dense", "units": 12}, {"kind": "scale"}],
    "images": [{"kind": "conv", "channels": 3}, {"kind": "scale"}, {"kind": "flatten"}],
    "first, images": [{"kind": "scale"}, {"kind": "flatten"}, {"kind": "dense", "units": 12}],
    "first, flat": [{"kind": "flatten"}, {"kind": "scale"}, {"kind": "dense", "units": 12}],
}


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("part", [SCALE, LANE_FORM], ids=["plain form", "lane form"])
@pytest.mark.parametrize("place", PLACES)
def test_a_layer_without_a_gradient_of_its_own(part: TorchLayerPart, place: str, lanes: int) -> None:
    parts = Catalogue([*catalogue(), part])
    running = race(DIGITS, parts, model={"layers": PLACES[place]}, lanes=LANES[:lanes])
    assert (
        running.groups[0].layout.views(running.groups[0].flat[0])[0 if "first" in place else 2] == 1.5
    ).all()
    check_against_plain(running, 100, 1e-9 if place == "images" else 1e-12)


@pytest.mark.parametrize("part", catalogue().parts("layer"), ids=lambda part: part.key)
@pytest.mark.parametrize("lanes", [1, 3])
def test_which_layers_tell_their_own_gradient(part: TorchLayerPart, lanes: int) -> None:
    """All with one weight or none, since autograd's bookkeeping would cost more than the layer; no other can."""
    choice, tried = part.choose(), 0
    for shape in ((6,), (5, 8), (3, 8, 8)):
        try:
            part.output_shape(choice, shape)
        except LayerError:
            continue
        assert part.lanes is not None
        tried += 1
        weights = sum(spec.role == "weight" for spec in part.tensors(choice, shape))
        assert isinstance(part.lanes(choice, shape, lanes), LaneForm) == (weights <= 1)
    assert tried
