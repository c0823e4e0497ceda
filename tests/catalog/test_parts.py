"""One conformance test over every entry of the catalogue, so that a new part is tested unasked."""

from __future__ import annotations

import math
import pickle
import random
import re
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from initviz.catalog.index import catalogue
from initviz.catalog.parts import (
    ActivationPart,
    InitContext,
    InitializerPart,
    LoadableDatasetPart,
    OptimizerPart,
    SchedulePart,
    TorchLayerPart,
)
from initviz.experiment.catalogue import KIND_TITLES, Part
from initviz.experiment.errors import ExperimentError
from initviz.experiment.parameters import (
    ChoiceParameter,
    FloatParameter,
    IntParameter,
    Parameter,
    PartParameter,
    Value,
)
from initviz.experiment.parts import FamilyPart, LayerError
from initviz.experiment.text import Text
from initviz.experiment.values import DataInfo

CHINESE = re.compile(r"[\u4e00-\u9fff]")
SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
HALF_WIDTH_AFTER_CHINESE = re.compile(r"[\u4e00-\u9fff][,;:!?]|[\u4e00-\u9fff]\.(?!\d)")

WEIGHT_SHAPES = [
    (24, 16),
    (16, 24),
    (16, 16),
    (1, 7),
    (7, 1),
    (12, 8, 3, 3),
    (8, 12, 3, 3),
    (8, 8, 1, 1),
    (8, 8, 2, 2),
]
BIAS_SHAPES = [(1,), (24,)]

PARTS = list(catalogue())


def of_kind(kind: str) -> Sequence[Part]:
    return catalogue().parts(kind)


def name(part: object) -> str:
    assert isinstance(part, Part)
    return f"{part.kind}-{part.key}"


def context_for(shape: tuple[int, ...]) -> InitContext:
    """Return the context of a weight of this shape, or of the bias of a dense layer with 16 inputs."""
    if len(shape) == 1:
        return InitContext(shape=shape, fan_in=16, fan_out=shape[0])
    places = math.prod(shape[2:])
    return InitContext(shape=shape, fan_in=shape[1] * places, fan_out=shape[0] * places)


def global_numpy_state() -> bytes:
    return pickle.dumps(np.random.get_state())  # noqa: NPY002 - to see that nobody uses it


def check_text(text: Text, *, sentence: bool) -> None:
    for words in (text.en, text.zh):
        assert words
        assert words == words.strip()
        assert words.isprintable()
    assert not CHINESE.search(text.en)
    assert not HALF_WIDTH_AFTER_CHINESE.search(text.zh)
    if sentence:
        assert CHINESE.search(text.zh), text.zh
        assert text.en.endswith(".")
        assert text.zh.endswith("。")


# every kind


@pytest.mark.parametrize("part", PARTS, ids=name)
def test_is_declared_in_full(part: Part) -> None:
    assert SNAKE_CASE.fullmatch(part.key)
    for alias in part.aliases:
        assert SNAKE_CASE.fullmatch(alias)
    assert part.kind in KIND_TITLES
    check_text(part.title, sentence=False)
    check_text(part.summary, sentence=True)
    # A proper name, such as ReLU, is the same in both languages; everything else is translated.
    assert CHINESE.search(part.title.zh) or part.title.en.split(" (")[0] in part.title.zh
    assert re.search(r"\b(1[89]|20)\d\d\b|manual", part.source), "a paper with its year, or a manual"
    if part.group.en:
        check_text(part.group, sentence=False)
        assert CHINESE.search(part.group.zh)


