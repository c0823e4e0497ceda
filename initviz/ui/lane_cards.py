"""Lane cards: a row a lane with its colour, name, what is special about it, how it fares, loss and sparkline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontInfo, QFontMetrics, QPainter, QPalette, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from initviz.ui.icons import pixmap
from initviz.ui.lane_figures import Status
from initviz.ui.lane_text import beyond_name, listed, seeds_text
from initviz.ui.reorder import AnyIndex

Zone = Literal["dot", "eye", "body"]
CARD_ROLE = int(Qt.ItemDataRole.UserRole)


@dataclass(frozen=True, slots=True)
class LaneCard:
    """All that a card shows.

    Attributes:
        name: What the person calls the lane.
        color: Of the lane, as CSS writes it.
        difference: What is special about it, in a few words.
        status: How it fares.
        status_words: The same in words.
        status_detail: What else is known of it, said where there is room.
        loss: Training loss as text; empty before the first step.
        spark: Points of the loss curve, x and y from 0 to 1, y downwards.
        hidden: True where its curves are not drawn.
        num_seeds: How many networks it stands for; status, loss and sparkline are then of all of them together.
    """

    name: str
    color: str
    difference: str
    status: Status
    status_words: str
    status_detail: str = ""
    loss: str = ""
    spark: tuple[tuple[float, float], ...] = ()
    hidden: bool = False
    num_seeds: int = 1


class LaneCardModel(QAbstractListModel):
    """The cards, in the order of the lanes."""

    renamed = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cards: tuple[LaneCard, ...] = ()

    @property
    def cards(self) -> tuple[LaneCard, ...]:
        """What is shown."""
        return self._cards

    def set_cards(self, cards: Sequence[LaneCard]) -> None:
        """Show other cards."""
        after = tuple(cards)
        if len(after) != len(self._cards):
            self.beginResetModel()
            self._cards = after
            self.endResetModel()
            return
        changed = [
            row for row, (one, other) in enumerate(zip(self._cards, after, strict=True)) if one != other
        ]
        self._cards = after
        if changed:
            self.dataChanged.emit(self.index(changed[0]), self.index(changed[-1]))

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._cards)

    def data(self, index: AnyIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        if not 0 <= index.row() < len(self._cards):
            return None
        card = self._cards[index.row()]
        if role == CARD_ROLE:
            return card
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return card.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return listed(
                word
                for word in (
                    card.name,
                    seeds_text(card.num_seeds),
                    beyond_name(card.name, card.difference),
                    card.status_words,
                    card.status_detail,
                    card.loss,
                )
                if word
            )
        return None

    def setData(self, index: AnyIndex, value: object, role: int = int(Qt.ItemDataRole.EditRole)) -> bool:
        if role != Qt.ItemDataRole.EditRole or not isinstance(value, str):
            return False
        name = value.strip()
        if name and name != self._cards[index.row()].name:
            self.renamed.emit(index.row(), name)
        return True

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        return (
            Qt.ItemFlag.ItemIsEnabled
            | Qt.ItemFlag.ItemIsSelectable
            | Qt.ItemFlag.ItemIsEditable
            | Qt.ItemFlag.ItemIsDragEnabled
        )


@dataclass(frozen=True, slots=True)
class CardPlaces:
    """Where the pieces of a card lie."""

    dot: QRect
    name: QRect
    status: QRect
    loss: QRect
    spark: QRect
    eye: QRect


def card_places(box: QRect, metrics: QFontMetrics) -> CardPlaces:
    """Lay a card out.

    Args:
        box: The whole row.
        metrics: Of the list's font; everything scales with it.
    """
    line = metrics.height()
    gap = line // 2
    dot = QRect(box.left(), box.top(), line + 2 * gap, box.height())
    eye = QRect(box.right() - line - gap, box.top(), line + gap, box.height())
    number = metrics.horizontalAdvance("0.00000") + 2
    right = QRect(eye.left() - number - gap // 2, box.top(), number, box.height())
    top = box.top() + (box.height() - 2 * line - gap // 2) // 2
    second = top + line + gap // 2
    left = dot.right() + 1
    return CardPlaces(
        dot=dot,
        name=QRect(left, top, right.left() - left - gap, line),
        status=QRect(left, second, right.left() - left - gap, line),
        loss=QRect(right.left(), top, right.width(), line),
        spark=QRect(right.left(), second, right.width(), line + 2),
        eye=eye,
    )


def zone_at(box: QRect, metrics: QFontMetrics, x: int) -> Zone:
    """Say which piece of a card lies at ``x``."""
    places = card_places(box, metrics)
    if x <= places.dot.right():
        return "dot"
    return "eye" if x >= places.eye.left() else "body"


class LaneCardDelegate(QStyledItemDelegate):
    """Paints cards, and lets the name be edited in place."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._eyes: dict[tuple[str, str, int, float], QPixmap] = {}

    def _eye(self, name: str, color: str, size: int, ratio: float) -> QPixmap:
        key = (name, color, size, ratio)
        if key not in self._eyes:
            self._eyes[key] = pixmap(name, color, size, ratio)
        return self._eyes[key]

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        line = option.fontMetrics.height()
        return QSize(10 * line, 2 * line + line // 4 + line)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: AnyIndex) -> QWidget:
        editor = QLineEdit(parent)
        editor.setObjectName("cardName")
        editor.setMaxLength(200)
        editor.setFrame(False)
        editor.setAccessibleName(self.tr("Name of the lane"))
        return editor

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        place = card_places(option.rect, option.fontMetrics).name
        editor.setGeometry(place.adjusted(-6, -6, 4, 6))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        card = index.data(CARD_ROLE)
        if not isinstance(card, LaneCard):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = option.palette
        places = card_places(option.rect, option.fontMetrics)
        self._ground(painter, option, card)
        muted = colors.color(QPalette.ColorRole.PlaceholderText)
        text = muted if card.hidden else colors.color(QPalette.ColorRole.Text)
        self._dot(painter, places.dot, card, option.fontMetrics.height())
        self._name(painter, places.name, card, option.font, text, muted)
        side = option.fontMetrics.height()
        glyph = QRectF(places.status.left(), places.status.top() + side * 0.16, side * 0.7, side * 0.7)
        paint_status(painter, glyph, card.status, text)
        painter.setPen(text if card.status == "diverged" else muted)
        words = places.status.adjusted(round(side * 0.95), 0, 0, 0)
        if card.status_detail:
            words.setRight(places.spark.right())
        self._words(painter, words, card, option.font)
        painter.setFont(option.font)
        painter.setPen(text)
        painter.drawText(places.loss, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, card.loss)
        if not card.status_detail:  # which layer broke says more than a curve that ends
            self._spark(painter, places.spark, card)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if card.hidden or hovered or selected:
            size = round(side * 1.05)
            ratio = painter.device().devicePixelRatioF() if painter.device() is not None else 1.0
            picture = self._eye("eye-off" if card.hidden else "eye", muted.name(), size, ratio)
            painter.drawPixmap(
                places.eye.center().x() - size // 2, places.eye.center().y() - size // 2, picture
            )
        painter.restore()

    def _ground(self, painter: QPainter, option: QStyleOptionViewItem, card: LaneCard) -> None:
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        box = QRectF(option.rect).adjusted(4, 1, -4, -1)
        if selected or hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            role = QPalette.ColorRole.Highlight if selected else QPalette.ColorRole.Light
            painter.setBrush(option.palette.color(role))
            painter.drawRoundedRect(box, 6, 6)
        if selected:
            painter.setBrush(QColor(card.color))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawRoundedRect(QRectF(box.left(), box.top() + 4, 3, box.height() - 8), 1.5, 1.5)
        if option.state & QStyle.StateFlag.State_HasFocus and option.state & QStyle.StateFlag.State_Active:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(option.palette.color(QPalette.ColorRole.Link), 1))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)

    @staticmethod
    def _dot(painter: QPainter, place: QRect, card: LaneCard, line: int) -> None:
        size = line * 0.8
        center = QRectF(place).center() + QPointF(1, 0)
        painter.setPen(QPen(QColor(card.color), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush if card.hidden else QColor(card.color))
        painter.drawEllipse(center, size / 2 - 1, size / 2 - 1)

    @staticmethod
    def _name(
        painter: QPainter, place: QRect, card: LaneCard, font: QFont, text: QColor, muted: QColor
    ) -> None:
        bold = QFont(font)
        bold.setWeight(QFont.Weight.Bold)
        metrics, plain = QFontMetrics(bold), QFontMetrics(font)
        align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        gap = metrics.height() // 2
        seeds = seeds_text(card.num_seeds)
        if seeds and metrics.horizontalAdvance(f"{card.name}{seeds}") + gap > place.width():
            seeds = f"× {card.num_seeds}"
        room = place.width() - (plain.horizontalAdvance(seeds) + gap if seeds else 0)
        name = metrics.elidedText(card.name, Qt.TextElideMode.ElideRight, room)
        painter.setFont(bold)
        painter.setPen(text)
        painter.drawText(place, align, name)
        painter.setFont(font)
        rest = place.adjusted(metrics.horizontalAdvance(name) + gap, 0, 0, 0)
        if seeds:
            painter.drawText(rest, align, seeds)
            rest.setLeft(rest.left() + plain.horizontalAdvance(seeds) + gap)
        more = beyond_name(card.name, card.difference)
        if more and rest.width() > 3 * metrics.height():
            painter.setPen(muted)
            fitted = plain
            if plain.horizontalAdvance(more) > rest.width():
                painter.setFont(_tiny(font))
                fitted = QFontMetrics(painter.font())
            shown = fitted.elidedText(more, Qt.TextElideMode.ElideRight, rest.width())
            painter.drawText(rest, align, shown)
            painter.setFont(font)

    @staticmethod
    def _words(painter: QPainter, place: QRect, card: LaneCard, font: QFont) -> None:
        """Say how the lane fares: with the detail where there is room, in smaller type where there is little."""
        full = f"{card.status_words} · {card.status_detail}" if card.status_detail else card.status_words
        tiny = _tiny(font)
        tries = ((full, font), (full, tiny), (card.status_words, font), (card.status_words, tiny))
        words, chosen = next(
            ((words, f) for words, f in tries if QFontMetrics(f).horizontalAdvance(words) <= place.width()),
            tries[-1],
        )
        painter.setFont(chosen)
        shown = QFontMetrics(chosen).elidedText(words, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)

    @staticmethod
    def _spark(painter: QPainter, place: QRect, card: LaneCard) -> None:
        if len(card.spark) < 2 or card.hidden:
            return
        box = QRectF(place).adjusted(1, 2, -1, -2)
        left, top, width, height = box.left(), box.top(), box.width(), box.height()
        line = QPolygonF([QPointF(left + x * width, top + y * height) for x, y in card.spark])
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(card.color), 1.4))
        painter.drawPolyline(line)
        if card.status == "diverged":
            paint_status(
                painter,
                QRectF(line.last().x() - 3, line.last().y() - 3, 6, 6),
                "diverged",
                QColor(card.color),
            )


