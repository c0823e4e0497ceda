"""Layers with numbers of their own run in lanes as their plain form does alone: forward, back, buffers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from initviz.catalog.index import catalogue
from initviz.catalog.parts import Attachable, LaneForm, TorchLayerPart
from initviz.experiment.parts import LayerError
from initviz.experiment.values import Shape
from tests.catalog.fake_now import FakeNow

BATCH = 6


@dataclass(frozen=True)
class Case:
    kind: str
    shape: Shape
    values: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}-{'x'.join(map(str, self.shape))}-{','.join(f'{k}={v}' for k, v in self.values)}"


FLAT, SEQUENCE, IMAGE, PIXEL = (6,), (5, 6), (4, 3, 2), (4, 1, 1)
CASES = [
    *(Case("batch_norm", shape, (("momentum", 0.3),)) for shape in (FLAT, IMAGE, PIXEL)),
    *(Case("layer_norm", shape) for shape in (FLAT, SEQUENCE, IMAGE, PIXEL)),
    *(Case("rms_norm", shape, (("eps", 0.01),)) for shape in (FLAT, SEQUENCE, IMAGE, PIXEL)),
    *(Case("group_norm", shape, (("groups", 2),)) for shape in (FLAT, IMAGE, PIXEL)),
    *(Case("prelu", shape) for shape in (FLAT, SEQUENCE, IMAGE)),
    *(Case("prelu", shape, (("by_channel", True),)) for shape in (FLAT, IMAGE)),
]


def kind(case: Case) -> TorchLayerPart:
    part = catalogue().get("layer", case.kind)
    assert isinstance(part, TorchLayerPart)
    return part


def with_gaps(values: Tensor) -> Tensor:
    """Return values a lane as the engine hands them out: each lane's lie in a longer row."""
    row = torch.cat([values.flatten(1), values.new_full((len(values), 3), torch.nan)], 1)
    return row[:, :-3].view(values.shape)


class Lanes:
    """K lanes of a layer with random tensors and buffers, and each lane's plain form with the same numbers."""

    def __init__(self, case: Case, lanes: int, random: torch.Generator) -> None:
        part = kind(case)
        choice = part.choose(**dict(case.values))
        self.shape, self.lanes = case.shape, lanes
        specs = [(spec.name, spec.shape) for spec in part.tensors(choice, case.shape)]
        kept = [(spec.name, spec.shape) for spec in part.buffers(choice, case.shape)]
        self.tensors, self.buffers = (
            [torch.rand((lanes, *shape), generator=random, dtype=torch.float64) + 0.5 for _, shape in group]
            for group in (specs, kept)
        )
        self.tensors = [with_gaps(tensor) for tensor in self.tensors]
        self.grads = [with_gaps(torch.full_like(tensor, torch.nan)) for tensor in self.tensors]
        self.plain = [part.module(choice, case.shape).double() for _ in range(lanes)]
        for lane, module in enumerate(self.plain):
            named = dict([*module.named_parameters(), *module.named_buffers()])
            names = [name for name, _ in (*specs, *kept)]
            for name, value in zip(names, (*self.tensors, *self.buffers), strict=True):
                named.pop(name).data.copy_(value[lane])
            assert set(named) <= {"num_batches_tracked"}, "every number of the module is declared"
        assert part.lanes is not None
        form = part.lanes(choice, case.shape, lanes)
        assert isinstance(form, LaneForm)
        self.form = form
        self.now = FakeNow(range(lanes))
        if isinstance(form, Attachable):
            self.buffers = [with_gaps(buffer) for buffer in self.buffers]
            form.attach(self.now, self._own(self.buffers))

    def _own(self, values: list[Tensor]) -> list[Tensor]:
        return values if self.lanes > 1 else [value[0] for value in values]

    def joined(self, each: list[Tensor]) -> Tensor:
        """Return the lane layout of a value a lane."""
        if self.lanes == 1:
            return each[0]
        return torch.cat(each, 1) if len(self.shape) == 3 else torch.stack(each)

    def pass_through(self, x: Tensor, grad: Tensor, wants_input: bool = True) -> tuple[Tensor, Tensor | None]:
        with torch.no_grad():
            tensors, grads = self._own(self.tensors), self._own(self.grads)
            before = x.clone(), grad.clone()
            y, saved = self.form.forward(x, tensors)
            found = self.form.backward(grad, saved, tensors, grads, wants_input)
            assert torch.equal(x.nan_to_num(), before[0].nan_to_num())
            assert torch.equal(grad, before[1])
        return y, found


