"""Lanes that answer together: their average or their vote beside the mean and the best of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Slot
from PySide6.QtWidgets import QWidget

from initviz.telemetry.ensemble import Answers, Ensemble, ensemble
from initviz.telemetry.frame import Floats
from initviz.views.axes import Axis, SteadyRange
from initviz.views.choice_button import ChoiceButton
from initviz.views.disagreement import divide, draw_matrix, pair_at, value_text
from initviz.views.end_labels import EndLabel
from initviz.views.ink import Ink
from initviz.views.invitation import draw_invitation
from initviz.views.members_button import MembersButton
from initviz.views.numbers import percent, significant, whole
from initviz.views.palette import DASHED, LaneStyle
from initviz.views.panels import Curve, Panel
from initviz.views.plot import Readout, ReadoutRow
from initviz.views.reduction import Raster
from initviz.views.saving import Row
from initviz.views.step_view import StepView

TOGETHER, BEST, MEAN = -1, -2, -3
"""Lines that belong to no lane."""
_BOTH_FROM = 250.0
"""Height of the canvas, in multiples of the base size's 13 pixels, from which two plots are legible."""
_SETTLED = 0.25
"""The first part of a run, in which every lane still learns the most, does not stretch the axis."""


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """One score over the steps.

    Attributes:
        key: A lane, or one of the lines that belong to none.
        values: ``(S,)``.
    """

    key: int
    values: Floats


