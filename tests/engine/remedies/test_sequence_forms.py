"""The layers for sequences, each by itself: in lanes as in ``torch.nn``, values and gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from initviz.catalog.index import catalogue
from initviz.catalog.parts import LaneForm, TorchLayerPart
from initviz.engine.autograd_form import AutogradForm
from initviz.experiment.parts import LayerError
from initviz.experiment.values import Choice, Shape

TOLERANCE = 1e-12
BATCH, LENGTH, WIDTH, SYMBOLS = 5, 7, 8, 11

CASES: dict[str, tuple[str, dict[str, Any], Shape]] = {
    "embedding": ("embedding", {"vocabulary": SYMBOLS, "units": WIDTH}, (LENGTH,)),
    "learned positions": ("positions", {"encoding": "learned"}, (LENGTH, WIDTH)),
    "sinusoidal positions": ("positions", {"encoding": "sinusoidal"}, (LENGTH, WIDTH)),
    **{
        f"{kind}, norm {norm}": (kind, {"norm": norm}, (LENGTH, WIDTH))
        for kind in ("attention", "feed_forward")
        for norm in ("pre", "post", "none")
    },
}


def layer(kind: str, **values: Any) -> tuple[TorchLayerPart, Choice]:
    part = catalogue().get("layer", kind)
    assert isinstance(part, TorchLayerPart)
    return part, part.choose(**values)


def random_tensors(part: TorchLayerPart, choice: Choice, shape: Shape, lanes: int) -> list[Tensor]:
    """Return ``(K, ...)`` numbers for every tensor of a layer, as views of one buffer with gaps between the lanes."""
    generator = torch.Generator().manual_seed(3)
    specs = part.tensors(choice, shape)
    sizes = [spec.size for spec in specs]
    flat = torch.randn((lanes, sum(sizes) + 3), generator=generator, dtype=torch.float64) / 2
    pieces = torch.split(flat[:, : sum(sizes)], sizes, 1)
    return [piece.view(lanes, *spec.shape) for piece, spec in zip(pieces, specs, strict=True)]


def plain(
    part: TorchLayerPart, choice: Choice, shape: Shape, tensors: Sequence[Tensor], lane: int
) -> nn.Module:
    module = part.module(choice, shape).double()
    found = dict(module.named_parameters())
    with torch.no_grad():
        for spec, tensor in zip(part.tensors(choice, shape), tensors, strict=True):
            found.pop(spec.name).copy_(tensor[lane])
    assert not found
    return module


def form_of(part: TorchLayerPart, choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    assert part.lanes is not None
    form = part.lanes(choice, shape, lanes)
    return form if isinstance(form, LaneForm) else AutogradForm(form)


def inputs(kind: str, shape: Shape, lanes: int, shared: bool) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    lead = (BATCH,) if shared or lanes == 1 else (lanes, BATCH)
    if kind == "embedding":
        return torch.randint(SYMBOLS, (BATCH, *shape), generator=generator).double()
    return torch.randn((*lead, *shape), generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("shared", [False, True], ids=["own input", "shared input"])
@pytest.mark.parametrize("case", CASES)
def test_in_lanes_as_in_torch_nn(case: str, shared: bool, lanes: int) -> None:
    kind, values, shape = CASES[case]
    part, choice = layer(kind, **values)
    tensors = random_tensors(part, choice, shape, lanes)
    form = form_of(part, choice, shape, lanes)
    x = inputs(kind, shape, lanes, shared)
    own = [tensor[0] for tensor in tensors] if lanes == 1 else tensors
    grads = [torch.full_like(tensor, math.nan) for tensor in own]
    y, saved = form.forward(x, own)
    grad = torch.randn(y.shape, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    before = form.backward(grad, saved, own, grads, wants_input=not shared)

    assert (before is None) == shared
    for lane in range(lanes):
        module = plain(part, choice, shape, tensors, lane)
        source = x if x.dim() == len(shape) + 1 else x[lane]
        source = source.clone().requires_grad_(kind != "embedding")
        wanted = module(source)
        unshared = lanes > 1 and y.dim() == len(shape) + 2 + (kind == "embedding")
        mine, its_grad = (y[lane], grad[lane]) if unshared else (y, grad)
        assert torch.allclose(mine, wanted, rtol=TOLERANCE, atol=TOLERANCE)
        if wanted.requires_grad:
            wanted.backward(its_grad)
        for spec, found in zip(part.tensors(choice, shape), grads, strict=True):
            expected = module.get_parameter(spec.name).grad
            assert expected is not None
            close = torch.allclose(
                found if lanes == 1 else found[lane], expected, rtol=TOLERANCE, atol=TOLERANCE
            )
            assert close, spec.name
        if before is not None and source.grad is not None:
            assert torch.allclose(before if lanes == 1 else before[lane], source.grad, atol=TOLERANCE)


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize(
    ("kind", "weights"), [("attention", ["query", "key", "value"]), ("feed_forward", ["up"])]
)
def test_the_observer_is_told_every_preactivation_and_its_gradient(
    kind: str, weights: list[str], lanes: int
) -> None:
    shape = (LENGTH, WIDTH)
    part, choice = layer(kind)
    names = [spec.name for spec in part.tensors(choice, shape) if spec.role == "weight"]
    assert names[:-1] == [f"{name}.weight" for name in weights]
    tensors = random_tensors(part, choice, shape, lanes)
    form = form_of(part, choice, shape, lanes)
    assert isinstance(form, AutogradForm)
    own = [tensor[0] for tensor in tensors] if lanes == 1 else tensors
    seen: list[Tensor] = []
    x = inputs(kind, shape, lanes, shared=False)
    y, saved = form.forward_observed(x, own, lambda before, after: seen.append(before))
    form.backward(torch.ones_like(y), saved, own, [torch.empty_like(t) for t in own], wants_input=True)
    inner = form.take_inner_grads()
    assert len(seen) == len(inner) == len(weights)
    for lane in range(lanes):
        module = plain(part, choice, shape, tensors, lane)
        outputs: list[Tensor] = []
        for name in weights:
            module.get_submodule(name).register_forward_hook(noting(outputs))
        result = module(x if lanes == 1 else x[lane])
        wanted = torch.autograd.grad(result.sum(), outputs)
        for mine, its_grad, out, out_grad in zip(seen, inner, outputs, wanted, strict=True):
            pair = (mine, its_grad) if lanes == 1 else (mine[lane], its_grad[lane])
            assert torch.allclose(pair[0], out, atol=TOLERANCE)
            assert torch.allclose(pair[1], out_grad, atol=TOLERANCE)


def noting(outputs: list[Tensor]) -> Callable[[nn.Module, object, Tensor], None]:
    def note(module: nn.Module, given: object, output: Tensor) -> None:
        outputs.append(output)

    return note


# against torch's own


def torch_attention(module: nn.Module, heads: int) -> nn.MultiheadAttention:
    theirs = nn.MultiheadAttention(WIDTH, heads, batch_first=True, dtype=torch.float64)
    parts = [module.get_submodule(name) for name in ("query", "key", "value")]
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([part.get_parameter("weight") for part in parts]))
        theirs.in_proj_bias.copy_(
            torch.cat(
                [
                    parts[0].get_parameter("bias"),
                    torch.randn(WIDTH, generator=torch.Generator().manual_seed(1)),
                ]
                + [parts[2].get_parameter("bias")]
            )
        )
        theirs.out_proj.load_state_dict(module.get_submodule("out").state_dict())
    return theirs


def later(length: int) -> Tensor:
    return torch.ones((length, length), dtype=torch.bool).triu(1)


@pytest.mark.parametrize("heads", [1, 2, 8])
def test_attention_is_that_of_torch_which_shows_that_a_bias_of_the_keys_does_nothing(heads: int) -> None:
    shape = (LENGTH, WIDTH)
    part, choice = layer("attention", heads=heads, norm="none")
    tensors = random_tensors(part, choice, shape, 3)
    tensors[-1].fill_(1.0)
    x = inputs("attention", shape, 3, shared=False)
    y, _ = form_of(part, choice, shape, 3).forward(x, tensors)
    for lane in range(3):
        theirs = torch_attention(plain(part, choice, shape, tensors, lane), heads)
        wanted, _ = theirs(x[lane], x[lane], x[lane], attn_mask=later(LENGTH), need_weights=False)
        assert torch.allclose(y[lane], x[lane] + wanted, atol=TOLERANCE)


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_attention_and_feed_forward_are_torchs_encoder_layer(norm: str, activation: str) -> None:
    shape = (LENGTH, WIDTH)
    blocks = (layer("attention", norm=norm), layer("feed_forward", norm=norm, activation=activation))
    x = y = inputs("attention", shape, 3, shared=False)
    modules = []
    for part, choice in blocks:
        tensors = random_tensors(part, choice, shape, 3)
        tensors[-1].fill_(1.0)
        y, _ = form_of(part, choice, shape, 3).forward(y, tensors)
        modules.append([plain(part, choice, shape, tensors, lane) for lane in range(3)])
    for lane in range(3):
        attention, feed_forward = modules[0][lane], modules[1][lane]
        theirs = nn.TransformerEncoderLayer(
            WIDTH,
            4,
            4 * WIDTH,
            dropout=0.0,
            activation=activation,
            batch_first=True,
            norm_first=norm == "pre",
            dtype=torch.float64,
        )
        theirs.self_attn = torch_attention(attention, 4)
        for name, found in (
            ("norm1", attention.get_submodule("norm")),
            ("norm2", feed_forward.get_submodule("norm")),
            ("linear1", feed_forward.get_submodule("up")),
            ("linear2", feed_forward.get_submodule("down")),
        ):
            theirs.get_submodule(name).load_state_dict(found.state_dict())
        wanted = theirs(x[lane], src_mask=later(LENGTH), is_causal=True)
        assert torch.allclose(y[lane], wanted, atol=TOLERANCE)


@pytest.mark.parametrize("norm", ["pre", "post", "none"])
@pytest.mark.parametrize("place", [1, LENGTH // 2, LENGTH - 1])
def test_a_later_position_changes_no_earlier_output(norm: str, place: int) -> None:
    shape = (LENGTH, WIDTH)
    part, choice = layer("attention", norm=norm)
    tensors = random_tensors(part, choice, shape, 3)
    form = form_of(part, choice, shape, 3)
    x = inputs("attention", shape, 3, shared=False)
    changed = x.clone()
    changed[:, :, place, 0] += 3.0  # not all alike, which a normalization would take out again
    before, after = (form.forward(value, tensors)[0] for value in (x, changed))
    assert torch.equal(before[:, :, :place], after[:, :, :place])
    assert ((before[:, :, place:] - after[:, :, place:]).abs().amax(-1) > 1e-6).all()


# starts and positions


def test_sinusoidal_positions_are_those_of_the_paper() -> None:
    part, choice = layer("positions", encoding="sinusoidal")
    for features in (6, 7):
        found = part.module(choice, (9, features))(torch.zeros((1, 9, features), dtype=torch.float64))[0]
        for place in range(9):
            for pair in range((features + 1) // 2):
                angle = place / 10_000 ** (2 * pair / features)
                assert found[place, 2 * pair] == pytest.approx(math.sin(angle), abs=1e-12)
                if 2 * pair + 1 < features:
                    assert found[place, 2 * pair + 1] == pytest.approx(math.cos(angle), abs=1e-12)


def test_values_and_output_are_the_branch_and_queries_and_keys_are_not() -> None:
    part, choice = layer("attention")
    places = {spec.name: spec.branch for spec in part.tensors(choice, (4, 8)) if spec.role == "weight"}
    assert places == {
        "query.weight": "none",
        "key.weight": "none",
        "value.weight": "inner",
        "out.weight": "last",
    }
    part, choice = layer("feed_forward")
    places = {spec.name: spec.branch for spec in part.tensors(choice, (4, 8)) if spec.role == "weight"}
    assert places == {"up.weight": "inner", "down.weight": "last"}


@pytest.mark.parametrize("kind", ["positions", "attention", "feed_forward"])
@pytest.mark.parametrize("shape", [(12,), (3, 8, 8)])
def test_layers_for_sequences_say_that_they_need_one(kind: str, shape: Shape) -> None:
    part, choice = layer(kind)
    for ask in (part.output_shape, part.tensors):
        with pytest.raises(LayerError, match="it needs a sequence"):
            ask(choice, shape)


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    part, choice = layer("attention", heads=3)
    with pytest.raises(LayerError, match="its 3 heads cannot share 8 features evenly"):
        part.output_shape(choice, (4, 8))


def test_an_embedding_refuses_what_is_no_list_of_symbols() -> None:
    part, choice = layer("embedding")
    with pytest.raises(LayerError, match="it reads a list of symbols"):
        part.output_shape(choice, (4, 8))
