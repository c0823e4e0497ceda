"""What is switched on beside network, optimizer and schedule, and whether all that was chosen goes together."""

from __future__ import annotations

from collections.abc import Iterator

from initviz.experiment.blueprint import data_info, layer_list
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.errors import ExperimentError, join_path, unknown_key
from initviz.experiment.merge import as_table
from initviz.experiment.parameters import check_values
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Experiment, Recipe, Situation


def read_remedies(value: object, catalogue: Catalogue, path: str) -> tuple[Choice, ...]:
    """Check a table of remedies, such as ``{l2 = {strength = 1e-3}, lookahead = true, clip_norm = false}``.

    A table or ``true`` switches one on; ``false`` switches off, for one lane, what the experiment has on.

    Returns:
        Those that are on, in the order of the catalogue.
    """
    table = as_table(value, path)
    found: dict[str, Choice] = {}
    for name, item in table.items():
        where = join_path(path, name)
        try:
            part = catalogue.get("remedy", name, where)
        except ExperimentError:
            raise unknown_key(name, [part.key for part in catalogue.parts("remedy")], where) from None
        if item is False:
            continue
        given = {} if item is True else as_table(item, where)
        choice = Choice(part.key, tuple(check_values(part.parameters, given, where).items()))
        problem = part.problem(choice)
        if problem is not None:
            raise ExperimentError(problem, where)
        if part.key in found:
            raise ExperimentError(
                Text("this remedy is named twice. Remove one.", "这种补救方法写了两次。请删去一个。"), where
            )
        found[part.key] = choice
    return tuple(found[part.key] for part in catalogue.parts("remedy") if part.key in found)


def check_fit(recipe: Recipe, experiment: Experiment, catalogue: Catalogue, path: str) -> None:
    """Ask every part that a lane uses whether it goes together with the rest.

    Args:
        recipe: What the lane trains with.
        experiment: The rest.
        catalogue: Where the parts are declared.
        path: Where the lane stands; what it shares with the base is told there.
    Raises:
        ExperimentError: Something does not; the place is the field it concerns.
    """
    stages = {stage.name: data_info(stage.experiment.data, catalogue) for stage in experiment.stages}
    situation = Situation(data_info(experiment.data, catalogue), experiment.data, recipe, stages)
    _check_labels(situation)
    for kind, choice, where, section in _choices(recipe, situation, catalogue):
        found = catalogue.get(kind, choice.name).mismatch(choice, situation)
        if found is not None:
            key, text = found
            if "." in key:
                raise ExperimentError(text, key)
            place = where if _same(recipe, experiment.base, section) else join_path(path, where)
            raise ExperimentError(text, join_path(place, key) if key else place)


def _check_labels(situation: Situation) -> None:
    """Refuse what changes the class of an example, or how often it comes, where an example has no single class."""
    info, data = situation.info, situation.data
    if info.task != "regression" and not info.per_position:
        return
    for key, is_on, nothing in (
        ("label_noise", data.label_noise > 0.0, 0),
        ("imbalance", data.imbalance > 1.0, 1),
    ):
        if is_on:
            raise ExperimentError(
                Text(
                    "this needs examples of one class each, but here each has numbers, or an answer at every "
                    f"position. Set it to {nothing}, or choose another data set.",
                    "这一项要求每个样本属于一个类别，而这里每个样本的目标是数值，或每个位置各有一个答案。"
                    f"请设为 {nothing}，或选择其他数据集。",
                ),
                f"data.{key}",
            )


def _same(recipe: Recipe, base: Recipe, section: str) -> bool:
    return bool(getattr(recipe, section) == getattr(base, section))


def _choices(
    recipe: Recipe, situation: Situation, catalogue: Catalogue
) -> Iterator[tuple[str, Choice, str, str]]:
    """Yield kind, choice, place, and the section of the recipe, of every part that is used."""
    yield "initializer", recipe.init.weight, "init.weight", "init"
    yield "initializer", recipe.init.bias, "init.bias", "init"
    yield "optimizer", recipe.optimizer, "optimizer", "optimizer"
    yield "schedule", recipe.schedule, "schedule", "schedule"
    for remedy in recipe.remedies:
        yield "remedy", remedy, f"remedies.{remedy.name}", "remedies"
    if recipe.model.family is not None:
        yield "family", recipe.model.family, "model", "model"
    for index, spec in enumerate(layer_list(recipe.model, situation.info, catalogue)):
        where = "model" if recipe.model.family is not None else f"model.layers[{index}]"
        yield "layer", spec.layer, where, "model"
        for target in (spec.weight, spec.bias):
            if target is not None:
                yield "initializer", target, where, "model"
