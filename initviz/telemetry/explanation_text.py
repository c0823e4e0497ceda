"""An explanation in words: a few of them to remember, and a sentence or two with the numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

from initviz.catalog.index import catalogue
from initviz.experiment.text import Text
from initviz.telemetry.explanation import Explanation, Side, Travel

Number = Callable[[float], str]
"""Writes a number, or a share as per cent, the way it is written where the sentence stands."""

_HEADLINES: dict[str | None, Text] = {
    None: Text("Not measured yet", "尚未测量"),
    "overflows": Text("The signal overflows", "信号溢出"),
    "silent": Text("No signal gets through", "信号传不过去"),
    "waits": Text("The output layer starts at zero", "输出层从零开始"),
    "copies": Text("Units are copies of one another", "单元互为副本"),
    "fades": Text("The gradient fades", "梯度衰减"),
    "grows": Text("The gradient grows", "梯度增大"),
    "signal fades": Text("The signal fades", "信号衰减"),
    "signal grows": Text("The signal grows", "信号增大"),
    "dead": Text("Most units of a layer are dead", "有一层多数单元已死亡"),
    "saturated": Text("A layer is saturated", "有一层已饱和"),
    "level": Text("Signal and gradient get through", "信号与梯度都能通过"),
}
_STRONG = {
    "fades": Text("The gradient vanishes", "梯度消失"),
    "grows": Text("The gradient explodes", "梯度爆炸"),
    "signal fades": Text("The signal vanishes", "信号消失"),
    "signal grows": Text("The signal explodes", "信号爆炸"),
}
_LEVEL = Text("Signal and gradient keep their size", "信号与梯度保持大小")
_FAR = 1e4
"""Change of a mean square, up or down, from which it has vanished or exploded."""
_EVEN = 1.25
"""Largest factor a layer, up or down, at which a mean square keeps its size."""

_SIDES = {
    "ordered": Text("on the ordered side of", "处于临界线的有序一侧"),
    "chaotic": Text("on the chaotic side of", "处于临界线的混沌一侧"),
    "critical": Text("on", "正好在临界线上"),
}
_FALLEN = 1.1
"""First loss over the one of late from which it has fallen."""
_NEAR = 0.1
"""Of the logarithm of a factor a layer: nearer to 1 than this, nothing is said of the side."""


def headline(found: Explanation) -> Text:
    """Return in a few words what is most telling about a lane's start."""
    if found.start in _STRONG:
        travel = found.backward if found.start in ("fades", "grows") else found.forward
        if travel is not None and not 1 / _FAR < travel.total < _FAR:
            return _STRONG[found.start]
    factors = [travel.factor for travel in (found.forward, found.backward) if travel is not None]
    if found.start == "level" and factors and all(1 / _EVEN <= factor <= _EVEN for factor in factors):
        return _LEVEL
    return _HEADLINES[found.start]


def explanation_text(found: Explanation, number: Number, percent: Number) -> Text:
    """Return a sentence or two: what was measured at the start, why it is so, and what has become of it.

    Args:
        found: What there is to say.
        number: Writes a number.
        percent: Writes a share of one.
    """
    sentences = [_start(found, number, percent), _cause(found, number), _fate(found, number, percent)]
    said = [sentence for sentence in sentences if sentence is not None]
    if not said:
        return Text("Press space to play.", "按空格键开始。")
    return Text(" ".join(text.en for text in said), "".join(text.zh for text in said))


def _layer(name: str) -> str:
    return name.replace("_", " ")


def _each(found: Explanation) -> Text:
    """Return what a layer of the network is called: ``each Tanh layer``."""
    if not found.activation:
        return Text("each layer", "每层")
    title = catalogue().get("activation", found.activation).title
    return Text(f"each {title.en} layer", f"每个 {title.zh} 层")