@pytest.fixture(scope="module")
def render() -> Callable[[str], str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of importlib.resources, on ziamath's import
        from ziamath.zmath import Latex
    return lambda formula: str(Latex(formula).svg())


@pytest.mark.parametrize("part", [part for part in PARTS if part.formula], ids=name)
def test_formula_renders(part: Part, render: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    from ziamath.config import config

    monkeypatch.setattr(config, "svg2", False)
    assert "<path" in render(part.formula)


def test_all_initializers_and_activations_have_a_formula() -> None:
    assert [name(p) for kind in ("initializer", "activation") for p in of_kind(kind) if not p.formula] == []


@pytest.mark.parametrize("part", PARTS, ids=name)
def test_names_lead_to_it(part: Part) -> None:
    for key in (part.key, *part.aliases):
        assert catalogue().get(part.kind, key) is part


PARAMETERS = [(part, parameter) for part in PARTS for parameter in part.parameters]


@pytest.mark.parametrize(("part", "parameter"), PARAMETERS, ids=lambda x: getattr(x, "key", ""))
def test_parameter_is_declared_in_full(part: Part, parameter: Parameter) -> None:
    assert SNAKE_CASE.fullmatch(parameter.key)
    assert parameter.key not in ("name", "kind", "family", "init"), "files use this key for something else"
    check_text(parameter.title, sentence=False)
    check_text(parameter.help, sentence=True)
    assert CHINESE.search(parameter.title.zh) or parameter.title.en == parameter.title.zh
    assert parameter.check(parameter.default, parameter.key) == parameter.default
    assert type(parameter.check(parameter.default, parameter.key)) is type(parameter.default)
    if isinstance(parameter, PartParameter):
        assert catalogue().get(parameter.part_kind, parameter.default).key == parameter.default
    if isinstance(parameter, ChoiceParameter):
        for key, title in parameter.choices:
            assert parameter.check(key, "") == key
            check_text(title, sentence=False)


@pytest.mark.parametrize(("part", "parameter"), PARAMETERS, ids=lambda x: getattr(x, "key", ""))
def test_parameter_keeps_its_bounds(part: Part, parameter: Parameter) -> None:
    wrong: list[object] = [[], {}, object()]
    if isinstance(parameter, FloatParameter | IntParameter):
        assert parameter.minimum > -math.inf, "a form field needs an end"
        assert parameter.maximum < math.inf
        wrong += ["1", True, math.nan, math.inf, -math.inf, parameter.minimum - 1, parameter.maximum + 1]
    if isinstance(parameter, FloatParameter):
        low, high = (parameter.check(x, "") if not is_open else None for x, is_open in bounds_of(parameter))
        assert low in (None, parameter.minimum)
        assert high in (None, parameter.maximum)
        wrong += [x for x, is_open in bounds_of(parameter) if is_open]
    if isinstance(parameter, IntParameter):
        assert parameter.check(parameter.minimum, "") == parameter.minimum
        assert parameter.check(parameter.maximum, "") == parameter.maximum
        wrong.append(1.5)
    for value in wrong:
        with pytest.raises(ExperimentError, match=r"^here: "):
            parameter.check(value, "here")


def bounds_of(parameter: FloatParameter) -> list[tuple[float, bool]]:
    return [(parameter.minimum, parameter.open_minimum), (parameter.maximum, parameter.open_maximum)]


@pytest.mark.parametrize("part", PARTS, ids=name)
def test_parameters_are_told_apart_and_defaults_go_together(part: Part) -> None:
    keys = [parameter.key for parameter in part.parameters]
    assert len(keys) == len(set(keys))
    choice = part.choose()
    assert [key for key, _ in choice.values] == keys
    assert part.problem(choice) is None
    with pytest.raises(KeyError):
        part.choose(no_such_parameter=1)


# initializers


def initializers() -> list[InitializerPart]:
    return [part for part in of_kind("initializer") if isinstance(part, InitializerPart)]


def test_every_initializer_can_draw() -> None:
    assert len(initializers()) == len(of_kind("initializer")) > 0


FILLS = [
    pytest.param(part, shape, id=f"{part.key}-{'x'.join(map(str, shape))}")
    for part in initializers()
    for target, shapes in (("weight", WEIGHT_SHAPES), ("bias", BIAS_SHAPES))
    if target in part.targets
    for shape in shapes
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("part", "shape"), FILLS)
def test_initializer_fills_from_the_generator_alone(
    part: InitializerPart, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    def draw(seed: int) -> tuple[torch.Tensor, bool]:
        """Fill a view into a larger buffer, as the engine does, and say whether the generator was used."""
        buffer = torch.full((math.prod(shape) + 10,), math.nan, dtype=dtype)
        view = buffer[5:-5].view(shape)
        generator = torch.Generator().manual_seed(seed)
        before = generator.get_state()
        part.draw(view, part.choose(), context_for(shape), generator)
        assert buffer[:5].isnan().all()
        assert buffer[-5:].isnan().all()
        assert view.isfinite().all(), "every element is filled"
        return view, not torch.equal(before, generator.get_state())

    torch_state, numpy_state, python_state = torch.get_rng_state(), global_numpy_state(), random.getstate()
    first, used = draw(1)
    again, _ = draw(1)
    other, _ = draw(2)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert global_numpy_state() == numpy_state
    assert random.getstate() == python_state

    assert torch.equal(first, again), "same seed, same numbers"
    if not used or not first.any():
        assert torch.equal(first, other), "a start without chance does not depend on the seed"
    elif first.numel() > 1:
        assert not torch.equal(first, other)


@pytest.mark.parametrize("part", initializers(), ids=name)
def test_initializer_fills_a_parameter_that_trains(part: InitializerPart) -> None:
    parameter = torch.nn.Parameter(torch.full((6, 4), math.nan))
    part.draw(parameter, part.choose(), context_for((6, 4)), torch.Generator().manual_seed(0))
    assert parameter.isfinite().all()
    assert parameter.requires_grad
    assert parameter.is_leaf
    assert parameter.grad_fn is None


def ends(parameter: Parameter) -> list[Value]:
    """Return the smallest and the largest value that a number may have."""
    if isinstance(parameter, IntParameter):
        return [parameter.minimum, min(parameter.maximum, 1000)]
    if not isinstance(parameter, FloatParameter):
        return []
    low, high = parameter.minimum, parameter.maximum
    return [
        math.nextafter(low, math.inf) if parameter.open_minimum else low,
        math.nextafter(high, -math.inf) if parameter.open_maximum else high,
    ]


@pytest.mark.parametrize("part", initializers(), ids=name)
def test_initializer_fills_at_the_ends_of_its_parameters(part: InitializerPart) -> None:
    choices = [part.choose(**{p.key: value}) for p in part.parameters for value in ends(p)]
    for choice in choices:
        if part.problem(choice) is None:
            weight = torch.full((6, 4), math.nan, dtype=torch.float64)
            part.draw(weight, choice, context_for((6, 4)), torch.Generator().manual_seed(0))
            aim = part.target_std(choice, context_for((6, 4)))
            assert weight.isfinite().all()
            assert aim is None or math.isfinite(aim)


# activations


def activations() -> list[ActivationPart]:
    return [part for part in of_kind("activation") if isinstance(part, ActivationPart)]


def test_every_activation_has_a_function() -> None:
    assert len(activations()) == len(of_kind("activation")) > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("part", activations(), ids=name)
def test_activation_equals_its_module(part: ActivationPart, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(3)
    for layer in (part.choose(), catalogue().get("layer", "activation").choose(function=part.key, slope=0.3)):
        x = torch.randn((5, 7, 11), generator=generator, dtype=dtype) * 4
        before = x.clone()
        assert torch.equal(part.function(layer)(x), part.module(layer)(x))
        assert torch.equal(x, before), "the input is left alone: backward and the views still need it"


@pytest.mark.parametrize("part", activations(), ids=name)
def test_activation_recommends_an_initializer_for_weights(part: ActivationPart) -> None:
    recommended = catalogue().get("initializer", part.recommended)
    assert isinstance(recommended, InitializerPart)
    assert recommended.key == part.recommended, "the key, not an alias"
    assert "weight" in recommended.targets


# layers and families


@pytest.mark.parametrize("part", of_kind("layer"), ids=name)
def test_layer_is_what_its_module_is(part: TorchLayerPart) -> None:
    choice = part.choose()
    ran = 0
    for shape in ((6,), (5, 8), (3, 8, 8)):
        try:
            after = part.output_shape(choice, shape)
        except LayerError as error:
            check_text(error.text, sentence=True)
            continue
        ran += 1
        module = part.module(choice, shape)
        assert module(torch.zeros((2, *shape))).shape == (2, *after)
        tensors = {spec.name: spec.shape for spec in part.tensors(choice, shape)}
        assert {key: tuple(value.shape) for key, value in module.named_parameters()} == tensors
    assert ran > 0


@pytest.mark.parametrize("part", of_kind("family"), ids=name)
def test_family_spells_out_layers_with_checked_values(part: FamilyPart) -> None:
    layers = part.layers(part.choose(), DataInfo((1, 8, 8), "classification", 10, 100))
    assert layers
    for spec in layers:
        kind = catalogue().get("layer", spec.layer.name)
        assert [key for key, _ in spec.layer.values] == [p.key for p in kind.parameters]
        for parameter in kind.parameters:
            assert parameter.check(spec.layer[parameter.key], "") == spec.layer[parameter.key]


# optimizers and schedules


@pytest.mark.parametrize("part", of_kind("optimizer"), ids=name)
def test_optimizer_goes_downhill(part: OptimizerPart) -> None:
    assert part.parameter("lr").default
    weight = torch.full((2, 5), 3.0, requires_grad=True)
    optimizer = part.build(part.choose(lr=0.01), [weight])
    for _ in range(20):
        weight.grad = 2 * weight.detach()
        optimizer.step()
    assert (weight < 3.0).all()
    assert weight.isfinite().all()


@pytest.mark.parametrize("part", of_kind("schedule"), ids=name)
def test_schedule_is_a_pure_function_of_the_step(part: SchedulePart) -> None:
    steps = 200
    factor = part.factor(part.choose(), steps)
    once = [factor(step) for step in range(steps + 1)]
    assert all(math.isfinite(value) and value >= 0 for value in once)
    # The base rate is the highest that is reached, but where rates themselves are put to the test.
    assert max(once) == pytest.approx(100.0 if part.key == "range_test" else 1.0)
    assert [factor(step) for step in reversed(range(steps + 1))] == once[::-1]


# data sets


def datasets() -> list[LoadableDatasetPart]:
    return [part for part in of_kind("dataset") if isinstance(part, LoadableDatasetPart)]


def test_every_data_set_can_be_loaded() -> None:
    assert len(datasets()) == len(of_kind("dataset")) > 0


@pytest.mark.parametrize("part", datasets(), ids=name)
def test_data_set_is_what_it_says(part: LoadableDatasetPart) -> None:
    choice = part.choose()
    info = part.describe(choice)
    state = global_numpy_state()
    examples = part.load(choice, 5)
    assert global_numpy_state() == state

    assert examples.inputs.dtype == np.float64
    assert examples.inputs.shape == (info.num_samples, *info.shape)
    assert np.isfinite(examples.inputs).all()
    assert (examples.inputs.reshape(info.num_samples, -1).std(axis=0) > 0).any()
    if info.task == "regression":
        assert examples.targets.dtype == np.float64
        assert examples.targets.shape == (info.num_samples, info.num_outputs)
        assert np.isfinite(examples.targets).all()
        assert examples.class_names == ()
    else:
        classes = 2 if info.task == "binary" else info.num_outputs
        assert (info.num_outputs == 1) == (info.task == "binary")
        assert examples.targets.dtype == np.int64
        positions = info.shape[:1] if info.per_position else ()
        assert examples.targets.shape == (info.num_samples, *positions)
        assert set(examples.targets.ravel().tolist()) == set(range(classes)), "every class has examples"
        assert len(examples.class_names) == classes == len(set(examples.class_names))

    if info.tokens:
        assert np.array_equal(examples.inputs, examples.inputs.round())
        assert (examples.inputs.min(), examples.inputs.max()) == (0, info.tokens - 1)

    again = part.load(choice, 5)
    assert np.array_equal(examples.inputs, again.inputs)
    assert np.array_equal(examples.targets, again.targets)
    again.inputs[:] = 0.0
    assert part.load(choice, 5).inputs.any(), "a caller may write into what it got"
