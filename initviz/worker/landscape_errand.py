"""Lets the training thread work out the loss around the weights."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from initviz.telemetry.landscape import Landscape, LandscapeRequest, landscape
from initviz.worker.training import TrainingRun


@dataclass(frozen=True, slots=True)
class LandscapeErrand:
    """See ``messages.Errand``; a ``Landscape`` comes of it."""

    request: LandscapeRequest

    def begin(self, run: TrainingRun) -> Generator[float, None, Landscape]:
        """Work it out beside the training."""
        return landscape(run.race, run.info.run_id, self.request)
