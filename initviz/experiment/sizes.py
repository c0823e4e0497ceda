"""Whether everything that an experiment asks for fits into memory."""

from __future__ import annotations

import math

from initviz.experiment.blueprint import blueprint, data_info
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.limits import Limits
from initviz.experiment.remedies import check_fit
from initviz.experiment.text import Text
from initviz.experiment.values import Experiment

LOADED_BYTES = 8
"""Bytes of an input as it is loaded, in float64; the standardized copy and the split one come on top."""


def check_sizes(experiment: Experiment, catalogue: Catalogue, limits: Limits) -> None:
    """Work out every lane's network and bound the memory of all of them together.

    Raises:
        ExperimentError: An impossible network, or one above a limit.
    """
    item_bytes = 8 if experiment.dtype == "float64" else 4
    info = data_info(experiment.data, catalogue)
    total = info.num_samples * math.prod(info.shape) * (LOADED_BYTES + 2 * item_bytes)
    limits.check("memory_gb", total / 1e9, Text("GB of memory for the data", "数据所需内存（GB）"), "data")
    seen: dict[int, int] = {}  # lanes without a model of their own share one object
    for lane in experiment.lanes:
        place = f"lanes[{lane.group}]"
        if lane.member == 0:  # the others differ in their seed alone
            check_fit(lane.recipe, experiment, catalogue, place)
        key = id(lane.recipe.model)
        if key not in seen:
            same_model = lane.recipe.model == experiment.base.model
            path = "" if same_model else place
            plan = blueprint(lane.recipe, experiment.data, catalogue, limits, path)
            seen[key] = plan.memory_bytes(experiment.data.batch_size, item_bytes)
        total += seen[key]
    limits.check(
        "memory_gb",
        total / 1e9,
        Text("GB of memory for data and all lanes", "数据与所有赛道所需内存（GB）"),
        "",
    )
