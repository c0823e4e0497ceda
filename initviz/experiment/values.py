"""The frozen values that say what is to be trained."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from initviz.experiment.parameters import Value

Shape = tuple[int, ...]
"""Shape of one example without the batch axis: ``(F,)`` flat, ``(T, F)`` a sequence, ``(C, H, W)`` an image."""

Task = Literal["binary", "classification", "regression"]

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """A chosen catalogue part with the value of every parameter it has.

    Attributes:
        name: The part's key (never an alias).
        values: Key and value of every parameter, defaults filled in.
    """

    name: str
    values: tuple[tuple[str, Value], ...] = ()

    def __getitem__(self, key: str) -> Value:
        """Return the value called ``key``; KeyError when there is none."""
        for name, value in self.values:
            if name == key:
                return value
        raise KeyError(key)

    def number(self, key: str) -> float:
        """Return a value that must be a number, as float."""
        value = self[key]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{self.name}.{key} is not a number: {value!r}")
        return float(value)

    def integer(self, key: str) -> int:
        """Return a value that must be a whole number."""
        value = self[key]
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{self.name}.{key} is not a whole number: {value!r}")
        return value

    def flag(self, key: str) -> bool:
        """Return a value that must be a truth value."""
        value = self[key]
        if not isinstance(value, bool):
            raise TypeError(f"{self.name}.{key} is not a truth value: {value!r}")
        return value

    def string(self, key: str) -> str:
        """Return a value that must be a name."""
        value = self[key]
        if not isinstance(value, str):
            raise TypeError(f"{self.name}.{key} is not a name: {value!r}")
        return value

    def numbers(self, key: str) -> tuple[float, ...]:
        """Return a value that must be several numbers."""
        value = self[key]
        if not isinstance(value, tuple):
            raise TypeError(f"{self.name}.{key} is not a list of numbers: {value!r}")
        return tuple(float(item) for item in value)


@dataclass(frozen=True, slots=True)
class Tie:
    """A weight that a layer shares with an earlier one.

    Attributes:
        layer: Name of the earlier layer, as in ``Stage.name``.
        transpose: Whether it is used turned, as a decoder uses its encoder's.
    """

    layer: str
    transpose: bool = False


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One layer of a list, with its own start where it differs from the network's.

    Attributes:
        layer: Kind of layer and its parameters.
        weight: Initializer of its weights, or None for the network's.
        bias: Initializer of its biases, or None for the network's.
        tie: Whose weights it shares, or None where it has its own. Biases are never shared.
    """

    layer: Choice
    weight: Choice | None = None
    bias: Choice | None = None
    tie: Tie | None = None


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A network: a family's quick form, or a list of layers. The output layer always comes on top.

    Attributes:
        family: The quick form, or None where ``layers`` says everything.
        layers: The list; empty where ``family`` is given.
        output_tie: Whose weight the output layer shares, in a list of layers; None where it has its own.
    """

    family: Choice | None
    layers: tuple[LayerSpec, ...] = ()
    output_tie: Tie | None = None


@dataclass(frozen=True, slots=True)
class InitSpec:
    """How the network's weights and biases start."""

    weight: Choice
    bias: Choice


