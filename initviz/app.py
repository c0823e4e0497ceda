"""Where the window is put together: every part is built here and handed to those that need it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

import initviz
from initviz.catalog.index import catalogue
from initviz.experiment.errors import InitVizError
from initviz.experiment.files import load_document
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.resources import resource
from initviz.ui import language as languages
from initviz.ui import theme as themes
from initviz.ui.faults import FaultReporter, log_to
from initviz.ui.main_window import MainWindow, Parts
from initviz.ui.playback import Playback
from initviz.ui.scenarios import FIRST, scenario
from initviz.ui.session import Origin, Session
from initviz.ui.settings import APP_NAME, Settings, log_folder, settings_path
from initviz.ui.snapshot import ShortWorkshop
from initviz.ui.terminal import EndRequests
from initviz.worker.collector import GcCollector
from initviz.worker.trainer import Trainer
from initviz.worker.training import Workshop
from initviz.worker.workshop import TorchWorkshop

LOG = logging.getLogger(__name__)
SNAPSHOT_TIMEOUT_S = 600
SETTLE_MS = 400
"""Formulas are typeset and layouts settle in this time."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What the window opens with.

    Attributes:
        settings: What it remembers.
        path: Experiment file, or None for the first scenario.
        theme: Instead of the remembered theme.
        language: Instead of the remembered language.
        workshop: Builds the runs; torch's by default.
    """

    settings: Settings
    path: Path | None = None
    theme: themes.ThemeChoice | None = None
    language: languages.LanguageChoice | None = None
    workshop: Workshop | None = None


def build_window(application: QApplication, opening: Opening) -> MainWindow:
    """Build the window and all that it stands on; it is not shown yet.

    Args:
        application: Qt's application.
        opening: What it opens with.
    Returns:
        The window, which owns everything else.
    """
    settings = opening.settings
    language = languages.LanguageSwitch(
        opening.language or languages.as_choice(settings.text("window/language", "system")),
        remember=opening.language is None,
    )
    theme = themes.ThemeSwitch(
        application,
        opening.theme or themes.as_choice(settings.text("window/theme", "system")),
        remember=opening.theme is None,
    )
    parts_catalogue, limits = catalogue(), Limits.from_environment(os.environ)
    session = Session(_first_document(limits), parts_catalogue, limits, Origin(scenario=FIRST))
    trainer = Trainer(parts_catalogue, limits, workshop=opening.workshop)
    playback = Playback(session, trainer)
    window = MainWindow(Parts(session, playback, theme, language, settings))
    for part in (language, theme, session, trainer, playback):
        part.setParent(window)
    window.first_painted.connect(window.controls.fill)
    window.first_painted.connect(window.dashboard.fill)
    window.first_painted.connect(playback.start)
    if opening.path is not None:
        window.files.open_path(opening.path)
    return window


def _first_document(limits: Limits) -> dict[str, object]:
    entry = scenario(FIRST)
    if entry is None:
        raise InitVizError(
            Text(
                "the first scenario is missing: install InitViz again.",
                "缺少第一个场景：请重新安装 InitViz。",
            )
        )
    return load_document(entry.path, limits)


def make_application() -> QApplication:
    """Return Qt's application; where there is no display it draws off screen."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    application = QApplication([APP_NAME])
    application.setApplicationName(APP_NAME)
    application.setApplicationDisplayName("InitViz")
    application.setApplicationVersion(initviz.__version__)
    application.setDesktopFileName(APP_NAME)
    application.setWindowIcon(QIcon(str(resource("icons", "initviz.svg"))))
    return application


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the window and stay until it is closed.

    Args:
        arguments: An experiment file, or nothing; ``--lang en|zh`` sets the language for this time.
    Returns:
        Exit code.
    """
    parser = argparse.ArgumentParser(prog=APP_NAME)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--lang", choices=("en", "zh"))
    given = parser.parse_args(sys.argv[1:] if arguments is None else list(arguments))
    application = make_application()
    requests = EndRequests(application)
    log_to(log_folder())
    faults = FaultReporter(log_folder(), application)
    collector = GcCollector(application)
    window = build_window(
        application, Opening(Settings(settings_path()), path=given.file, language=given.lang)
    )
    faults.set_window(window)
    requests.asked.connect(window.leave)
    window.left.connect(application.quit)
    window.show()
    code = application.exec()
    collector.stop()
    faults.remove()
    if not window.stopped:
        # Training cannot be cut short, and everything that must be kept is: leaving now beats an abort.
        LOG.warning("left while an operation was still running")
        logging.shutdown()
        os._exit(code)
    return code


def snapshot(
    experiment_path: Path,
    steps: int,
    width: int,
    height: int,
    theme: str,
    language: str,
    out: Path,
) -> None:
    """Draw the real window, after some steps of training, into a picture. No display is needed.

    Args:
        experiment_path: Experiment file.
        steps: Updates to make; the whole run where it has fewer.
        width: Of the window, in pixels.
        height: Of the window, in pixels.
        theme: ``light`` or ``dark``.
        language: ``en`` or ``zh``.
        out: PNG to write.
    Raises:
        InitVizError: The run failed, or the picture cannot be written.
    """
    if sys.platform == "linux" and not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = make_application()
    collector = GcCollector()
    limits = Limits.from_environment(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        opening = Opening(
            Settings(Path(folder, "window.ini")),
            path=experiment_path,
            theme=themes.as_choice(theme),
            language=languages.as_choice(language),
            workshop=ShortWorkshop(TorchWorkshop(catalogue(), limits), steps),
        )
        window = build_window(application, opening)
        painter = _Photographer(window, application, steps, out)
        window.resize(width, height)
        window.show()
        window.resize(width, height)
        application.exec()
        window.parts.session.undo_stack.setClean()
        window.close()
        window.deleteLater()
    collector.stop()
    if painter.problem is not None:
        raise InitVizError(painter.problem)


class _Photographer(QObject):
    """Plays the run to its end and takes the picture."""

    def __init__(self, window: MainWindow, application: QApplication, steps: int, out: Path) -> None:
        super().__init__(window)
        self._window = window
        self._application = application
        self._steps = steps
        self._out = out
        self.problem: Text | None = None
        playback = window.parts.playback
        playback.state_changed.connect(self._follow)
        playback.failed.connect(self._fail)
        self._limit = QTimer(self)
        self._limit.setSingleShot(True)
        self._limit.timeout.connect(self._give_up)
        self._limit.start(SNAPSHOT_TIMEOUT_S * 1000)

    @Slot(str)
    def _follow(self, state: str) -> None:
        if state == "ready" and self._steps > 0:
            QTimer.singleShot(0, self._window.parts.playback.toggle)
        elif state == "finished" or (state == "ready" and self._steps == 0):
            QTimer.singleShot(SETTLE_MS, self._take)

    @Slot()
    def _take(self) -> None:
        playback = self._window.parts.playback
        history, total = playback.history, self._window.parts.session.experiment.steps
        if history is not None:
            history.info = replace(history.info, total_steps=total)
        playback.tick()
        self._window.show_progress()
        if self._steps < total:
            self._window.actions_.step.setEnabled(True)  # only this run has an end here
        if not self._window.grab().save(str(self._out), "PNG"):
            self.problem = Text(
                f"{self._out}: the picture cannot be written. Choose another folder.",
                f"{self._out}：无法写入图片。请选择其他文件夹。",
            )
        self._leave()

    @Slot(object)
    def _fail(self, text: Text) -> None:
        self.problem = text
        self._leave()

    @Slot()
    def _give_up(self) -> None:
        self.problem = Text(
            f"the run took more than {SNAPSHOT_TIMEOUT_S} s. Ask for fewer steps.",
            f"训练超过了 {SNAPSHOT_TIMEOUT_S} 秒。请减少步数。",
        )
        self._leave()

    def _leave(self) -> None:
        self._limit.stop()
        self._application.exit()
