"""``initviz theory``: what becomes of a signal in a deep network, without any network."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from initviz.catalog.index import catalogue
from initviz.catalog.parts import ActivationPart
from initviz.cli.arguments import Command, Options
from initviz.cli.output import number, print_json, print_text, table
from initviz.experiment.errors import ExperimentError
from initviz.experiment.text import Language, Text
from initviz.experiment.values import Choice

if TYPE_CHECKING:
    from initviz.theory.mean_field import MeanField

LARGEST = 1e6
"""Largest deviation that is worked with."""

PHASES = {
    "ordered": Text("ordered (gradients vanish)", "有序相（梯度消失）"),
    "critical": Text("critical (signals and gradients pass)", "临界状态（信号与梯度都能通过）"),
    "chaotic": Text("chaotic (gradients explode)", "混沌相（梯度爆炸）"),
}


def configure(options: Options) -> None:
    """Add the arguments."""
    options.add(
        "--activation",
        metavar="KEY",
        required=True,
        help=Text(
            "activation between the layers; 'initviz list activation' tells which there are",
            "层间的激活函数；可用 'initviz list activation' 查看",
        ),
    )
    options.add(
        "--slope",
        metavar="A",
        type=options.number(0),
        help=Text(
            "slope of leaky ReLU below 0, or alpha of ELU; the usual value by default",
            "Leaky ReLU 在负半轴的斜率，或 ELU 的 alpha；默认用通常的值",
        ),
    )
    options.add(
        "--sigma-w",
        metavar="S",
        type=options.number(0),
        required=True,
        help=Text(
            "weights have the variance S²/n in a network of width n",
            "宽度为 n 的网络中，权重方差为 S²/n",
        ),
    )
    options.add(
        "--sigma-b",
        metavar="S",
        type=options.number(0),
        default=0.0,
        help=Text("standard deviation of the biases; 0 by default", "偏置的标准差；默认为 0"),
    )
    options.add(
        "--dropout",
        metavar="P",
        type=options.number(0),
        default=0.0,
        help=Text("share of the activations that are left out; 0 by default", "丢弃激活值的比例；默认为 0"),
    )
    options.add("--json", action="store_true", help=Text("print JSON", "输出 JSON"))


def execute(given: argparse.Namespace, language: Language) -> int:
    """Print what theory says."""
    part = catalogue().get("activation", given.activation, "--activation")
    if not isinstance(part, ActivationPart):
        raise TypeError(f"{part.key} is not an activation")
    if given.dropout >= 1:
        raise ExperimentError(
            Text(
                f"{given.dropout:g} leaves nothing over. Choose a share below 1.",
                f"{given.dropout:g} 会丢弃全部激活值。请选择小于 1 的比例。",
            ),
            "--dropout",
        )
    for name, value in (("--sigma-w", given.sigma_w), ("--sigma-b", given.sigma_b)):
        if not value <= LARGEST:
            raise ExperimentError(
                Text(
                    f"{value:g} is above {LARGEST:g}. Choose a smaller one.",
                    f"{value:g} 大于 {LARGEST:g}。请改小。",
                ),
                name,
            )
    from initviz.theory.mean_field import critical_sigma_w, mean_field

    curve = part.curve(Choice(part.key, (("slope", given.slope),)))
    keep = 1 - given.dropout
    found = mean_field(curve, given.sigma_w, given.sigma_b, keep)
    critical = critical_sigma_w(curve, given.sigma_b, keep)
    if given.json:
        print_json(
            {
                "q_star": found.q_star,
                "c_star": found.c_star,
                "chi": found.chi,
                "xi_q": found.xi_q,
                "xi_c": found.xi_c,
                "phase": found.phase,
                "critical_sigma_w": critical,
            }
        )
        return 0
    rows = [
        ("q*", number(found.q_star), _text(language, "mean square that E[z²] goes to", "E[z²] 趋向的均方值")),
        (
            "c*",
            number(found.c_star),
            _text(language, "correlation that two inputs go to", "两个输入趋向的相关系数"),
        ),
        (
            "chi",
            number(found.chi),
            _text(language, "factor of the gradient's mean square a layer", "梯度均方值每层乘以的倍数"),
        ),
        (
            "xi_q",
            number(found.xi_q),
            _text(language, "layers over which q settles", "q 稳定下来的深度尺度（层）"),
        ),
        (
            "xi_c",
            number(found.xi_c),
            _text(language, "layers over which correlations settle", "相关性稳定下来的深度尺度（层）"),
        ),
        ("phase", found.phase, PHASES[found.phase].in_language(language)),
        (
            "critical sigma_w",
            number(critical),
            _text(
                language,
                "sigma_w at which chi is 1 with this sigma_b",
                "在此 sigma_b 下使 chi 等于 1 的 sigma_w",
            ),
        ),
    ]
    header = [text.in_language(language) for text in _HEADER]
    sentences = [explained(found, given.dropout > 0).in_language(language)]
    print_text("\n\n".join([table(header, rows, left=3), *sentences]))
    return 0


_HEADER = (Text("quantity", "量"), Text("value", "数值"), Text("meaning", "含义"))


def _text(language: Language, en: str, zh: str) -> str:
    return Text(en, zh).in_language(language)


def explained(found: MeanField, dropped: bool) -> Text:
    """Say in a sentence what the numbers mean for a deep network.

    Args:
        found: The numbers.
        dropped: Whether there is dropout.
    """
    if found.phase == "critical":
        said = Text(
            "The gradient's mean square stays as it is from layer to layer, so that very deep networks can be trained.",
            "梯度的均方值逐层不变，因此很深的网络也能训练。",
        )
    elif found.chi == 0:
        said = Text("No gradient passes through a layer.", "梯度无法通过任何一层。")
    else:
        layers = math.log(10) / abs(math.log(found.chi))
        grows = found.phase == "chaotic"
        said = Text(
            f"On its way back the gradient's mean square {'grows' if grows else 'falls'} tenfold every "
            f"{number(layers, 3)} layers.",
            f"反向传播时，梯度的均方值每 {number(layers, 3)} 层就{'放大为十倍' if grows else '缩小到十分之一'}。",
        )
    if not dropped:
        return said
    return Text(
        f"{said.en} Dropout keeps even equal inputs from growing alike: correlations settle within a finite depth "
        "whatever sigma_w is.",
        f"{said.zh}Dropout 会使相同的输入也无法趋于一致：无论 sigma_w 取多少，相关性都会在有限深度内稳定下来。",
    )


COMMAND = Command(
    "theory",
    Text("predict what becomes of a signal in a deep network", "预测信号在深层网络中的变化"),
    Text(
        "Predict, without any network, what becomes of a signal in many wide layers that are all alike: where E[z²]\n"
        "and the correlation of two inputs go, over how many layers, and what the gradient is multiplied by.\n"
        "Mean-field theory: Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232.",
        "不建网络，预测信号经过许多相同的宽层之后的变化：E[z²] 与两个输入的相关系数趋向何处、要经过多少层，\n"
        "以及梯度每层乘以多少倍。平均场理论：Poole et al. 2016, arXiv:1606.05340；\n"
        "Schoenholz et al. 2017, arXiv:1611.01232。",
    ),
    configure,
    execute,
)
