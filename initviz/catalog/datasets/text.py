"""A short English text, read letter by letter."""

from __future__ import annotations

from functools import cache

from initviz.catalog.parts import Examples, LoadableDatasetPart
from initviz.experiment.parameters import IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo
from initviz.resources import resource

SHOWN = {" ": "␣", "\n": "¶"}
"""Signs that stand for symbols without a shape of their own."""


@cache
def letters() -> str:
    """Return the whole text in small letters, a paragraph a line."""
    lines = resource("texts", "the_patient_machine.txt").read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if line).lower()


@cache
def vocabulary() -> tuple[str, ...]:
    """Return every symbol of the text, in the order of their codes."""
    return tuple(sorted(set(letters())))


def _num_windows(choice: Choice) -> int:
    return (len(letters()) - 1) // choice.integer("length")


def _describe(choice: Choice) -> DataInfo:
    symbols = len(vocabulary())
    return DataInfo(
        shape=(choice.integer("length"),),
        task="classification",
        num_outputs=symbols,
        num_samples=_num_windows(choice),
        tokens=symbols,
        per_position=True,
    )


def _load(choice: Choice, seed: int) -> Examples:
    import numpy as np

    place = {symbol: index for index, symbol in enumerate(vocabulary())}
    codes = np.array([place[symbol] for symbol in letters()], dtype=np.int64)
    length, windows = choice.integer("length"), _num_windows(choice)
    end = windows * length
    return Examples(
        inputs=codes[:end].reshape(windows, length).astype(np.float64),
        targets=codes[1 : end + 1].reshape(windows, length).copy(),
        class_names=tuple(SHOWN.get(symbol, symbol) for symbol in vocabulary()),
    )


PARTS: tuple[LoadableDatasetPart, ...] = (
    LoadableDatasetPart(
        kind="dataset",
        group=Text("Sequences", "序列"),
        key="text",
        title=Text("Short text", "短文"),
        summary=Text(
            "A short English tale about learning, cut into windows side by side; at every letter the next one is to be "
            "guessed from those before.",
            "一篇关于学习的英文短文，切成首尾相接的片段；在每个字母处，要根据前面的字母猜出下一个。",
        ),
        parameters=(
            IntParameter(
                "length",
                Text("Length", "长度"),
                32,
                Text(
                    "Letters in a window; windows do not overlap, so that none is both trained on and held back.",
                    "每个片段的字母数；片段互不重叠，因此没有字母既用于训练又用于验证。",
                ),
                minimum=2,
                maximum=256,
                log=True,
            ),
        ),
        formula=r"\max \sum_{t} \log p(s_{t+1} \mid s_{1}, \ldots, s_{t})",
        source="Shannon 1951, doi:10.1002/j.1538-7305.1951.tb01366.x",
        describe=_describe,
        load=_load,
    ),
)
