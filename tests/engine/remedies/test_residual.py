"""Residual blocks: their lane form against plain modules, and what is known of their starts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from initviz.catalog.blocks import ResidualBlock
from initviz.catalog.index import catalogue
from initviz.catalog.parts import Attachable, LaneForm, TorchLayerPart
from initviz.engine.race import Race
from initviz.experiment.errors import ExperimentError
from initviz.experiment.values import Choice, Shape
from tests.engine.oracle import Document, PlainRun, network, race

TOLERANCE = 1e-9
LANES, BATCH = 3, 5
ORDERS = ("plain", "post_activation", "pre_activation")
NORMALIZATIONS = ("none", "batch_norm", "layer_norm")
SHAPES: dict[str, Shape] = {"residual": (6,), "conv_residual": (4, 6, 5)}


class Now:
    """A pass of training that may keep running numbers, or one of evaluation."""

    def __init__(self, training: bool) -> None:
        self.training = self.keeps = training

    def generators(self) -> Sequence[Generator]:
        raise AssertionError("a residual block draws no noise")


def kind(key: str) -> TorchLayerPart:
    part = catalogue().get("layer", key)
    assert isinstance(part, TorchLayerPart)
    return part


def plain_modules(part: TorchLayerPart, choice: Choice, shape: Shape, lanes: int) -> list[nn.Module]:
    random = Generator().manual_seed(1)
    modules = []
    for _ in range(lanes):
        module = part.module(choice, shape).double()
        for parameter in module.parameters():
            nn.init.normal_(parameter, 0.3, 0.4, generator=random)
        for name, buffer in module.named_buffers():
            if "running" in name:
                buffer.uniform_(0.5, 2.0, generator=random)
        modules.append(module)
    return modules


def in_lanes(values: Sequence[Tensor], is_image: bool) -> Tensor:
    if len(values) == 1:
        return values[0]
    return torch.cat(list(values), 1) if is_image else torch.stack(list(values))


def of_lane(value: Tensor, lane: int, lanes: int, is_image: bool) -> Tensor:
    if lanes == 1:
        return value
    return value.chunk(lanes, 1)[lane] if is_image else value[lane]


SETTINGS: list[dict[str, Any]] = [
    {"order": order, "normalization": normalization}
    for order, normalization in itertools.product(ORDERS, NORMALIZATIONS)
] + [{"scale": "fixed"}, {"scale": "fixed", "factor": 0.25}, {"factor": 0.5}]
PLACES = [
    ("residual", {}),
    ("conv_residual", {"channels": 4}),
    ("conv_residual", {"channels": 6, "stride": 2}),
]


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("shared", [False, True], ids=["apart", "shared"])
@pytest.mark.parametrize("lanes", [1, LANES])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize(("key", "sizes"), PLACES, ids=str)
def test_lanes_are_plain_modules_side_by_side(
    key: str, sizes: dict[str, Any], setting: dict[str, Any], lanes: int, shared: bool, training: bool
) -> None:
    """Output, every gradient, that of the input, running numbers, and what the observer is told."""
    part, shape = kind(key), SHAPES[key]
    is_image = len(shape) == 3
    choice = part.choose(activation="tanh", **setting, **sizes)
    modules = plain_modules(part, choice, shape, lanes)
    specs, kept = part.tensors(choice, shape), part.buffers(choice, shape)
    tensors = []
    for spec in specs:
        each = [dict(module.named_parameters())[spec.name].detach().clone() for module in modules]
        tensors.append((torch.stack(each) if lanes > 1 else each[0]).requires_grad_())
    buffers = []
    for buffer in kept:
        each = [dict(module.named_buffers())[buffer.name].clone() for module in modules]
        buffers.append(torch.stack(each) if lanes > 1 else each[0])
    random = Generator().manual_seed(2)
    inputs = [
        torch.randn(BATCH, *shape, dtype=torch.float64, generator=random)
        for _ in range(1 if shared else lanes)
    ]
    sources = [value.clone().requires_grad_() for value in inputs]

    assert part.lanes is not None
    form = part.lanes(choice, shape, lanes)
    assert isinstance(form, Attachable)
    assert not isinstance(form, LaneForm)
    form.attach(Now(training), buffers)
    x = (inputs[0] if shared else in_lanes(inputs, is_image)).clone().requires_grad_()
    told: list[tuple[Tensor, Tensor]] = []
    found = form(x, tensors, lambda before, after: told.append((before, after)))

    seen: list[list[Tensor]] = []
    wanted = []
    for lane, module in enumerate(modules):
        module.train(training)
        hooks = [
            sub.register_forward_hook(lambda _, __, output: seen[-1].append(output))
            for sub in module.modules()
            if isinstance(sub, nn.Linear | nn.Conv2d)
        ]
        seen.append([])
        wanted.append(module(sources[0 if shared else lane]))
        for hook in hooks:
            hook.remove()
    whole = in_lanes(wanted, is_image)
    torch.testing.assert_close(found, whole, rtol=0, atol=1e-12)

    weights = [spec.name for spec in specs if spec.role == "weight"]
    assert len(told) == len(weights), "every weight tells its own output, the last one too"
    for lane in range(lanes):
        for (before, after), output in zip(told, seen[lane], strict=True):
            torch.testing.assert_close(of_lane(before, lane, lanes, is_image), output, rtol=0, atol=1e-12)
            assert after.shape == before.shape
    torch.testing.assert_close(told[-1][1], found, rtol=0, atol=0)

    back = torch.randn(whole.shape, dtype=torch.float64, generator=random)
    grads = torch.autograd.grad(found, [x, *tensors, *(before for before, _ in told)], back)
    by_module = [list(module.parameters()) for module in modules]
    plain = torch.autograd.grad(
        whole, [*sources, *itertools.chain(*by_module), *itertools.chain(*seen)], back
    )
    ours, rest = grads[1 : len(specs) + 1], list(plain)
    theirs_in = [rest.pop(0) for _ in sources]
    torch.testing.assert_close(
        grads[0], theirs_in[0] if shared else in_lanes(theirs_in, is_image), rtol=0, atol=1e-11
    )
    for lane, module in enumerate(modules):
        named = {name: rest.pop(0) for name, _ in module.named_parameters()}
        for spec, grad in zip(specs, ours, strict=True):
            torch.testing.assert_close(
                grad if lanes == 1 else grad[lane], named[spec.name], rtol=0, atol=1e-11
            )
    inside = grads[len(specs) + 1 :]
    for lane in range(lanes):
        for grad in inside:
            torch.testing.assert_close(of_lane(grad, lane, lanes, is_image), rest.pop(0), rtol=0, atol=1e-11)
    assert not rest
    for about, found in zip(kept, buffers, strict=True):
        for lane, module in enumerate(modules):
            now = dict(module.named_buffers())[about.name]
            torch.testing.assert_close(found if lanes == 1 else found[lane], now, rtol=0, atol=1e-12)


# A whole race against plain training


STEPS = 20
PROOF: Document = {
    "dtype": "float64",
    "steps": STEPS,
    "data": {"name": "digits", "batch_size": 16, "standardize": False},
    "init": {"weight": {"name": "he_normal"}, "bias": {"name": "normal", "std": 0.1}},
    "optimizer": {"name": "sgd", "lr": 0.01, "momentum": 0.9},
}
THREE: list[Document] = [
    {"name": "a"},
    {"name": "b", "seed": 7},
    {"name": "c", "init": {"weight": {"name": "xavier_uniform"}}},
]
FAMILIES: list[Document] = [
    {"family": "resnet_mlp", "blocks": 2, "width": 12},
    {"family": "resnet", "stages": 2, "blocks": 1, "channels": 3},
]


def compare_with_plain_training(running: Race) -> None:
    """Train 20 steps together and each plainly: every loss, every weight after, every output in evaluation."""
    plain = [PlainRun(running, lane) for lane in range(running.num_lanes)]
    for step in range(STEPS):
        wanted = [run.step(step)[0] for run in plain]
        torch.testing.assert_close(
            next(running).loss, torch.tensor(wanted, dtype=torch.float64), rtol=0, atol=TOLERANCE
        )
    unseen = running.data.validation_inputs
    for lane, run in enumerate(plain):
        group = next(group for group in running.groups if lane in group.lanes)
        with torch.no_grad():
            wanted_outputs = run.network.eval()(unseen)
        found = group.outputs(unseen)[group.lanes.index(lane)]
        torch.testing.assert_close(found, wanted_outputs, rtol=0, atol=TOLERANCE)
        for ours, theirs in zip(network(running, lane).parameters(), run.network.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda table: str(table["family"]))
def test_a_race_is_three_plain_trainings(family: Document, order: str, normalization: str) -> None:
    model = {**family, "order": order, "normalization": normalization, "activation": "tanh"}
    running = race(PROOF, model=model, lanes=THREE)
    assert [group.lanes for group in running.groups] == [(0, 1, 2)]
    compare_with_plain_training(running)


@pytest.mark.parametrize("scale", ["learned", "fixed", "inverse_sqrt"])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda table: str(table["family"]))
def test_every_scale_trains_as_plainly(family: Document, scale: str) -> None:
    optimizer = {"name": "adam", "lr": 0.003}
    running = race(PROOF, model={**family, "scale": scale, "factor": 0.7}, optimizer=optimizer, lanes=THREE)
    scales = {stage.layer["factor"] for stage in running.blueprints[0].stages if "residual" in stage.name}
    assert scales == {0.7 / math.sqrt(2) if scale == "inverse_sqrt" else 0.7}
    names = {spec.name for stage in running.blueprints[0].stages for spec in stage.tensors}
    assert ("scale" in names) == (scale == "learned")
    compare_with_plain_training(running)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_a_branch_that_starts_at_zero_trains_as_plainly(normalization: str) -> None:
    model = {**FAMILIES[1], "normalization": normalization, "zero_last": True}
    compare_with_plain_training(race(PROOF, model=model, lanes=THREE))


# What is known of their starts


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=Generator().manual_seed(4))


def blocks_of(plain: nn.Sequential) -> list[ResidualBlock]:
    return [module for module in plain if isinstance(module, ResidualBlock)]


@pytest.mark.parametrize(
    ("order", "growth"),
    [
        ("pre_activation", 2.0),  # the branch keeps the variance of its input, and adds it to that
        ("plain", 3.0),  # its last layer has no activation before it that would halve the variance again
    ],
)
def test_unscaled_blocks_multiply_the_signal_and_scaled_ones_keep_it_bounded(
    order: str, growth: float
) -> None:
    """At a He start with ReLU, over 20 blocks of 512 units: growth a block, and at most e^(growth - 1) in all."""
    model = {"family": "resnet_mlp", "blocks": 20, "width": 512, "order": order}
    document = {**PROOF, "init": {"weight": {"name": "he_normal"}, "bias": {"name": "zeros"}}}
    x = noise(64, 512)
    variances = {}
    for scale in ("fixed", "inverse_sqrt"):
        signal = x
        sizes = [float(signal.var())]
        with torch.no_grad():
            for block in blocks_of(network(race(document, model={**model, "scale": scale}), 0)):
                signal = block(signal)
                sizes.append(float(signal.var()))
        variances[scale] = sizes
    each = [after / before for before, after in itertools.pairwise(variances["fixed"])]
    assert all(abs(ratio / growth - 1) < 0.3 for ratio in each), each
    assert math.prod(each) ** (1 / 20) == pytest.approx(growth, rel=0.05)
    bounded = (1 + (growth - 1) / 20) ** 20
    assert variances["inverse_sqrt"][-1] / variances["inverse_sqrt"][0] == pytest.approx(bounded, rel=0.15)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("order", ["plain", "pre_activation"])
@pytest.mark.parametrize("key", ["residual", "conv_residual"])
def test_a_branch_that_starts_at_zero_is_the_identity_exactly(
    key: str, order: str, normalization: str
) -> None:
    entrance: list[Document] = (
        [{"kind": "conv", "channels": 4}] if key == "conv_residual" else [{"kind": "flatten"}]
    )
    block = {"kind": key, "order": order, "normalization": normalization, "zero_last": True}
    if key == "conv_residual":
        block["channels"] = 4
    leaving = [{"kind": "flatten"}] if key == "conv_residual" else []
    running = race(PROOF, model={"layers": [*entrance, block, *leaving]}, lanes=THREE)
    x = noise(8, *running.blueprints[0].stages[1].input_shape)
    for lane in range(3):
        module = network(running, lane)[1]
        assert torch.equal(module(x), x)
        next(running)
        assert not torch.equal(network(running, lane)[1](x), x), "and it learns to be something else"
        running = race(PROOF, model={"layers": [*entrance, block, *leaving]}, lanes=THREE)


@pytest.mark.parametrize("initializer", ["fixup", "skipinit", "rezero"])
@pytest.mark.parametrize("key", ["residual", "conv_residual"])
def test_starts_for_residual_blocks_make_every_kind_the_identity(key: str, initializer: str) -> None:
    init = {"weight": {"name": initializer}, "bias": {"name": "zeros"}}
    family = FAMILIES[key == "conv_residual"] | ({"stages": 1} if key == "conv_residual" else {})
    blocks = blocks_of(network(race(PROOF, model=family, init=init), 0))
    assert blocks
    shape = (12,) if key == "residual" else (3, 8, 8)
    x = noise(8, *shape)
    assert all(torch.equal(block(x), x) for block in blocks)


def test_deep_batch_normalization_explodes_backward_unless_it_is_residual() -> None:
    """Without skips the gradient grows by pi / (pi - 1) a layer (Yang et al. 2019, arXiv:1902.08129)."""
    depth, width = 40, 128
    step: list[Document] = [
        {"kind": "dense", "units": width},
        {"kind": "batch_norm"},
        {"kind": "activation", "function": "relu"},
    ]
    document = {**PROOF, "data": {"name": "digits", "batch_size": 256, "standardize": True}}
    plain = grad_by_layer(race(document, model={"layers": [{"kind": "flatten"}, *step * depth]}))
    growth = (plain[2] / plain[depth - 3]) ** (1 / (depth - 5))
    assert growth == pytest.approx(math.pi / (math.pi - 1), rel=0.1)
    assert plain[0] / plain[depth - 1] > 1e5
    model = {"family": "resnet_mlp", "blocks": depth // 2, "width": width, "scale": "fixed"}
    for order in ("plain", "pre_activation"):
        residual = grad_by_layer(
            race(document, model={**model, "normalization": "batch_norm", "order": order})
        )
        assert residual[0] / residual[-2] < 100


def grad_by_layer(running: Race) -> list[float]:
    """Return the mean square of dC/dz of every measured layer at the start."""
    group = running.groups[0]
    running.observe = True
    state = next(running).groups[0]
    assert group.num_lanes == 1
    return [float(grad.square().mean()) for grad in state.grad_preactivations]


def test_lanes_that_differ_in_a_branch_at_zero_train_as_one_batch() -> None:
    lanes: list[Document] = [
        {"name": "a"},
        {"name": "b", "model": {"zero_last": True}},
        {"name": "c", "seed": 3},
    ]
    running = race(PROOF, model=FAMILIES[0], lanes=lanes)
    assert [group.lanes for group in running.groups] == [(0, 1, 2)]
    starts = [
        bool(dict(blocks_of(network(running, lane))[0].named_parameters())["second.weight"].any())
        for lane in range(3)
    ]
    assert starts == [True, False, True]
    compare_with_plain_training(running)


def test_a_batch_of_one_is_refused_at_its_field() -> None:
    data = {**PROOF["data"], "batch_size": 1}
    with pytest.raises(ExperimentError, match="more than one example") as caught:
        race(PROOF, data=data, model={**FAMILIES[0], "normalization": "batch_norm"})
    assert caught.value.path == "data.batch_size"
    race(PROOF, data=data, model={**FAMILIES[0], "normalization": "layer_norm"})


def test_a_network_of_convolutions_is_refused_without_images() -> None:
    with pytest.raises(ExperimentError, match="needs images") as caught:
        race(PROOF, data={"name": "wine"}, model={"family": "resnet"})
    assert caught.value.path == "model.family"


def test_stages_halve_the_image_and_double_the_channels() -> None:
    model = {"family": "resnet", "stages": 3, "blocks": 2, "channels": 4, "order": "pre_activation"}
    stages = race(PROOF, model=model).blueprints[0].stages
    shapes = [stage.output_shape for stage in stages if stage.layer.name == "conv_residual"]
    assert shapes == [(4, 8, 8)] * 2 + [(8, 4, 4)] * 2 + [(16, 2, 2)] * 2
    assert [stage.layer.name for stage in stages[-4:]] == ["activation", "avg_pool", "flatten", "dense"]
    assert stages[-2].output_shape == (16,)
    projected = [stage.name for stage in stages for spec in stage.tensors if spec.name == "projection.weight"]
    assert projected == ["conv_residual_3", "conv_residual_5"]
