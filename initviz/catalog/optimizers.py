"""Update rules, all of ``torch.optim``. Each works on the one flat parameter of a group, so it keeps lanes apart."""

from __future__ import annotations

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
from initviz.experiment.parameters import BoolParameter, FloatParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Adam, Optimizer


def _has_fused(parameters: list[Tensor], *devices: str) -> bool:
    return all(parameter.device.type in devices for parameter in parameters)


def _sgd(choice: Choice, parameters: list[Tensor]) -> Optimizer:
    from torch.optim import SGD

    from initviz.catalog.flat_optimizers import FlatSGD

    kept = choice.number("momentum")
    fused = _has_fused(parameters, "cpu", "cuda")
    build = FlatSGD if fused else SGD
    return build(
        parameters,
        lr=choice.number("lr"),
        momentum=kept,
        # Without momentum both rules are the same one, and torch refuses the combination.
        nesterov=choice.flag("nesterov") and kept > 0,
        weight_decay=choice.number("weight_decay"),
        fused=fused,
    )


def _adam(choice: Choice, parameters: list[Tensor]) -> Optimizer:
    from torch.optim import Adam

    from initviz.catalog.flat_optimizers import FlatAdam

    return _adam_like(choice, parameters, Adam, FlatAdam)


def _adamw(choice: Choice, parameters: list[Tensor]) -> Optimizer:
    from torch.optim import AdamW

    from initviz.catalog.flat_optimizers import FlatAdamW

    return _adam_like(choice, parameters, AdamW, FlatAdamW)


def _adam_like(choice: Choice, parameters: list[Tensor], usual: type[Adam], flat: type[Adam]) -> Optimizer:
    first, second = choice.numbers("betas")
    fused = _has_fused(parameters, "cpu", "cuda")
    return (flat if fused else usual)(
        parameters,
        lr=choice.number("lr"),
        betas=(first, second),
        eps=choice.number("eps"),
        weight_decay=choice.number("weight_decay"),
        fused=fused,
    )


def _rmsprop(choice: Choice, parameters: list[Tensor]) -> Optimizer:
    from torch.optim import RMSprop

    return RMSprop(
        parameters,
        lr=choice.number("lr"),
        alpha=choice.number("alpha"),
        eps=choice.number("eps"),
        weight_decay=choice.number("weight_decay"),
        momentum=choice.number("momentum"),
        centered=choice.flag("centered"),
    )


def _adagrad(choice: Choice, parameters: list[Tensor]) -> Optimizer:
    from torch.optim import Adagrad

    from initviz.catalog.flat_optimizers import FlatAdagrad

    fused = _has_fused(parameters, "cpu")
    build = FlatAdagrad if fused else Adagrad
    return build(
        parameters,
        lr=choice.number("lr"),
        lr_decay=choice.number("lr_decay"),
        eps=choice.number("eps"),
        weight_decay=choice.number("weight_decay"),
        fused=fused,
    )


PARTS: tuple[OptimizerPart, ...] = (
    OptimizerPart(
        kind="optimizer",
        key="sgd",
        title=Text("SGD", "SGD"),
        summary=Text(
            "Steps against the gradient, if wished with momentum that carries on past steps.",
            "随机梯度下降：沿梯度的反方向更新，可加入动量以延续之前的方向。",
        ),
        parameters=(
            learning_rate(0.02),
            momentum(0.9),
            nesterov(False),
            weight_decay(0.0, L2),
        ),
        formula=r"v \leftarrow \mu v + g, \quad w \leftarrow w - \eta v",
        source="Robbins and Monro 1951, doi:10.1214/aoms/1177729586; Sutskever et al. 2013, Proc. ICML 30, 1139-1147",
        build=_sgd,
    ),
    OptimizerPart(
        kind="optimizer",
        key="adam",
        title=Text("Adam", "Adam"),
        summary=Text(
            "Divides each weight's step by the running size of its gradient, which hides much of a badly scaled start.",
            "把每个权重的步长除以其梯度近来的大小，从而在很大程度上掩盖初始化尺度不当的影响。",
        ),
        parameters=(learning_rate(1e-3), betas(), epsilon(1e-8), weight_decay(0.0, L2)),
        formula=r"w \leftarrow w - \eta \, \hat m / (\sqrt{\hat v} + \epsilon)",
        source="Kingma and Ba 2015, arXiv:1412.6980",
        build=_adam,
    ),
    OptimizerPart(
        kind="optimizer",
        key="adamw",
        title=Text("AdamW", "AdamW"),
        summary=Text(
            "Adam whose weight decay acts on the weights themselves and not through the gradient.",
            "Adam 的变体：权重衰减直接作用于权重，而不经过梯度。",
        ),
        parameters=(learning_rate(1e-3), betas(), epsilon(1e-8), weight_decay(1e-2, DECOUPLED)),
        formula=r"w \leftarrow (1 - \eta \lambda) w - \eta \, \hat m / (\sqrt{\hat v} + \epsilon)",
        source="Loshchilov and Hutter 2019, arXiv:1711.05101",
        build=_adamw,
    ),
    OptimizerPart(
        kind="optimizer",
        key="rmsprop",
        title=Text("RMSprop", "RMSprop"),
        summary=Text(
            "Divides each weight's gradient by the root of its running mean square.",
            "把每个权重的梯度除以其平方的滑动平均的平方根。",
        ),
        parameters=(
            learning_rate(1e-3),
            FloatParameter(
                "alpha",
                Text("Smoothing", "平滑系数"),
                0.99,
                Text("Share of the running mean square that is kept.", "梯度平方的滑动平均保留多大比例。"),
                minimum=0.0,
                maximum=1.0,
                open_maximum=True,
            ),
            epsilon(1e-8),
            momentum(0.0),
            BoolParameter(
                "centered",
                Text("Centered", "中心化"),
                False,
                Text(
                    "Divide by the standard deviation instead of the root mean square.",
                    "除以标准差，而不是均方根。",
                ),
            ),
            weight_decay(0.0, L2),
        ),
        formula=r"s \leftarrow \alpha s + (1 - \alpha) g^2, \quad w \leftarrow w - \eta g / (\sqrt{s} + \epsilon)",
        source="Tieleman and Hinton 2012, Coursera: Neural Networks for Machine Learning, lecture 6.5",
        build=_rmsprop,
    ),
    OptimizerPart(
        kind="optimizer",
        key="adagrad",
        title=Text("Adagrad", "Adagrad"),
        summary=Text(
            "Divides each weight's gradient by the root of the sum of all its squares so far, so its rate only falls.",
            "把每个权重的梯度除以历次梯度平方和的平方根，因此它的学习率只会越来越小。",
        ),
        parameters=(
            learning_rate(1e-2),
            FloatParameter(
                "lr_decay",
                Text("Rate decay", "学习率衰减"),
                0.0,
                Text("Divides the rate by 1 + decay x step.", "把学习率除以 1 + 衰减 × 步数。"),
                minimum=0.0,
                maximum=1e3,
            ),
            epsilon(1e-10),
            weight_decay(0.0, L2),
        ),
        formula=r"s \leftarrow s + g^2, \quad w \leftarrow w - \eta g / (\sqrt{s} + \epsilon)",
        source="Duchi et al. 2011, J. Mach. Learn. Res. 12, 2121-2159",
        build=_adagrad,
    ),
)
