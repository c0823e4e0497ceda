"""The lines of a loss or an accuracy: one a lane, or of a lane that is repeated over seeds their mean and a band."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from initviz.telemetry.frame import Floats
from initviz.telemetry.series import Series
from initviz.telemetry.spread import Band, BandKind, band
from initviz.views.end_labels import EndLabel
from initviz.views.lane_status import diverged_at, stopped_at
from initviz.views.panels import Curve, Mark
from initviz.views.reduction import Columns

if TYPE_CHECKING:
    from initviz.views.base import View

FEW_POINTS = 25
RECENT = 0.7
"""A score counts as that of now from this share of the steps made on; before that the training loss is told."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One quantity of all lanes, reduced to the columns there are.

    Attributes:
        batches: Of the training batches.
        train: ``(C, K)`` the same, smoothed: what is drawn.
        validation: On the examples held back.
        averaged: The same of the averaged weights; empty where there are none.
        scores: ``validation`` before it was reduced.
    """

    batches: Columns
    train: Floats
    validation: Columns
    averaged: Columns
    scores: Series


@dataclass(frozen=True, slots=True)
class _End:
    """Where the line of one seed ends.

    Attributes:
        step: Where.
        value: How high.
        number: What is written beside it.
        died: It diverged there.
        stopped: It was stopped there.
    """

    step: float
    value: float
    number: float
    died: bool = False
    stopped: bool = False


class LossLines:
    """Makes curves, names and marks for the lanes that a view shows.

    Args:
        view: Knows the lanes and how they fare.
        kind: The band around the mean of seeds.
        measured: What is drawn.
    """

    def __init__(self, view: View, kind: BandKind, measured: Measured) -> None:
        self._view = view
        self._kind = kind
        self._of = measured

    def curves(self, scatter: bool = True) -> tuple[Curve, ...]:
        """Return the lines in painting order.

        Args:
            scatter: Whether a single lane's training line has a band from the least batch to the largest.
        """
        view, of = self._view, self._of
        curves: list[Curve] = []
        thin = len(view.shown_lanes()) <= 6
        has_scores, few = len(of.validation) > 1, len(of.validation) <= FEW_POINTS
        for lane in view.painting_order():
            if len(view.groups.members_of(lane)) > 1:
                curves.extend(self._seed_curves(lane))
                continue
            banded = scatter and (thin or lane == view.focus_lane) and of.train is not of.batches.mean
            curves.append(
                Curve(
                    lane,
                    of.batches.steps,
                    of.train[:, lane],
                    faint=has_scores,
                    low=of.batches.low[:, lane] if banded else None,
                    high=of.batches.high[:, lane] if banded else None,
                )
            )
            if len(of.averaged):
                score = self._until_stopped(lane, of.averaged)
                curves.append(Curve(lane, of.averaged.steps, score, hollow=True))
            if len(of.validation):
                score = self._until_stopped(lane, of.validation)
                curves.append(Curve(lane, of.validation.steps, score, thick=True, points=few))
        return tuple(curves)

    def _seed_curves(self, lane: int) -> list[Curve]:
        """Return the means of a lane's seeds, with a band around the line that is looked at: validation if any."""
        of = self._of
        has_scores, few = len(of.validation) > 1, len(of.validation) <= FEW_POINTS
        train = self._band(of.train, lane)
        curves = [
            Curve(lane, of.batches.steps, train.mean, faint=True)
            if has_scores
            else Curve(lane, of.batches.steps, train.mean, low=train.low, high=train.high, seeds=True)
        ]
        if len(of.averaged):
            averaged = self._band(of.averaged, lane)
            curves.append(Curve(lane, of.averaged.steps, averaged.mean, hollow=True))
        if len(of.validation):
            found = self._band(of.validation, lane)
            low, high = (found.low, found.high) if has_scores else (None, None)
            curves.append(
                Curve(
                    lane,
                    of.validation.steps,
                    found.mean,
                    thick=True,
                    points=few,
                    low=low,
                    high=high,
                    seeds=has_scores,
                )
            )
        return curves

    def _band(self, values: Columns | Floats, lane: int) -> Band:
        """Return mean and band over the seeds of a lane; no loss and no accuracy lies below 0, so no band does.

        Where a logarithmic axis cannot show the lower end, which is 0 then, the band leaves through the bottom.
        """
        own = self._view.groups.members_of(lane)
        if isinstance(values, Columns):
            kept = np.stack([self._until_stopped(member, values) for member in own], axis=1)
        else:
            kept = values[:, own.start : own.stop]
        found = band(kept, self._kind)
        return Band(found.mean, np.maximum(found.low, 0.0), found.high, found.count)

    def _until_stopped(self, lane: int, validation: Columns) -> Floats:
        """Return a lane's scores up to the step at which it was stopped; from there on they say nothing new."""
        score: Floats = validation.mean[:, lane]
        stop = stopped_at(self._view.history, lane)
        if stop is None:
            return score
        return np.where(validation.steps <= stop, score, np.nan)

    def marks(self) -> tuple[Mark, ...]:
        """Return a ring around the best score of a lane that was stopped early, and a cross where a seed diverged."""
        history, of = self._view.history, self._of
        if history is None or not history.lanes:
            return ()
        marks = []
        for lane in self._view.shown_lanes():
            own = self._view.groups.members_of(lane)
            best = history.lanes[lane].best_step
            if len(own) == 1 and best is not None and len(of.validation):
                height = of.validation.mean[_nearest(of.validation.steps, best), lane]
                marks.append(Mark(lane, float(best), float(height)))
            deaths = [at for member in own if (at := diverged_at(history, member)) is not None]
            if deaths and len(deaths) < len(own) and len(of.train):
                mean = self._band(of.train, lane).mean
                for at in deaths:
                    height = mean[_nearest(of.batches.steps, at)]
                    marks.append(Mark(lane, float(at), float(height), died=True))
        return tuple(marks)

    def labels(self, show: Callable[[float], str]) -> tuple[EndLabel, ...]:
        """Return the names at the ends of the lines; of several seeds the mean stands there, of those that are left.

        Args:
            show: Writes a number.
        """
        labels = []
        for lane in self._view.shown_lanes():
            ends = [
                end for member in self._view.groups.members_of(lane) if (end := self._end(member)) is not None
            ]
            living = [end for end in ends if not end.died]
            if living:
                step = max(end.step for end in living)
                value = sum(end.value for end in living) / len(living)
                number = sum(end.number for end in living) / len(living)
                stopped = all(end.stopped for end in living)
                labels.append(EndLabel(lane, step, value, show(number), stopped=stopped))
            elif ends:
                last = max(ends, key=lambda end: end.step)
                labels.append(EndLabel(lane, last.step, last.value, "", died=True))
        return tuple(labels)

    def _end(self, lane: int) -> _End | None:
        """Return where the line of one seed ends, or None where it has not begun."""
        train, scores = self._of.train, self._of.scores
        died = diverged_at(self._view.history, lane)
        finite = np.flatnonzero(np.isfinite(train[:, lane]))
        if died is not None:
            height = float(train[finite[-1], lane]) if len(finite) else math.inf
            return _End(float(died), height, math.nan, died=True)
        if not len(finite):
            return None
        end = float(self._of.batches.steps[finite[-1]])
        score = float(scores.last[lane])
        # An old score beside a line that has fallen since would say the opposite of what is seen.
        is_recent = len(scores.steps) > 0 and float(scores.steps[-1]) >= RECENT * end
        value = score if is_recent and math.isfinite(score) else float(train[finite[-1], lane])
        stop = stopped_at(self._view.history, lane)
        if stop is None:
            return _End(end, value, value)
        # The bar stands at the end of the line; the number is that of the weights it has now.
        line = self._until_stopped(lane, self._of.validation)
        ends = line[np.isfinite(line)] if is_recent else train[finite[-1:], lane]
        return _End(float(stop), float(ends[-1]) if len(ends) else value, value, stopped=True)


def _nearest(steps: Floats, wanted: float) -> int:
    return int(np.argmin(np.abs(steps - wanted)))
