"""The list of layers: a row a layer with its shape, parameters and memory, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPalette, QPen
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.parameters import PartParameter
from initviz.ui.icons import pixmap
from initviz.ui.lane_text import listed, part_title, value_text
from initviz.ui.language import current_language
from initviz.ui.network_survey import SurveyedLayer
from initviz.ui.number_text import format_bytes, format_count, format_value
from initviz.ui.reorder import AnyIndex
from initviz.ui.shapes import shape_text, shape_words

ROW_ROLE = int(Qt.ItemDataRole.UserRole)
EDITABLE_ROLE = ROW_ROLE + 1
UNKNOWN = "?"


def layer_title(row: SurveyedLayer, catalogue: Catalogue) -> str:
    """Return what a layer is in a few words: ``Dense 64``, ``ReLU``, ``Convolution 16``."""
    if row.is_output:
        return QCoreApplication.translate("NetworkList", "Output")
    title = part_title(row.part)
    if not row.part.parameters:
        return title
    first = row.part.parameters[0]
    if isinstance(first, PartParameter):
        chosen = value_text(row.part, row.spec.layer, first.key, catalogue)
        return chosen if row.part.is_activation else f"{title}, {chosen}"
    return f"{title} {format_value(row.spec.layer[first.key])}"


def shared_text(row: SurveyedLayer) -> str:
    """Return in words whose weights a layer shares; empty where it has its own."""
    tie = row.spec.tie
    if tie is None:
        return ""
    said = (
        QCoreApplication.translate("NetworkList", "shares weights with {layer}, turned; they count once")
        if tie.transpose
        else QCoreApplication.translate("NetworkList", "shares weights with {layer}; they count once")
    )
    return said.format(layer=tie.layer)


class NetworkListModel(QAbstractListModel):
    """Layers from input to output; the output layer is the last row and stays there.

    Args:
        catalogue: Names the parts.
        parent: Qt parent.
    """

    def __init__(self, catalogue: Catalogue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._catalogue = catalogue
        self._rows: tuple[SurveyedLayer, ...] = ()
        self._editable = False
        self._widths: tuple[object, tuple[int, int, int]] = (None, (0, 0, 0))

    def widths(self, metrics: QFontMetrics, room: int) -> tuple[int, int, int]:
        """Return the widths of the columns of numbers; measured once for the same rows, font and language.

        The memory gives way, to 0, where the names of the layers would be cut.

        Args:
            metrics: Of the numbers.
            room: Width of a row.
        """
        key = (self._rows, metrics.height(), current_language(), room)
        if self._widths[0] != key:
            shape, count, memory = column_widths(self._rows, metrics)
            titles = (layer_title(row, self._catalogue) for row in self._rows)
            # Names are written a little larger than numbers.
            wanted = max((metrics.horizontalAdvance(title) for title in titles), default=0) * 7 // 6
            rest = room - 2 * metrics.height() - shape - count - memory
            self._widths = (key, (shape, count, memory if rest >= wanted else 0))
        return self._widths[1]

    @property
    def rows(self) -> tuple[SurveyedLayer, ...]:
        """What is shown."""
        return self._rows

    def set_rows(self, rows: Sequence[SurveyedLayer], editable: bool) -> None:
        """Show other layers.

        Args:
            rows: From input to output.
            editable: Whether they may be moved and removed.
        """
        after = tuple(rows)
        same = len(after) == len(self._rows) and editable == self._editable
        if same and after == self._rows:
            return
        if same:
            self._rows = after
            self.dataChanged.emit(self.index(0), self.index(len(after) - 1))
            return
        self.beginResetModel()
        self._rows, self._editable = after, editable
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: AnyIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        if not 0 <= index.row() < len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role == EDITABLE_ROLE:
            return self._editable and not row.is_output
        if role == Qt.ItemDataRole.DisplayRole:
            return layer_title(row, self._catalogue)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tooltip(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            problem = row.problem.in_language(current_language()) if row.problem else ""
            words = (
                layer_title(row, self._catalogue),
                row.name,
                UNKNOWN if row.output_shape is None else shape_words(row.output_shape),
                shared_text(row),
                problem,
            )
            return listed(word for word in words if word)
        return None

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        row = index.row()
        if self._editable and 0 <= row < len(self._rows) - 1:
            flags |= Qt.ItemFlag.ItemIsDragEnabled
        return flags

    @staticmethod
    def _shape(row: SurveyedLayer) -> str:
        return UNKNOWN if row.output_shape is None else shape_text(row.output_shape)

    def _tooltip(self, row: SurveyedLayer) -> str:
        before = UNKNOWN if row.input_shape is None else shape_text(row.input_shape)
        lines = [f"<b>{layer_title(row, self._catalogue)}</b> ({row.name})", f"{before} → {self._shape(row)}"]
        if row.output_shape is not None:
            lines.append(self.tr("gives {shape}").format(shape=shape_words(row.output_shape)))
        if row.spec.tie is not None:
            lines.append(shared_text(row))
        if row.num_parameters:
            lines.append(self.tr("{count} parameters").format(count=format_count(row.num_parameters)))
        lines.append(self.tr("{size} of memory while training").format(size=format_bytes(row.memory)))
        if row.problem is not None:
            lines.append(row.problem.in_language(current_language()))
        return "<br>".join(lines)


def number_words(row: SurveyedLayer) -> tuple[str, str, str]:
    """Return a layer's shape, parameters and memory as they stand in the columns."""
    if row.output_shape is None:
        return UNKNOWN, UNKNOWN, UNKNOWN
    count = format_count(row.num_parameters) if row.num_parameters else "–"
    return shape_text(row.output_shape), count, format_bytes(row.memory)


