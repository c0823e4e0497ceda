"""Every adaptive optimizer, lanes together against plain networks alone; and what each is known for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from initviz.catalog.index import catalogue
from initviz.catalog.parts import OptimizerPart
from initviz.experiment.values import Choice
from tests.engine.oracle import OPTIMIZERS, Document, check_against_plain, race

STEPS = 20
TOLERANCE = 1e-9
DIGITS: Document = {
    "dtype": "float64",
    "steps": STEPS,
    "data": {"name": "digits", "batch_size": 32},
    "model": {"family": "mlp", "depth": 3, "width": 16, "activation": "tanh"},
    "init": {"weight": {"name": "xavier_normal"}, "bias": {"name": "normal", "std": 0.1}},
}
THREE: list[Document] = [
    {"name": "a"},
    {"name": "b", "seed": 7},
    {"name": "c", "init": {"weight": {"name": "normal", "std": 0.02}}},
]
IMAGES: Document = {
    "layers": [
        {"kind": "conv", "channels": 3},
        {"kind": "activation", "function": "relu"},
        {"kind": "flatten"},
        {"kind": "dense", "units": 8},
    ]
}
SETTINGS: list[Document] = [
    {"name": "nadam"},
    {"name": "nadam", "betas": [0.8, 0.99], "eps": 1e-6, "weight_decay": 0.01, "momentum_decay": 0.02},
    {"name": "radam"},
    # The variance counts from the first steps on with a short memory.
    {"name": "radam", "betas": [0.8, 0.9], "eps": 1e-6, "weight_decay": 0.01},
    {"name": "adadelta"},
    {"name": "adadelta", "lr": 0.5, "rho": 0.8, "eps": 1e-5, "weight_decay": 0.01},
    {"name": "lamb"},
    {"name": "lamb", "lr": 0.02, "betas": [0.8, 0.99], "weight_decay": 0.1},
    {"name": "ranger"},
    {"name": "ranger", "betas": [0.9, 0.95], "k": 3, "alpha": 0.3, "weight_decay": 0.1},
    {"name": "lion"},
    {"name": "lion", "betas": [0.8, 0.95], "weight_decay": 0.1},
    {"name": "muon"},
    {"name": "muon", "lr": 0.05, "adamw_lr": 0.01, "momentum": 0.8, "nesterov": False, "weight_decay": 0.1},
]


def named(table: Document) -> str:
    return f"{table['name']}-{len(table) - 1}"


@pytest.mark.parametrize("optimizer", SETTINGS, ids=named)
def test_three_lanes_are_three_plain_networks(optimizer: Document) -> None:
    check_against_plain(race(DIGITS, optimizer=optimizer, lanes=THREE), STEPS, TOLERANCE)


def test_every_optimizer_is_compared() -> None:
    assert {part.key for part in catalogue().parts("optimizer")} == set(OPTIMIZERS)


@pytest.mark.parametrize("key", [part.key for part in catalogue().parts("optimizer")])
def test_lanes_of_any_optimizer_are_plain_networks_with_kernels(key: str) -> None:
    if key == "muon":
        pytest.skip("torch's Muon takes no kernels; what becomes of them is tested below")
    optimizer = {"name": key, "lr": 0.002}
    check_against_plain(race(DIGITS, model=IMAGES, optimizer=optimizer, lanes=THREE), STEPS, TOLERANCE)


def built(
    name: str, tensors: list[Tensor], **values: float
) -> tuple[OptimizerPart, Choice, torch.optim.Optimizer]:
    part = catalogue().get("optimizer", name)
    assert isinstance(part, OptimizerPart)
    choice = part.choose(**values)
    if part.build_by_place is not None:
        last = max(place for place, tensor in enumerate(tensors) if tensor.ndim >= 2)
        hidden = [tensor.ndim >= 2 and place != last for place, tensor in enumerate(tensors)]
        return part, choice, part.build_by_place(choice, tensors, hidden)
    return part, choice, part.build(choice, tensors)


def test_muon_takes_a_kernel_for_a_matrix() -> None:
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    kernel, output, bias = random(4, 3, 3, 3), random(2, 4), random(2)
    flat, grads = kernel.flatten(1).clone().requires_grad_(), [random(4, 3, 3, 3) for _ in range(5)]
    plain = torch.optim.Muon([flat], lr=0.02, weight_decay=0.0)
    _, _, mine = built("muon", [kernel, output, bias])
    for grad in grads:
        flat.grad, kernel.grad = grad.flatten(1).clone(), grad.clone()
        output.grad, bias.grad = torch.ones_like(output), torch.ones_like(bias)
        plain.step()  # type: ignore[no-untyped-call]
        mine.step()
    assert torch.equal(kernel.flatten(1), flat)


@pytest.mark.parametrize("bias", [True, False])
def test_muon_leaves_the_output_layer_and_embeddings_to_adamw(bias: bool) -> None:
    """AdamW's first step is its rate in every weight; one of Muon's, in a matrix, is of quite another size."""
    document = {
        "steps": 1,
        "data": {"name": "text", "length": 8, "batch_size": 16},
        "model": {
            "layers": [
                {"kind": "embedding", "vocabulary": 64, "units": 8},
                {"kind": "positions", "encoding": "learned"},
                {"kind": "dense", "units": 8, "bias": bias},
            ]
        },
        "optimizer": {"name": "muon", "lr": 0.5, "adamw_lr": 0.001},
    }
    running = race(document)
    before = running.groups[0].flat.clone()
    next(running)
    group = running.groups[0]
    moved = (group.flat - before)[0].abs()
    by_muon = {
        f"{group.blueprint.stages[slot.stage].name}.{slot.spec.name}"
        for slot in group.layout.slots
        if moved[slot.offset : slot.stop].max() > 0.0011
    }
    assert by_muon == {"dense_1.weight"}


def test_a_step_of_muon_is_as_long_in_every_direction() -> None:
    """Its singular values lie near 1 even where those of the gradient span four decades."""
    generator = torch.Generator().manual_seed(3)
    u, _, v = torch.linalg.svd(torch.randn((16, 16), generator=generator))
    grad = u @ torch.diag(torch.logspace(0, -2, 16)) @ v
    hidden, output = torch.zeros(16, 16), torch.zeros(2, 16)
    _, _, mine = built("muon", [hidden, output], lr=1.0, nesterov=False)
    hidden.grad, output.grad = grad, torch.zeros_like(output)
    mine.step()
    values = torch.linalg.svdvals(hidden)
    assert float(values.min()) > 0.3
    assert float(values.max()) < 1.3


def test_a_step_of_lion_is_the_rate_in_every_weight() -> None:
    weight = torch.zeros(2, 50, dtype=torch.float64)
    _, _, mine = built("lion", [weight], lr=0.01)
    weight.grad = torch.randn((2, 50), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mine.step()
    assert torch.equal(weight, -0.01 * weight.grad.sign())


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_step_of_lamb_is_a_share_of_the_layer(scale: float) -> None:
    """Whatever the gradient, also at the first step, and never clipped by its size."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn((8, 8), generator=generator, dtype=torch.float64)
    before = weight.clone()
    _, _, mine = built("lamb", [weight], lr=0.01)
    weight.grad = scale * torch.randn((8, 8), generator=generator, dtype=torch.float64)
    mine.step()
    assert float((weight - before).norm()) == pytest.approx(
        0.01 * float(before.norm()), rel=1e-3 if scale < 1 else 1e-6
    )


