"""What each lane answers all over the plane of a two-dimensional data set."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initviz.engine.race import Race
from initviz.telemetry.frame import Boundary

GRID = 64
MARGIN = 0.15
"""Share of the points' extent that is added on each side."""


class BoundaryGrid:
    """A grid over the training points.

    Args:
        race: Its data set must be two-dimensional.
    """

    def __init__(self, race: Race) -> None:
        points = race.data.points
        low, high = points.min(axis=0), points.max(axis=0)
        width = np.where(high > low, high - low, 1.0)
        low, high = low - MARGIN * width, high + MARGIN * width
        self.extent = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
        x, y = (self._centers(float(low[axis]), float(high[axis])) for axis in range(2))
        across, up = np.meshgrid(x, y)
        self._inputs = torch.from_numpy(np.stack((across.ravel(), up.ravel()), axis=1))
        self._race = race

    @staticmethod
    def _centers(low: float, high: float) -> NDArray[np.float64]:
        return low + (np.arange(GRID) + 0.5) * (high - low) / GRID

    def ask(self) -> Boundary:
        """Ask every lane; training is not touched."""
        binary = self._race.data.info.task == "binary"
        answers = [_answer(outputs.float(), binary) for outputs in self._race.predict(self._inputs)]
        classes = np.stack([answer[0] for answer in answers]).reshape(-1, GRID, GRID)
        confidence = np.stack([answer[1] for answer in answers]).reshape(-1, GRID, GRID)
        classes.flags.writeable = confidence.flags.writeable = False
        return Boundary(self.extent, classes, confidence)


def _answer(outputs: Tensor, binary: bool) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Return the most likely class of each input and its probability, ``(N,)`` each."""
    if binary:
        logit = outputs.squeeze(-1)
        return (logit > 0).to(torch.int16).numpy(), logit.abs().sigmoid().numpy()
    best = outputs.softmax(-1).max(-1)
    return best.indices.to(torch.int16).numpy(), best.values.numpy()
