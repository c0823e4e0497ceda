"""Made-up losses around weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from initviz.telemetry.frame import RunInfo
from initviz.telemetry.landscape import Landscape, LandscapeRequest


def made_up(info: RunInfo, step: int, request: LandscapeRequest | None = None) -> Landscape:
    """Return a bowl a lane, each steeper than the one before, and shallower with the steps."""
    request = request or LandscapeRequest(points=15)
    along, across = request.along, request.across
    steep = np.linspace(1.0, 6.0, len(info.lanes))[:, None, None]
    bowl = along[None, None, :] ** 2 + 0.5 * across[None, :, None] ** 2 + 0.3 * along * across[:, None]
    loss = (0.1 + steep * bowl) * (1 + 1000 / (step + 500))
    return Landscape(info.run_id, step, request, request.examples, along, across, loss)


def spoiled(found: Landscape) -> Landscape:
    """Return it with a kind of number that is none, or a strange one, in each of the first six lanes."""
    loss = found.loss.copy()
    for lane, value in enumerate((np.nan, np.inf, -np.inf, 0.0, 5e-324, 1e300)[: len(loss)]):
        loss[lane, 0, :] = value
        if lane < 2:
            loss[lane] = value
    return replace(found, loss=loss)
