"""Other shares of the classes: over- and under-sampling, SMOTE, weighted sampling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from initviz.catalog.datasets.file_access import check_numbers
from initviz.catalog.remedies.augmentation import ROTATE
from initviz.catalog.remedies.class_shares import CLASSES_GROUP, class_mismatch, rarity_weights
from initviz.catalog.remedy_part import RemedyPart
from initviz.experiment.blueprint import IMAGE_AXES
from initviz.experiment.errors import ExperimentError
from initviz.experiment.parameters import FloatParameter, IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Situation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Part = tuple[NDArray[np.float64], NDArray[np.int64]]

SMOTE = "smote"


def _ratio(help_text: Text) -> FloatParameter:
    return FloatParameter(
        "ratio", Text("Ratio", "比率"), 1.0, help_text, minimum=0.0, maximum=1.0, open_minimum=True
    )


RAISED = _ratio(
    Text(
        "Every class gets at least this share of the number of examples of the largest one.",
        "每个类别的样本数至少达到最大类别的这一比例。",
    )
)
LOWERED = _ratio(
    Text(
        "The rarest class has at least this share of the number of examples that any class keeps.",
        "任何类别保留的样本数，以最少类别的样本数除以此比率为上限。",
    )
)


def raised_counts(counts: NDArray[np.int64], ratio: float) -> NDArray[np.int64]:
    """Return how many examples each class has once the rare ones are raised; a class without any stays without."""
    import numpy as np

    least = round(ratio * int(counts.max()))
    return np.where(counts > 0, np.maximum(counts, least), 0)


def _room(counts: NDArray[np.int64], inputs: NDArray[np.float64], key: str) -> None:
    """Refuse a training part that would grow out of memory."""
    check_numbers(int(counts.sum()) * math.prod(inputs.shape[1:]), f"remedies.{key}")


def _oversample(
    choice: Choice, inputs: NDArray[np.float64], targets: NDArray[np.int64], random: np.random.Generator
) -> Part:
    import numpy as np

    counts = np.bincount(targets)
    wanted = raised_counts(counts, choice.number("ratio"))
    _room(wanted, inputs, choice.name)
    chosen = [np.arange(len(targets))]
    for name in np.flatnonzero(wanted > counts):
        members = np.flatnonzero(targets == name)
        chosen.append(random.choice(members, wanted[name] - counts[name], replace=True))
    order = np.concatenate(chosen)
    return inputs[order], targets[order]


def _undersample(
    choice: Choice, inputs: NDArray[np.float64], targets: NDArray[np.int64], random: np.random.Generator
) -> Part:
    import numpy as np

    counts = np.bincount(targets)
    most = round(int(counts[counts > 0].min()) / choice.number("ratio"))
    kept = []
    for name in np.flatnonzero(counts):
        members = np.flatnonzero(targets == name)
        kept.append(random.choice(members, most, replace=False) if len(members) > most else members)
    order = np.sort(np.concatenate(kept))
    return inputs[order], targets[order]


def _smote(
    choice: Choice, inputs: NDArray[np.float64], targets: NDArray[np.int64], random: np.random.Generator
) -> Part:
    import numpy as np
    from imblearn.over_sampling import SMOTE as SAMPLER

    counts = np.bincount(targets)
    wanted = raised_counts(counts, choice.number("ratio"))
    _room(wanted, inputs, choice.name)
    raised = np.flatnonzero(wanted > counts)
    if len(raised) == 0:
        return inputs, targets
    fewest = int(counts[raised].min())
    if fewest <= choice.integer("neighbours"):
        raise ExperimentError(too_few(fewest), f"remedies.{choice.name}.neighbours")
    sampler = SAMPLER(
        sampling_strategy={int(name): int(wanted[name]) for name in raised},
        k_neighbors=choice.integer("neighbours"),
        random_state=int(random.integers(2**31)),
    )
    made, marks = sampler.fit_resample(inputs.reshape(len(inputs), -1), targets)
    return (
        np.asarray(made, dtype=np.float64).reshape(-1, *inputs.shape[1:]),
        np.asarray(marks, dtype=np.int64),
    )


def too_few(fewest: int) -> Text:
    """Say that the rarest class has no room for so many neighbours."""
    if fewest < 2:
        return Text(
            f"the rarest class has {fewest} training example, and SMOTE needs two to draw a line between. Use "
            "oversampling, or less imbalance.",
            f"最少的类别只有 {fewest} 个训练样本，而 SMOTE 至少要在两个样本之间连线。请改用过采样，或减小不平衡。",
        )
    return Text(
        f"the rarest class has {fewest} training examples, so that each has {fewest - 1} neighbours at most. Choose "
        "fewer neighbours, or less imbalance.",
        f"最少的类别有 {fewest} 个训练样本，每个样本最多有 {fewest - 1} 个邻居。请减少邻居数，或减小不平衡。",
    )


def _smote_mismatch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    found = class_mismatch(choice, situation)
    if found is not None:
        return found
    info, data = situation.info, situation.data
    if info.tokens:
        return "", Text(
            "SMOTE draws lines between examples, but between symbols there is nothing. Use oversampling.",
            "SMOTE 在样本之间连线取点，而符号之间没有中间值。请改用过采样。",
        )
    if len(info.shape) == IMAGE_AXES and situation.recipe.remedy(ROTATE) is not None:
        return "", Text(
            "SMOTE blends two images pixel by pixel, which suits only images that stand alike; rotated, its double "
            "exposures look like no example at all. Switch off one of the two, or use oversampling with rotation.",
            "SMOTE 逐像素混合两张图像，只适合位置一致的图像；再加旋转，这些重影就不像任何样本了。请关闭其中之一，"
            "或改用过采样加旋转。",
        )
    # The rarest class cannot have more than its even share; what it really has is known once the data are loaded.
    classes = 2 if info.task == "binary" else info.num_outputs
    most = math.ceil(info.num_samples * (1.0 - data.validation) / classes)
    if most <= choice.integer("neighbours"):
        return "neighbours", too_few(most)
    return None


def _sampling(choice: Choice, targets: NDArray[np.int64]) -> NDArray[np.float64]:
    weights = rarity_weights(targets, int(targets.max()) + 1, choice.number("power"))
    return weights[targets]


PARTS: tuple[RemedyPart, ...] = (
    RemedyPart(
        kind="remedy",
        key="undersample",
        group=CLASSES_GROUP,
        title=Text("Undersampling", "欠采样"),
        summary=Text(
            "Drops examples of the common classes at random until all are about as rare: even, but much is thrown "
            "away.",
            "随机丢弃常见类别的样本，直到各类差不多一样少：均衡了，但丢掉了许多数据。",
        ),
        parameters=(LOWERED,),
        formula=r"n'_{c} = \min(n_{c},\ n_{\min} / r)",
        source="He and Garcia 2009, doi:10.1109/TKDE.2008.239",
        rebalance=_undersample,
        mismatch=class_mismatch,
    ),
    RemedyPart(
        kind="remedy",
        key="oversample",
        group=CLASSES_GROUP,
        title=Text("Oversampling", "过采样"),
        summary=Text(
            "Repeats examples of the rare classes, drawn at random, until all are about as common.",
            "随机重复稀有类别的样本，直到各类差不多一样多。",
        ),
        parameters=(RAISED,),
        formula=r"n'_{c} = \max(n_{c},\ r \, n_{\max})",
        source="He and Garcia 2009, doi:10.1109/TKDE.2008.239",
        rebalance=_oversample,
        mismatch=class_mismatch,
    ),
    RemedyPart(
        kind="remedy",
        key=SMOTE,
        group=CLASSES_GROUP,
        title=Text("SMOTE", "SMOTE（合成少数类过采样）"),
        summary=Text(
            "Makes new examples of the rare classes: points on the lines between an example and its nearest neighbours "
            "of the same class.",
            "为稀有类别制造新样本：在一个样本与其同类近邻之间的连线上取点。",
        ),
        parameters=(
            RAISED,
            IntParameter(
                "neighbours",
                Text("Neighbours", "邻居数"),
                5,
                Text(
                    "Among so many nearest examples of the class the other end of the line is drawn.",
                    "连线的另一端从同类中这么多个最近的样本里抽取。",
                ),
                minimum=1,
                maximum=100,
            ),
        ),
        formula=r"x' = x + u \, (x_{k} - x),\quad u \sim \mathcal{U}(0, 1)",
        source="Chawla et al. 2002, arXiv:1106.1813",
        rebalance=_smote,
        mismatch=_smote_mismatch,
    ),
    RemedyPart(
        kind="remedy",
        key="weighted_sampling",
        group=CLASSES_GROUP,
        title=Text("Weighted sampling", "加权采样"),
        summary=Text(
            "Draws the examples of every epoch with replacement, rare classes more often, so that each batch is about "
            "even.",
            "每个轮次有放回地抽取样本，稀有类别抽得更频繁，使每批数据大致均衡。",
        ),
        parameters=(
            FloatParameter(
                "power",
                Text("Strength", "强度"),
                1.0,
                Text(
                    "1 draws all classes equally often, 0 as often as they occur.",
                    "1 表示各类被抽到的机会相同，0 表示按出现的频率抽取。",
                ),
                minimum=0.0,
                maximum=1.0,
            ),
        ),
        formula=r"p_{i} \propto n_{y_{i}}^{-a}",
        source="Kubat and Matwin 1997, Proc. ICML 14, 179-186; PyTorch manual, WeightedRandomSampler",
        sampling=_sampling,
        mismatch=class_mismatch,
    ),
)