def _start(found: Explanation, number: Number, percent: Number) -> Text | None:
    layer = _layer(found.layer)
    match found.start:
        case None:
            return None
        case "overflows":
            return Text(
                f"Before the first step already, the signal leaves the range of numbers in {layer}.",
                f"训练还没开始，信号就在 {layer} 超出了数值范围。",
            )
        case "silent":
            return Text(
                f"{layer} gives zero for every example: no signal goes on from there, and no gradient comes back.",
                f"{layer} 对每个样本都输出零：信号到此为止，梯度也传不回来。",
            )
        case "waits":
            return Text(
                "In the first step it alone learns; after that the gradient reaches the layers before it.",
                "第一步只有输出层在学习；之后梯度才能传到前面各层。",
            )
        case "copies":
            return _copies(found, percent)
        case "dead":
            share = percent(found.share)
            return Text(
                f"In {layer}, {share} of the units are zero for the whole batch: they pass on nothing, and no "
                "gradient passes them.",
                f"{layer} 中有 {share} 的单元对整批样本输出零：既不传递信号，也不传递梯度。",
            )
        case "saturated":
            share = percent(found.share)
            return Text(
                f"In {layer}, {share} of the values lie in the flat ends of the activation, where its slope lets "
                "hardly any gradient through.",
                f"{layer} 中有 {share} 的值落在激活函数平坦的两端，那里的斜率几乎不让梯度通过。",
            )
        case _:
            return _travels(found, number)


def _copies(found: Explanation, percent: Number) -> Text:
    layer, share = _layer(found.layer), percent(found.share)
    en = f"In {layer}, {share} of the units start with the same incoming weights as another one."
    zh = f"{layer} 中有 {share} 的单元与另一单元的输入权重完全相同。"
    if math.isnan(found.share_now):
        return Text(
            f"{en} If the weights that follow are alike too, they get the same gradient and stay copies.",
            f"{zh}如果后面的权重也相同，它们得到的梯度就相同，永远是副本。",
        )
    if found.share_now > 0:
        now = percent(found.share_now)
        return Text(
            f"{en} They get the same gradient too, and {now} are copies still.",
            f"{zh}它们得到的梯度也相同，现在仍有 {now} 是副本。",
        )
    return Text(
        f"{en} What follows treats them differently, and by now none is a copy any more.",
        f"{zh}后面的层对它们区别对待，现在已没有副本。",
    )


def _travels(found: Explanation, number: Number) -> Text | None:
    each = _each(found)
    if found.start == "level":
        return _level(found, number)
    back = found.start in ("fades", "grows")
    travel = found.backward if back else found.forward
    if travel is None:
        return None
    total, factor, theory = number(travel.total), number(travel.factor), _theory(travel, number)
    layers = travel.layers
    if layers == 1:
        what = Text("gradient", "梯度") if back else Text("signal", "信号")
        return Text(
            f"From one layer to the other the mean square of the {what.en} is multiplied by {factor}{theory.en}.",
            f"从一层到另一层，{what.zh}的均方乘以 {factor}{theory.zh}。",
        )
    if back:
        return Text(
            f"From the last hidden layer back to the first, over {layers} layers, the mean square of the gradient is "
            f"multiplied by {total}: {each.en} multiplies it by {factor}{theory.en}.",
            f"从最后一个隐藏层回传到第一层，经过 {layers} 层，梯度的均方变为 {total} 倍："
            f"{each.zh}乘以 {factor}{theory.zh}。",
        )
    return Text(
        f"On the way in, over {layers} layers, the mean square of the signal is multiplied by {total}: {each.en} "
        f"multiplies it by {factor}{theory.en}.",
        f"前向经过 {layers} 层，信号的均方变为 {total} 倍：{each.zh}乘以 {factor}{theory.zh}。",
    )


def _level(found: Explanation, number: Number) -> Text | None:
    forward, backward = found.forward, found.backward
    if forward is None:
        return None
    ahead = number(forward.factor)
    if backward is None:
        return Text(
            f"From the hidden layer to the output, the mean square of the signal is multiplied by {ahead}.",
            f"从隐藏层到输出层，信号的均方乘以 {ahead}。",
        )
    back = number(backward.factor)
    en = f"A layer multiplies the mean square of the signal by {ahead} and that of the gradient by {back}"
    zh = f"每层把信号的均方乘以 {ahead}，把梯度的均方乘以 {back}"
    theory = (forward.foretold_factor, backward.foretold_factor)
    if all(math.isfinite(value) for value in theory):
        told_ahead, told_back = (number(value) for value in theory)
        return Text(
            f"{en}; theory foretells {told_ahead} and {told_back}.",
            f"{zh}；理论预言为 {told_ahead} 和 {told_back}。",
        )
    return Text(f"{en}.", f"{zh}。")


