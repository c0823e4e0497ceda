"""What is said of a lane: how it differs from the others, and how it fares."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QCoreApplication

from initviz.experiment.catalogue import Catalogue, Part
from initviz.experiment.parameters import ChoiceParameter, PartParameter
from initviz.experiment.values import Choice, Experiment, Lane, Recipe
from initviz.telemetry.fates import FATES, Fate
from initviz.telemetry.frame import LaneState
from initviz.ui.language import current_language
from initviz.ui.number_text import format_count, format_value

WORD = re.compile(r"\w+")
FIRST_WORD = re.compile(r"(\w+)(?:\s*[(（][^()（）]*[)）])?")
"""A word, and a second name in brackets that goes with it."""


def part_title(part: Part) -> str:
    """Return a part's name in the current language."""
    return part.title.in_language(current_language())


def value_text(part: Part, choice: Choice, key: str, catalogue: Catalogue) -> str:
    """Return one value of a choice as it is read: ``std 0.01``, ``标准差 0.01``, ``Tanh``."""
    parameter, value = part.parameter(key), choice[key]
    if isinstance(parameter, PartParameter):
        return part_title(catalogue.get(parameter.part_kind, str(value)))
    if isinstance(parameter, ChoiceParameter):
        titles = dict(parameter.choices)
        title = titles.get(str(value))
        return title.in_language(current_language()) if title is not None else str(value)
    # The key is English, and shorter than the title.
    name = parameter.title.zh if current_language() == "zh" else key
    if isinstance(value, bool):
        said = (
            QCoreApplication.translate("BoolRow", "yes")
            if value
            else QCoreApplication.translate("BoolRow", "no")
        )
        return f"{name} {said}"
    return f"{name} {format_value(value)}"


def choice_text(kind: str, choice: Choice, catalogue: Catalogue, base: Choice | None = None) -> str:
    """Return a choice in a few words: its name and what is not the default.

    Args:
        kind: Catalogue kind.
        choice: What is chosen.
        catalogue: Where it is declared.
        base: What others have; where that is the same part, only the differences are said.
    """
    part = catalogue.get(kind, choice.name)
    same = base is not None and base.name == choice.name
    words = [] if same else [part_title(part)]
    for parameter in part.parameters:
        before = base[parameter.key] if same and base is not None else parameter.default
        if choice[parameter.key] != before:
            words.append(value_text(part, choice, parameter.key, catalogue))
    return listed(words)


def difference_text(experiment: Experiment, lane: Lane, catalogue: Catalogue) -> str:
    """Return in a line how a lane differs from the base; its weights' start where it does not."""
    base, own = experiment.base, lane.recipe
    words: list[str] = []
    if own.init.weight != base.init.weight:
        words.append(choice_text("initializer", own.init.weight, catalogue, base.init.weight))
    if own.init.bias != base.init.bias:
        bias = choice_text("initializer", own.init.bias, catalogue, base.init.bias)
        words.append(QCoreApplication.translate("LaneText", "bias: {start}").format(start=bias))
    if own.model != base.model:
        if own.model.family is None:
            count = len(own.model.layers)
            words.append(
                QCoreApplication.translate("LaneText", "own list of {count} layers").format(count=count)
            )
        else:
            words.append(choice_text("family", own.model.family, catalogue, base.model.family))
    for kind, one, other in (
        ("optimizer", own.optimizer, base.optimizer),
        ("schedule", own.schedule, base.schedule),
    ):
        if one != other:
            words.append(choice_text(kind, one, catalogue, other))
    words.extend(_remedies(own, base, catalogue))
    if own.seed != base.seed:
        words.append(QCoreApplication.translate("LaneText", "seed {seed}").format(seed=own.seed))
    return listed(words) if words else choice_text("initializer", own.init.weight, catalogue)


