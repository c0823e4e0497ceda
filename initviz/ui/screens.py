"""Windows that a projector took along when it was unplugged."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QRect
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget


def bring_back(windows: Iterable[QWidget]) -> None:
    """Move every window that lies on no screen to the main one. No screen is kept: any may vanish."""
    rooms = [screen.availableGeometry() for screen in QGuiApplication.screens()]
    if not rooms:
        return
    room = QGuiApplication.primaryScreen().availableGeometry()
    for window in windows:
        frame = window.frameGeometry()
        if any(other.contains(frame.center()) for other in rooms):
            continue
        place = moved_into(frame, room)
        window.resize(place.size() - (frame.size() - window.size()))
        window.move(place.topLeft())


def moved_into(frame: QRect, room: QRect) -> QRect:
    """Return ``frame`` no larger than ``room``, in its middle."""
    size = frame.size().boundedTo(room.size())
    place = QRect(room.topLeft(), size)
    place.moveCenter(room.center())
    return place
