"""Which places of an experiment can be searched, what they are called, and what is proposed for them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.edit import Table
from initviz.experiment.fields import DATA_FIELDS, SEED, STEPS
from initviz.experiment.parameters import (
    BoolParameter,
    ChoiceParameter,
    FloatParameter,
    IntParameter,
    Parameter,
    PartParameter,
)
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Experiment
from initviz.sweep.study import Choices, Field

_FIRST_CHOICES = 3
_TIMES = 10.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place of an experiment that can be searched.

    Attributes:
        path: Dotted, as in the file.
        group: Panel of the window that it stands in.
        title: Name in the window.
        now: Value in the present experiment, or None.
        options: Values of which some can be chosen, with their titles; empty for a number.
        low: Proposed lower bound of a number.
        high: Proposed upper bound of a number.
        log: Whether orders of magnitude are proposed.
        whole: Whether only whole numbers are meant.
    """

    path: str
    group: Text
    title: Text
    now: object = None
    options: tuple[tuple[bool | str, Text], ...] = ()
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    whole: bool = False

    @property
    def proposed(self) -> tuple[bool | str, ...]:
        """Options that are ticked at first: the present one and its neighbours."""
        keys = [key for key, _ in self.options]
        start = keys.index(self.now) if self.now in keys else 0
        start = min(start, max(0, len(keys) - _FIRST_CHOICES))
        return tuple(keys[start : start + _FIRST_CHOICES])


NAME = Text("Name", "名称")
TRAINING = Text("Training", "训练")
DATA = Text("Data", "数据")
NETWORK = Text("Network", "网络")
WEIGHTS = Text("Start of the weights", "权重初始化")
BIASES = Text("Start of the biases", "偏置初始化")
OPTIMIZER = Text("Optimizer", "优化器")
SCHEDULE = Text("Learning-rate schedule", "学习率调度")
REMEDIES = Text("Remedies", "补救方法")


def candidates(experiment: Experiment, lane: int, catalogue: Catalogue) -> tuple[Candidate, ...]:
    """Return every place that the forms of a lane know, in the order of the panels.

    Args:
        experiment: The present one.
        lane: Whose recipe counts.
        catalogue: Where parts and their parameters are declared.
    """
    return tuple(_all(experiment, lane, catalogue))


def _all(experiment: Experiment, lane: int, catalogue: Catalogue) -> Iterator[Candidate]:
    recipe, data = experiment.written_lanes[lane].recipe, experiment.data
    yield from _part("initializer", "init.weight", WEIGHTS, recipe.init.weight, catalogue)
    yield from _part("initializer", "init.bias", BIASES, recipe.init.bias, catalogue)
    if recipe.model.family is not None:
        yield from _part("family", "model", NETWORK, recipe.model.family, catalogue, "family")
    yield from _part("optimizer", "optimizer", OPTIMIZER, recipe.optimizer, catalogue)
    yield from _part("schedule", "schedule", SCHEDULE, recipe.schedule, catalogue)
    for remedy in recipe.remedies:
        part = catalogue.get("remedy", remedy.name)
        for parameter in part.parameters:
            title = _joined(part.title, parameter.title)
            yield from _parameter(
                f"remedies.{remedy.name}.{parameter.key}",
                REMEDIES,
                parameter,
                remedy[parameter.key],
                catalogue,
                title,
            )
    for parameter in DATA_FIELDS:
        now = getattr(data, parameter.key)
        yield from _parameter(f"data.{parameter.key}", DATA, parameter, now, catalogue)
    yield from _parameter("steps", TRAINING, STEPS, experiment.steps, catalogue)
    yield from _parameter("seed", TRAINING, SEED, experiment.seed, catalogue)


def unknown_candidate(field: Field) -> Candidate:
    """Return a place that the forms do not know, such as a whole table, to show what a kept study tries there.

    Args:
        field: Of the study.
    """
    options: tuple[tuple[bool | str, Text], ...] = ()
    if isinstance(field.space, Choices):
        labels = field.space.labels
        if any(isinstance(label, bool | str) for label in labels):
            options = tuple(
                (label if isinstance(label, bool) else str(label), Text(str(label), str(label)))
                for label in labels
            )
    return Candidate(field.path, TRAINING, Text(field.path, field.path), options=options)


def _joined(one: Text, other: Text) -> Text:
    return Text(f"{one.en}: {other.en}", f"{one.zh}：{other.zh}")


def _part(
    kind: str, path: str, group: Text, choice: Choice, catalogue: Catalogue, key: str = "name"
) -> Iterator[Candidate]:
    options = tuple((part.key, part.title) for part in catalogue.parts(kind))
    yield Candidate(f"{path}.{key}", group, group, choice.name, options)
    for parameter in catalogue.get(kind, choice.name).parameters:
        title = _joined(group, parameter.title) if kind == "initializer" else parameter.title
        yield from _parameter(
            f"{path}.{parameter.key}", group, parameter, choice[parameter.key], catalogue, title
        )


def _parameter(
    path: str,
    group: Text,
    parameter: Parameter,
    now: object,
    catalogue: Catalogue,
    title: Text | None = None,
) -> Iterator[Candidate]:
    said = title or parameter.title
    if isinstance(parameter, BoolParameter):
        yield Candidate(path, group, said, now, ((False, Text("no", "否")), (True, Text("yes", "是"))))
    elif isinstance(parameter, ChoiceParameter):
        yield Candidate(path, group, said, now, parameter.choices)
    elif isinstance(parameter, PartParameter):
        parts = catalogue.parts(parameter.part_kind)
        yield Candidate(path, group, said, now, tuple((part.key, part.title) for part in parts))
    elif isinstance(parameter, FloatParameter | IntParameter):
        whole = isinstance(parameter, IntParameter)
        low, high, log = _proposal(parameter, now)
        yield Candidate(path, group, said, now, low=low, high=high, log=log, whole=whole)


def _proposal(parameter: FloatParameter | IntParameter, now: object) -> tuple[float, float, bool]:
    """Return bounds around the present value, inside of what the parameter allows."""
    known = float(now) if isinstance(now, int | float) else float(parameter.default or 1.0)
    least, most = float(parameter.minimum), float(parameter.maximum)
    if parameter.key == "seed":
        return known, known + 4, False
    whole = isinstance(parameter, IntParameter)
    if parameter.log and known > 0 and not whole:
        low, high, log = known / _TIMES, known * _TIMES, True
    elif known > 0:
        low, high, log = known / 2, known * 2, False
    else:
        low, high, log = 0.0, 1.0 if not math.isfinite(most) else min(1.0, most), False
    if isinstance(parameter, FloatParameter):
        least += 1e-6 * (parameter.open_minimum and math.isfinite(least))
        most -= 1e-6 * (parameter.open_maximum and math.isfinite(most))
    low, high = min(max(low, least), most), max(min(high, most), least)
    if whole:
        low, high = float(max(math.floor(low), parameter.minimum)), float(math.ceil(high))
    return float(f"{low:.6g}"), float(f"{high:.6g}"), log


def base_document(document: Mapping[str, object], lane: int) -> Table:
    """Return an experiment with one lane alone.

    Args:
        document: Of the experiment.
        lane: The one that stays.
    """
    lanes = document.get("lanes")
    if not isinstance(lanes, list) or lane >= len(lanes):
        return dict(document)
    return {**document, "lanes": [lanes[lane]]}
