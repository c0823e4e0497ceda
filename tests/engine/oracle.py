"""The same training written plainly, in ``torch.nn`` and ``torch.optim``: what the engine is measured against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from initviz.catalog.index import catalogue
from initviz.catalog.parts import TorchLayerPart
from initviz.engine.noise import noise_seed
from initviz.engine.race import Race
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from initviz.experiment.values import Choice
from tests.engine.remedies import references

Document = dict[str, Any]
Parameters = list[nn.Parameter]

OPTIMIZERS: dict[str, Callable[[Parameters, Choice], Optimizer]] = {
    "sgd": lambda p, c: SGD(
        p,
        lr=c.number("lr"),
        momentum=c.number("momentum"),
        nesterov=c.flag("nesterov"),
        weight_decay=c.number("weight_decay"),
    ),
    "adam": lambda p, c: Adam(
        p,
        lr=c.number("lr"),
        betas=(c.numbers("betas")[0], c.numbers("betas")[1]),
        eps=c.number("eps"),
        weight_decay=c.number("weight_decay"),
    ),
    "adamw": lambda p, c: AdamW(
        p,
        lr=c.number("lr"),
        betas=(c.numbers("betas")[0], c.numbers("betas")[1]),
        eps=c.number("eps"),
        weight_decay=c.number("weight_decay"),
    ),
    "rmsprop": lambda p, c: RMSprop(
        p,
        lr=c.number("lr"),
        alpha=c.number("alpha"),
        eps=c.number("eps"),
        momentum=c.number("momentum"),
        centered=c.flag("centered"),
        weight_decay=c.number("weight_decay"),
    ),
    "adagrad": lambda p, c: Adagrad(
        p,
        lr=c.number("lr"),
        lr_decay=c.number("lr_decay"),
        eps=c.number("eps"),
        weight_decay=c.number("weight_decay"),
    ),
    **references.OPTIMIZERS,
}

SCHEDULES: dict[str, Callable[[Optimizer, Choice, int], LRScheduler]] = {
    "constant": lambda o, c, total: lr_scheduler.ConstantLR(o, factor=1.0),
    "step": lambda o, c, total: lr_scheduler.StepLR(o, c.integer("step_size"), c.number("gamma")),
    "exponential": lambda o, c, total: lr_scheduler.ExponentialLR(o, c.number("gamma")),
    "cosine": lambda o, c, total: lr_scheduler.CosineAnnealingLR(
        o, total, eta_min=o.param_groups[0]["lr"] * c.number("final_factor")
    ),
    **references.SCHEDULES,
}

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "binary": lambda outputs, targets: nn.functional.binary_cross_entropy_with_logits(
        outputs.squeeze(1), targets
    ),
    # Where every position of a sequence has an answer, each counts as an example does. Blended classes are (B, C).
    "classification": lambda outputs, targets: nn.functional.cross_entropy(
        outputs.flatten(0, -2), targets if targets.is_floating_point() else targets.flatten()
    ),
    "regression": nn.functional.mse_loss,
}


def race(document: Document, parts: Catalogue | None = None, **changes: Any) -> Race:
    """Return a race on the CPU of a document with some top-level tables changed.

    Args:
        document: The experiment.
        parts: Another catalogue than the program's.
        changes: Top-level tables.
    """
    whole = {"device": "cpu", **document, **changes}
    chosen = catalogue() if parts is None else parts
    return Race(read_document(whole, chosen, Limits()), chosen, Limits())


def network(running: Race, lane: int) -> nn.Sequential:
    """Return a lane's network in its plain form, with the weights that the lane has now; shared ones are one object."""
    group = next(group for group in running.groups if lane in group.lanes)
    modules = []
    for stage in group.blueprint.stages:
        part = running.catalogue.get("layer", stage.layer.name)
        assert isinstance(part, TorchLayerPart)
        modules.append(part.module(stage.layer, stage.input_shape))
    plain = nn.Sequential(*modules).to(group.flat.dtype)
    row = group.flat[group.lanes.index(lane)]
    found = dict(plain.named_parameters())
    with torch.no_grad():
        for slot, view in zip(group.layout.slots, group.layout.views(row), strict=True):
            found.pop(f"{slot.stage}.{slot.spec.name}").copy_(view)
    assert not found
    for owner, copy, turned in group.layout.ties:
        share(plain, f"{owner.stage}.{owner.spec.name}", f"{copy.stage}.{copy.spec.name}", turned)
    return plain


def share(plain: nn.Module, owner: str, copy: str, turned: bool) -> None:
    """Make one parameter of a network another one, or the transpose of another one."""
    place, _, name = copy.rpartition(".")
    module = plain.get_submodule(place)
    if not turned:
        setattr(module, name, plain.get_parameter(owner))
        return
    delattr(module, name)
    whole = plain.get_parameter(owner)
    module.register_forward_pre_hook(lambda own, inputs: setattr(own, name, whole.T))


class PlainRun:
    """A lane trained plainly, from the weights that it has now.

    Args:
        running: The race.
        lane: Which of its lanes.
    """

    def __init__(self, running: Race, lane: int = 0) -> None:
        recipe = running.experiment.lanes[lane].recipe
        self._race = running
        self._data = next(group for group in running.groups if lane in group.lanes).data
        self.network = network(running, lane)
        self._noise = Masks(recipe.seed)
        self.parameters = list(self.network.parameters())
        self._optimizer = OPTIMIZERS[recipe.optimizer.name](self.parameters, recipe.optimizer)
        schedule = SCHEDULES[recipe.schedule.name]
        self._schedule = schedule(self._optimizer, recipe.schedule, running.total_steps)
        self._loss = LOSSES[running.data.info.task]

    def step(self, step: int) -> tuple[float, float]:
        """Make an update on the race's batch; return the loss before and the learning rate."""
        inputs, targets = self._data.batch(step)
        rate = float(self._optimizer.param_groups[0]["lr"])
        self._optimizer.zero_grad()
        with self._noise.of(step):
            outputs = self.network(inputs)
        if self._data.info.per_position:
            outputs, targets = outputs.flatten(0, 1), targets.flatten()
        loss = self._loss(outputs, targets)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self._schedule.step()
        return loss.item(), rate


class Masks:
    """Gives layers that leave out something at random the masks that a lane of the engine draws.

    Such a layer's plain form draws by ``torch.rand``-like calls from the global generator; the engine's draws from
    the lane's own, seeded for the step. Here the global one is seeded so for the pass.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    @contextmanager
    def of(self, step: int) -> Iterator[None]:
        """Seed the noise of a step, and put everything back after."""
        state = torch.get_rng_state()
        torch.default_generator.manual_seed(noise_seed(self._seed, step))
        try:
            yield
        finally:
            torch.set_rng_state(state)


def check_against_plain(running: Race, steps: int, tolerance: float) -> None:
    """Train all lanes together and each plainly, and compare the loss of every step.

    Args:
        running: Before its first step.
        steps: Updates to make.
        tolerance: Of the loss, absolute for losses up to 1 and relative above.
    """
    plain = [PlainRun(running, lane) for lane in range(running.num_lanes)]
    losses = []
    for step in range(steps):
        wanted = [run.step(step) for run in plain]
        state = next(running)
        found = state.loss.tolist()
        for (loss, rate), ours, our_rate in zip(wanted, found, state.lr, strict=True):
            assert abs(ours - loss) <= tolerance * max(1.0, abs(loss)), (step, ours, loss)
            assert abs(our_rate - rate) <= 1e-12 * rate
        losses.append(found)
    assert losses[0] != losses[-1]