def plain_pass(module: nn.Module, x: Tensor, grad: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
    x = x.clone().requires_grad_()
    y = module(x)
    before, *grads = torch.autograd.grad(y, [x, *module.parameters()], grad)
    return y.detach(), before, grads


def close(found: Tensor, wanted: Tensor) -> bool:
    return found.shape == wanted.shape and torch.allclose(found, wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("shared", [False, True], ids=["own input", "shared input"])
@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_lanes_are_their_plain_forms(case: Case, lanes: int, shared: bool, training: bool) -> None:
    random = torch.Generator().manual_seed(1)
    layer = Lanes(case, lanes, random)
    layer.now.training, layer.now.keeps = training, training
    for _ in range(2):
        xs = [torch.randn((BATCH, *case.shape), generator=random, dtype=torch.float64) for _ in range(lanes)]
        grads = [
            torch.randn((BATCH, *case.shape), generator=random, dtype=torch.float64) for _ in range(lanes)
        ]
        if shared:
            xs = xs[:1] * lanes
        y, before = layer.pass_through(xs[0] if shared else layer.joined(xs), layer.joined(grads), not shared)
        wanted = [
            plain_pass(module.train(training), x, grad)
            for module, x, grad in zip(layer.plain, xs, grads, strict=True)
        ]
        assert close(y, layer.joined([one[0] for one in wanted]))
        if shared:
            assert before is None
        else:
            assert before is not None
            assert close(before, layer.joined([one[1] for one in wanted]))
        for place, grad in enumerate(layer.grads):
            assert close(grad, torch.stack([one[2][place] for one in wanted]))
        names = [spec.name for spec in kind(case).buffers(kind(case).choose(**dict(case.values)), case.shape)]
        for name, buffer in zip(names, layer.buffers, strict=True):
            assert close(buffer, torch.stack([module.get_buffer(name) for module in layer.plain]))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_lane_feels_another(case: Case) -> None:
    """A lane full of NaN leaves its neighbours alone, bit for bit."""
    outputs = []
    for poison in (0.0, torch.nan):
        random = torch.Generator().manual_seed(2)
        layer = Lanes(case, 3, random)
        xs, grads = (
            [torch.randn((BATCH, *case.shape), generator=random, dtype=torch.float64) for _ in range(3)]
            for _ in range(2)
        )
        xs[1] += poison
        y, before = layer.pass_through(layer.joined(xs), layer.joined(grads))
        assert before is not None
        if len(case.shape) == 3:
            y, before = (v.view(BATCH, 3, *case.shape).transpose(0, 1) for v in (y, before))
        outputs.append([y, before, *layer.grads, *layer.buffers])
    for clean, poisoned in zip(*outputs, strict=True):
        assert torch.equal(clean[[0, 2]], poisoned[[0, 2]])
    assert outputs[1][0][1].isnan().all()


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("lanes", [1, 3])
def test_the_forward_pass_can_be_differentiated(case: Case, lanes: int) -> None:
    """In mixed precision autograd finds the gradient; running numbers must not become part of it."""
    random = torch.Generator().manual_seed(3)
    layer = Lanes(case, lanes, random)
    x = layer.joined(
        [torch.randn((BATCH, *case.shape), generator=random, dtype=torch.float64) for _ in range(lanes)]
    )
    grad = torch.randn(x.shape, generator=random, dtype=torch.float64)
    layer.now.keeps = False
    _, wanted = layer.pass_through(x, grad)
    layer.now.keeps = True
    x.requires_grad_()
    tensors = [tensor.requires_grad_() for tensor in layer._own(layer.tensors)]
    y, _ = layer.form.forward(x, tensors)
    before, *grads = torch.autograd.grad(y, [x, *tensors], grad)
    assert wanted is not None
    assert close(before, wanted)
    for found, ours in zip(grads, layer._own(layer.grads), strict=True):
        assert close(found, ours)
    assert not any(buffer.requires_grad for buffer in layer.buffers)


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("shape", [FLAT, PIXEL])
def test_a_batch_of_one_is_normalized_by_the_running_numbers(shape: Shape, lanes: int) -> None:
    """The last batch of an epoch may hold a single example, of which torch's module would refuse to take a variance."""
    random = torch.Generator().manual_seed(4)
    layer = Lanes(Case("batch_norm", shape), lanes, random)
    xs, grads = (
        [torch.randn((1, *shape), generator=random, dtype=torch.float64) for _ in range(lanes)]
        for _ in range(2)
    )
    before = [buffer.clone() for buffer in layer.buffers]
    y, back = layer.pass_through(layer.joined(xs), layer.joined(grads))
    wanted = [
        plain_pass(module.eval(), x, grad) for module, x, grad in zip(layer.plain, xs, grads, strict=True)
    ]
    assert close(y, layer.joined([one[0] for one in wanted]))
    assert back is not None
    assert close(back, layer.joined([one[1] for one in wanted]))
    for place, grad in enumerate(layer.grads):
        assert close(grad, torch.stack([one[2][place] for one in wanted]))
    assert all(torch.equal(*pair) for pair in zip(before, layer.buffers, strict=True))


@pytest.mark.parametrize(
    ("kind_", "shape", "values", "words"),
    [
        ("batch_norm", SEQUENCE, {}, "cannot normalize a sequence"),
        ("group_norm", SEQUENCE, {}, "cannot normalize a sequence"),
        ("group_norm", FLAT, {"groups": 4}, "4 groups cannot share 6 channels evenly"),
        ("group_norm", FLAT, {"groups": 6}, "a group of a single number"),
        ("layer_norm", (1,), {}, "a single number minus its own mean"),
        ("layer_norm", (3, 1), {}, "a single number minus its own mean"),
        ("prelu", SEQUENCE, {"by_channel": True}, "one slope for all units"),
    ],
)
def test_what_cannot_work_is_refused_in_words(
    kind_: str, shape: Shape, values: dict[str, Any], words: str
) -> None:
    part = catalogue().get("layer", kind_)
    assert isinstance(part, TorchLayerPart)
    with pytest.raises(LayerError) as caught:
        part.output_shape(part.choose(**values), shape)
    assert words in caught.value.text.en


def test_a_group_of_one_channel_of_an_image_is_many_numbers() -> None:
    part = catalogue().get("layer", "group_norm")
    assert isinstance(part, TorchLayerPart)
    assert part.output_shape(part.choose(groups=4), IMAGE) == IMAGE