class EnsembleView(StepView):
    """Accuracy and loss of the members thin, of all together thick; beside them a matrix of who differs from whom."""

    KEY = "ensemble"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._members = MembersButton()
        self._members.changed.connect(self._choose)
        self._way = ChoiceButton()
        self._way.chosen.connect(self._choose)
        self.controls.addWidget(self._members)
        self.controls.addWidget(self._way)
        self._ranges = {"accuracy": SteadyRange(least=0.02), "loss": SteadyRange(log=True, least=0.1)}
        self._found: dict[tuple[int, tuple[int, ...]], tuple[Answers, Ensemble | None]] = {}
        self._kinds: tuple[str, ...] = ()
        self._matrix: QRectF | None = None
        self._fitted: object = None
        self._is_named = False

    def title(self) -> str:
        return self.tr("Ensemble")

    def sentence(self) -> str:
        return self.tr(
            "Networks that err on different examples correct each other: the thick line lies above the best member"
            " where they differ, and gains nothing where all give the same answers."
        )

    def invitation(self) -> str:
        if self.info is not None and len(self.info.lanes) < 2:
            return self.tr(
                "An ensemble takes two lanes or more.\nAdd a lane, for example with another seed, then press space."
            )
        return self.tr(
            "Press space to play.\nHow good all lanes are together appears here, beside the mean and the best of them;"
            " examples must be held back for it."
        )

    def version(self) -> int:
        return self.frame_version()

    def has_data(self) -> bool:
        latest = self.history.answers.latest if self.history is not None else None
        return latest is not None and len(latest.able()) > 1

    def forget(self) -> None:
        super().forget()
        self._found = {}
        self._forget_ranges()
        names = [lane.name for lane in self.info.lanes] if self.info is not None else []
        self._members.offer(names)
        self._members.setVisible(len(names) > 1)
        self._way.setVisible(self.info is None or self.info.task != "regression")

    def _forget_ranges(self) -> None:
        for held in self._ranges.values():
            held.reset()

    def choose_members(self, lanes: list[int]) -> None:
        """Let these lanes be the members."""
        self._members.choose(lanes)
        self._choose()

    def choose_way(self, way: str) -> None:
        """Show ``probabilities``, ``logits`` or ``vote``."""
        self._way.choose(way)
        self._choose()

    @Slot()
    def _choose(self) -> None:
        self._forget_ranges()
        self.redraw()

    def members(self) -> tuple[int, ...]:
        """Return the lanes that are chosen and shown."""
        hidden = self.hidden_lanes
        return tuple(lane for lane in self._members.chosen() if lane not in hidden)

    def scores(self) -> list[Ensemble]:
        """Return how good the members were together at every step that is known, in order."""
        if self.history is None:
            return []
        members, found = self.members(), {}
        for answers in self.history.answers:
            key = (answers.step, members)
            held = self._found.get(key)
            found[key] = (
                held if held is not None and held[0] is answers else (answers, ensemble(answers, members))
            )
        self._found = found
        return [one for _, one in found.values() if one is not None]

    def matrix(self) -> QRectF | None:
        """Return where the matrix was last drawn, or None where there was no room."""
        return self._matrix

    # Lines that belong to no lane

    def lane_style(self, lane: int) -> LaneStyle:
        theme = self.theme
        if lane == TOGETHER:
            return LaneStyle(theme.text, theme.text, (), "star")
        if lane in {BEST, MEAN}:
            return LaneStyle(theme.muted, theme.muted, DASHED if lane == MEAN else (), "diamond")
        return super().lane_style(lane)

    def lane_name(self, lane: int) -> str:
        """Return what a member is called: every seed answers, each with a name of its own."""
        return self.info.lanes[lane].name if self.info is not None else ""

    def mark_lane(self, rect: QRectF, lane: int) -> None:
        if lane >= 0:
            super().mark_lane(rect, lane)

    def line_name(self, key: int) -> str:
        """Return what a line is called."""
        names = {TOGETHER: self.tr("together"), BEST: self.tr("best member"), MEAN: self.tr("mean member")}
        return names.get(key) or self.lane_name(key)

    def value_text(self, panel: int, value: float) -> str:
        is_share = panel < len(self._kinds) and self._kinds[panel] == "accuracy"
        return percent(value) if is_share else significant(value)

    # Drawing

    def draw(self, ink: Ink, area: QRectF) -> None:
        scores = self.scores()
        on_screen = ink.painter.device() is self.canvas.image
        if not scores:
            if on_screen:
                self._matrix, self._layout.plots = None, []
            draw_invitation(ink, area, self.tr("Choose two members or more that have not diverged."))
            return
        fitted = scores[-1].members
        if fitted != self._fitted:
            self._forget_ranges()
            self._fitted = fitted
        place = divide(self, area)
        self._is_named = place.matrix is not None
        super().draw(ink, place.curves)
        if on_screen:
            self._matrix = place.matrix
        if place.matrix is not None:
            draw_matrix(self, ink, place.matrix, scores[-1], self._matrix_caption())

    def _matrix_caption(self) -> str:
        if self.info is not None and self.info.task == "regression":
            return self.tr("difference of the predictions")
        return self.tr("answers that differ")

    def panels(self, raster: Raster, height: float) -> tuple[Panel, ...]:
        assert self.info is not None
        scores = self.scores()
        kinds = []
        if self.info.task != "regression":
            kinds.append("accuracy")
        has_loss = self.info.task == "regression" or self._way.current != "vote"
        if has_loss and (not kinds or height >= _BOTH_FROM * self.theme.base_px / 13):
            kinds.append("loss")
        self._kinds = tuple(kinds)
        return tuple(self._panel(kind, scores) for kind in kinds)

    def _lines(self, kind: str, scores: list[Ensemble]) -> list[_Line]:
        own = [one.accuracies if kind == "accuracy" else one.losses for one in scores]
        best = [float(values.max() if kind == "accuracy" else values.min()) for values in own]
        lines = [_Line(BEST, np.array(best))]  # below the member that it is, whose colour shows on it
        front = self.groups.members_of(self.focus_lane)
        for lane in sorted(self.members(), key=lambda lane: lane in front):
            values = [
                float(values[one.members.index(lane)]) if lane in one.members else math.nan
                for one, values in zip(scores, own, strict=True)
            ]
            lines.append(_Line(lane, np.array(values)))
        lines.append(_Line(MEAN, np.array([float(values.mean()) for values in own])))
        way = self._way.current or "probabilities"
        lines.append(_Line(TOGETHER, np.array([float(getattr(one, f"{way}_{kind}")) for one in scores])))
        return lines

    def _panel(self, kind: str, scores: list[Ensemble]) -> Panel:
        steps = np.array([one.step for one in scores], dtype=np.float64)
        lines = self._lines(kind, scores)
        few = len(steps) <= 2
        curves = [
            Curve(
                line.key,
                steps,
                line.values,
                thick=line.key in {TOGETHER, BEST},
                faint=line.key >= 0 and self._is_named,
                points=few,
            )
            for line in lines
        ]
        labels = [
            EndLabel(
                line.key,
                float(steps[-1]),
                float(line.values[-1]),
                percent(float(line.values[-1]))
                if kind == "accuracy"
                else significant(float(line.values[-1])),
                name=self.line_name(line.key),
            )
            for line in lines
            if line.key < 0
        ]
        note = self.tr("{count} examples held back").format(count=whole(scores[-1].num_examples))
        return Panel(
            caption=self.tr("accuracy") if kind == "accuracy" else self.tr("loss"),
            note=note if kind == self._kinds[0] else "",
            axis=self._axis(kind, steps, lines),
            curves=tuple(curves),
            labels=tuple(labels),
            weight=1.5 if kind == "accuracy" else 1.0,
        )

    def _axis(self, kind: str, steps: Floats, lines: list[_Line]) -> Axis:
        """Find a range in which the gain can be seen: that of the lines once they have settled."""
        settled = steps >= _SETTLED * steps[-1]
        values = np.concatenate([line.values[settled] for line in lines])
        values = values[np.isfinite(values)]
        held = self._ranges[kind]
        if kind == "accuracy":
            if not len(values):
                return Axis(0.0, 1.0, percent=True)
            axis = held.fit(max(0.0, float(values.min()) - 0.005), min(1.0, float(values.max()) + 0.005))
            return replace(axis, percent=True)
        decades = np.log10(values[values > 0])
        if not len(decades):
            return held.fit(-1.0, 1.0)
        return held.fit(float(decades.min()) - 0.02, float(decades.max()) + 0.02)

    # Cross-hair and numbers

    def read_out(self, place: QPointF) -> Readout | None:
        scores = self.scores()
        if not scores:
            return None
        if self._matrix is not None:
            pair = pair_at(self._matrix, scores[-1], place)
            if pair is not None:
                return self._read_pair(self._matrix, scores[-1], pair, place)
        for plot, kind in zip(self.plots(), self._kinds, strict=False):
            if not plot.rect.adjusted(-6, -16, 6, 16).contains(place):
                continue
            share = min(1.0, max(0.0, (place.x() - plot.rect.left()) / plot.rect.width()))
            wanted = plot.x.low + share * (plot.x.high - plot.x.low)
            at = min(range(len(scores)), key=lambda index: abs(scores[index].step - wanted))
            rows = []
            x = float(plot.px(np.array(float(scores[at].step))))
            lines = sorted(self._lines(kind, scores), key=lambda line: (line.key >= 0, abs(line.key)))
            for line in lines:
                value = float(line.values[at])
                y = float(plot.py_inside(plot.y.coordinates(np.array(value))))
                point = QPointF(x, y) if math.isfinite(y) else None
                text = percent(value) if kind == "accuracy" else significant(value)
                lane = line.key if line.key >= 0 else None
                rows.append(ReadoutRow(lane, self.line_name(line.key), text, point))
            heading = self.tr("step {step}").format(step=whole(scores[at].step))
            return Readout(plot.rect, heading, tuple(rows), x=x)
        return None

    def _read_pair(self, rect: QRectF, found: Ensemble, pair: tuple[int, int], place: QPointF) -> Readout:
        first, second = (found.members[index] for index in pair)
        if first == second:
            accuracy = float(found.accuracies[pair[0]])
            text = significant(float(found.losses[pair[0]])) if math.isnan(accuracy) else percent(accuracy)
            alone = (ReadoutRow(first, self.lane_name(first), text),)
            return Readout(rect, self.tr("by itself"), alone, x=place.x(), y=place.y())
        text = value_text(found, float(found.disagreement[pair]))
        both = tuple(ReadoutRow(lane, self.lane_name(lane), "") for lane in (first, second))
        return Readout(rect, f"{self._matrix_caption()}: {text}", both, x=place.x(), y=place.y())

    def table(self) -> list[Row]:
        scores = self.scores()
        ways = (
            "probabilities_accuracy",
            "probabilities_loss",
            "logits_accuracy",
            "logits_loss",
            "vote_accuracy",
        )
        own = ("mean_accuracy", "mean_loss", "best_accuracy", "best_loss")
        members = self.members()
        pairs = [(a, b) for place, a in enumerate(members) for b in members[place + 1 :]]
        rows: list[Row] = [
            [
                "step",
                *ways,
                *own,
                *(f"{self.lane_name(a)} and {self.lane_name(b)} disagreement" for a, b in pairs),
            ]
        ]
        for one in scores:
            places = {lane: place for place, lane in enumerate(one.members)}
            differ = [
                float(one.disagreement[places[a], places[b]]) if a in places and b in places else ""
                for a, b in pairs
            ]
            rows.append([one.step, *(float(getattr(one, name)) for name in (*ways, *own)), *differ])
        return rows

    def retranslate(self) -> None:
        super().retranslate()
        ways = [
            ("probabilities", self.tr("Probabilities")),
            ("logits", self.tr("Logits")),
            ("vote", self.tr("Vote")),
        ]
        self._way.set_alternatives(ways, self._way.current or "probabilities")
        self._way.describe(
            self.tr(
                "How the answers of the members become one: the mean of their probabilities, the mean of their"
                " logits, or the class that most of them choose"
            )
        )
        self._members.describe(self.tr("Members"), self.tr("Choose the lanes that answer together"))