def test_ranger_goes_downhill_from_the_first_step() -> None:
    weight = torch.full((1, 4), 3.0, dtype=torch.float64)
    _, _, mine = built("ranger", [weight], lr=0.01)
    last = weight.clone()
    for _ in range(5):
        weight.grad = 2 * weight
        mine.step()
        assert (weight < last).all()
        last = weight.clone()


def test_radam_holds_back_where_adam_jumps() -> None:
    """After a huge first gradient Adam moves by the rate at once; RAdam is yet to trust its variance."""
    moved = {}
    for name in ("adam", "radam"):
        weight = torch.zeros(1, 1, dtype=torch.float64)
        _, _, mine = built(name, [weight], lr=0.1)
        for _ in range(8):
            weight.grad = torch.full_like(weight, 1e-3)
            mine.step()
        moved[name] = -float(weight)
    assert moved["adam"] == pytest.approx(0.8, rel=1e-3)
    assert 0 < moved["radam"] < 0.1


@pytest.mark.parametrize("key", [part.key for part in catalogue().parts("optimizer")])
def test_a_lane_that_explodes_leaves_its_neighbours_alone(key: str) -> None:
    """The calm lanes train on, bit for bit, as they do without it."""
    model = {"family": "mlp", "depth": 14, "width": 16, "activation": "relu"}
    calm: list[Document] = [{"name": "a"}, {"name": "b", "seed": 5}]
    wild: Document = {"name": "wild", "init": {"weight": {"name": "normal", "std": 1000.0}}}
    optimizer = {"name": key}
    alone = race(DIGITS, dtype="float32", model=model, optimizer=optimizer, lanes=calm)
    three = [calm[0], wild, calm[1]]
    beside = race(DIGITS, dtype="float32", model=model, optimizer=optimizer, lanes=three)
    for mine, theirs in zip(alone, beside, strict=True):
        found = theirs.loss.tolist()
        assert [found[0], found[2]] == mine.loss.tolist()
    assert list(beside.diverged) == [1]


def test_parts_for_separate_tensors_say_so() -> None:
    """A rule that looks at whole tensors would mix lanes on the flat parameter."""
    generator = torch.Generator().manual_seed(0)
    for part in catalogue().parts("optimizer"):
        assert isinstance(part, OptimizerPart)
        rows = torch.randn((2, 12), generator=generator, dtype=torch.float64)
        grads = [torch.randn((2, 12), generator=generator, dtype=torch.float64) for _ in range(3)]
        alone = nn.Parameter(rows[:1].clone())
        together = nn.Parameter(rows.clone())
        for weight in (alone, together):
            optimizer = part.build(part.choose(), [weight])
            for grad in grads:
                weight.grad = grad[: len(weight)] * torch.tensor([[1.0], [1e3]])[: len(weight)].double()
                optimizer.step()
        same = torch.allclose(together[0], alone[0], rtol=1e-12, atol=0)
        assert same or part.apart, part.key
