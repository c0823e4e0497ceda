"""Exceptions that nobody caught: written to the log, and said once in words, whatever thread they come from."""

from __future__ import annotations

import logging
import sys
import threading
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QMessageBox, QWidget

LOG_NAME = "window.log"
MAX_BYTES = 1_000_000
LOG = logging.getLogger("initviz.window")


def log_to(folder: Path) -> logging.Handler | None:
    """Write what the program logs to a file in ``folder``; None where that is impossible.

    Args:
        folder: It is made when it is missing.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            folder / LOG_NAME, maxBytes=MAX_BYTES, backupCount=1, delay=True, encoding="utf-8"
        )
    except OSError:
        LOG.warning("there is no log file, since %s cannot be made", folder, exc_info=True)
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    logger = logging.getLogger("initviz")
    logger.addHandler(handler)
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    return handler


class FaultReporter(QObject):
    """Takes the place of Python's exception hooks. Make it in the GUI thread.

    Args:
        log_folder: Where the person finds the details.
        parent: Qt parent.
    """

    occurred = Signal(str)
    """One line on the exception; may be emitted in any thread."""

    def __init__(self, log_folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = log_folder
        self._window: QWidget | None = None
        self._box: QMessageBox | None = None
        self._before = (sys.excepthook, threading.excepthook)
        self.occurred.connect(self._say)
        sys.excepthook = self._take
        threading.excepthook = self._take_from_thread

    def set_window(self, window: QWidget) -> None:
        """Show faults above this window."""
        self._window = window

    def remove(self) -> None:
        """Give the hooks back."""
        sys.excepthook, threading.excepthook = self._before

    @property
    def box(self) -> QMessageBox | None:
        """The message on screen, or None."""
        return self._box

    def _take(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._before[0](kind, error, trace)
            return
        LOG.critical("nobody caught this", exc_info=(kind, error, trace))
        if sys.stderr is not None:  # None in a windowed program on Windows
            self._before[0](kind, error, trace)
        line = " ".join(str(error).split())
        self.occurred.emit(f"{kind.__name__}: {line}" if line else kind.__name__)

    def _take_from_thread(self, arguments: threading.ExceptHookArgs) -> None:
        if issubclass(arguments.exc_type, SystemExit):
            return
        error = arguments.exc_value if arguments.exc_value is not None else arguments.exc_type()
        self._take(arguments.exc_type, error, arguments.exc_traceback)

    @Slot(str)
    def _say(self, line: str) -> None:
        if self._box is not None:
            return  # one at a time: a fault in a timer would bury the screen
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setWindowTitle(self.tr("A fault in InitViz"))
        box.setText(self.tr("Something in the program went wrong: {line}").format(line=line[:300]))
        box.setInformativeText(
            self.tr(
                "What you see may be incomplete. Save your experiment and open the window again. Details were "
                "written to {file}; please send them along when you report this."
            ).format(file=self._folder / LOG_NAME)
        )
        box.setStandardButtons(QMessageBox.StandardButton.Ok)
        box.finished.connect(self._forget)
        self._box = box
        box.open()

    @Slot()
    def _forget(self) -> None:
        box, self._box = self._box, None
        if box is not None:
            box.deleteLater()
