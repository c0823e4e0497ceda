"""How ``torch.optim`` and ``pytorch_optimizer`` do what the catalogue's adaptive optimizers and schedules do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from pytorch_optimizer import Lamb, Lion, Lookahead
from torch import nn
from torch.optim import Adadelta, AdamW, Muon, NAdam, Optimizer, RAdam, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from initviz.experiment.values import Choice

Parameters = list[nn.Parameter]


class Pair(Optimizer):
    """Two optimizers on parts of the same network, the second at a fixed multiple of the first one's rate."""

    def __init__(self, first: Optimizer, second: Optimizer) -> None:
        self.both = first, second
        self.ratio = second.param_groups[0]["lr"] / first.param_groups[0]["lr"]
        super().__init__(
            [p for each in self.both for p in each.param_groups[0]["params"]],
            {"lr": first.param_groups[0]["lr"]},
        )

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Make an update with each."""
        for optimizer, share in zip(self.both, (1.0, self.ratio), strict=True):
            optimizer.param_groups[0]["lr"] = self.param_groups[0]["lr"] * share
            optimizer.step()


def _muon(p: Parameters, c: Choice) -> Optimizer:
    matrices = [each for each in p[:-2] if each.ndim == 2]
    return Pair(
        Muon(
            matrices,
            lr=c.number("lr"),
            momentum=c.number("momentum"),
            nesterov=c.flag("nesterov"),
            ns_steps=c.integer("ns_steps"),
            weight_decay=c.number("weight_decay"),
        ),
        AdamW(
            [each for each in p if not any(each is matrix for matrix in matrices)],
            lr=c.number("adamw_lr"),
            weight_decay=c.number("weight_decay"),
        ),
    )


class RAdamW(RAdam):
    """RAdam whose decay is decoupled and whose epsilon is added where ``pytorch_optimizer`` adds it."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Make an update as in Algorithm 2 of the paper, one number at a time."""
        (group,) = self.param_groups
        (first, second), lr = group["betas"], group["lr"]
        for p in group["params"]:
            state = self.state[p]
            if not state:
                state.update(step=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
            state["step"] += 1
            t = state["step"]
            p.mul_(1 - lr * group["weight_decay"])
            state["m"].mul_(first).add_(p.grad, alpha=1 - first)
            state["v"].mul_(second).addcmul_(p.grad, p.grad, value=1 - second)
            longest = 2 / (1 - second) - 1
            length = longest - 2 * t * second**t / (1 - second**t)
            mean = state["m"] / (1 - first**t)
            if length >= 5:
                rect = (
                    (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
                ) ** 0.5
                size = state["v"].sqrt() + group["eps"]
                p.sub_(lr * rect * (1 - second**t) ** 0.5 * mean / size)
            else:
                p.sub_(lr * mean)


def betas(choice: Choice) -> tuple[float, float]:
    """Return both betas of a choice."""
    first, second = choice.numbers("betas")
    return first, second


def _usual(c: Choice, *names: str) -> dict[str, Any]:
    return {name: c.number(name) for name in ("lr", "weight_decay", *names)}


OPTIMIZERS: dict[str, Callable[[Parameters, Choice], Any]] = {
    "nadam": lambda p, c: NAdam(p, betas=betas(c), **_usual(c, "eps", "momentum_decay")),
    "radam": lambda p, c: RAdam(p, betas=betas(c), **_usual(c, "eps")),
    "adadelta": lambda p, c: Adadelta(p, **_usual(c, "eps", "rho")),
    "lamb": lambda p, c: Lamb(
        p, betas=betas(c), weight_decouple=False, adam_debias=True, foreach=False, **_usual(c, "eps")
    ),
    "ranger": lambda p, c: Lookahead(
        RAdamW(p, betas=betas(c), **_usual(c, "eps")), k=c.integer("k"), alpha=c.number("alpha")
    ),
    "lion": lambda p, c: Lion(p, betas=betas(c), foreach=False, **_usual(c)),
    "muon": _muon,
}


def _scaled(optimizer: Optimizer, factor: float) -> Optimizer:
    """Multiply the base rate, before a schedule takes it."""
    for group in optimizer.param_groups:
        group["lr"] *= factor
    return optimizer


def _range_test(o: Optimizer, c: Choice, total: int) -> LRScheduler:
    low, high = c.number("start_factor"), c.number("end_factor")
    if c.string("growth") == "exponential":
        return lr_scheduler.ExponentialLR(_scaled(o, low), (high / low) ** (1 / (total - 1)))
    return lr_scheduler.LinearLR(_scaled(o, high), low / high, 1.0, total - 1)


def _cyclic(o: Optimizer, c: Choice, total: int) -> LRScheduler:
    lr = o.param_groups[0]["lr"]
    return lr_scheduler.CyclicLR(
        o,
        base_lr=lr * c.number("low_factor"),
        max_lr=lr,
        step_size_up=c.integer("steps_up"),
        step_size_down=None if c["steps_down"] is None else c.integer("steps_down"),
        mode=c.string("mode"),  # type: ignore[arg-type]
        gamma=c.number("gamma"),
        cycle_momentum=False,
    )


SCHEDULES: dict[str, Callable[[Optimizer, Choice, int], LRScheduler]] = {
    "multi_step": lambda o, c, total: lr_scheduler.MultiStepLR(
        o, [round(share * total) for share in c.numbers("milestones")], c.number("gamma")
    ),
    # torch has no end but 0, so that the part above the end is what it makes fall.
    "polynomial": lambda o, c, total: lr_scheduler.PolynomialLR(o, total, c.number("power")),
    "range_test": _range_test,
    "warm_restarts": lambda o, c, total: lr_scheduler.CosineAnnealingWarmRestarts(
        o,
        c.integer("t_0"),
        c.integer("t_mult"),
        eta_min=o.param_groups[0]["lr"] * c.number("final_factor"),
    ),
    "cyclic": _cyclic,
    "one_cycle": lambda o, c, total: lr_scheduler.OneCycleLR(
        o,
        max_lr=o.param_groups[0]["lr"],
        total_steps=total,
        pct_start=c.number("pct_start"),
        div_factor=c.number("div_factor"),
        final_div_factor=c.number("final_div_factor"),
        anneal_strategy="cos" if c.string("anneal") == "cosine" else "linear",
        cycle_momentum=False,
    ),
    # It follows epochs, of which a short run has none; what it does then has a test of its own.
    "reduce_on_plateau": lambda o, c, total: lr_scheduler.ConstantLR(o, factor=1.0),
}
