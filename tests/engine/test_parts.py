"""Single parts of the engine against torch, NumPy or a closed form."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.optim import SGD, Adagrad, Adam, AdamW, Optimizer

from initviz.catalog.flat_optimizers import FlatAdagrad, FlatAdam, FlatAdamW, FlatSGD
from initviz.catalog.index import catalogue
from initviz.catalog.parts import ActivationPart, Examples, TorchLayerPart
from initviz.engine import devices
from initviz.engine.data import Batches, constant_loss, split
from initviz.engine.denormals import are_flushed, flushed
from initviz.engine.losses import loss_function
from initviz.engine.seeding import derive_seed, generator
from initviz.experiment.document import read_document
from initviz.experiment.errors import InitVizError
from initviz.experiment.limits import Limits
from initviz.experiment.parts import LayerError
from tests.engine.oracle import race

# losses


@pytest.mark.parametrize("lanes", [None, 1, 4])
@pytest.mark.parametrize("scale", [1.0, 1e3])
@pytest.mark.parametrize("task", ["binary", "classification", "regression"])
def test_a_loss_and_its_gradient_are_those_of_torch(task: str, scale: float, lanes: int | None) -> None:
    random = generator(3, task)
    outputs = {"binary": 1, "classification": 5, "regression": 2}[task]
    lead = () if lanes is None else (lanes,)
    logits = scale * torch.randn(*lead, 20, outputs, generator=random, dtype=torch.float64)
    targets = {
        "binary": torch.randint(2, (20,), generator=random).double(),
        "classification": torch.randint(5, (20,), generator=random),
        "regression": torch.randn(20, 2, generator=random, dtype=torch.float64),
    }[task]
    plain: Callable[[Tensor, Tensor], Tensor] = {
        "binary": lambda z, y: torch.nn.functional.binary_cross_entropy_with_logits(z.squeeze(1), y),
        "classification": torch.nn.functional.cross_entropy,
        "regression": torch.nn.functional.mse_loss,
    }[task]
    kept = logits.clone()
    found, gradient = loss_function(task)(logits, targets)  # type: ignore[arg-type]
    assert torch.equal(logits, kept)
    assert found.shape == (lanes or 1,)
    leaf = logits.view(-1, 20, outputs).clone().requires_grad_()
    wanted = torch.stack([plain(lane, targets) for lane in leaf])
    wanted.sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(found, wanted.detach(), rtol=1e-13, atol=1e-300)
    assert leaf.grad is not None
    torch.testing.assert_close(gradient, leaf.grad.view(logits.shape), rtol=1e-12, atol=1e-16)


# activations


EXPLICIT = [
    part
    for part in catalogue().parts("activation")
    if isinstance(part, ActivationPart) and part.gradient is not None
]


@pytest.mark.parametrize("part", EXPLICIT, ids=lambda part: part.key)
def test_the_gradient_of_an_activation_is_autograds(part: ActivationPart) -> None:
    assert part.gradient is not None
    x = torch.linspace(-8, 8, 333, dtype=torch.float64).requires_grad_()
    choices = [part.choose()]
    if part.key in ("leaky_relu", "elu"):
        layer = catalogue().get("layer", "activation")
        choices.append(layer.choose(function=part.key, slope=0.3))
    for choice in choices:
        y = part.function(choice)(x)
        above = torch.cos(3 * x.detach())
        (wanted,) = torch.autograd.grad(y, x, above)
        found = part.gradient(choice)(above, x.detach(), y.detach())
        torch.testing.assert_close(found, wanted, rtol=1e-14, atol=1e-300)


# layers


@pytest.mark.parametrize(
    ("kind", "values", "shape", "words"),
    [
        ("dense", {}, (1, 8, 8), "Add a flatten layer before it"),
        ("residual", {}, (1, 8, 8), "Add a flatten layer before it"),
        ("conv", {}, (64,), "put this layer before the flatten layer"),
        ("max_pool", {}, (64,), "put this layer before the flatten layer"),
        (
            "conv",
            {"kernel": 11, "padding": 1},
            (1, 8, 8),
            "kernel of 11 x 11 is larger than the image of 8 x 8",
        ),
        ("avg_pool", {"size": 3}, (4, 2, 2), "window of 3 x 3 is larger than the image of 2 x 2"),
    ],
)
def test_an_impossible_layer_says_what_to_do(
    kind: str, values: dict[str, int], shape: tuple[int, ...], words: str
) -> None:
    part = catalogue().get("layer", kind)
    assert isinstance(part, TorchLayerPart)
    with pytest.raises(LayerError) as caught:
        part.output_shape(part.choose(**values), shape)
    assert words in caught.value.text.en
    assert any("\u4e00" <= letter <= "\u9fff" for letter in caught.value.text.zh)


@pytest.mark.parametrize("shape", [(12,), (3, 8, 8)], ids=str)
@pytest.mark.parametrize("part", catalogue().parts("layer"), ids=lambda part: part.key)
def test_declared_shapes_and_tensors_are_those_of_the_plain_form(
    part: TorchLayerPart, shape: tuple[int, ...]
) -> None:
    choice = part.choose()
    try:
        wanted = part.output_shape(choice, shape)
    except LayerError:
        return
    module = part.module(choice, shape)
    assert module(torch.zeros(2, *shape)).shape == (2, *wanted)
    declared = {spec.name: spec.shape for spec in part.tensors(choice, shape)}
    assert declared == {name: tuple(p.shape) for name, p in module.named_parameters()}
    for spec in part.tensors(choice, shape):
        if spec.role == "weight":
            fan_in, fan_out = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(spec.shape))
            assert (spec.fan_in, spec.fan_out) == (fan_in, fan_out)


# optimizers


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(
    ("ours", "torchs", "settings"),
    [
        (FlatSGD, SGD, {}),
        (FlatSGD, SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        (FlatAdam, Adam, {"weight_decay": 0.1, "betas": (0.8, 0.9)}),
        (FlatAdamW, AdamW, {"weight_decay": 0.1, "eps": 1e-3}),
        (FlatAdagrad, Adagrad, {"lr_decay": 0.1, "weight_decay": 0.1}),
    ],
)
def test_a_flat_optimizer_is_torchs_bit_for_bit(
    ours: type[Optimizer], torchs: type[Optimizer], settings: dict[str, object], dtype: torch.dtype
) -> None:
    random = generator(1)
    mine = torch.randn(3, 50, generator=random, dtype=dtype)
    theirs = mine.clone()
    ours_made = ours([mine], lr=0.1, fused=True, **settings)  # type: ignore[call-arg, arg-type]
    theirs_made = torchs([theirs], lr=0.1, fused=True, **settings)  # type: ignore[call-arg, arg-type]
    for step in range(10):
        mine.grad = torch.randn(3, 50, generator=random, dtype=dtype)
        theirs.grad = mine.grad.clone()
        for optimizer in (ours_made, theirs_made):
            optimizer.param_groups[0]["lr"] = 0.1 / (1 + step)
            optimizer.step()
        assert torch.equal(mine, theirs)
    for key, value in theirs_made.state[theirs].items():
        if isinstance(value, Tensor):
            assert torch.equal(value, ours_made.state[mine][key])


def test_nesterov_without_momentum_is_plain_descent() -> None:
    document = {"steps": 5, "data": {"name": "moons"}, "optimizer": {"name": "sgd", "momentum": 0.0}}
    plain = [state.loss.clone() for state in race(document)]
    document["optimizer"] = {"name": "sgd", "momentum": 0.0, "nesterov": True}
    assert torch.equal(torch.stack(plain), torch.stack([state.loss.clone() for state in race(document)]))


# data


def batches(seed: int = 0, **data: object) -> Batches:
    document = {"seed": seed, "data": {"name": "digits", "batch_size": 100, **data}}
    experiment = read_document(document, catalogue(), Limits())
    return Batches(experiment.data, seed, catalogue(), torch.device("cpu"), torch.float64)


def test_an_epoch_shows_every_example_once_in_an_order_of_its_own() -> None:
    data = batches()
    orders = []
    for epoch in range(2):
        seen = [data.batch(epoch * data.steps_per_epoch + step) for step in range(data.steps_per_epoch)]
        assert all(len(inputs) == len(targets) for inputs, targets in seen)
        assert [len(inputs) for inputs, _ in seen[:-1]] == [100] * (data.steps_per_epoch - 1)
        orders.append(torch.cat([inputs for inputs, _ in seen]).flatten(1))
        targets = torch.cat([targets for _, targets in seen])
        index = {tuple(row.tolist()): int(target) for row, target in zip(orders[-1], targets, strict=True)}
        for row, target in zip(data.inputs.flatten(1), data.targets, strict=True):
            assert index[tuple(row.tolist())] == int(target)
    assert len(orders[0]) == data.num_training
    assert not torch.equal(orders[0], orders[1])


def test_a_batch_depends_on_its_step_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    data, other = batches(), batches()
    wanted = [[part.clone() for part in data.batch(step)] for step in range(40)]
    monkeypatch.setattr(other, "_copies", False)
    for step in (39, 3, 17, 0):
        for found in (data.batch(step), other.batch(step)):
            assert all(torch.equal(a, b) for a, b in zip(found, wanted[step], strict=True))
    assert not torch.equal(batches(seed=1).batch(0)[0], wanted[0][0])


def test_inputs_are_standardized_by_the_training_part() -> None:
    data, raw = batches(), batches(standardize=False)
    columns = data.inputs.flatten(1)
    varies = raw.inputs.flatten(1).std(0) > 0
    torch.testing.assert_close(columns.mean(0), torch.zeros(64, dtype=torch.float64), rtol=0, atol=1e-12)
    spread = columns.std(0, correction=0)
    torch.testing.assert_close(spread[varies], torch.ones_like(spread[varies]))
    assert (columns[:, ~varies] == 0).all()
    again = (raw.validation_inputs - torch.from_numpy(data.mean)) / torch.from_numpy(data.scale)
    torch.testing.assert_close(data.validation_inputs, again)
    assert (raw.mean == 0).all()
    assert (raw.scale == 1).all()


def test_the_split_takes_the_same_share_of_every_class() -> None:
    random = np.random.default_rng(0)
    targets = np.repeat([0, 1, 2], [100, 20, 1]).astype(np.int64)
    examples = Examples(inputs=random.normal(size=(121, 3)), targets=targets)
    training, held_back = split(examples, 0.25, seed=4)
    assert sorted([*training, *held_back]) == list(range(121))
    assert np.bincount(targets[held_back], minlength=3).tolist() == [25, 5, 0]
    assert not np.array_equal(training, np.sort(training))
    again, _ = split(examples, 0.25, seed=4)
    other, _ = split(examples, 0.25, seed=5)
    assert np.array_equal(training, again)
    assert not np.array_equal(training, other)
    numbers = Examples(inputs=examples.inputs, targets=random.normal(size=(121, 2)))
    assert [len(part) for part in split(numbers, 0.25, seed=4)] == [91, 30]


def test_loss_of_the_best_constant_prediction() -> None:
    classes = np.array([0, 0, 0, 2], dtype=np.int64)
    wanted = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert constant_loss(classes) == pytest.approx(wanted)
    numbers = np.array([[0.0, 1.0], [2.0, 1.0]])
    assert constant_loss(numbers) == pytest.approx(0.5)
    logits = torch.tensor([0.75, 1e-300, 0.25], dtype=torch.float64).log().expand(4, 3)
    found, _ = loss_function("classification")(logits, torch.from_numpy(classes))
    assert float(found) == pytest.approx(wanted)


def test_points_are_those_of_two_dimensional_classes_only() -> None:
    moons = batches(name="moons", batch_size=64)
    assert moons.points.shape == (moons.num_training, 2)
    assert np.array_equal(moons.points, moons.inputs.numpy())
    assert np.array_equal(moons.point_classes, moons.targets.numpy())
    assert batches().points.shape == (0, 2)


# seeds, denormals, devices


def test_seeds_for_different_purposes_differ() -> None:
    seeds = {
        derive_seed(seed, *purpose) for seed in range(3) for purpose in [("a",), ("b",), ("a", 1), ("a", 11)]
    }
    assert len(seeds) == 12
    assert torch.equal(torch.rand(3, generator=generator(1, "x")), torch.rand(3, generator=generator(1, "x")))


def test_flushing_ends_with_its_block() -> None:
    tiny = torch.full((64,), 1e-39)
    assert not are_flushed()
    with flushed(True):
        assert are_flushed()
        assert float((tiny * 1.0).sum()) == 0.0
        with flushed(False):
            assert float((tiny * 1.0).sum()) > 0.0
        assert are_flushed()
    assert not are_flushed()
    assert float((tiny * 1.0).sum()) > 0.0


def test_devices_are_listed_and_resolved() -> None:
    listed = devices.list_devices()
    assert listed[0].key == "cpu"
    assert listed[0].memory > 10**8
    assert devices.resolve("cpu") == torch.device("cpu")
    assert str(devices.resolve("auto")) in [device.key for device in listed]


@pytest.mark.parametrize("name", ["cuda:99", "mps"])
def test_a_missing_device_is_told_in_words(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InitVizError, match=r"no device .* cpu.*Nothing was changed"):
        devices.resolve(name)


def test_what_cuda_and_mps_would_be_called(monkeypatch: pytest.MonkeyPatch) -> None:
    class Facts:
        name = "Some GPU"
        total_memory = 8 * 10**9

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: Facts)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    listed = devices.list_devices()
    assert [device.key for device in listed] == ["cpu", "cuda:0", "cuda:1", "mps"]
    assert listed[2].title.en == "Some GPU (cuda:1)"
    assert listed[2].memory == 8 * 10**9
    assert devices.resolve("auto") == devices.resolve("cuda") == torch.device("cuda:0")
    assert devices.resolve("cuda:1") == torch.device("cuda:1")
    with pytest.raises(InitVizError, match="no double precision"):
        devices.resolve("mps", torch.float64)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert devices.resolve("auto") == torch.device("mps")
    assert devices.resolve("auto", torch.float64) == torch.device("cpu")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), "ran out of memory"),
        (MemoryError(), "ran out of memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "ran out of memory"),
        (
            RuntimeError("CUDA error: device-side assert\nlong story"),
            "failed: CUDA error: device-side assert. ",
        ),
    ],
)
def test_a_failing_device_is_told_in_words(error: Exception, words: str) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(InitVizError) as caught, devices.failures_in_words(torch.device("cpu")):
        fail()
    assert words in caught.value.text.en
    assert "nothing else was changed" in caught.value.text.en
    assert "long story" not in caught.value.text.en
