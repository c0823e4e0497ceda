"""What the plots of a study have in common: its trials, their colours, and which of them is chosen."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Signal
from PySide6.QtWidgets import QWidget

from initviz.sweep.records import TrialRecord, best_record
from initviz.sweep.study import Choices, Scalar, Study
from initviz.views import lettering
from initviz.views.axes import Axis, SteadyRange, Tick
from initviz.views.base import View
from initviz.views.ink import Ink
from initviz.views.invitation import draw_invitation
from initviz.views.magnitude import sequential
from initviz.views.numbers import significant, whole
from initviz.views.palette import Theme
from initviz.views.plot import Plot, Readout, ReadoutRow
from initviz.views.saving import Row

_REACH = 14.0
"""So near, in pixels, the pointer must come to a trial."""
_LOG_DECADES = 1.5
"""Scores that spread over more than this are drawn on a logarithmic axis."""
_LEVELS = 256

Label = Callable[[str, Scalar], str]
Name = Callable[[str], str]


def objective_title(study: Study) -> str:
    """Return what a study makes best, in the window's language."""
    return {
        "val_loss": QCoreApplication.translate("StudyView", "validation loss"),
        "val_accuracy": QCoreApplication.translate("StudyView", "validation accuracy"),
        "train_loss": QCoreApplication.translate("StudyView", "training loss"),
    }[study.objective]


def plain_name(path: str) -> str:
    """Return a field's path as it is."""
    return path


def plain_label(path: str, value: Scalar) -> str:
    """Return a tried value in three significant digits, or as it is written."""
    if isinstance(value, float):
        return significant(value)
    return str(value)


