"""What ``initviz doctor`` asks of the window's side: the screen, the fonts, and how smoothly the window draws."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QTimer, Signal, Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication

from initviz.ui.main_window import MainWindow


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen of this machine.

    Attributes:
        name: As the system calls it.
        width: In pixels of its own, before scaling.
        height: In pixels of its own, before scaling.
        scale: Pixels a unit of layout.
    """

    name: str
    width: int
    height: int
    scale: float


def platform_name() -> str:
    """Return by what Qt reaches the screen, such as ``xcb`` or ``windows``; needs Qt's application."""
    return QGuiApplication.platformName()


def screens() -> tuple[Screen, ...]:
    """Return every screen; needs Qt's application."""
    found = []
    for screen in QGuiApplication.screens():
        scale, size = screen.devicePixelRatio(), screen.size()
        found.append(Screen(screen.name(), round(size.width() * scale), round(size.height() * scale), scale))
    return tuple(found)


def font_families() -> Sequence[str]:
    """Return every font family; needs Qt's application."""
    return QFontDatabase.families()


def chinese_font() -> str | None:
    """Return a font family that has Chinese characters, None where there is none; needs Qt's application."""
    families = QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese)
    return families[0] if families else None


class FrameMeter(QObject):
    """Plays the window's run for a while and counts how often the window is drawn anew.

    Args:
        window: Not shown yet.
        seconds: How long to count.
    """

    done = Signal()
    """The counting is over, or training failed."""

    def __init__(self, window: MainWindow, seconds: float) -> None:
        super().__init__()
        self._window = window
        self._seconds = seconds
        self._start_s = 0.0
        self._elapsed_s = 0.0
        self._num_frames = 0
        self._problem = ""
        self._end = QTimer(self)
        self._end.setSingleShot(True)
        self._end.timeout.connect(self._finish)
        window.parts.playback.state_changed.connect(self._follow)
        window.parts.playback.failed.connect(self._fail)
        window.installEventFilter(self)

    @property
    def frames_per_s(self) -> float:
        """Frames a second."""
        return self._num_frames / self._elapsed_s if self._elapsed_s > 0 else 0.0

    @property
    def problem(self) -> str:
        """Why training failed; empty where it did not."""
        return self._problem

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.UpdateRequest and self._start_s:
            self._num_frames += 1
        return False

    @Slot(str)
    def _follow(self, state: str) -> None:
        if state == "ready":
            QTimer.singleShot(0, self._window.parts.playback.toggle)
        elif state == "playing" and not self._start_s:
            self._start_s = time.perf_counter()
            self._end.start(round(1000 * self._seconds))
        elif state == "finished" and self._end.isActive():
            self._finish()

    @Slot(object)
    def _fail(self, text: object) -> None:
        self._problem = str(text)
        self._finish()

    @Slot()
    def _finish(self) -> None:
        self._end.stop()
        if self._start_s:
            self._elapsed_s = time.perf_counter() - self._start_s
        self._window.removeEventFilter(self)
        self.done.emit()
