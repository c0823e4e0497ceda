"""Formulas, written in TeX by the catalogue and painted sharp at any size."""

from __future__ import annotations

import logging
import warnings
from functools import lru_cache

from PySide6.QtCore import QByteArray, QEvent, QRectF, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QSizePolicy, QWidget

from initviz.ui.form_row import GUTTER

LOG = logging.getLogger(__name__)
DESIGN_SIZE = 24.0
SCALE_TO_FONT = 1.25
DELAY_MS = 60
LEFT = GUTTER
PADDING = 4


@lru_cache(maxsize=256)
def formula_svg(tex: str) -> str | None:
    """Return a formula as SVG in black, or None where it cannot be typeset.

    The first call imports the typesetter (about 0.2 s), each new formula takes some 50 ms.

    Args:
        tex: TeX of mathematics, without delimiters.
    """
    try:
        with warnings.catch_warnings():
            # It finds its font by a way that Python has deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            from ziamath.config import config
            from ziamath.zmath import Latex

        config.svg2 = False
        svg: str = Latex(tex, size=DESIGN_SIZE).svg()
    except Exception:  # the typesetter raises whatever it stumbles over; the source is shown then
        LOG.warning("this formula cannot be typeset: %s", tex, exc_info=True)
        return None
    return svg


class FormulaView(QWidget):
    """Shows a formula in the colour of the text, made smaller where the column is narrow.

    Where it cannot be typeset its TeX source is shown. Typesetting waits until the window has been drawn.

    Args:
        parent: Qt parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tex = ""
        self._renderer: QSvgRenderer | None = None
        self._rendered: tuple[str, str] = ("", "")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._typeset)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    @property
    def tex(self) -> str:
        """The formula's source."""
        return self._tex

    @property
    def is_typeset(self) -> bool:
        """True once the formula itself is painted, not its source."""
        return self._renderer is not None

    def set_formula(self, tex: str) -> None:
        """Show another formula; an empty one hides the view."""
        if tex == self._tex:
            return
        self._tex = tex
        self._renderer = None
        self.setToolTip("")
        self.setAccessibleName(tex)
        if self.parentWidget() is not None:  # alone it would open as a window
            self.setVisible(bool(tex))
        if tex and self.isVisible():
            self._timer.start()
        self.updateGeometry()
        self.update()

    @Slot()
    def _typeset(self) -> None:
        svg = formula_svg(self._tex) if self._tex else None
        color = self.palette().color(QPalette.ColorRole.WindowText).name()
        if svg is not None:
            filled = svg.replace('"black"', f'"{color}"')
            renderer = QSvgRenderer(QByteArray(filled.encode()))
            self._renderer = renderer if renderer.isValid() else None
        self._rendered = (self._tex, color)
        self.updateGeometry()
        self.update()

    def _natural_size(self) -> QSize:
        scale = self.fontInfo().pixelSize() * SCALE_TO_FONT / DESIGN_SIZE
        if self._renderer is None:
            box = self.fontMetrics().boundingRect(
                0, 0, max(self.width(), 120), 10_000, self._flags(), self._tex
            )
            return QSize(box.width(), max(box.height(), round(40 * scale)))
        box_f = self._renderer.viewBoxF()
        return QSize(round(box_f.width() * scale) + 1, round(box_f.height() * scale) + 1)

    @staticmethod
    def _flags() -> int:
        return int(Qt.TextFlag.TextWrapAnywhere.value) | int(Qt.AlignmentFlag.AlignLeft.value)

    def sizeHint(self) -> QSize:
        size = self._natural_size()
        return QSize(size.width() + LEFT + PADDING, size.height() + 2 * PADDING)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, 24)

    def heightForWidth(self, width: int) -> int:
        size = self._natural_size()
        room = max(width - LEFT - PADDING, 1)
        shrink = min(1.0, room / size.width()) if self._renderer is not None and size.width() else 1.0
        return round(size.height() * shrink) + 2 * PADDING

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._rendered[0] != self._tex:
            pass  # still to be typeset: nothing flickers
        elif self._renderer is None:
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(self.rect().adjusted(LEFT, PADDING, -PADDING, 0), self._flags(), self._tex)
        else:
            size = self._natural_size()
            room = self.width() - LEFT - PADDING
            shrink = min(1.0, room / max(size.width(), 1), (self.height() - 2.0) / max(size.height(), 1))
            self._renderer.render(
                painter, QRectF(LEFT, PADDING, size.width() * shrink, size.height() * shrink)
            )
        painter.end()

    def event(self, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.Show and self._tex and self._renderer is None:
            self._timer.start()
        elif kind in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange) and self._rendered[0] == self._tex:
            color = self.palette().color(QPalette.ColorRole.WindowText).name()
            if color != self._rendered[1] and self._tex:
                self._typeset()
        return super().event(event)
