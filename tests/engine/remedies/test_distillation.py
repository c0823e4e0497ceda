"""Distillation: by hand, as PyTorch's divergence has it, and as three plain networks with the same teacher learn."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.engine.teaching import Teacher, soft_loss
from initviz.experiment.blueprint import Blueprint
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.values import Experiment, Task
from tests.engine.oracle import Document, PlainRun, network
from tests.engine.remedies.side_by_side import DIGITS, LANES, MOONS, STEPS, TOLERANCE, three_lanes

TEACHER: Document = {
    "role": "teacher",
    "steps": 30,
    "model": {
        "layers": [
            {"kind": "flatten"},
            {"kind": "dense", "units": 16},
            {"kind": "batch_norm"},
            {"kind": "activation", "function": "relu"},
            {"kind": "dropout", "rate": 0.3},
        ]
    },
}
"""A network that answers otherwise in training: its running numbers and its masks must not be touched."""


def test_the_soft_loss_of_a_case_worked_out_by_hand() -> None:
    # Two classes, T = 2. Teacher 2 ln 3 : 0 gives 3/4 and 1/4; student 0 : 0 gives 1/2 and 1/2.
    answers = torch.tensor([[2.0 * math.log(3.0), 0.0]], dtype=torch.float64)
    loss, grad = soft_loss(torch.zeros(1, 2, dtype=torch.float64), answers, 2.0, "classification")
    by_hand = 4.0 * (0.75 * math.log(1.5) + 0.25 * math.log(0.5))
    assert loss.tolist() == pytest.approx([by_hand], rel=1e-12)
    assert grad.tolist() == [pytest.approx([2.0 * (0.5 - 0.75), 2.0 * (0.5 - 0.25)], rel=1e-12)]
    one, slope = soft_loss(torch.zeros(1, 1, dtype=torch.float64), answers[:, :1], 2.0, "binary")
    assert one.tolist() == pytest.approx([by_hand], rel=1e-12)
    assert slope.tolist() == [pytest.approx([2.0 * (0.5 - 0.75)], rel=1e-12)]


def divergence(outputs: Tensor, answers: Tensor, temperature: float) -> Tensor:
    """Return what PyTorch makes of one lane's logits; one logit stands for two classes, the other being 0."""
    if outputs.shape[-1] == 1:
        outputs, answers = (torch.cat((torch.zeros_like(x), x), -1) for x in (outputs, answers))
    mine = functional.log_softmax(outputs.flatten(0, -2) / temperature, -1)
    theirs = functional.softmax(answers.flatten(0, -2) / temperature, -1)
    return functional.kl_div(mine, theirs, reduction="batchmean") * temperature**2


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("shape", [(3, 8, 5), (3, 8, 6, 5), (3, 8, 1), (8, 5)], ids=str)
def test_loss_and_gradient_are_those_of_pytorch(temperature: float, shape: tuple[int, ...]) -> None:
    random = torch.Generator().manual_seed(0)
    outputs = 3.0 * torch.randn(shape, dtype=torch.float64, generator=random)
    answers = 3.0 * torch.randn(
        shape[-2:] if len(shape) < 4 else shape[1:], dtype=torch.float64, generator=random
    )
    task: Task = "binary" if shape[-1] == 1 else "classification"
    loss, grad = soft_loss(outputs, answers, temperature, task)
    lanes = outputs[None] if len(shape) == 2 else outputs
    for lane, (value, slope) in enumerate(zip(loss, grad.view(lanes.shape), strict=True)):
        leaf = lanes[lane].clone().requires_grad_()
        wanted = divergence(leaf, answers, temperature)
        wanted.backward()  # type: ignore[no-untyped-call]
        torch.testing.assert_close(value, wanted.detach(), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(slope, leaf.grad, rtol=1e-12, atol=1e-12)


def taught(data: Document, values: Document, stage: Document = TEACHER, **changes: object) -> Race:
    return three_lanes(data, {"distillation": values}, stages=[stage], **changes)


def plain_teacher(running: Race) -> nn.Module:
    """Return the stage's network in its plain form, as it is used outside of training."""
    stage = running.stages["teacher"]
    trained = Race(stage.experiment, catalogue(), Limits(), "cpu")
    plain = network(trained, 0)
    names = [place.name for place in stage.blueprint.stages]
    known = {
        f"{names.index(key.split('.')[0])}.{key.split('.', 1)[1]}": value for key, value in stage.weights
    }
    found = plain.state_dict()
    assert {key for key in found if not key.endswith("num_batches_tracked")} == set(known)
    plain.load_state_dict({**found, **known})
    return plain.eval()


CASES = {
    "digits": (DIGITS, {"temperature": 3.0, "share": 0.6}, {}),
    "moons": (MOONS, {"temperature": 2.0, "share": 0.5}, {}),
    "teacher alone": (DIGITS, {"share": 1.0}, {}),
    "smoothed": (DIGITS, {"share": 0.3}, {"label_smoothing": {"share": 0.2}}),
    "augmented": (DIGITS, {"share": 0.6}, {"augment_noise": True}),
}


@pytest.mark.parametrize(("data", "values", "others"), CASES.values(), ids=CASES)
def test_a_race_learns_from_a_teacher_as_plain_networks_do(
    data: Document, values: Document, others: Document
) -> None:
    running = three_lanes(data, {"distillation": values, **others}, stages=[TEACHER])
    teacher = plain_teacher(running)
    before = copy.deepcopy(teacher.state_dict())
    share, temperature = values["share"], values.get("temperature", 4.0)
    smoothing = others.get("label_smoothing", {}).get("share", 0.0)
    alone = [PlainRun(running, lane) for lane in range(3)]
    for run in alone:
        hard = nn.CrossEntropyLoss(label_smoothing=smoothing) if data is DIGITS else run._loss
        answers: list[Tensor] = []

        def loss(
            outputs: Tensor,
            targets: Tensor,
            hard: Callable[[Tensor, Tensor], Tensor] = hard,
            answers: list[Tensor] = answers,
        ) -> Tensor:
            soft = divergence(outputs, answers[-1], temperature)
            whole: Tensor = (1 - share) * hard(outputs, targets) + share * soft
            return whole

        run._loss = loss
        for step in range(STEPS):
            with torch.no_grad():
                answers.append(teacher(running.groups[0].data.batch(step)[0]))
            run.step(step)
    for _ in running:
        pass
    for lane, run in enumerate(alone):
        for mine, wanted in zip(network(running, lane).parameters(), run.parameters, strict=True):
            torch.testing.assert_close(mine, wanted, rtol=TOLERANCE, atol=TOLERANCE)
    for key, value in before.items():
        assert torch.equal(value, teacher.state_dict()[key])


def test_the_loss_that_is_shown_is_plain_and_the_parts_stand_apart() -> None:
    running = taught(DIGITS, {"temperature": 3.0, "share": 0.6})
    teacher = plain_teacher(running)
    assert [info.key for info in running.gauge_infos] == ["soft_loss", "hard_loss"]
    plain = [network(running, lane) for lane in range(3)]
    inputs, targets = running.data.batch(0)
    state = next(running)
    with torch.no_grad():
        for lane, one in enumerate(plain):
            outputs = one(inputs)
            hard = functional.cross_entropy(outputs, targets).item()
            soft = divergence(outputs, teacher(inputs), 3.0).item()
            assert state.loss[lane].item() == pytest.approx(hard)
            assert running.gauges()["hard_loss"][lane] == pytest.approx(hard)
            assert running.gauges()["soft_loss"][lane] == pytest.approx(soft)


def test_a_lane_without_the_remedy_trains_as_ever() -> None:
    lanes = [LANES[0], {**LANES[1], "remedies": {"distillation": False}}, LANES[2]]
    running = taught(DIGITS, {"share": 0.6}, lanes=lanes)
    without = three_lanes(DIGITS, {}, lanes=LANES)
    for _ in zip(running, without, strict=True):
        pass
    for lane in range(3):
        same = [
            torch.allclose(mine, other, rtol=1e-12, atol=1e-12)
            for mine, other in zip(
                network(running, lane).parameters(), network(without, lane).parameters(), strict=True
            )
        ]
        assert all(same) == (lane == 1)
    assert math.isnan(running.gauges()["soft_loss"][1])


def test_a_teacher_of_other_examples_sees_them_as_it_was_taught_to() -> None:
    stage = {**TEACHER, "data": {"name": "digits", "standardize": False, "validation": 0.5}}
    running = taught(DIGITS, {"share": 0.5}, stage)
    teacher = Teacher("teacher", running.stages["teacher"], running.data, catalogue())
    inputs = running.data.inputs[:50]
    raw = inputs * torch.tensor(running.data.scale) + torch.tensor(running.data.mean)
    with torch.no_grad():
        wanted = plain_teacher(running)(raw)
    torch.testing.assert_close(teacher.answers(inputs), wanted, rtol=1e-9, atol=1e-9)


def test_a_curriculum_by_a_teacher_goes_by_its_losses() -> None:
    running = three_lanes(
        {**DIGITS, "label_noise": 0.3},
        {"curriculum": {"difficulty": "teacher_loss", "by_class": False, "start_share": 0.2}},
        stages=[{**TEACHER, "data": {"name": "digits", "label_noise": 0.0}}],
    )
    with torch.no_grad():
        outputs = plain_teacher(running)(running.data.inputs)
    losses = functional.cross_entropy(outputs, running.data.targets, reduction="none")
    most = losses.sort().values[round(0.2 * len(losses)) - 1]
    inputs, targets = running.groups[0].data.batch(0)
    with torch.no_grad():
        found = functional.cross_entropy(plain_teacher(running)(inputs), targets, reduction="none")
    assert found.max() <= most + 1e-9


WRONG = [
    ({"remedies": {"distillation": True}}, "no stage called 'teacher'", "teacher"),
    (
        {"remedies": {"distillation": {"teacher": "stage:other"}}, "stages": [TEACHER]},
        "Name one of",
        "teacher",
    ),
    (
        {"remedies": {"distillation": {"teacher": "other"}}, "stages": [TEACHER]},
        "expected stage:NAME",
        "teacher",
    ),
    (
        {"remedies": {"distillation": True}, "stages": [{**TEACHER, "data": {"name": "wine"}}]},
        "one of 3 classes, but these lanes give one of 10",
        "teacher",
    ),
    (
        {
            "data": {"name": "digits", "classes": "5-9"},
            "remedies": {"distillation": True},
            "stages": [{**TEACHER, "data": {"classes": "0-4"}}],
        },
        r"one of 5 classes \(0, 1, 2, 3, 4\), but these lanes give one of 5 classes \(5, 6, 7, 8, 9\)",
        "teacher",
    ),
    (
        {"data": {"name": "wave"}, "remedies": {"distillation": True}, "stages": [TEACHER]},
        "predicts numbers",
        "",
    ),
    (
        {
            "data": {"name": "moons"},
            "remedies": {"distillation": True},
            "stages": [{**TEACHER, "data": {"name": "breast_cancer"}}],
        },
        "reads inputs of shape 30, but these lanes read 2",
        "teacher",
    ),
]


@pytest.mark.parametrize(("document", "words", "key"), WRONG)
def test_a_teacher_that_does_not_fit_is_refused_in_words(document: Document, words: str, key: str) -> None:
    with pytest.raises(ExperimentError, match=words) as caught:
        read_document({"data": DIGITS, **document}, catalogue(), Limits())
    assert caught.value.path == f"remedies.distillation{'.' if key else ''}{key}"


def test_a_stage_does_not_become_its_own_teacher() -> None:
    document = {"data": DIGITS, "remedies": {"distillation": True, "l2": True}, "stages": [TEACHER]}
    experiment = read_document(document, catalogue(), Limits())
    assert [choice.name for choice in experiment.base.remedies] == ["l2", "distillation"]
    assert [choice.name for choice in experiment.stages[0].experiment.base.remedies] == ["l2"]


@dataclass
class Holey:
    """A stage that has lost a tensor."""

    blueprint: Blueprint
    experiment: Experiment
    weights: dict[str, Tensor]

    def __post_init__(self) -> None:
        self.weights = {key: value for key, value in self.weights.items() if key != "output.bias"}


def test_weights_that_are_not_whole_teach_nobody() -> None:
    running = taught(DIGITS, {"share": 0.5})
    stage = running.stages["teacher"]
    holey = Holey(stage.blueprint, stage.experiment, dict(stage.weights))
    with pytest.raises(ExperimentError, match=r"'output\.bias' is missing"):
        Teacher("teacher", holey, running.data, catalogue())  # type: ignore[arg-type]
