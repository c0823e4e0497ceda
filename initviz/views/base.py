"""What every view has: a head with its name and its sentence, a menu, a canvas, a cross-hair, an empty state."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QImage, QPainter, QShowEvent
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from initviz.experiment.errors import InitVizError
from initviz.telemetry.frame import RunInfo
from initviz.telemetry.history import RunHistory
from initviz.views import lettering, saving
from initviz.views.canvas import Canvas
from initviz.views.ink import Ink
from initviz.views.invitation import draw_invitation
from initviz.views.lane_groups import LaneGroups
from initviz.views.layers import layer_ticks
from initviz.views.palette import LIGHT, LaneStyle, Theme
from initviz.views.plot import Readout, axis_width, draw_readout
from initviz.views.saving import Row
from initviz.views.shapes import qcolor
from initviz.views.view_head import ACTIONS, ViewHead

logger = logging.getLogger(__name__)


class View(QWidget):
    """One plot of a run.

    A subclass says its ``title``, ``sentence``, ``invitation`` and ``table``, and draws in ``draw``. Everything else,
    from the menu to the cross-hair, is here.

    Attributes:
        head: Title, controls, "?" and menu; a dock may take it as its title bar.
        canvas: What the data is drawn on.
        groups: Which lanes belong together as the seeds of one.
        controls: Row in the head for a subclass's own buttons.

    Signals:
        failed: Something that the person asked for did not work; a ``Text``.
        saved: A file was written; its path.
        lane_chosen: The name of a lane was clicked; its index among the lanes as they are written.
        start_moved: A lane is to start elsewhere: its index among the lanes as they are written, sigma_w, sigma_b, and
            a number that is the same for all of one move.
    """

    KEY: ClassVar[str] = ""

    failed = Signal(object)
    saved = Signal(str)
    lane_chosen = Signal(int)
    start_moved = Signal(int, float, float, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.info: RunInfo | None = None
        self.history: RunHistory | None = None
        self.theme: Theme = LIGHT
        self.groups = LaneGroups()
        self._drawn_version = -1
        self._stale = True
        self._backdrop: QImage | None = None
        self._backdrop_key: object = None
        self._lane_places: list[tuple[QRectF, int]] = []
        self._backdrop_places: list[tuple[QRectF, int]] = []
        self._suffix = ".png"
        self._fault = ""

        self.head = ViewHead(self)
        self.controls, self.menu = self.head.controls, self.head.menu
        slots = (self._save_png, self._save_svg, self._save_csv, self.copy_picture)
        for name, slot in zip(ACTIONS, slots, strict=True):
            self.head.entries[name].triggered.connect(slot)
        self.canvas = Canvas()
        self.canvas.resized.connect(self._redraw)
        self.canvas.cursor_moved.connect(self._speak)
        self.canvas.clicked.connect(self._click)
        self.canvas.overlay_wanted.connect(self._paint_overlay)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(self.canvas, 1)
        self.setObjectName(f"view_{self.KEY}")
        self.setFocusProxy(self.canvas)
        self.head.set_theme(self.theme)

    # What a subclass says

    def title(self) -> str:
        """Return the view's name."""
        raise NotImplementedError

    def sentence(self) -> str:
        """Return one sentence on what to look for."""
        raise NotImplementedError

    def invitation(self) -> str:
        """Return what will appear here, and what to press."""
        raise NotImplementedError

    def table(self) -> list[Row]:
        """Return the numbers shown as rows, headings first."""
        raise NotImplementedError

    def draw(self, ink: Ink, area: QRectF) -> None:
        """Draw the data; called only when ``has_data`` holds."""
        raise NotImplementedError

    def has_data(self) -> bool:
        """Say whether there is anything to draw."""
        return self.history is not None and self.history.last_step >= 0

    def version(self) -> int:
        """Return a number that changes with what there is to draw, -1 without a run."""
        return self.history.version if self.history is not None else -1

    def frame_version(self) -> int:
        """Return the same for a view that draws frames alone: they come more rarely than the scalars do."""
        frame = self.history.frame if self.history is not None else None
        return hash((frame.step, id(frame))) if frame is not None else -1

    def read_out(self, place: QPointF) -> Readout | None:
        """Return what the cross-hair says at a place of the canvas."""
        return None

    def forget(self) -> None:
        """Drop everything that belongs to the run before."""

    def choices(self) -> dict[str, str]:
        """Return what the person chose here that is to be remembered, by name."""
        return {}

    def recall(self, choices: Mapping[str, str]) -> None:
        """Choose again what was remembered; what is not there stays."""

    # What the window calls

    def set_run(self, info: RunInfo | None, history: RunHistory | None) -> None:
        """Show another run, or none."""
        self.info, self.history = info, history
        self._fault = ""
        self._drawn_version = -1
        self._backdrop_key = None
        self.groups.set_info(info)
        self.forget()
        self._redraw()

    def refresh(self) -> None:
        """Draw what the history now holds; costs nothing when there is nothing new."""
        if self._stale or self.version() != self._drawn_version:
            self._redraw()

    def set_theme(self, theme: Theme) -> None:
        """Change colours and sizes."""
        self.theme = theme
        self._backdrop_key = None
        self.head.set_theme(theme)
        if self.windowTitle():
            self.retranslate()
        self._redraw()

    def set_focus_lane(self, lane: int) -> None:
        """Bring one of the lanes, as they are written, forward with all its seeds."""
        if lane != self.groups.focus:
            self.groups.focus = lane
            self._redraw()

    def set_hidden_lanes(self, lanes: frozenset[int]) -> None:
        """Leave some of the lanes, as they are written, out with all their seeds."""
        if lanes != self.groups.hidden:
            self.groups.hidden = lanes
            self._redraw()

    def save(self, path: Path) -> None:
        """Save the view as the suffix says: ``.png``, ``.svg`` or ``.csv``.

        Raises:
            InitVizError: Another suffix, or the file cannot be written.
        """
        size = QSize(max(480, self.canvas.width()), max(320, self.canvas.height()))
        saving.write(path, self.theme, size, self._page_title(), self._draw_page, self.table())

    # What subclasses use

    @property
    def focus_lane(self) -> int:
        """The lane in front: of a lane that is repeated over seeds the first seed."""
        return self.groups.focus_lane

    @property
    def hidden_lanes(self) -> frozenset[int]:
        """Indices of the lanes that are left out."""
        return self.groups.hidden_lanes

    def shown_lanes(self) -> list[int]:
        """Return the lanes to draw, in order: of a lane that is repeated over seeds the first seed."""
        return self.groups.shown()

    def painting_order(self) -> list[int]:
        """Return the lanes to draw, the one in focus last, so that it lies on top."""
        return sorted(self.shown_lanes(), key=lambda lane: lane == self.focus_lane)

    def lane_style(self, lane: int) -> LaneStyle:
        """Return how a lane is drawn."""
        return self.theme.lane(self.info.lanes[lane].color if self.info is not None else lane)

    def lane_name(self, lane: int) -> str:
        """Return what a lane is called, and which of several seeds it is."""
        return self.groups.name(lane)

    def mark_lane(self, rect: QRectF, lane: int) -> None:
        """Remember where the name of a lane stands, so that a click there chooses it."""
        self._lane_places.append((rect, lane))

    def lane_places(self) -> list[tuple[QRectF, int]]:
        """Return where on the canvas the names of lanes stand."""
        return self._lane_places.copy()

    def backdrop(self, ink: Ink, key: object, draw: Callable[[Ink], None]) -> None:
        """Draw what seldom changes: on the screen from a picture, until ``key`` or the lanes to show are others."""
        image = self.canvas.image
        if ink.painter.device() is not image or image is None:
            draw(ink)
            return
        full_key = (key, image.width(), image.height(), self.focus_lane, self.groups.hidden)
        if self._backdrop is None or self._backdrop_key != full_key:
            named = len(self._lane_places)
            self._backdrop = QImage(image.size(), QImage.Format.Format_RGB32)
            self._backdrop.fill(qcolor(self.theme.surface))
            self._backdrop_key = None
            painter = QPainter(self._backdrop)
            try:
                painter.scale(ink.scale, ink.scale)
                draw(Ink(painter, self.theme, ink.scale))
            finally:
                painter.end()
            self._backdrop_key = full_key
            self._backdrop_places = self._lane_places[named:]
        else:
            self._lane_places += self._backdrop_places
        transform = ink.painter.transform()
        ink.painter.resetTransform()
        ink.painter.drawImage(0, 0, self._backdrop)
        ink.painter.setTransform(transform)

    def redraw(self) -> None:
        """Draw anew, since a choice of this view has changed."""
        self._redraw()

    # Drawing

    @Slot()
    def _redraw(self) -> None:
        """Draw into the canvas's picture; while hidden only remember that it must be done."""
        if not self.canvas.isVisible():
            self._stale = True
            return
        scale = self.canvas.devicePixelRatioF()
        size = self.canvas.size() * scale
        if size.isEmpty():
            return
        image = self.canvas.image
        if image is None or image.size() != size:
            image = self.canvas.image = QImage(size, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(1.0)
        area = QRectF(0, 0, self.canvas.width(), self.canvas.height())
        painter = QPainter(image)
        try:
            painter.scale(scale, scale)
            self._draw_all(Ink(painter, self.theme, scale), area)
        except Exception as error:
            # The other plots go on. A painter that is left open brings the whole program down later.
            if repr(error) != self._fault:  # once, however often it happens
                self._fault = repr(error)
                logger.exception("the view %s cannot be drawn", self.KEY)
            painter.resetTransform()
            painter.setClipping(False)
            painter.scale(scale, scale)
            draw_invitation(Ink(painter, self.theme, scale), area, _cannot_draw())
        finally:
            painter.end()
        image.setDevicePixelRatio(scale)
        self._stale = False
        self._drawn_version = self.version()
        self.canvas.show_picture()

    def _draw_all(self, ink: Ink, area: QRectF) -> None:
        self._lane_places.clear()
        if self.info is None or not self.has_data():
            draw_invitation(ink, area, self.invitation())
        elif not self.shown_lanes():
            draw_invitation(ink, area, _all_hidden())
        else:
            self.draw(ink, area)

    def _draw_page(self, ink: Ink, area: QRectF) -> None:
        places = self._lane_places.copy()
        self._draw_all(ink, area)
        self._lane_places = places

    @Slot(QPainter)
    def _paint_overlay(self, painter: QPainter) -> None:
        ink = Ink(painter, self.theme, self.canvas.devicePixelRatioF())
        area = QRectF(0, 0, self.canvas.width(), self.canvas.height())
        readout = self._readout()
        if readout is not None:
            lanes = (
                range(len(self.info.lanes)) if self.info is not None else ()
            )  # seeds that are not shown, too
            colors = {lane: self.lane_style(lane).color for lane in lanes}
            draw_readout(ink, readout, area, colors)
        if self.canvas.hasFocus():
            ink.frame(area.adjusted(1, 1, -1, -1), self.theme.accent, 2)

    def _readout(self) -> Readout | None:
        place = self.canvas.cursor_at
        if place is None or self.info is None or not self.has_data() or not self.shown_lanes():
            return None
        return self.read_out(place)

    # Pointer, keyboard and menu

    def readout(self) -> Readout | None:
        """Return what the cross-hair says now, or None where there is none."""
        return self._readout()

    @Slot()
    def _speak(self) -> None:
        readout = self._readout()
        self.canvas.setAccessibleDescription(readout.spoken() if readout is not None else self.sentence())
        place = self.canvas.cursor_at
        over = place is not None and self._lane_at(place) is not None
        self.canvas.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def _lane_at(self, place: QPointF) -> int | None:
        return next((lane for rect, lane in self._lane_places if rect.contains(place)), None)

    @Slot(QPointF)
    def _click(self, place: QPointF) -> None:
        lane = self._lane_at(place)
        if lane is not None:
            self.lane_chosen.emit(self.groups.group_of(lane))

    @Slot()
    def _save_png(self) -> None:
        self._ask_for_file(".png")

    @Slot()
    def _save_svg(self) -> None:
        self._ask_for_file(".svg")

    @Slot()
    def _save_csv(self) -> None:
        self._ask_for_file(".csv")

    def _ask_for_file(self, suffix: str) -> None:
        self._suffix = suffix
        dialog = QFileDialog(self, self.head.entries[suffix[1:]].text().rstrip("…."))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix[1:])
        dialog.setNameFilter(f"{suffix[1:].upper()} (*{suffix})")
        dialog.selectFile(f"{self.KEY}{suffix}")
        dialog.fileSelected.connect(self.save_as)
        dialog.open()

    @Slot(str)
    def save_as(self, name: str) -> None:
        """Save into the file that the person named; tell ``saved`` or ``failed``."""
        path = Path(name)
        if path.suffix.lower() not in saving.SUFFIXES:
            path = path.with_name(path.name + self._suffix)
        try:
            self.save(path)
        except InitVizError as error:
            self.failed.emit(error.text)
        else:
            self.saved.emit(str(path))

    @Slot()
    def copy_picture(self) -> None:
        """Put the view as a picture on the clipboard."""
        size = QSize(max(480, self.canvas.width()), max(320, self.canvas.height()))
        QGuiApplication.clipboard().setImage(
            saving.picture(self.theme, size, self._page_title(), self._draw_page)
        )

    def _page_title(self) -> str:
        return f"{self.info.name} — {self.title()}" if self.info is not None else self.title()

    # Language, size and looks

    def retranslate(self) -> None:
        """Set every text anew in the language that now holds."""
        self.setWindowTitle(self.title())
        self.setAccessibleName(self.title())
        self.setAccessibleDescription(self.sentence())
        self.canvas.setAccessibleName(self.title())
        self.canvas.setAccessibleDescription(self.sentence())
        self.canvas.setWhatsThis(self.sentence())
        self.head.set_texts(self.title(), self.sentence(), self.theme)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in {QEvent.Type.LanguageChange, QEvent.Type.FontChange}:
            lettering.forget_fonts()
            for cache in (axis_width, layer_ticks):
                cache.cache_clear()
            self._backdrop_key = None
            self.retranslate()
            self._redraw()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self.windowTitle():
            self.retranslate()
        self._redraw()


def _all_hidden() -> str:
    return QCoreApplication.translate("View", "Every lane is hidden. Show one in the list of lanes.")


def _cannot_draw() -> str:
    return QCoreApplication.translate(
        "View",
        "This plot cannot be drawn just now.\nTraining goes on. The log file, in the help menu, says why.",
    )