class StudyView(View):
    """One plot of a study.

    A subclass draws in ``draw`` and puts the place of every trial it draws into ``spots``.

    Signals:
        trial_chosen: A trial was clicked; its number.
    """

    trial_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.study: Study | None = None
        self.trials: tuple[TrialRecord, ...] = ()
        self.chosen: int | None = None
        self.spots: list[tuple[QPointF, TrialRecord]] = []
        self._name: Name = plain_name
        self._label: Label = plain_label
        self._range = SteadyRange(log=False, least=1e-6)
        self._log_range = SteadyRange(log=True, least=0.1)
        self._colors: dict[int, str] = {}

    # What the window calls

    def set_study(self, study: Study | None, name: Name = plain_name, label: Label = plain_label) -> None:
        """Show another study, without trials yet.

        Args:
            study: What is searched, or None.
            name: What a person calls a field.
            label: What a person calls a value of it.
        """
        self.study, self._name, self._label = study, name, label
        self.trials, self.chosen = (), None
        self._range.reset()
        self._log_range.reset()
        self.redraw()

    def set_trials(self, trials: tuple[TrialRecord, ...]) -> None:
        """Show these trials of the study."""
        if trials != self.trials:
            self.trials = trials
            self.redraw()

    def choose(self, number: int | None) -> None:
        """Bring one trial forward, or none."""
        if number != self.chosen:
            self.chosen = number
            self.redraw()

    # What a subclass asks

    def scored(self) -> list[TrialRecord]:
        """Return the trials that have come to a finite number, whole or pruned; repeated ones left out."""
        return [trial for trial in self.trials if not trial.is_repeated and trial.value is not None]

    def best(self) -> TrialRecord | None:
        """Return the best complete trial."""
        return None if self.study is None else best_record(self.trials, self.study.maximizes)

    def field_name(self, path: str) -> str:
        """Return what a person calls a field."""
        return self._name(path)

    def field_label(self, path: str, value: Scalar) -> str:
        """Return what a person calls a value of a field."""
        return self._label(path, value)

    def painting(self) -> list[TrialRecord]:
        """Return the scored trials, worst first, then the best, then the one that is chosen."""
        assert self.study is not None
        sign = 1.0 if self.study.maximizes else -1.0
        order = sorted(self.scored(), key=lambda trial: sign * (trial.value or 0.0))
        return sorted(order, key=lambda trial: trial.number == self.chosen)

    def score_axis(self) -> Axis:
        """Return the axis of scores: steady, and logarithmic where losses spread over decades."""
        assert self.study is not None
        values = np.array([trial.value for trial in self.scored()], dtype=np.float64)
        if self.study.objective == "val_accuracy":
            if not len(values):
                return Axis(0.0, 1.0, percent=True)
            low, high = math.floor(10 * float(values.min())) / 10, math.ceil(10 * float(values.max())) / 10
            return Axis(min(0.9, max(0.0, low)), min(1.0, max(high, low + 0.1)), percent=True)
        if not len(values):
            return Axis(0.0, 1.0)
        positive = values[values > 0]
        low, high = float(np.min(values)), float(np.percentile(values, 95))
        if len(positive) == len(values) and math.log10(float(values.max()) / low) > _LOG_DECADES:
            return self._log_range.fit(math.log10(low) - 0.05, math.log10(float(values.max())) + 0.05)
        return self._range.fit(low, max(high, low + 1e-6))

    def color_of(self, trial: TrialRecord) -> str:
        """Return a trial's colour: the better its rank among all, the further from the surface."""
        return self._colors.get(trial.number, self.theme.muted)

    def is_marked(self, trial: TrialRecord) -> bool:
        """Say whether a trial is drawn in front: the chosen one, or the best where none is chosen."""
        best = self.best()
        wanted = self.chosen if self.chosen is not None else None if best is None else best.number
        return trial.number == wanted

    def trial_at(self, place: QPointF) -> TrialRecord | None:
        """Return the trial that is drawn nearest to a place, or None where none is near."""
        near = [
            (math.hypot(spot.x() - place.x(), spot.y() - place.y()), -index, trial)
            for index, (spot, trial) in enumerate(self.spots)
        ]
        distance, _, trial = min(near, key=lambda item: item[:2], default=(math.inf, 0, None))
        return trial if distance <= _REACH * self.theme.unit else None

    def spot_of(self, number: int) -> QPointF | None:
        """Return where on the canvas a trial was last drawn."""
        return next((spot for spot, trial in self.spots if trial.number == number), None)

    # What every view does, for a study

    def has_data(self) -> bool:
        return self.study is not None and bool(self.scored())

    def version(self) -> int:
        return hash((self.trials and self.trials[-1].number, len(self.scored()), self.chosen))

    def invitation(self) -> str:
        if self.study is not None:
            return QCoreApplication.translate(
                "StudyView", "Press “Start search”.\nEvery finished trial appears here."
            )
        return QCoreApplication.translate(
            "StudyView",
            "Add fields to search on the left, then press “Start search”.\nEvery finished trial appears here.",
        )

    def _draw_all(self, ink: Ink, area: QRectF) -> None:
        on_screen = ink.painter.device() is self.canvas.image
        kept = self.spots
        self.spots = []
        if not self.has_data():
            draw_invitation(ink, area, self.invitation())
        else:
            self._rank()
            ink.fill(area, self.theme.surface)
            self.draw(ink, area)
        if not on_screen:
            self.spots = kept

    def _rank(self) -> None:
        order = sorted(self.scored(), key=lambda trial: trial.value or 0.0)
        if self.study is not None and not self.study.maximizes:
            order.reverse()
        self._colors = {
            trial.number: _shade(self.theme, (place + 1) / len(order)) for place, trial in enumerate(order)
        }

    def _readout(self) -> Readout | None:
        place = self.canvas.cursor_at
        if place is None or not self.has_data():
            return None
        return self.read_out(place)

    def read_out(self, place: QPointF) -> Readout | None:
        trial = self.trial_at(place)
        if trial is None or self.study is None:
            return None
        rows = [
            ReadoutRow(
                None, objective_title(self.study), self.score_text(trial), self.spot_near(place, trial)
            )
        ]
        rows += [
            ReadoutRow(None, self.field_name(path), self.field_label(path, value))
            for path, value in trial.values.items()
        ]
        heading = QCoreApplication.translate("StudyView", "Trial {number}").format(number=trial.number)
        if trial.state == "pruned":
            heading = QCoreApplication.translate("StudyView", "Trial {number}, pruned").format(
                number=trial.number
            )
        area = QRectF(0, 0, self.canvas.width(), self.canvas.height())
        spot = self.spot_near(place, trial) or place
        return Readout(area, heading, tuple(rows), x=None, y=spot.y())

    def spot_near(self, place: QPointF, trial: TrialRecord) -> QPointF | None:
        """Return where a trial is drawn nearest to a place."""
        own = [spot for spot, drawn in self.spots if drawn.number == trial.number]
        return min(own, key=lambda spot: (spot - place).manhattanLength(), default=None)

    def score_text(self, trial: TrialRecord) -> str:
        """Return a trial's score in three digits."""
        return significant(math.nan if trial.value is None else trial.value)

    def _click(self, place: QPointF) -> None:
        trial = self.trial_at(place)
        if trial is not None:
            self.trial_chosen.emit(trial.number)

    def _page_title(self) -> str:
        return f"{self.study.name} — {self.title()}" if self.study is not None else self.title()

    def table(self) -> list[Row]:
        assert self.study is not None
        paths = [field.path for field in self.study.fields]
        rows: list[Row] = [["trial", "state", self.study.objective, *paths]]
        for trial in self.trials:
            value: str | float = "" if trial.value is None else trial.value
            rows.append([trial.number, trial.state, value, *(trial.values.get(path, "") for path in paths)])
        return rows


