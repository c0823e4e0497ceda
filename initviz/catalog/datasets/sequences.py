"""Sequences made up on the spot: what must be remembered is known exactly, and for how long."""

from __future__ import annotations

from initviz.catalog.parts import Examples, LoadableDatasetPart
from initviz.experiment.parameters import IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo

GROUP = Text("Sequences", "序列")

BLANK = 0
"""Symbol that says nothing: input while nothing is shown, target while nothing is asked."""


def _samples(default: int) -> IntParameter:
    return IntParameter(
        "samples",
        Text("Examples", "样本数"),
        default,
        Text("Examples in all.", "样本总数。"),
        minimum=8,
        maximum=1_000_000,
        log=True,
    )


def _copy_info(choice: Choice) -> DataInfo:
    length, delay, symbols = (choice.integer(key) for key in ("length", "delay", "symbols"))
    return DataInfo(
        shape=(2 * length + delay, symbols + 2),
        task="classification",
        num_outputs=symbols + 1,
        num_samples=choice.integer("samples"),
        per_position=True,
    )


def _load_copy(choice: Choice, seed: int) -> Examples:
    import numpy as np

    length, delay, symbols = (choice.integer(key) for key in ("length", "delay", "symbols"))
    samples = choice.integer("samples")
    steps, marker = 2 * length + delay, symbols + 1
    shown = np.random.default_rng(seed).integers(1, symbols + 1, size=(samples, length))
    codes = np.full((samples, steps), BLANK)
    codes[:, :length] = shown
    codes[:, length + delay - 1] = marker
    targets = np.full((samples, steps), BLANK, dtype=np.int64)
    targets[:, length + delay :] = shown
    return Examples(
        inputs=np.eye(symbols + 2, dtype=np.float64)[codes],
        targets=targets,
        class_names=("␣", *(str(symbol) for symbol in range(1, symbols + 1))),
    )


def _adding_info(choice: Choice) -> DataInfo:
    return DataInfo(
        shape=(choice.integer("length"), 2),
        task="regression",
        num_outputs=1,
        num_samples=choice.integer("samples"),
    )


def _load_adding(choice: Choice, seed: int) -> Examples:
    import numpy as np

    length, samples = choice.integer("length"), choice.integer("samples")
    random = np.random.default_rng(seed)
    values = random.random((samples, length))
    first = random.integers(0, length // 2, size=samples)
    second = random.integers(length // 2, length, size=samples)
    rows = np.arange(samples)
    marks = np.zeros((samples, length))
    marks[rows, first] = 1.0
    marks[rows, second] = 1.0
    return Examples(
        inputs=np.stack((values, marks), axis=2),
        targets=(values[rows, first] + values[rows, second])[:, None],
    )


PARTS: tuple[LoadableDatasetPart, ...] = (
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
        key="copy",
        title=Text("Copy task", "复制任务"),
        summary=Text(
            "Some symbols are shown, then nothing for a while; at a mark they are to be told again, in order. Steps "
            "before the mark ask for a blank.",
            "先给出若干符号，然后空白一段时间；出现标记后，要按顺序复述这些符号。标记之前每一步都应输出空白。",
        ),
        parameters=(
            IntParameter(
                "length",
                Text("Symbols to copy", "要复制的符号数"),
                5,
                Text("How many symbols are to be remembered.", "要记住多少个符号。"),
                minimum=1,
                maximum=100,
            ),
            IntParameter(
                "delay",
                Text("Delay", "延迟"),
                20,
                Text(
                    "Steps between the last symbol and the first answer; the last of them is the mark.",
                    "最后一个符号与第一个输出之间的步数；其中最后一步是标记。",
                ),
                minimum=1,
                maximum=1000,
                log=True,
            ),
            IntParameter(
                "symbols",
                Text("Alphabet", "符号种类"),
                4,
                Text("Different symbols beside the blank and the mark.", "除空白和标记以外的符号种类。"),
                minimum=2,
                maximum=100,
            ),
            _samples(2000),
        ),
        source="Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735; Arjovsky et al. 2016, "
        "arXiv:1511.06464",
        describe=_copy_info,
        load=_load_copy,
    ),
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
        key="adding",
        title=Text("Adding problem", "加法任务"),
        summary=Text(
            "A row of numbers from 0 to 1, two of which are marked, one in each half: their sum is to be told after "
            "the last step. Who answers 1 every time has a mean squared error of 1/6.",
            "一列 0 到 1 之间的数，前后两半各有一个被标记：最后一步之后要输出这两个数之和。"
            "若总是回答 1，均方误差为 1/6。",
        ),
        parameters=(
            IntParameter(
                "length",
                Text("Length", "长度"),
                40,
                Text(
                    "Numbers in a row: how long the first must be remembered.",
                    "每列数的个数：决定要记住多久。",
                ),
                minimum=2,
                maximum=1000,
                log=True,
            ),
            _samples(4000),
        ),
        formula=r"y = \sum_{t} m_{t} \, x_{t},\quad x_{t} \sim \mathcal{U}(0, 1)",
        source="Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735; Le et al. 2015, arXiv:1504.00941",
        describe=_adding_info,
        load=_load_adding,
    ),
)
