"""A view as a file: PNG, SVG or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, QRectF, QSize
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Text
from initviz.views.ink import Ink
from initviz.views.palette import Theme

Cell = str | int | float
Row = Sequence[Cell]
Draw = Callable[[Ink, QRectF], None]

SUFFIXES = (".png", ".svg", ".csv")
_MARGIN = 12.0
_PNG_SCALE = 2


def _page(ink: Ink, size: QSize, title: str, draw: Draw) -> None:
    theme = ink.theme
    ink.fill(QRectF(0, 0, size.width(), size.height()), theme.surface)
    head = theme.section_px + 14.0
    ink.text(_MARGIN, head / 2 + 2, title, theme.text, theme.section_px, bold=True)
    draw(ink, QRectF(_MARGIN, head, size.width() - 2 * _MARGIN, size.height() - head - _MARGIN))


def picture(theme: Theme, size: QSize, title: str, draw: Draw, scale: float = _PNG_SCALE) -> QImage:
    """Return a view with its title as pixels, at ``scale`` times its size on the screen."""
    image = QImage(size * scale, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painter.scale(scale, scale)
    _page(Ink(painter, theme, scale), size, title, draw)
    painter.end()
    return image


def vector(theme: Theme, size: QSize, title: str, draw: Draw) -> bytes:
    """Return a view with its title as an SVG document."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRect(0, 0, size.width(), size.height()))
    generator.setTitle(title)
    # Without it Qt writes the size in millimetres of a 72 dpi page, a quarter smaller than on the screen.
    generator.setResolution(96)
    painter = QPainter(generator)
    _page(Ink(painter, theme, 1.0, vector=True), size, title, draw)
    painter.end()
    return bytes(buffer.data().data())


def table_text(rows: Sequence[Row]) -> str:
    """Return rows as comma-separated text; numbers keep every digit that a float has."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def write(path: Path, theme: Theme, size: QSize, title: str, draw: Draw, rows: Sequence[Row]) -> None:
    """Save a view by the file's suffix.

    Args:
        path: Ends in ``.png``, ``.svg`` or ``.csv``; an existing file is replaced.
        theme: Its colours.
        size: Size of the picture in logical pixels.
        title: Drawn above it.
        draw: Draws the view into a rectangle.
        rows: Its numbers, headings first.
    Raises:
        InitVizError: Another suffix, or the file cannot be written; nothing was left behind.
    """
    suffix = path.suffix.lower()
    if suffix == ".png":
        array, buffer = QByteArray(), QBuffer()
        buffer.setBuffer(array)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        # Qt's stub wants bytes for the format, Qt itself takes text.
        picture(theme, size, title, draw).save(buffer, "PNG")  # type: ignore[call-overload]
        buffer.close()
        content = array.data()
    elif suffix == ".svg":
        content = vector(theme, size, title, draw)
    elif suffix == ".csv":
        # The mark at the beginning lets spreadsheets read Chinese names.
        content = table_text(rows).encode("utf-8-sig")
    else:
        known = ", ".join(SUFFIXES)
        raise InitVizError(
            Text(
                f"'{path.name}' cannot be saved: its name must end in one of {known}. Nothing was written.",
                f"无法保存“{path.name}”：文件名须以 {known} 之一结尾。什么也没有写入。",
            )
        )
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise InitVizError(
            Text(
                f"'{path}' cannot be written ({reason}). Nothing was changed; choose another folder.",
                f"无法写入“{path}”（{reason}）。没有任何改动；请选择其他文件夹。",
            )
        ) from error
