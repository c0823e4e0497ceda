"""Update rules beyond the classic ones, of ``torch.optim`` and ``pytorch_optimizer``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from initviz.catalog.optimizer_parameters import (
    DECOUPLED,
    L2,
    betas,
    epsilon,
    learning_rate,
    momentum,
    nesterov,
    weight_decay,
)
from initviz.catalog.parts import OptimizerPart
from initviz.experiment.parameters import FloatParameter, IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer


def _two(choice: Choice) -> tuple[float, float]:
    first, second = choice.numbers("betas")
    return first, second


def _nadam(choice: Choice, parameters: list[Tensor]) -> Optimizer:
    from torch.optim import NAdam

    return NAdam(
        parameters,
        lr=choice.number("lr"),
        betas=_two(choice),
        eps=choice.number("eps"),
        weight_decay=choice.number("weight_decay"),
        momentum_decay=choice.number("momentum_decay"),
    )


def _radam(choice: Choice, parameters: list[Tensor]) -> Optimizer:
    from torch.optim import RAdam

    return RAdam(
        parameters,
        lr=choice.number("lr"),
        betas=_two(choice),
        eps=choice.number("eps"),
        weight_decay=choice.number("weight_decay"),
    )


def _adadelta(choice: Choice, parameters: list[Tensor]) -> Optimizer:
    from torch.optim import Adadelta

    return Adadelta(
        parameters,
        lr=choice.number("lr"),
        rho=choice.number("rho"),
        eps=choice.number("eps"),
        weight_decay=choice.number("weight_decay"),
    )


def _lamb(choice: Choice, parameters: list[Tensor]) -> Optimizer:
    from pytorch_optimizer import Lamb

    return Lamb(
        parameters,
        lr=choice.number("lr"),
        betas=_two(choice),
        eps=choice.number("eps"),
        weight_decay=choice.number("weight_decay"),
        # As in the paper: decay within the trust ratio, no clipping of its own, and a first step no larger than others.
        weight_decouple=False,
        pre_norm=False,
        adam_debias=True,
    )


def _ranger(choice: Choice, parameters: list[Tensor]) -> Optimizer:
    from pytorch_optimizer import Ranger

    return Ranger(
        parameters,
        lr=choice.number("lr"),
        betas=_two(choice),
        eps=choice.number("eps"),
        weight_decay=choice.number("weight_decay"),
        k=choice.integer("k"),
        alpha=choice.number("alpha"),
        # The first steps, which have no variance to divide by yet, go downhill only with this.
        degenerated_to_sgd=True,
        # On the flat parameter it would mix layers; it is a remedy of its own.
        use_gc=False,
    )


def _lion(choice: Choice, parameters: list[Tensor]) -> Optimizer:
    from pytorch_optimizer import Lion

    return Lion(
        parameters,
        lr=choice.number("lr"),
        betas=_two(choice),
        weight_decay=choice.number("weight_decay"),
    )


def _muon(choice: Choice, parameters: list[Tensor]) -> Optimizer:
    return _muon_by_place(choice, parameters, [parameter.ndim >= 2 for parameter in parameters])


def _muon_by_place(choice: Choice, parameters: list[Tensor], hidden: Sequence[bool]) -> Optimizer:
    from initviz.catalog.matrix_optimizers import MuonBesideAdamW

    return MuonBesideAdamW(
        parameters,
        hidden,
        lr=choice.number("lr"),
        adamw_lr=choice.number("adamw_lr"),
        momentum=choice.number("momentum"),
        nesterov=choice.flag("nesterov"),
        ns_steps=choice.integer("ns_steps"),
        weight_decay=choice.number("weight_decay"),
    )


PARTS: tuple[OptimizerPart, ...] = (
    OptimizerPart(
        kind="optimizer",
        key="nadam",
        title=Text("NAdam", "NAdam"),
        summary=Text(
            "Adam with Nesterov's momentum: the step already looks ahead along the running mean.",
            "带 Nesterov 动量的 Adam：更新时先沿梯度的滑动平均预看一步。",
        ),
        parameters=(
            learning_rate(2e-3),
            betas(),
            epsilon(1e-8),
            FloatParameter(
                "momentum_decay",
                Text("Momentum growth", "动量增长率"),
                4e-3,
                Text(
                    "How fast the momentum grows from about half to all of the first beta.",
                    "动量从第一个 Beta 的约一半增长到其全部的快慢。",
                ),
                minimum=0.0,
                maximum=1.0,
            ),
            weight_decay(0.0, L2),
        ),
        formula=(
            r"w \leftarrow w - \eta \left(\mu_{t+1} \hat m + (1 - \mu_t) \hat g\right) "
            r"/ (\sqrt{\hat v} + \epsilon)"
        ),
        source="Dozat 2016, ICLR workshop",
        build=_nadam,
    ),
    OptimizerPart(
        kind="optimizer",
        key="radam",
        title=Text("RAdam", "RAdam"),
        summary=Text(
            "Adam that holds back while its estimate of the gradient's size rests on few steps: a warmup built in.",
            "当梯度大小的估计只基于少数几步时，主动缩小步长的 Adam：相当于内置的学习率预热。",
        ),
        parameters=(learning_rate(1e-3), betas(), epsilon(1e-8), weight_decay(0.0, L2)),
        formula=(
            r"w \leftarrow w - \eta \, r_t \, \hat m / (\sqrt{\hat v} + \epsilon), \quad "
            r"r_t = \sqrt{\tfrac{(\rho_t - 4)(\rho_t - 2) \rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2) \rho_t}}"
        ),
        source="Liu et al. 2020, arXiv:1908.03265",
        build=_radam,
    ),
    OptimizerPart(
        kind="optimizer",
        key="adadelta",
        title=Text("Adadelta", "Adadelta"),
        summary=Text(
            "Measures each weight's step by its own past steps, so that hardly a learning rate is left to choose; it "
            "starts slowly.",
            "用每个权重过去的更新量来衡量它的步长，几乎不必选择学习率；但起步很慢。",
        ),
        parameters=(
            learning_rate(1.0),
            FloatParameter(
                "rho",
                Text("Smoothing", "平滑系数"),
                0.9,
                Text(
                    "Share of the running mean squares that is kept.",
                    "梯度平方与更新量平方的滑动平均各保留多大比例。",
                ),
                minimum=0.0,
                maximum=1.0,
                open_maximum=True,
            ),
            epsilon(1e-6),
            weight_decay(0.0, L2),
        ),
        formula=r"w \leftarrow w - \eta \sqrt{\tfrac{u + \epsilon}{s + \epsilon}} \, g",
        source="Zeiler 2012, arXiv:1212.5701",
        build=_adadelta,
    ),
    OptimizerPart(
        kind="optimizer",
        key="lamb",
        title=Text("LAMB", "LAMB"),
        summary=Text(
            "Adam whose step in every layer is as long as the learning rate says of the layer's weights, whatever the "
            "gradient: a layer with large weights takes large steps.",
            "每层的步长按该层权重的范数乘以学习率来定、与梯度大小无关的 Adam：权重大的层走大步。",
        ),
        parameters=(
            learning_rate(1e-2),
            betas(),
            epsilon(1e-6),
            weight_decay(
                0.0,
                Text(
                    "Adds so much of each weight to its step, before the step is scaled.",
                    "在缩放之前，把每个权重的这一比例加到它的更新量上。",
                ),
            ),
        ),
        formula=(
            r"u = m / (\sqrt{v} + \epsilon) + \lambda w, \quad "
            r"w \leftarrow w - \eta \, \min(\|w\|, 10) \, u / \|u\|"
        ),
        source="You et al. 2020, arXiv:1904.00962",
        build=_lamb,
        apart=True,
    ),
    OptimizerPart(
        kind="optimizer",
        key="ranger",
        title=Text("Ranger", "Ranger"),
        summary=Text(
            "RAdam, with slow weights that follow a part of the way every few steps (Lookahead).",
            "RAdam 与 Lookahead 的结合：每隔几步，慢权重向快权重靠近一段，并从那里继续。",
        ),
        parameters=(
            learning_rate(1e-3),
            betas(0.95, 0.999),
            epsilon(1e-5),
            IntParameter(
                "k",
                Text("Every", "间隔"),
                6,
                Text("Steps between two moves of the slow weights.", "慢权重两次移动之间的步数。"),
                minimum=1,
                maximum=10_000,
                unit="steps",
                log=True,
            ),
            FloatParameter(
                "alpha",
                Text("Part of the way", "靠近比例"),
                0.5,
                Text("How far the slow weights move towards the fast ones.", "慢权重向快权重移动多大比例。"),
                minimum=0.0,
                maximum=1.0,
            ),
            weight_decay(0.0, DECOUPLED),
        ),
        formula=r"\phi \leftarrow \phi + \alpha (w_{t + k} - \phi), \quad w \leftarrow \phi",
        source="Wright 2019; Liu et al. 2020, arXiv:1908.03265; Zhang et al. 2019, arXiv:1907.08610",
        build=_ranger,
    ),
    OptimizerPart(
        kind="optimizer",
        key="lion",
        title=Text("Lion", "Lion"),
        summary=Text(
            "Moves every weight by exactly the learning rate, in the direction of the sign of a running mean; it wants "
            "a rate three to ten times smaller than Adam's.",
            "按滑动平均的符号，让每个权重恰好移动一个学习率；所需的学习率比 Adam 小三到十倍。",
        ),
        parameters=(learning_rate(3e-4), betas(0.9, 0.99), weight_decay(0.0, DECOUPLED)),
        formula=r"w \leftarrow w - \eta \, \mathrm{sign}(\beta_1 m + (1 - \beta_1) g)",
        source="Chen et al. 2023, arXiv:2302.06675",
        build=_lion,
    ),
    OptimizerPart(
        kind="optimizer",
        key="muon",
        title=Text("Muon", "Muon"),
        summary=Text(
            "Makes each hidden layer's momentum nearly orthogonal before the step, so that weak directions move as far "
            "as strong ones; biases, embeddings and the output layer are left to AdamW.",
            "更新之前把每个隐藏层的动量矩阵近似正交化，使弱方向与强方向移动得一样远；偏置、嵌入和输出层交给 AdamW。",
        ),
        parameters=(
            learning_rate(0.02),
            FloatParameter(
                "adamw_lr",
                Text("AdamW's rate", "AdamW 的学习率"),
                1e-3,
                Text(
                    "Learning rate of biases, embeddings and the output layer; the schedule multiplies it as well.",
                    "偏置、嵌入与输出层的学习率；学习率调度同样会乘以一个系数。",
                ),
                minimum=0.0,
                maximum=1e6,
                log=True,
            ),
            momentum(0.95),
            nesterov(True),
            IntParameter(
                "ns_steps",
                Text("Iterations", "迭代次数"),
                5,
                Text(
                    "Newton-Schulz iterations that make the matrix orthogonal.",
                    "使矩阵正交化的 Newton–Schulz 迭代次数。",
                ),
                minimum=1,
                maximum=20,
            ),
            weight_decay(0.0, DECOUPLED),
        ),
        formula=(
            r"M \leftarrow \mu M + (1 - \mu) G, \quad "
            r"W \leftarrow W - \eta \sqrt{\max(1, O / I)} \; U V^\top, \quad M = U S V^\top"
        ),
        source="Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks",
        build=_muon,
        build_by_place=_muon_by_place,
        apart=True,
    ),
)
