"""The decision of every lane over a two-dimensional data set."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Boundary
from initviz.views import multiples as cells
from initviz.views.axes import Axis
from initviz.views.base import View
from initviz.views.ink import Ink
from initviz.views.lane_status import diverged_at, status_text
from initviz.views.magnitude import diverging
from initviz.views.multiples import Cell, Multiples
from initviz.views.numbers import percent, significant
from initviz.views.palette import rgb
from initviz.views.plot import Readout, ReadoutRow
from initviz.views.saving import Row

_MOST_POINTS = 500


class BoundaryView(View):
    """One small map a lane: colour is the class, its strength the confidence; the points are the training data."""

    KEY = "boundary"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._multiples: Multiples | None = None

    def title(self) -> str:
        return self.tr("Decision boundary")

    def sentence(self) -> str:
        return self.tr(
            "Colour is the answer, its strength the confidence: a good start bends the border around the points, a"
            " bad one leaves it straight or pale."
        )

    def invitation(self) -> str:
        if self.info is not None and not len(self.info.points):
            return self.tr(
                "This data set has more than two inputs, so there is no plane to draw.\nChoose moons, circles,"
                " spirals or xor to see decision boundaries."
            )
        return self.tr(
            "Press space to play.\nThe answer of every lane appears here for each place of the plane."
        )

    def version(self) -> int:
        return self.frame_version()

    def has_data(self) -> bool:
        return self._boundary() is not None

    def _boundary(self) -> Boundary | None:
        frame = self.history.frame if self.history is not None else None
        return frame.boundary if frame is not None else None

    def cells(self) -> tuple[Cell, ...]:
        """Return the small plots as they were last drawn."""
        return self._multiples.cells if self._multiples is not None else ()

    def class_color(self, index: int) -> str:
        """Return the colour of a class's points."""
        return self.theme.lane(index).color

    def draw(self, ink: Ink, area: QRectF) -> None:
        boundary = self._boundary()
        assert boundary is not None
        left, right, bottom, top = boundary.extent
        x, y = Axis(left, right), Axis(bottom, top)
        aspect = (right - left) / (top - bottom)
        multiples = cells.arrange(self, area, x, y, aspect, (), x_numbers=False, square=True)
        multiples = cells.centered(multiples, area)
        if ink.painter.device() is self.canvas.image:
            self._multiples = multiples
        self.backdrop(ink, multiples.key, lambda target: target.fill(area, self.theme.surface))
        for cell in multiples.cells:
            self._draw_cell(ink, cell, boundary)
        cells.draw_names(self, ink, multiples, self._note)

    def _note(self, lane: int) -> str:
        if diverged_at(self.history, lane) is not None or self.history is None:
            return status_text(self.history, lane)
        accuracy = float(self.history.validation_accuracy().last[lane])
        return percent(accuracy) if math.isfinite(accuracy) else ""

    def _draw_cell(self, ink: Ink, cell: Cell, boundary: Boundary) -> None:
        rect = cell.plot.rect
        classes, confidence = boundary.classes[cell.lane], boundary.confidence[cell.lane]
        if np.isnan(confidence).all():
            ink.fill(rect, self.theme.unknown)
            ink.death(rect.center().x(), rect.center().y(), self.lane_style(cell.lane).color, 8.0)
        else:
            ink.colors(rect, self._colors(classes, confidence)[::-1])
        self._draw_points(ink, cell)

    def _colors(self, classes: NDArray[np.int16], confidence: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return ``(H, W, 3)``: the class's colour, paler towards the confidence of a guess."""
        count = self._num_classes()
        sure = np.clip(np.nan_to_num(confidence, nan=0.0), 0, 1)
        strength = np.clip((sure - 1 / count) / (1 - 1 / count), 0, 1)
        if count == 2:
            signed = np.where(classes == 0, -strength, strength)
            levels = np.round(127 + 0.62 * 127 * signed).astype(np.uint8)
            signed_colors: NDArray[np.uint8] = diverging(self.theme)[levels]
            return signed_colors
        shades = np.array([rgb(self.class_color(index)) for index in range(count)], dtype=np.float32)
        pale = np.array(rgb(self.theme.unknown), dtype=np.float32)
        mixed = pale + (shades[np.clip(classes, 0, count - 1)] - pale) * (0.62 * strength[..., None])
        colors: NDArray[np.uint8] = mixed.round().astype(np.uint8)
        return colors

    def _num_classes(self) -> int:
        assert self.info is not None
        seen = int(self.info.point_classes.max()) + 1 if len(self.info.point_classes) else 2
        return max(2, len(self.info.class_names), seen)

    def _draw_points(self, ink: Ink, cell: Cell) -> None:
        assert self.info is not None
        points, classes = self.info.points, self.info.point_classes
        every = max(1, math.ceil(len(points) / _MOST_POINTS))
        points, classes = points[::every], classes[::every]
        x, y = cell.plot.px(points[:, 0]), cell.plot.py(points[:, 1])
        size = float(np.clip(cell.plot.rect.width() / 45, 2.5, 6.0))
        ink.clip(cell.plot.rect)
        for index in np.unique(classes).tolist():
            held = classes == index
            ink.dots(x[held], y[held], self.theme.surface, size + 1.6)
            ink.dots(x[held], y[held], self.class_color(index), size)
        ink.clip(None)

    def read_out(self, place: QPointF) -> Readout | None:
        cell = self._multiples.at(place) if self._multiples is not None else None
        boundary = self._boundary()
        if cell is None or boundary is None or self.info is None or not cell.plot.rect.contains(place):
            return None
        rect = cell.plot.rect
        across = (place.x() - rect.left()) / rect.width()
        up = (rect.bottom() - place.y()) / rect.height()
        height, width = boundary.classes.shape[1:]
        row, column = min(int(up * height), height - 1), min(int(across * width), width - 1)
        x = cell.plot.x.low + across * (cell.plot.x.high - cell.plot.x.low)
        y = cell.plot.y.low + up * (cell.plot.y.high - cell.plot.y.low)
        rows = []
        for lane in self.shown_lanes():
            index = int(boundary.classes[lane, row, column])
            names = self.info.class_names
            name = names[index] if 0 <= index < len(names) else str(index)
            text = f"{name}  {percent(float(boundary.confidence[lane, row, column]))}"
            rows.append(ReadoutRow(lane, self.lane_name(lane), text))
        heading = f"({significant(x)}, {significant(y)})"
        return Readout(rect, heading, tuple(rows), x=place.x(), y=place.y())

    def table(self) -> list[Row]:
        assert self.info is not None
        rows: list[Row] = [["lane", "x", "y", "class", "confidence"]]
        boundary = self._boundary()
        if boundary is None:
            return rows
        left, right, bottom, top = boundary.extent
        height, width = boundary.classes.shape[1:]
        xs, ys = np.linspace(left, right, width).tolist(), np.linspace(bottom, top, height).tolist()
        for index, lane in enumerate(self.info.lanes):
            rows += [
                [lane.name, x, y, int(boundary.classes[index, j, i]), float(boundary.confidence[index, j, i])]
                for j, y in enumerate(ys)
                for i, x in enumerate(xs)
            ]
        return rows