def _remedies(own: Recipe, base: Recipe, catalogue: Catalogue) -> Iterable[str]:
    """Yield in a few words each what a lane has on, off or otherwise than the others."""
    for part in catalogue.parts("remedy"):
        mine, theirs = own.remedy(part.key), base.remedy(part.key)
        if mine == theirs:
            continue
        if mine is None:
            without = QCoreApplication.translate("LaneText", "without {remedy}")
            yield without.format(remedy=part_title(part))
        elif theirs is None:
            yield choice_text("remedy", mine, catalogue)
        else:
            yield f"{part_title(part)}: {choice_text('remedy', mine, catalogue, theirs)}"


def beyond_name(name: str, said: str) -> str:
    """Return what of a lane's description its own name does not say: ``normal`` for ``He`` and ``He (Kaiming) normal``.

    Args:
        name: What the person calls the lane.
        said: Its description, which begins with the title of a part.
    """
    if said.casefold() == name.casefold():
        return ""
    first = FIRST_WORD.match(said)
    if first is None or first[1].casefold() not in WORD.findall(name.casefold()):
        return said
    return said[first.end() :].lstrip(" ,，")


def has_begun(state: LaneState) -> bool:
    """Say whether a lane has made a step; before that only its start has been looked at."""
    return not math.isnan(state.initial_loss) or state.diverged_at is not None


def status_text(state: LaneState | None) -> str:
    """Return in words how a lane fares."""
    if state is None or not has_begun(state):
        return QCoreApplication.translate("LaneText", "ready")
    if state.outcome == "diverged":
        if state.diverged_at is None:
            return QCoreApplication.translate("LaneText", "diverged")
        step = format_count(state.diverged_at)
        return QCoreApplication.translate("LaneText", "diverged at step {step}").format(step=step)
    if state.stopped_at is not None:
        step = format_count(state.stopped_at)
        return QCoreApplication.translate("LaneText", "stopped at step {step}").format(step=step)
    if state.is_worse:
        return QCoreApplication.translate("LaneText", "worse than a constant")
    if state.outcome == "stalled":
        return QCoreApplication.translate("LaneText", "stalled")
    if not state.judged:
        return QCoreApplication.translate("LaneText", "just started")
    return QCoreApplication.translate("LaneText", "learning")


def seeds_text(count: int) -> str:
    """Return how often a lane is repeated: ``× 5 seeds``; empty for once."""
    return QCoreApplication.translate("LaneText", "× {count} seeds").format(count=count) if count > 1 else ""


def group_text(fates: Sequence[Fate]) -> str:
    """Return in words how the seeds of a lane fare: ``3 of 5 learn, 2 stalled``; those that learn first, then most.

    Args:
        fates: That of each seed.
    """
    words: dict[Fate, str] = {
        "learning": QCoreApplication.translate("LaneText", "learn"),
        "worse": QCoreApplication.translate("LaneText", "worse than a constant"),
        "stalled": QCoreApplication.translate("LaneText", "stalled"),
        "stopped": QCoreApplication.translate("LaneText", "stopped"),
        "diverged": QCoreApplication.translate("LaneText", "diverged"),
    }
    found = [(name, fates.count(name)) for name in FATES if name in fates]
    # What is most is still read where there is little room.
    found.sort(key=lambda pair: (pair[0] != "learning", -pair[1]))
    if len(found) == 1:
        template = QCoreApplication.translate("LaneText", "all {all} {fare}")
        return template.format(all=len(fates), fare=words[found[0][0]])
    first, more = (
        QCoreApplication.translate("LaneText", "{count} of {all} {fare}"),
        QCoreApplication.translate("LaneText", "{count} {fare}"),
    )
    return listed(
        (more if place else first).format(count=count, all=len(fates), fare=words[name])
        for place, (name, count) in enumerate(found)
    )


def status_detail(state: LaneState | None) -> str:
    """Return what else is known of how a lane fares: the layer that broke first; empty for nothing."""
    return state.bad_layer or "" if state is not None else ""


def listed(words: Iterable[str]) -> str:
    """Return words one after another, with the comma of the current language between them."""
    return ("，" if current_language() == "zh" else ", ").join(words)
