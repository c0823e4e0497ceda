"""Where lanes take their start from that do not draw it: an earlier stage, another lane, or a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.errors import ExperimentError, join_path, nearest, printable
from initviz.experiment.stages import stage_name
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Experiment, Lane, Recipe

LANE_PREFIX = "lane:"
KEY = "source"


def lane_name(source: str) -> str:
    """Return NAME of ``lane:NAME``, or an empty text for anything else."""
    return source[len(LANE_PREFIX) :].strip() if source.startswith(LANE_PREFIX) else ""


def lane_index(lanes: Sequence[Lane], name: str, member: int) -> int | None:
    """Return which lane is meant by NAME of ``lane:NAME``, or None where there is no such lane.

    The name of a lane that is repeated over seeds means its first seed for the first seed of whoever names it, its
    second for the second, and so on, from the beginning again where it has fewer. One of its seeds by its own name
    is that one.

    Args:
        lanes: All lanes.
        name: As it is written.
        member: Which seed of its own the lane has that names it.
    """
    own = [index for index, lane in enumerate(lanes) if lane.title == name]
    if own:
        return own[member % len(own)]
    return next((index for index, lane in enumerate(lanes) if lane.name == name), None)


def is_file(source: str) -> bool:
    """Say whether a source is the name of a file."""
    return bool(source) and not source.startswith(("stage:", LANE_PREFIX))


def loads(choice: Choice, catalogue: Catalogue) -> bool:
    """Say whether an initializer takes its numbers from elsewhere."""
    return bool(getattr(catalogue.get("initializer", choice.name), "loads", False))


def in_folder(recipe: Recipe, catalogue: Catalogue, folder: Path | None) -> Recipe:
    """Return a recipe with the files that its start, or that of a single layer, is taken from named by whole paths."""
    if folder is None:
        return recipe
    init = replace(recipe.init, weight=_whole(recipe.init.weight, catalogue, folder))
    layers = recipe.model.layers
    if any(layer.weight is not None and loads(layer.weight, catalogue) for layer in layers):
        named = tuple(
            layer if layer.weight is None else replace(layer, weight=_whole(layer.weight, catalogue, folder))
            for layer in layers
        )
        return replace(recipe, init=init, model=replace(recipe.model, layers=named))
    return replace(recipe, init=init)


def _whole(weight: Choice, catalogue: Catalogue, folder: Path) -> Choice:
    if not loads(weight, catalogue) or not is_file(weight.string(KEY)):
        return weight
    whole = str(folder.absolute() / weight.string(KEY))
    return Choice(weight.name, tuple((key, whole if key == KEY else value) for key, value in weight.values))


def files_of(recipe: Recipe, catalogue: Catalogue) -> tuple[str, ...]:
    """Return the names of the files that a lane starts from."""
    sources = [choice.string(KEY) for choice, _ in _starts(recipe) if loads(choice, catalogue)]
    return tuple(source for source in sources if is_file(source))


def _starts(recipe: Recipe) -> Iterator[tuple[Choice, str]]:
    """Yield every initializer of weights with its place."""
    yield recipe.init.weight, "init.weight"
    for index, spec in enumerate(recipe.model.layers):
        if spec.weight is not None:
            yield spec.weight, f"model.layers[{index}].init.weight"


def check_sources(experiment: Experiment, catalogue: Catalogue, earlier: Sequence[str] = ()) -> None:
    """Refuse a start from a stage or a lane that there is not, or that would have to start from itself.

    Args:
        experiment: Whose lanes.
        catalogue: Tells which initializers take their numbers from elsewhere.
        earlier: Names of the stages before it, where it is a stage itself.
    Raises:
        ExperimentError: With the place of the source.
    """
    stages = [*earlier, *(stage.name for stage in experiment.stages)]
    lanes = list(dict.fromkeys(name for lane in experiment.lanes for name in (lane.title, lane.name)))
    needs: dict[str, dict[str, str]] = {}
    for lane in experiment.lanes:
        for choice, where in _starts(lane.recipe):
            if not loads(choice, catalogue):
                continue
            is_own = lane.recipe.init != experiment.base.init or where != "init.weight"
            place = join_path(f"lanes[{lane.group}]" if is_own else "", f"{where}.{KEY}")
            source = choice.string(KEY)
            stage, other = stage_name(source), lane_name(source)
            if stage:
                _check_known(stage, stages, Text("stage", "阶段"), place)
            elif other:
                _check_known(other, lanes, Text("lane", "赛道"), place)
                taken = lane_index(experiment.lanes, other, lane.member)
                if taken is not None:
                    needs.setdefault(lane.name, {})[experiment.lanes[taken].name] = place
    _check_circles(needs)


def _check_known(name: str, known: Sequence[str], what: Text, place: str) -> None:
    if name in known:
        return
    shown, close = printable(name), nearest(name, known)
    hint = Text(f" Did you mean '{close}'?", f"您是否想写“{close}”？") if close else Text("", "")
    there = ", ".join(known) if known else "—"
    raise ExperimentError(
        Text(
            f"there is no {what.en} called '{shown}' before this.{hint.en} There are: {there}.",
            f"此前没有名为“{shown}”的{what.zh}。{hint.zh}可用的：{there}。",
        ),
        place,
    )


def _check_circles(needs: dict[str, dict[str, str]]) -> None:
    """Refuse lanes that, one through another, wait for themselves."""
    free: set[str] = set()
    waiting = dict(needs)
    while waiting:
        ready = [
            name for name, others in waiting.items() if all(o in free or o not in waiting for o in others)
        ]
        if not ready:
            break
        for name in ready:
            free.add(name)
            del waiting[name]
    for name, others in waiting.items():
        place = next(where for other, where in others.items() if other in waiting)
        if name in others:
            raise ExperimentError(
                Text(
                    "a lane cannot start from itself. Choose another lane, a stage or a file.",
                    "赛道不能从自身开始。请选择另一条赛道、一个阶段或一个文件。",
                ),
                others[name],
            )
        circle = ", ".join(waiting)
        raise ExperimentError(
            Text(
                f"these lanes wait for one another: {circle}. Let one of them start by itself.",
                f"这些赛道互相等待：{circle}。请让其中一条自行初始化。",
            ),
            place,
        )