def _theory(travel: Travel, number: Number) -> Text:
    """Return how a factor compares with theory, to be put after it."""
    told = travel.foretold_factor
    if math.isnan(told):
        return Text("", "")
    if travel.is_foretold:
        return Text(f", and theory foretells {number(told)}", f"（理论预言为 {number(told)}）")
    return Text(
        f", where theory, made for wide layers, foretells {number(told)}",
        f"（针对宽层的理论预言为 {number(told)}）",
    )


def _cause(found: Explanation, number: Number) -> Text | None:
    """Return on which side of the critical line the start lies, where that is what the measurement shows."""
    side = found.side
    if side is None or found.start in (None, "overflows", "silent", "copies", "dead"):
        return None
    if not _shows(found, side):
        return None
    where, sigma = _SIDES[side.phase], number(side.sigma_w)
    if side.phase == "critical":
        return Text(f"σ_w = {sigma} lies on the critical line.", f"σ_w = {sigma}，{where.zh}。")
    if not math.isfinite(side.critical):
        return Text(f"σ_w = {sigma} lies {where.en} the critical line.", f"σ_w = {sigma}，{where.zh}。")
    line = number(side.critical)
    return Text(
        f"σ_w = {sigma} lies {where.en} the critical line, σ_w = {line}.",
        f"σ_w = {sigma}，{where.zh}（临界值 σ_w = {line}）。",
    )


def _shows(found: Explanation, side: Side) -> bool:
    """Say whether the gradient does what the side of the critical line makes it do."""
    if found.backward is None or found.backward.factor <= 0:
        return False
    change = math.log(found.backward.factor)
    match side.phase:
        case "ordered":
            return change < -_NEAR
        case "chaotic":
            return change > _NEAR
        case _:
            return abs(change) <= _NEAR


def _fate(found: Explanation, number: Number, percent: Number) -> Text | None:
    loss, step = number(found.loss), found.step
    good = found.start in (None, "level", "waits")
    died = _died(found, percent)
    match found.fate:
        case "diverged":
            if found.layer and good:
                layer = _layer(found.layer)
                return Text(
                    f"It diverged at step {step}, in {layer} first.",
                    f"它在第 {step} 步发散，最先出自 {layer}。",
                )
            return Text(f"It diverged at step {step}.", f"它在第 {step} 步发散。")
        case "stopped":
            text = Text(f"It was stopped at step {step}.", f"它在第 {step} 步停止。")
        case "worse":
            constant = number(found.constant_loss)
            text = Text(
                f"Its loss of {loss} lies above that of a constant answer, {constant}, and hardly falls.",
                f"损失为 {loss}，高于常数预测的 {constant}，而且几乎不再下降。",
            )
        case "stalled":
            text = _stalled(found, number)
        case "learns" if found.loss < found.initial_loss:
            first = number(found.initial_loss)
            text = (
                Text(
                    f"It learns: the loss fell from {first} to {loss}.",
                    f"它在学习：损失从 {first} 降到 {loss}。",
                )
                if good
                else Text(
                    f"It learns all the same: the loss fell from {first} to {loss}.",
                    f"尽管如此它仍在学习：损失从 {first} 降到 {loss}。",
                )
            )
        case _:
            return died
    return text if died is None else Text(f"{text.en} {died.en}", f"{text.zh}{died.zh}")


def _stalled(found: Explanation, number: Number) -> Text:
    """Return that the loss is that of a constant answer: from the start on, or by now."""
    loss, constant = number(found.loss), number(found.constant_loss)
    if found.initial_loss > _FALLEN * found.loss:
        first = number(found.initial_loss)
        return Text(
            f"Its loss fell from {first} to {loss}, which is that of a constant answer, {constant}: more than that it "
            "has not learned yet.",
            f"损失从 {first} 降到 {loss}，相当于常数预测的 {constant}：它还没有学到更多。",
        )
    return Text(
        f"It does not learn: its loss of {loss} is still that of a constant answer, {constant}.",
        f"它没有在学习：损失为 {loss}，仍停留在常数预测的 {constant}。",
    )


def _died(found: Explanation, percent: Number) -> Text | None:
    if not found.died:
        return None
    layer, share = _layer(found.died), percent(found.died_share)
    return Text(
        f"By now {share} of the units of {layer} are dead.", f"现在 {layer} 中已有 {share} 的单元死亡。"
    )