def head_words() -> tuple[str, str, str]:
    """Return the names of the columns of numbers in the current language."""
    return (
        QCoreApplication.translate("NetworkList", "shape"),
        QCoreApplication.translate("NetworkList", "params"),
        QCoreApplication.translate("NetworkList", "memory"),
    )


def column_widths(rows: Sequence[SurveyedLayer], metrics: QFontMetrics) -> tuple[int, int, int]:
    """Return how wide the columns of shapes, parameters and memory must be, with a gap before each."""
    gap = metrics.height() * 3 // 5
    columns = zip(head_words(), *{number_words(row) for row in rows}, strict=True)
    shape, count, memory = (
        gap + max(metrics.horizontalAdvance(words) for words in column) for column in columns
    )
    return shape, count, memory


def small(font: QFont) -> QFont:
    """Return the font of the numbers, a little smaller than that of the names."""
    result = QFont(font)
    result.setPixelSize(max(8, round(result.pixelSize() * 0.86)) if result.pixelSize() > 0 else 11)
    return result


class NetworkListDelegate(QStyledItemDelegate):
    """Paints a layer on a line, and what is wrong with it below.

    Attributes:
        error: Colour around a layer that is wrong, as CSS writes it.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.error = "#b3261e"

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        line = option.fontMetrics.height()
        height = line + line // 2
        row = index.data(ROW_ROLE)
        if isinstance(row, SurveyedLayer) and row.spec.tie is not None:
            height += line
        if isinstance(row, SurveyedLayer) and row.problem is not None:
            height += self._problem_height(option, row) + line // 2
        return QSize(10 * line, height)

    @staticmethod
    def _problem_text(row: SurveyedLayer) -> str:
        said = row.problem.in_language(current_language()) if row.problem is not None else ""
        return said[:1].upper() + said[1:]

    def _problem_height(self, option: QStyleOptionViewItem, row: SurveyedLayer) -> int:
        view = option.widget
        width = view.viewport().width() if isinstance(view, QListView) else option.rect.width()
        line = option.fontMetrics.height()
        room = max(width - 2 * line - line // 2, 60)
        flags = int(Qt.TextFlag.TextWordWrap.value)
        return option.fontMetrics.boundingRect(0, 0, room, 10_000, flags, self._problem_text(row)).height()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        row = index.data(ROW_ROLE)
        if not isinstance(row, SurveyedLayer):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors, metrics = option.palette, option.fontMetrics
        line = metrics.height()
        self._ground(painter, option, row)
        head = QRect(option.rect.left(), option.rect.top(), option.rect.width(), line + line // 2)
        muted = colors.color(QPalette.ColorRole.PlaceholderText)
        text = colors.color(QPalette.ColorRole.Text)
        left = head.left() + line // 2
        if index.data(EDITABLE_ROLE):
            self._grip(painter, QRect(head.left(), head.top(), line * 3 // 4, head.height()), option)
            left = head.left() + line
        numbers = small(option.font)
        widths = self._widths(index.model(), QFontMetrics(numbers), option.rect.width())
        right = head.right() - line // 2
        painter.setFont(numbers)
        painter.setPen(muted)
        align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for words, width in zip(reversed(number_words(row)), reversed(widths), strict=True):
            if width:
                painter.drawText(QRect(right - width, head.top(), width, head.height()), align, words)
            right -= width
        painter.setFont(option.font)
        painter.setPen(text)
        room = right - left
        title = metrics.elidedText(str(index.data()), Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRect(left, head.top(), room, head.height()), Qt.AlignmentFlag.AlignVCenter, title)
        x = left + metrics.horizontalAdvance(title) + line // 3
        below = head.bottom()
        if row.spec.tie is not None:
            self._tie(
                painter, QRect(left, below - line // 4, head.right() - left - line // 2, line), row, numbers
            )
            painter.setFont(option.font)
            below += line
        if row.spec.weight is not None or row.spec.bias is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(text)
            painter.drawEllipse(QPointF(x, head.center().y() + 1), 2.5, 2.5)
        if row.problem is not None:
            self._problem(painter, option, row, below)
        painter.restore()

    @staticmethod
    def _tie(painter: QPainter, place: QRect, row: SurveyedLayer, font: QFont) -> None:
        """Say below a layer whose weights it shares."""
        painter.setFont(font)
        metrics = QFontMetrics(font)
        said = metrics.elidedText(shared_text(row), Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, said)

    @staticmethod
    def _widths(model: object, metrics: QFontMetrics, room: int) -> tuple[int, int, int]:
        return model.widths(metrics, room) if isinstance(model, NetworkListModel) else (0, 0, 0)

    def _ground(self, painter: QPainter, option: QStyleOptionViewItem, row: SurveyedLayer) -> None:
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        box = QRectF(option.rect).adjusted(1, 1, -1, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        if selected or hovered:
            role = QPalette.ColorRole.Highlight if selected else QPalette.ColorRole.Light
            painter.setBrush(option.palette.color(role))
            painter.drawRoundedRect(box, 4, 4)
        if row.problem is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(self.error), 1.2))
            painter.drawRoundedRect(box, 4, 4)
        elif option.state & QStyle.StateFlag.State_HasFocus and selected:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(option.palette.color(QPalette.ColorRole.Link), 1))
            painter.drawRoundedRect(box, 4, 4)

    @staticmethod
    def _grip(painter: QPainter, place: QRect, option: QStyleOptionViewItem) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(option.palette.color(QPalette.ColorRole.Dark))
        center = QRectF(place).center()
        for across in (-2.0, 2.0):
            for down in (-4.0, 0.0, 4.0):
                painter.drawEllipse(center + QPointF(across, down), 1.1, 1.1)

    def _problem(self, painter: QPainter, option: QStyleOptionViewItem, row: SurveyedLayer, top: int) -> None:
        line = option.fontMetrics.height()
        ratio = painter.device().devicePixelRatioF() if painter.device() is not None else 1.0
        painter.drawPixmap(
            option.rect.left() + line // 2, top + 1, pixmap("warning", self.error, line, ratio)
        )
        painter.setPen(QColor(self.error))
        box = QRect(
            option.rect.left() + 2 * line - line // 4,
            top,
            option.rect.width() - 2 * line - line // 4,
            option.rect.bottom() - top,
        )
        painter.drawText(box, int(Qt.TextFlag.TextWordWrap.value), self._problem_text(row))
