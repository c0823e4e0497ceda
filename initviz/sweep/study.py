"""The frozen values that say what is searched, and how."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Literal

from initviz.experiment.edit import Table

Scalar = bool | int | float | str
"""What a storage keeps of a value."""

Objective = Literal["val_loss", "val_accuracy", "train_loss"]
SamplerName = Literal["grid", "random", "tpe", "gp"]
PrunerName = Literal["none", "median", "halving"]
Score = Literal["best", "last"]


@dataclass(frozen=True, slots=True)
class Choices:
    """Values of which one is taken.

    Attributes:
        values: As the experiment has them: numbers, names, truth values or whole tables.
        labels: What stands for each in the storage and in tables; the value itself where it is no table.
    """

    values: tuple[object, ...]
    labels: tuple[Scalar, ...]

    def grid(self) -> tuple[Scalar, ...] | None:
        """Return every value."""
        return self.labels

    def corners(self) -> tuple[Scalar, ...]:
        """Return the values that stand for all where all are to be checked."""
        return self.labels

    def value(self, label: Scalar) -> object:
        """Return what a label stands for."""
        for known, value in zip(self.labels, self.values, strict=True):
            if known == label and isinstance(known, bool) == isinstance(label, bool):
                return copy.deepcopy(value)
        raise KeyError(label)


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers between two bounds, both included.

    Attributes:
        low: Smallest.
        high: Largest.
        log: Whether orders of magnitude are equally likely, instead of values.
        step: Distance of the values, or None where all between are possible.
        is_integer: Whether only whole numbers are.
    """

    low: float
    high: float
    log: bool
    step: float | None
    is_integer: bool

    def number(self, value: float) -> int | float:
        """Return a number of this range in its type."""
        return int(value) if self.is_integer else float(value)

    @property
    def size(self) -> float:
        """How many values there are; infinity where all between are possible."""
        step = self.step if self.step is not None else 1.0 if self.is_integer else None
        return math.inf if step is None else math.floor((self.high - self.low) / step + 1e-9) + 1

    def grid(self) -> tuple[Scalar, ...] | None:
        """Return every value, or None where there is no end of them."""
        if math.isinf(self.size):
            return None
        step = 1.0 if self.step is None else self.step
        return tuple(self.number(float(f"{self.low + place * step:.12g}")) for place in range(int(self.size)))

    def corners(self) -> tuple[Scalar, ...]:
        """Return the bounds."""
        return (self.number(self.low), self.number(self.high))

    def value(self, label: Scalar) -> object:
        """Return the number itself."""
        if isinstance(label, bool | str):
            raise KeyError(label)
        return self.number(label)


@dataclass(frozen=True, slots=True)
class Field:
    """One place of an experiment that is searched.

    Attributes:
        path: Dotted, as in the file: ``init.weight.name``.
        space: What may stand there.
    """

    path: str
    space: Choices | Range


@dataclass(frozen=True, slots=True)
class Pruner:
    """How hopeless trials are told before they are through.

    Attributes:
        name: ``median`` stops a trial that is worse than half of the finished ones were at its point; ``halving`` lets
            the best of every stage go on.
        warmup: Scores of a trial that are waited for before it may be stopped.
        reduction: With halving: one of so many goes on.
        startup: With median: trials that must be finished before.
    """

    name: PrunerName = "none"
    warmup: int = 5
    reduction: int = 3
    startup: int = 5


@dataclass(frozen=True, slots=True)
class Study:
    """A search over the fields of an experiment.

    Attributes:
        name: What it is called in the storage.
        experiment: Tables of the experiment whose fields are searched, files in it by their whole path.
        fields: What is searched, in the order of the file.
        sampler: Which values are tried next.
        trials: How many in all, over every machine and every time it is resumed.
        objective: What is to become small, or large in case of an accuracy.
        score: Whether the best of a trial's scores counts, or the last.
        pruner: How hopeless trials are told.
        seed: Decides which values are tried.
        seeds: Lanes that each trial trains, which differ in their seed; the mean of their scores counts.
        reports: Scores that are taken of a trial, evenly over its steps.
        batch: Trials that are asked for at once, so that they may share a race; None for what suits the sampler.
        document: The study as one document, the experiment in it as it was written; equal on every machine.
        folder: What names of files in the document are relative to.
    """

    name: str
    experiment: Table
    fields: tuple[Field, ...]
    sampler: SamplerName
    trials: int
    objective: Objective
    score: Score = "best"
    pruner: Pruner = Pruner()
    seed: int = 0
    seeds: int = 1
    reports: int = 20
    batch: int | None = None
    document: Mapping[str, object] = field(repr=False, compare=False, default_factory=dict)
    folder: Path | None = field(repr=False, compare=False, default=None)

    @property
    def maximizes(self) -> bool:
        """Whether larger is better."""
        return self.objective == "val_accuracy"

    @property
    def grid_size(self) -> float:
        """How many combinations there are; infinity where a range has no steps."""
        sizes = [
            len(item.space.labels) if isinstance(item.space, Choices) else item.space.size
            for item in self.fields
        ]
        return math.prod(sizes)

    def is_better(self, one: float, other: float) -> bool:
        """Say whether a score beats another; any beats NaN."""
        if math.isnan(one) or math.isnan(other):
            return not math.isnan(one)
        return one > other if self.maximizes else one < other

    def corners(self) -> list[dict[str, Scalar]]:
        """Return combinations that show whether all are possible: bounds of ranges, and every choice.

        All of them while they are few; else every value with the first ones of the other fields, and every pair.
        """
        spaces = {item.path: item.space.corners() for item in self.fields}
        if math.prod(len(values) for values in spaces.values()) <= MOST_CORNERS:
            return [dict(zip(spaces, values, strict=True)) for values in product(*spaces.values())]
        first = {path: values[0] for path, values in spaces.items()}
        paths = list(spaces)
        found = []
        for place, one in enumerate(paths):
            for other in paths[place + 1 :] or paths[:1]:
                for values in product(spaces[one], spaces[other]):
                    found.append({**first, one: values[0], other: values[1]})
        return found[:MOST_PAIRS]


MOST_CORNERS = 256
MOST_PAIRS = 2000
