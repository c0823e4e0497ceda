"""The axis of layers: 1 is next to the input, the last is the output."""

from __future__ import annotations

import functools
import math

from PySide6.QtCore import QCoreApplication

from initviz.telemetry.frame import RunInfo
from initviz.views import lettering
from initviz.views.axes import Axis, Tick, nice_step
from initviz.views.palette import Theme


def layer_axis(count: int) -> Axis:
    """Return an axis on which layer l lies at l, 1 to ``count``, with half a layer to spare at both ends."""
    return Axis(0.5, count + 0.5)


@functools.lru_cache(maxsize=64)
def layer_ticks(axis: Axis, width: float, theme: Theme) -> tuple[Tick, ...]:
    """Return ticks at whole layers: the first, round numbers, and no two closer than their text needs."""
    count = round(axis.high - 0.5)
    widest = lettering.text_width(str(count), theme.small_px) + 10
    most = max(2, int(width / widest))
    step = max(1, math.ceil(nice_step(count, most)))
    # Every second layer: the odd ones, so that the first is among them.
    places = list(range(1, count + 1, 2)) if step == 2 else [1, *range(step + (step == 1), count + 1, step)]
    if len(places) > 1 and (places[1] - 1) * width / count < widest:
        del places[1]
    return tuple(Tick(float(layer), str(layer)) for layer in places)


def layer_name(info: RunInfo, layer: int, lane: int) -> str:
    """Return the name of a layer in a lane, or in the first lane that is deep enough."""
    names = info.lanes[lane].layers
    if layer < len(names):
        return names[layer]
    return next((held.layers[layer] for held in info.lanes if layer < len(held.layers)), "")


def layer_heading(info: RunInfo, layer: int, lane: int) -> str:
    """Return number and name of a layer for the head of a read-out."""
    return QCoreApplication.translate("View", "layer {number}: {name}").format(
        number=layer + 1, name=layer_name(info, layer, lane)
    )
