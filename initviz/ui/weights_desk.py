"""Saving the weights of a lane, at whatever step it is."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from initviz.experiment.text import Text
from initviz.ui.playback import Playback
from initviz.ui.session import Session
from initviz.ui.settings import Settings
from initviz.worker.messages import WeightsSaved

SUFFIX = ".safetensors"
FOLDER = "weights/folder"
GONE = Text(
    "That lane is no longer there, so its weights were not saved.",
    "该赛道已不存在，因此没有保存它的权重。",
)


class WeightsDesk(QObject):
    """Offers to save the weights of a lane, asks where, and tells what became of it. Training goes on meanwhile.

    Args:
        playback: What plays.
        session: The document, whose lanes have menus.
        settings: Remembers the folder.
        window: What the dialog belongs to.
    """

    told = Signal(object)
    """Weights were saved; a ``Text``."""
    refused = Signal(object, str)
    """They could not be; a ``Text`` and the place."""

    def __init__(self, playback: Playback, session: Session, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._playback = playback
        self._session = session
        self._settings = settings
        self._window = window
        self._title = ""
        playback.weights_saved.connect(self._tell_saved)
        playback.weights_not_saved.connect(self._tell_not_saved)

    @Slot(QMenu, int)
    def add_to_menu(self, menu: QMenu, row: int) -> None:
        """Add the entry to a lane's menu; where nothing can be saved its tooltip says why.

        Args:
            menu: Of the lane.
            row: Of the lane as it is written.
        """
        title = self._session.experiment.written_lanes[row].name
        action = QAction(self.tr("Save weights…"), menu)
        action.setData(title)
        reason = self._reason(title)
        action.setEnabled(not reason)
        several = len(self._session.experiment.groups[row]) > 1
        usual = self.tr("Write the weights that the lane has by now to a .safetensors file")
        first = self.tr("Write the weights that its first seed has by now to a .safetensors file")
        action.setToolTip(reason or (first if several else usual))
        action.triggered.connect(self._ask)
        menu.setToolTipsVisible(True)
        menu.addAction(action)

    def _reason(self, title: str) -> str:
        """Return why the weights of a lane cannot be saved now; empty where they can."""
        state = self._playback.state
        if state in ("empty", "loading"):
            return self.tr("The run is still being loaded.")
        if state in ("failed", "cancelled"):
            return self.tr("There is no run. Reset first.")
        if not self._playback.is_current or self._place(title) is None:
            return self.tr("This lane has no run yet.")
        return ""

    def _place(self, title: str) -> int | None:
        """Return where a lane, or its first seed, stands in the run on the screen."""
        info = self._playback.info
        lanes = info.lanes if info is not None else ()
        return next((place for place, lane in enumerate(lanes) if lane.title == title), None)

    @Slot()
    def _ask(self) -> None:
        action = self.sender()
        if not isinstance(action, QAction):
            return
        self._title = str(action.data())
        dialog = QFileDialog(self._window, self.tr("Save the weights of {lane}").format(lane=self._title))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([self.tr("Weights (*.safetensors)")])
        dialog.setDefaultSuffix(SUFFIX[1:])
        dialog.setDirectory(str(self._folder()))
        dialog.selectFile(file_name(self._title))
        dialog.finished.connect(dialog.deleteLater)
        dialog.fileSelected.connect(self.save_as)
        dialog.open()

    def _folder(self) -> Path:
        """Return the folder that was used last, or the person's documents."""
        usual = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        folder = Path(self._settings.text(FOLDER, usual))
        return folder if folder.is_dir() else Path(usual or ".")

    @Slot(str)
    def save_as(self, name: str) -> None:
        """Save the lane that was asked about, as it is by then, into a file."""
        path = Path(name).absolute()
        if path.suffix.lower() != SUFFIX:
            path = path.with_name(path.name + SUFFIX)
        place = self._place(self._title)
        if place is None:
            self.refused.emit(GONE, "")
            return
        self._settings.set_text(FOLDER, str(path.parent))
        self._playback.save_weights(place, path)

    @Slot(object)
    def _tell_saved(self, report: WeightsSaved) -> None:
        self.told.emit(
            Text(
                f"Weights of {report.lane} at step {report.step:,} saved as {report.path}.",
                f"{report.lane} 在第 {report.step:,} 步的权重已保存为 {report.path}。",
            )
        )

    @Slot(object)
    def _tell_not_saved(self, text: Text) -> None:
        self.refused.emit(text, "")


def file_name(lane: str) -> str:
    """Return a file name made of a lane's."""
    words = re.findall(r"\w+", lane.lower())
    return ("_".join(words)[:60] or "weights") + SUFFIX