@dataclass(frozen=True, slots=True)
class DataSpec:
    """Which examples are learned, and how they are served.

    Attributes:
        dataset: Data set and its own parameters.
        batch_size: Examples a step.
        standardize: Whether every input column is shifted and scaled to mean 0, variance 1 over the training part.
        validation: Share of the examples held back, 0 to 0.9.
        reconstruct: Whether the inputs themselves are to be given back, as an autoencoder does, instead of the labels.
        label_noise: Share of the training labels replaced by another class drawn at random, 0 to 1.
        imbalance: How many times fewer training examples the rarest class keeps than the first one, at least 1; the
            classes between follow a geometric series.
    """

    dataset: Choice
    batch_size: int
    standardize: bool
    validation: float
    reconstruct: bool = False
    label_noise: float = 0.0
    imbalance: float = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that may differ from lane to lane.

    Attributes:
        remedies: What is switched on beside them, in the order of the catalogue.
    """

    seed: int
    model: ModelSpec
    init: InitSpec
    optimizer: Choice
    schedule: Choice
    remedies: tuple[Choice, ...] = ()

    def remedy(self, key: str) -> Choice | None:
        """Return the remedy called ``key`` where it is switched on, else None."""
        return next((choice for choice in self.remedies if choice.name == key), None)


@dataclass(frozen=True, slots=True)
class Lane:
    """One of the networks that train side by side.

    Attributes:
        name: What it is called; no other lane is called the same.
        color: Index into the lane palette, 0 to 15.
        recipe: What it trains with, overrides applied.
        group: Index of the lane as it is written, which has become this one and perhaps others that differ in their
            seed.
        member: Which of those it is, 0 first; they follow one another.
        group_name: What the person calls the lane as it is written; empty where that is ``name``.
    """

    name: str
    color: int
    recipe: Recipe
    group: int = 0
    member: int = 0
    group_name: str = ""

    @property
    def title(self) -> str:
        """What the person calls it, the same for all its seeds."""
        return self.group_name or self.name


def groups_of(members: Sequence[int]) -> tuple[range, ...]:
    """Return which lanes belong together.

    Args:
        members: Of each lane in order, which of its group's it is; every group begins with 0.
    Returns:
        Of each group, the indices of its lanes.
    """
    starts = [index for index, member in enumerate(members) if member == 0]
    return tuple(itertools.starmap(range, itertools.pairwise([*starts, len(members)])))


@dataclass(frozen=True, slots=True)
class Experiment:
    """Everything that decides a run; two equal experiments give the same numbers on one device.

    Attributes:
        name: Title.
        seed: Decides the data split and the order of examples; the weights of lane k too, unless it has its own seed.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        dtype: ``float32`` or ``float64``.
        steps: Updates in the whole run.
        data: The examples.
        base: What a lane without overrides trains with.
        lanes: One or more; those of a lane that is repeated over seeds follow one another.
        stages: What is trained, or loaded, before them, in order.
    """

    name: str
    seed: int
    device: str
    dtype: str
    steps: int
    data: DataSpec
    base: Recipe
    lanes: tuple[Lane, ...]
    stages: tuple[EarlierStage, ...] = ()
    _document: Mapping[str, object] = field(repr=False, compare=False, default_factory=dict)

    @property
    def document(self) -> dict[str, object]:
        """A fresh copy of the tables this experiment was read from; editing it changes nothing here."""
        return copy.deepcopy(dict(self._document))

    @property
    def groups(self) -> tuple[range, ...]:
        """Of each lane as it is written, the indices of the lanes that it has become: one a seed."""
        return groups_of([lane.member for lane in self.lanes])

    @property
    def written_lanes(self) -> tuple[Lane, ...]:
        """The lanes as they are written, with their own names and first seeds."""
        return tuple(replace(lane, name=lane.title, group_name="") for lane in self.lanes if lane.member == 0)


@dataclass(frozen=True, slots=True)
class EarlierStage:
    """A network that is trained, or loaded, before the lanes, which use what it learned.

    Attributes:
        name: What lanes call it: ``stage:NAME``.
        role: ``pretrain`` where lanes start from its weights, ``teacher`` where they learn from its answers. Either
            may be used both ways; the role is for people.
        experiment: What it trains: one lane; what the file leaves out is as in the main experiment.
        weights: File to load its weights from instead of training, or empty.
    """

    name: str
    role: Literal["pretrain", "teacher"]
    experiment: Experiment
    weights: str = ""


@dataclass(frozen=True, slots=True)
class DataInfo:
    """What is known of a data set before it is loaded.

    Attributes:
        shape: One example, ``(F,)`` or ``(C, H, W)``.
        task: ``binary`` has one logit, ``classification`` one a class, ``regression`` one number a target.
        num_outputs: Width of the output layer.
        num_samples: Examples in all.
        tokens: Size of the vocabulary where the inputs are whole numbers that stand for symbols, else 0. Such inputs
            are never standardized.
        per_position: True where every position of a sequence has a target of its own, so that the output layer is
            applied to each.
        classes: Names of the classes where a choice among them is known before loading; empty where nothing is.
    """

    shape: Shape
    task: Task
    num_outputs: int
    num_samples: int
    tokens: int = 0
    per_position: bool = False
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """What a part must get along with.

    Attributes:
        info: What is known of the data.
        data: How they are served.
        recipe: What the lane trains with.
        stages: What is known of the data of every earlier stage, by its name.
    """

    info: DataInfo
    data: DataSpec
    recipe: Recipe
    stages: Mapping[str, DataInfo] = field(default_factory=dict)