def _tiny(font: QFont) -> QFont:
    """Return a smaller font, for what would be cut otherwise."""
    result = QFont(font)
    result.setPixelSize(max(8, round(QFontInfo(font).pixelSize() * 0.86)))
    return result


def paint_status(painter: QPainter, box: QRectF, status: Status, color: QColor) -> None:
    """Paint how a lane fares as a shape: a falling line, a bar, a square, a cross, or a ring."""
    painter.save()
    width = max(1.5, box.width() / 6)
    painter.setPen(
        QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    )
    painter.setBrush(Qt.BrushStyle.NoBrush)
    inner = box.adjusted(width / 2, width / 2, -width / 2, -width / 2)
    if status == "ok":
        painter.drawPolyline(
            QPolygonF(
                [
                    QPointF(inner.left(), inner.center().y()),
                    QPointF(inner.left() + inner.width() * 0.38, inner.bottom() - width * 0.3),
                    QPointF(inner.right(), inner.top() + width * 0.3),
                ]
            )
        )
    elif status == "stalled":
        painter.drawLine(
            QPointF(inner.left(), inner.center().y()), QPointF(inner.right(), inner.center().y())
        )
    elif status == "stopped":
        painter.drawRect(inner.adjusted(1, 1, -1, -1))
    elif status == "diverged":
        painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.drawLine(inner.bottomLeft(), inner.topRight())
    else:
        painter.drawEllipse(inner.adjusted(1, 1, -1, -1))
    painter.restore()
