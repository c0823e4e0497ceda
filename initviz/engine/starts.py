"""How all lanes start: each by itself, or from what another lane, an earlier stage or a file has."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from initviz.engine.matching import sources
from initviz.engine.network import Network
from initviz.engine.start import Start, draw_start
from initviz.engine.weights import Weights, load_weights, weights_of
from initviz.experiment.blueprint import Blueprint
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.limits import Limits
from initviz.experiment.sources import lane_index, lane_name
from initviz.experiment.stages import stage_name
from initviz.experiment.values import Experiment, Lane

if TYPE_CHECKING:
    from initviz.engine.stages import StageResult

PLACE = "init.weight.source"


def draw_starts(
    experiment: Experiment,
    blueprints: Sequence[Blueprint],
    catalogue: Catalogue,
    inputs: Tensor,
    dtype: torch.dtype,
    stages: Mapping[str, StageResult],
    limits: Limits,
) -> list[Start]:
    """Return the start of every lane.

    Args:
        experiment: Whose lanes; what they start from has been checked (see ``initviz.experiment.sources``).
        blueprints: Each lane's network.
        catalogue: Where the initializers are declared.
        inputs: ``(B, *shape)`` training inputs for starts that look at data.
        dtype: Of the rows.
        stages: What earlier stages have learned, by name.
        limits: Bounds on files.
    Raises:
        ExperimentError: A file cannot be used, or a source has nothing for a network.
    """
    lanes = experiment.lanes
    starts: dict[int, Start] = {}
    files: dict[str, Weights] = {}

    def weights_from(source: str, member: int) -> Weights:
        stage, lane = stage_name(source), lane_name(source)
        if stage:
            return stages[stage].weights
        if lane:
            index = _index(lanes, lane, member)
            return weights_of(
                Network(blueprints[index], catalogue, 1), starts[index].row, starts[index].buffers
            )
        if source not in files:
            files[source] = load_weights(Path(source), limits, PLACE)
        return files[source]

    def draw(index: int) -> None:
        if index in starts:
            return
        member = lanes[index].member
        for source in sources(blueprints[index], catalogue):
            if lane := lane_name(source):
                draw(_index(lanes, lane, member))
        own = functools.partial(weights_from, member=member)
        seed = lanes[index].recipe.seed
        starts[index] = draw_start(blueprints[index], catalogue, seed, inputs, dtype, own)

    for index in range(len(blueprints)):
        draw(index)
    return [starts[index] for index in range(len(blueprints))]


def _index(lanes: Sequence[Lane], name: str, member: int) -> int:
    index = lane_index(lanes, name, member)
    if index is None:  # refused when the experiment was read
        raise KeyError(name)
    return index
