"""How much of the gradient reaches each step of a sequence, where a layer hands a state on from step to step."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from initviz.engine.group import Group
from initviz.engine.race import Race
from initviz.engine.state import RaceState
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.parts import LayerPart
from initviz.telemetry.frame import TimeGradient
from initviz.telemetry.histogram import frozen
from initviz.telemetry.norms import robust_norm

SEQUENCE_AXES = 4
"""Of a sequence's signal in the lane layout: ``(K, B, T, F)``."""


class TimeGradients:
    """Finds the recurrent layers of a race, and measures what flows back through them.

    Args:
        race: The race.
        catalogue: Says which kinds of layer are recurrent.
    """

    def __init__(self, race: Race, catalogue: Catalogue) -> None:
        self._num_lanes = race.num_lanes
        self._places = [recurrent_places(group, catalogue) for group in race.groups]
        self.layers = tuple(dict.fromkeys(name for places in self._places for name in places))

    def of(self, state: RaceState, idle: Iterable[int]) -> tuple[TimeGradient, ...]:
        """Measure an observed step.

        Args:
            state: What was observed.
            idle: Lanes that are not trained any more.
        """
        if not self.layers:
            return ()
        found: dict[str, list[tuple[tuple[int, ...], np.ndarray]]] = {name: [] for name in self.layers}
        for group, places in zip(state.groups, self._places, strict=True):
            grads = group.grad_preactivations if places else ()
            for name, place in places.items():
                grad = grads[place]
                if grad.dim() == SEQUENCE_AXES:
                    by_step = grad.transpose(1, 2).flatten(2)
                    found[name].append((group.group.lanes, robust_norm(by_step).double().cpu().numpy()))
        return tuple(self._whole(name, parts, list(idle)) for name, parts in found.items() if parts)

    def _whole(
        self, layer: str, parts: list[tuple[tuple[int, ...], np.ndarray]], idle: list[int]
    ) -> TimeGradient:
        """Return the norms of all lanes; a lane without such a layer, or with a shorter sequence, gets NaN."""
        norms = np.full((self._num_lanes, max(part.shape[1] for _, part in parts)), np.nan)
        for lanes, part in parts:
            norms[list(lanes), : part.shape[1]] = part
        norms[idle] = np.nan
        return TimeGradient(layer, frozen(norms))


def recurrent_places(group: Group, catalogue: Catalogue) -> dict[str, int]:
    """Return the measured layer that tells the gradient through time, for each recurrent layer by its name.

    That is the first weight of the layer: what it is shown of is the very signal that the recurrence goes on with,
    while the last weight's is the layer's output alone, without what comes back through time.
    """
    found: dict[str, int] = {}
    for place, layer in enumerate(group.network.measured):
        stage = group.blueprint.stages[layer.stage]
        part = catalogue.get("layer", stage.layer.name)
        if isinstance(part, LayerPart) and part.is_recurrent:
            found.setdefault(stage.name, place)
    return found
