"""Changed copies of the examples: noise, shift, rotation, flip, erasing, mixup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initviz.catalog.remedies.image_changes import (
    add_noise,
    erase,
    flip,
    mix,
    rotate,
    shift,
)
from initviz.catalog.remedy_part import RemedyPart
from initviz.experiment.blueprint import IMAGE_AXES
from initviz.experiment.parameters import ChoiceParameter, FloatParameter, IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo, Situation

if TYPE_CHECKING:
    from torch import Generator, Tensor

GROUP = Text("Augmentation", "数据增强")
ROTATE = "augment_rotate"
HORIZONTAL, VERTICAL = "horizontal", "vertical"


def _chance(default: float) -> FloatParameter:
    return FloatParameter(
        "chance",
        Text("Chance", "概率"),
        default,
        Text("Share of the examples that are changed.", "被改变的样本的比例。"),
        minimum=0.0,
        maximum=1.0,
    )


def _no_symbols(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if situation.info.tokens:
        return "", Text(
            "symbols cannot be changed a little. Switch it off, or choose a data set of numbers.",
            "符号无法做微小的改变。请关闭此项，或选择数值型数据集。",
        )
    return None


def _in_place(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    """Refuse what moves the input where the answer would have to move with it."""
    found = _no_symbols(choice, situation)
    if found is not None:
        return found
    if situation.data.reconstruct:
        return "", Text(
            "the network is to give back the inputs as they are, which moved ones are not. Switch it off, or use noise "
            "or erasing.",
            "网络要重建原样的输入，而移动后的输入已不是原样。请关闭此项，或改用噪声或擦除。",
        )
    if situation.info.per_position:
        return "", Text(
            "every position has an answer of its own, which would not move along. Switch it off.",
            "每个位置都有自己的答案，它不会随输入一起移动。请关闭此项。",
        )
    return None


def _images_in_place(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if len(situation.info.shape) != IMAGE_AXES:
        return "", Text(
            "only images can be turned, and these examples are none. Switch it off, or choose a data set of images.",
            "只有图像才能旋转或翻转，而这些样本不是图像。请关闭此项，或选择图像数据集。",
        )
    return _in_place(choice, situation)


def _mix_mismatch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    found = _no_symbols(choice, situation)
    if found is not None:
        return found
    if situation.info.per_position:
        return "", Text(
            "mixup blends one answer an example, but here every position has its own. Switch it off.",
            "Mixup 混合的是每个样本的一个答案，而这里每个位置都有自己的答案。请关闭它。",
        )
    if situation.data.batch_size == 1:
        return "data.batch_size", Text(
            "mixup blends examples of one batch, and a batch of 1 has nothing to blend. Choose a larger batch.",
            "Mixup 混合同一批中的样本，批大小为 1 时没有可混合的。请选择更大的批。",
        )
    return None


def _noise(
    choice: Choice, inputs: Tensor, targets: Tensor, random: Generator, info: DataInfo
) -> tuple[Tensor, Tensor]:
    return add_noise(inputs, choice.number("std"), random), targets


def _shift(
    choice: Choice, inputs: Tensor, targets: Tensor, random: Generator, info: DataInfo
) -> tuple[Tensor, Tensor]:
    return shift(inputs, choice.integer("most"), random), targets


def _rotate(
    choice: Choice, inputs: Tensor, targets: Tensor, random: Generator, info: DataInfo
) -> tuple[Tensor, Tensor]:
    return rotate(inputs, choice.number("degrees"), random), targets


def _flip(
    choice: Choice, inputs: Tensor, targets: Tensor, random: Generator, info: DataInfo
) -> tuple[Tensor, Tensor]:
    axis = -1 if choice.string("direction") == HORIZONTAL else -2
    return flip(inputs, axis, choice.number("chance"), random), targets


def _erase(
    choice: Choice, inputs: Tensor, targets: Tensor, random: Generator, info: DataInfo
) -> tuple[Tensor, Tensor]:
    return erase(inputs, choice.number("size"), choice.number("chance"), random), targets


def _mix(
    choice: Choice, inputs: Tensor, targets: Tensor, random: Generator, info: DataInfo
) -> tuple[Tensor, Tensor]:
    classes = info.num_outputs if info.task == "classification" else 0
    return mix(inputs, targets, choice.number("alpha"), classes, random)


PARTS: tuple[RemedyPart, ...] = (
    RemedyPart(
        kind="remedy",
        key="augment_shift",
        group=GROUP,
        title=Text("Shift", "平移"),
        summary=Text(
            "Moves every image a few whole pixels at random, and signals and sequences along their length; the edge is "
            "repeated where nothing is left. It makes no sense for tables, whose columns have no neighbours.",
            "把每张图像随机平移几个整像素，信号和序列则沿长度方向平移；空出的地方用边缘值填充。对表格没有意义，"
            "因为列与列之间没有相邻关系。",
        ),
        parameters=(
            IntParameter(
                "most",
                Text("At most", "最大平移"),
                1,
                Text(
                    "Each direction draws its own number of places from minus to plus this.",
                    "每个方向在正负此数之间各自抽取平移的格数。",
                ),
                minimum=0,
                maximum=1000,
            ),
        ),
        formula=r"x'_{ij} = x_{i - a,\, j - b},\quad a, b \sim \mathcal{U}\{-m, \dots, m\}",
        source="Simard et al. 2003, doi:10.1109/ICDAR.2003.1227801",
        augment=_shift,
        mismatch=_in_place,
    ),
    RemedyPart(
        kind="remedy",
        key=ROTATE,
        group=GROUP,
        title=Text("Rotation", "旋转"),
        summary=Text(
            "Turns every image about its centre by a random angle, with bilinear interpolation; the edge is repeated.",
            "把每张图像绕中心旋转一个随机角度（双线性插值，边缘重复）。",
        ),
        parameters=(
            FloatParameter(
                "degrees",
                Text("At most", "最大角度"),
                15.0,
                Text("The angle is drawn evenly from minus to plus this.", "角度在正负此值之间均匀抽取。"),
                minimum=0.0,
                maximum=180.0,
                unit="°",
            ),
        ),
        formula=r"x'(p) = x(R_{\varphi} \, p),\quad \varphi \sim \mathcal{U}(-a, a)",
        source="Simard et al. 2003, doi:10.1109/ICDAR.2003.1227801",
        augment=_rotate,
        mismatch=_images_in_place,
    ),
    RemedyPart(
        kind="remedy",
        key="augment_flip",
        group=GROUP,
        title=Text("Flip", "翻转"),
        summary=Text(
            "Mirrors images at random. It helps where the mirror image means the same; a mirrored digit does not.",
            "随机镜像图像。只有镜像与原图含义相同时才有帮助；数字的镜像则不同。",
        ),
        parameters=(
            ChoiceParameter(
                "direction",
                Text("Direction", "方向"),
                HORIZONTAL,
                Text("What is swapped with what.", "沿哪个方向互换。"),
                (
                    (HORIZONTAL, Text("left and right", "左右")),
                    (VERTICAL, Text("top and bottom", "上下")),
                ),
            ),
            _chance(0.5),
        ),
        formula=r"x'_{ij} = x_{i,\, W + 1 - j}",
        source="Krizhevsky et al. 2012, doi:10.1145/3065386",
        augment=_flip,
        mismatch=_images_in_place,
    ),
    RemedyPart(
        kind="remedy",
        key="augment_erase",
        group=GROUP,
        title=Text("Erasing", "随机擦除"),
        summary=Text(
            "Sets a random patch of the input to 0, so that no single spot can decide: a square of an image, a stretch "
            "of a signal or a sequence.",
            "把输入的随机一块置 0，使任何一处都不能单独决定结果：图像中是一个方块，信号或序列中是一段。",
        ),
        parameters=(
            FloatParameter(
                "size",
                Text("Size", "大小"),
                0.4,
                Text("Side of the patch as a share of the whole side.", "方块的边长占整个边长的比例。"),
                minimum=0.0,
                maximum=1.0,
            ),
            _chance(0.5),
        ),
        formula=r"x'_{ij} = 0 \ \mathrm{for}\ (i, j) \in P",
        source="DeVries and Taylor 2017, arXiv:1708.04552; Zhong et al. 2020, arXiv:1708.04896",
        augment=_erase,
        mismatch=_no_symbols,
    ),
    RemedyPart(
        kind="remedy",
        key="augment_noise",
        group=GROUP,
        title=Text("Input noise", "输入噪声"),
        summary=Text(
            "Adds fresh normal noise to every input at every step. For small noise it acts like a penalty on steep "
            "functions.",
            "每一步都在所有输入上加入新的正态噪声。噪声较小时，相当于对陡峭的函数加以惩罚。",
        ),
        parameters=(
            FloatParameter(
                "std",
                Text("Standard deviation", "标准差"),
                0.1,
                Text(
                    "Of the noise, in the units of the inputs as the network sees them.",
                    "噪声的标准差，以网络所见输入的单位计。",
                ),
                minimum=0.0,
                maximum=10.0,
            ),
        ),
        formula=r"x' = x + \sigma \, \epsilon,\quad \epsilon \sim \mathcal{N}(0, I)",
        source="Bishop 1995, doi:10.1162/neco.1995.7.1.108",
        augment=_noise,
        mismatch=_no_symbols,
    ),
    RemedyPart(
        kind="remedy",
        key="mixup",
        group=GROUP,
        title=Text("Mixup", "Mixup（样本混合）"),
        summary=Text(
            "Trains on blends: every example of a batch is mixed with another one, inputs and labels in the same "
            "proportion, which is drawn once a batch.",
            "用混合样本训练：批中每个样本与另一个样本混合，输入和标签按同一比例混合，比例每批抽取一次。",
        ),
        parameters=(
            FloatParameter(
                "alpha",
                Text("Alpha", "Alpha"),
                0.2,
                Text(
                    "The proportion follows a beta distribution with both parameters equal to this: small values mix "
                    "little.",
                    "混合比例服从两个参数都等于此值的 Beta 分布：值越小，混合越少。",
                ),
                minimum=0.0,
                maximum=100.0,
                open_minimum=True,
                log=True,
            ),
        ),
        formula=r"(x', t') = \lambda (x, t)_{i} + (1 - \lambda) (x, t)_{j},"
        r"\quad \lambda \sim \mathrm{Beta}(\alpha, \alpha)",
        source="Zhang et al. 2018, arXiv:1710.09412",
        augment=_mix,
        mismatch=_mix_mismatch,
    ),
)
