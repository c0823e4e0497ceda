"""Looks at the matrices of a race now and then, a little of the work at a time: singular values, likeness of units."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from initviz.engine.denormals import flushed
from initviz.engine.race import Race
from initviz.engine.state import RaceState
from initviz.experiment.catalogue import Catalogue
from initviz.telemetry.isometry import Parts, SpectraLooker
from initviz.telemetry.spectra import Spectra
from initviz.telemetry.units import Sameness

GAP_S = 0.5
"""Seconds from one look to the next at least."""
SHARE = 0.003
"""Share of the time that the work may take."""
PART_S = 0.005
"""About how much of it is done before training goes on."""
START_S, START_SHARE = 0.3, 0.1
"""The same until there is a first look, so that the start is there at once."""


class MatrixWatch:
    """Does the work between updates. It changes nothing: weights and gradients are copied before.

    Args:
        race: The race.
        catalogue: Declares the layers.
        clock: Seconds; decides how much is done, never what is computed.

    Attributes:
        spectra: The latest that are complete, or None before the first.
        sameness: The same.
        first_spectra: The first, those of the start as a rule.
        first_sameness: The same.
    """

    def __init__(self, race: Race, catalogue: Catalogue, clock: Callable[[], float]) -> None:
        self.spectra: Spectra | None = None
        self.sameness: Sameness | None = None
        self.first_spectra: Spectra | None = None
        self.first_sameness: Sameness | None = None
        self._looker = SpectraLooker(race, catalogue)
        self._race = race
        self._clock = clock
        self._parts: Parts | None = None
        self._due_s = -np.inf

    def look(self, state: RaceState, at_once: bool = False) -> None:
        """Do a part of the work where it is due.

        Args:
            state: The step just made, or about to be made; looked at anew only when the look before is complete.
            at_once: Do all of it, for this very step: no step follows.
        """
        start_s = self._clock()
        if start_s < self._due_s and not at_once:
            return
        if self.spectra is not None and self.spectra.step == state.step:
            return
        if at_once or self._parts is None:
            self._parts = self._begin(state)
        most_s = np.inf if at_once else START_S if self.spectra is None else PART_S
        is_complete = self._go_on(self._parts, start_s, most_s)
        spent_s = self._clock() - start_s
        pause_s = spent_s / (START_SHARE if self.spectra is None else SHARE)
        self._due_s = start_s + (max(GAP_S, pause_s) if is_complete else pause_s)

    def begin(self, state: RaceState) -> None:
        """Copy what is needed of a step, and leave the work to ``go_on``, and to the looks to come.

        Args:
            state: The step about to be made.
        """
        self._parts = self._begin(state)

    def catch_up(self) -> None:
        """Do all of the work for the weights as they are now, the start first: somebody will look at it for long."""
        if self.spectra is None and self._parts is not None:
            self._go_on(self._parts, 0.0, np.inf)
        if self.spectra is None or self.spectra.step < self._race.step - 1:
            rows = [group.flat for group in self._race.groups]
            self._parts = self._looker.parts(
                self._race.step,
                rows,
                [group.grad for group in self._race.groups],
                *self._fates(self._race.step),
            )
            self._go_on(self._parts, 0.0, np.inf)

    def go_on(self) -> bool:
        """Do a part of the work that was begun, while nothing else is to be done; say whether it is complete."""
        return self._parts is None or self._go_on(self._parts, self._clock(), PART_S)

    def _begin(self, state: RaceState) -> Parts:
        rows = [group.group.flat if group.before is None else group.before for group in state.groups]
        grads = [group.group.grad for group in state.groups]
        return self._looker.parts(state.step, rows, grads, *self._fates(state.step))

    def _fates(self, at_step: int) -> tuple[list[int], list[int]]:
        """Return the lanes that diverged before a step, and those that have no gradient any more."""
        fates = [
            (group.lanes[place], fate[0])
            for group in self._race.groups
            for place, fate in group.bad_layers.items()
        ]
        gone = [lane for lane, step in fates if step < at_step]
        idle = [lane for lane, step in fates if step <= at_step]
        idle += [lane for lane, (step, _) in self._race.stopped.items() if step < at_step]
        return gone, idle

    def _go_on(self, parts: Parts, start_s: float, most_s: float) -> bool:
        """Work until nothing is left, which is True, or until so much time has passed."""
        # What flushes small numbers to zero is a setting of the thread; it must be as it was when training goes on.
        with flushed(False):
            while True:
                try:
                    next(parts)
                except StopIteration as end:
                    self.spectra, self.sameness = end.value
                    if self.first_spectra is None:
                        self.first_spectra, self.first_sameness = end.value
                    self._parts = None
                    return True
                if self._clock() - start_s >= most_s:
                    return False