def _shade(theme: Theme, share: float) -> str:
    """Return the colour of a rank from 0, the worst, to 1, the best."""
    if theme.name == "light":
        level = (1.0 - share) * 0.86  # the map's bright end cannot be seen on white
    else:
        level = 0.22 + 0.78 * share
    red, green, blue = sequential(_LEVELS)[round(level * (_LEVELS - 1))].tolist()
    return f"#{red:02x}{green:02x}{blue:02x}"


def field_axis(study: Study, index: int) -> Axis:
    """Return the axis of a field: of a range its bounds, of choices their places in order."""
    space = study.fields[index].space
    if isinstance(space, Choices):
        return Axis(-0.5, len(space.labels) - 0.5)
    if space.log:
        return Axis(math.log10(space.low), math.log10(space.high), log=True)
    return Axis(float(space.low), float(space.high))


def field_coordinate(study: Study, index: int, trial: TrialRecord) -> float:
    """Return where on ``field_axis`` a trial lies; NaN where it tried nothing there."""
    field = study.fields[index]
    value = trial.values.get(field.path)
    if value is None:
        return math.nan
    if isinstance(field.space, Choices):
        known = [(type(label) is bool, label) for label in field.space.labels]
        wanted = (type(value) is bool, value)
        return float(known.index(wanted)) if wanted in known else math.nan
    if isinstance(value, str):
        return math.nan
    return float(field_axis(study, index).coordinates(np.array(float(value))))


def field_ticks(view: StudyView, index: int, plot: Plot, room: float, vertical: bool) -> tuple[Tick, ...]:
    """Return the marks of a field's axis, every choice named as far as there is room.

    Args:
        view: Knows what the choices are called.
        index: Of the field.
        plot: Its axis is the vertical or the horizontal one.
        room: Pixels that a name may take.
        vertical: Which.
    """
    assert view.study is not None
    field = view.study.fields[index]
    size = view.theme.small_px
    if not isinstance(field.space, Choices):
        ticks = plot.y_ticks(view.theme) if vertical else plot.x_ticks(view.theme)
        return whole_ticks(ticks, plot.y if vertical else plot.x) if field.space.is_integer else ticks
    every = 1
    if vertical:
        step = plot.rect.height() / len(field.space.labels)
        every = max(1, math.ceil((size + 2) / max(step, 0.1)))
    return tuple(
        Tick(float(place), lettering.elide(view.field_label(field.path, label), room, size))
        for place, label in enumerate(field.space.labels)
        if place % every == 0
    )


def whole_ticks(ticks: tuple[Tick, ...], axis: Axis) -> tuple[Tick, ...]:
    """Return the marks of an axis of whole numbers: those between two of them are left out.

    Args:
        ticks: What an axis of any numbers would have.
        axis: Marked are at least the first and the last whole number on it.
    """

    def is_whole(tick: Tick) -> bool:
        value = axis.value(tick.at)
        return not tick.label or abs(value - round(value)) < 1e-6 * max(1.0, abs(value))

    kept = tuple(
        Tick(tick.at, whole(round(axis.value(tick.at))) if tick.label else "")
        for tick in ticks
        if is_whole(tick)
    )
    if sum(bool(tick.label) for tick in kept) >= 2:
        return kept
    ends = (math.ceil(axis.value(axis.low) - 1e-6), math.floor(axis.value(axis.high) + 1e-6))
    return tuple(
        Tick(float(axis.coordinates(np.array(float(number)))), whole(number)) for number in sorted(set(ends))
    )
