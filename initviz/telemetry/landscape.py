"""The loss around the weights of every lane, as the window gets it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from initviz.telemetry.frame import Floats

if TYPE_CHECKING:
    from initviz.engine.race import Race

REACHES = (0.25, 0.5, 1.0, 2.0)
"""How far to go on either side, in lengths of the filters."""
RESOLUTIONS = (15, 25, 41)
"""Points a side of a plane; odd, so that the weights themselves are one of them."""
LINE_POINTS = 101
EXAMPLES = 512
COLUMNS = ("lane", "step", "direction_1", "direction_2", "loss")


@dataclass(frozen=True, slots=True)
class LandscapeRequest:
    """What is to be worked out.

    Attributes:
        is_plane: Along two directions, or along one alone.
        reach: How far on either side, in lengths of the filters.
        points: Points a side; odd.
        examples: Training examples of which the loss is the mean, at most.
        seed: Of directions and examples.
    """

    is_plane: bool = True
    reach: float = 1.0
    points: int = 25
    examples: int = EXAMPLES
    seed: int = 0

    @property
    def along(self) -> Floats:
        """Steps along the first direction, ``(N,)``."""
        return np.linspace(-self.reach, self.reach, self.points)

    @property
    def across(self) -> Floats:
        """Steps along the second direction, ``(M,)``; a single 0 for a line."""
        return self.along if self.is_plane else np.zeros(1)


@dataclass(frozen=True, slots=True)
class Landscape:
    """Losses around the weights that the lanes had at one moment.

    Attributes:
        run_id: The run.
        step: Updates made by then.
        request: What was asked for.
        examples: Training examples of which the losses are means.
        along: ``(N,)`` steps along the first direction, in lengths of the filters.
        across: ``(M,)`` steps along the second; a single 0 for a line.
        loss: ``(K, M, N)``; NaN for a lane that diverged, and where the loss is no number.
    """

    run_id: int
    step: int
    request: LandscapeRequest
    examples: int
    along: Floats
    across: Floats
    loss: Floats

    @property
    def is_plane(self) -> bool:
        """Whether there are two directions."""
        return len(self.across) > 1

    def rows(self, names: Sequence[str]) -> list[list[str | float]]:
        """Return every loss as a row, in the order of ``COLUMNS``.

        Args:
            names: Of the lanes.
        """
        found: list[list[str | float]] = []
        for name, losses in zip(names, self.loss.tolist(), strict=True):
            for second, line in zip(self.across.tolist(), losses, strict=True):
                found += [
                    [name, self.step, first, second, loss]
                    for first, loss in zip(self.along.tolist(), line, strict=True)
                ]
        return found

    def at_center(self, lane: int) -> float:
        """Return a lane's loss with its own weights."""
        _, rows, columns = self.loss.shape
        return float(self.loss[lane, rows // 2, columns // 2])


def landscape(race: Race, run_id: int, request: LandscapeRequest) -> Generator[float, None, Landscape]:
    """Work out the losses around the weights that the lanes have now; training may go on between slices.

    Args:
        race: The lanes.
        run_id: The run.
        request: What is asked for.
    Yields:
        The share that is done, after every slice of some ten milliseconds.
    """
    from initviz.engine.landscape import Survey

    along, across = request.along, request.across
    step = race.step
    survey = Survey(race, along, across, request.examples, request.seed)
    loss = yield from survey.slices()
    for values in (along, across, loss):
        values.flags.writeable = False
    return Landscape(run_id, step, request, survey.examples, along, across, loss)
