"""``initviz probe``: what flows through every lane at its start."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from initviz.catalog.index import catalogue
from initviz.cli.arguments import Command, Options
from initviz.cli.experiments import add_device, add_file, limits, read_experiment
from initviz.cli.output import number, print_json, print_text, table
from initviz.cli.probe_jacobian import add_isometry, isometry_text
from initviz.cli.theory import PHASES
from initviz.experiment.text import Language, Text
from initviz.experiment.values import Experiment

if TYPE_CHECKING:
    from initviz.telemetry.probe import LaneFacts
    from initviz.telemetry.probe_isometry import IsometryFacts
    from initviz.theory.prediction import Phase


def configure(options: Options) -> None:
    """Add the arguments."""
    add_file(options)
    options.add(
        "--batch",
        metavar="N",
        type=options.whole_number(1),
        help=Text(
            "look at the first N training examples; at the first batch by default",
            "用前 N 个训练样本；默认用第一批",
        ),
    )
    options.add(
        "--jacobian",
        action="store_true",
        help=Text(
            "find the singular values of weights and Jacobians too, at the first 4 training examples or --batch",
            "另求权重与雅可比矩阵的奇异值（取前 4 个训练样本，或 --batch 指定的个数）",
        ),
    )
    add_device(options)
    options.add("--json", action="store_true", help=Text("print JSON", "输出 JSON"))


def execute(given: argparse.Namespace, language: Language) -> int:
    """Print what is measured."""
    experiment = read_experiment(given.file, {"device": given.device})
    if given.batch is not None:
        limits().check("batch_size", given.batch, Text("examples", "样本数"), "--batch")
    lanes, isometry = look(experiment, given.batch, given.jacobian)
    if given.json:
        told = [_as_json(lane, language) for lane in lanes]
        for lane, own in zip(told, isometry, strict=bool(isometry)):
            add_isometry(lane, own)
        print_json({"lanes": told})
        return 0
    texts = [lane_text(lane, language) for lane in lanes]
    for place, own in enumerate(isometry):
        texts[place] += "\n" + isometry_text([layer.name for layer in lanes[place].layers], own, language)
    print_text("\n\n".join(texts))
    return 0


def _as_json(lane: LaneFacts, language: Language) -> dict[str, Any]:
    told = asdict(lane)
    told["not_covered"] = None if lane.not_covered is None else lane.not_covered.in_language(language)
    return told


def look(
    experiment: Experiment, batch: int | None, jacobian: bool = False
) -> tuple[tuple[LaneFacts, ...], tuple[IsometryFacts, ...]]:
    """Draw the weights and look at every lane, untrained; at singular values only where they are asked for."""
    import torch

    torch.set_num_threads(1)  # two threads on busy cores are slower, and give other numbers
    from initviz.engine.race import Race
    from initviz.telemetry.probe import probe
    from initviz.telemetry.probe_isometry import probe_isometry

    race = Race(experiment, catalogue(), limits())
    return probe(race, batch), probe_isometry(race, batch) if jacobian else ()


def lane_text(lane: LaneFacts, language: Language) -> str:
    """Return a lane as a table for a person."""
    loss = Text(f"{lane.name}: loss {number(lane.loss)}", f"{lane.name}：损失 {number(lane.loss)}")
    rows = [
        (
            layer.name,
            "×".join(str(extent) for extent in layer.shape),
            str(layer.fan_in),
            number(layer.target_std),
            number(layer.weight_std),
            number(layer.preactivation_q),
            number(layer.activation_var),
            number(layer.grad_preactivation_q),
            number(layer.grad_norm),
            number(layer.predicted_q),
            number(layer.predicted_grad_q),
            number(layer.chi),
        )
        for layer in lane.layers
    ]
    header = [text.in_language(language) for text in _HEADER]
    lines = [loss.in_language(language), table(header, rows)]
    phase = lane.layers[0].phase
    if phase is not None:
        lines.append(repeated_layer(phase, lane.layers[0].xi_c).in_language(language))
    if lane.not_covered is not None:
        lines.append(lane.not_covered.in_language(language))
    return "\n".join(lines)


def repeated_layer(phase: Phase, xi_c: float) -> Text:
    """Say on which side of criticality the hidden layer lies."""
    side = PHASES[phase]
    reach = number(xi_c)
    return Text(
        f"The hidden layer is {side.en}; correlations settle over xi_c = {reach} layers.",
        f"隐藏层处于{side.zh}；相关性在 xi_c = {reach} 层的尺度上稳定下来。",
    )


_HEADER = (
    Text("layer", "层"),
    Text("shape", "形状"),
    Text("fan-in", "扇入"),
    Text("std aimed at", "目标标准差"),
    Text("std drawn", "实际标准差"),
    Text("E[z²]", "E[z²]"),
    Text("Var[a]", "Var[a]"),
    Text("E[(dC/dz)²]", "E[(dC/dz)²]"),
    Text("gradient norm", "梯度范数"),
    Text("E[z²] predicted", "E[z²] 预测"),
    Text("E[(dC/dz)²] predicted", "E[(dC/dz)²] 预测"),
    Text("chi", "chi"),
)


COMMAND = Command(
    "probe",
    Text("measure every lane at its start, without training", "不训练，测量各赛道的初始状态"),
    Text(
        "Measure every lane at its start: weights, forward signal E[z²] and backward signal E[(dC/dz)²] of each layer\n"
        "(z its pre-activations, C the loss of one example), without training.\n\n"
        "Beside them stands what theory predicts from the start alone: E[z²], E[(dC/dz)²] from the output layer's\n"
        "measured one on, and chi, what a layer multiplies the gradient's mean square by on its way back.",
        "不训练，测量各赛道的初始状态：每层的权重、前向信号 E[z²] 和反向信号 E[(dC/dz)²]\n"
        "（z 为预激活，C 为单个样本的损失）。\n\n"
        "旁边是理论仅根据初始化给出的预测：E[z²]、以输出层实测值为起点的 E[(dC/dz)²]，以及 chi，\n"
        "即反向传播时每层使梯度均方值乘以的倍数。",
    ),
    configure,
    execute,
)
