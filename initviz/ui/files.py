"""Experiment files: new, open, save, recent, and the question before changes are lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QMessageBox, QPushButton, QWidget

from initviz.experiment.errors import ExperimentError
from initviz.experiment.files import load_experiment, save_document, with_whole_paths
from initviz.experiment.text import Text
from initviz.ui.language import current_language
from initviz.ui.scenarios import scenario, scenarios, title_of
from initviz.ui.session import Origin, Session
from initviz.ui.settings import Settings

SUFFIX = ".toml"
Then = Callable[[], None]


class FileDesk(QObject):
    """Moves documents between the session and files. Its dialogs never block: what follows them is called later.

    Args:
        session: The document.
        settings: Remembers recent files.
        window: What dialogs belong to.
    """

    told = Signal(object)
    """Something was done; a ``Text``."""
    refused = Signal(object, str)
    """Something could not be done; a ``Text`` and the place."""
    recent_changed = Signal()

    def __init__(self, session: Session, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._window = window
        self._after_answer: Then | None = None
        self._after_save: Then | None = None
        self._question: QMessageBox | None = None
        self._keep_button: QPushButton | None = None
        self._drop_button: QPushButton | None = None

    # New and open

    @Slot()
    def new(self) -> None:
        """Begin with the smallest experiment."""
        self.guard(self._new)

    def _new(self) -> None:
        self._session.open_document({"schema": 1, "name": self.tr("Untitled")}, self.tr("new experiment"))

    @Slot()
    def ask_and_open(self) -> None:
        """Let the person choose a file."""
        dialog = self._dialog(self.tr("Open an experiment"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.open_name)
        dialog.open()

    @Slot(str)
    def open_name(self, name: str) -> None:
        """Open a file, after asking about changes."""

        def follows() -> None:
            self.open_path(Path(name))

        self.guard(follows)

    def open_path(self, path: Path) -> bool:
        """Open a file without asking; where it is impossible nothing changes."""
        path = path.absolute()
        try:
            experiment = load_experiment(path, self._session.catalogue, self._session.limits)
        except ExperimentError as error:
            if not path.exists():
                self._settings.forget_recent_file(path)
                self.recent_changed.emit()
            self.refused.emit(error.reason, error.path)
            return False
        own = next((entry for entry in scenarios() if entry.path.absolute() == path), None)
        origin = Origin(scenario=own.key) if own is not None else Origin(path)
        opened = self._session.open_document(
            experiment.document, self.tr("opening of {file}").format(file=path.name), origin
        )
        if opened and own is None:
            self._remember(path)
        return opened

    def open_scenario(self, key: str) -> None:
        """Open a scenario. Undo brings back what was edited, so nothing is asked unless a file is behind it."""
        if self._session.origin.path is not None:
            self.guard(lambda: self._open_scenario(key))
        else:
            self._open_scenario(key)

    def _open_scenario(self, key: str) -> None:
        entry = scenario(key)
        if entry is None:
            return
        try:
            experiment = load_experiment(entry.path, self._session.catalogue, self._session.limits)
        except ExperimentError as error:
            self.refused.emit(error.reason, error.path)
            return
        self._session.open_document(
            experiment.document, self.tr("opening of the scenario"), Origin(scenario=key)
        )

    # Save

    @Slot()
    def save(self) -> None:
        """Write the document to its file, or ask for one."""
        path = self._session.origin.path
        if path is None:
            self.ask_and_save()
        else:
            self._write(path)

    @Slot()
    def ask_and_save(self) -> None:
        """Let the person choose where to write."""
        dialog = self._dialog(self.tr("Save the experiment"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(SUFFIX.removeprefix("."))
        path = self._session.origin.path
        if path is not None:
            dialog.setDirectory(str(path.parent))
        dialog.selectFile(path.name if path is not None else _file_name(self._session.experiment.name))
        dialog.fileSelected.connect(self._save_name)
        dialog.rejected.connect(self._forget_what_follows)
        dialog.open()

    @Slot(str)
    def _save_name(self, name: str) -> None:
        self._write(Path(name).absolute())

    def _write(self, path: Path) -> None:
        follows, self._after_save = self._after_save, None
        document, folder = self._session.document, self._session.origin.folder
        if folder != path.parent:
            document = with_whole_paths(document, self._session.catalogue, folder)
            self._session.apply(document, self.tr("names of files made whole"))
        try:
            save_document(document, path)
        except ExperimentError as error:
            self.refused.emit(error.reason, error.path)
            return
        self._session.mark_saved(path)
        self._remember(path)
        self.told.emit(Text(f"Saved as {path}.", f"已保存为 {path}。"))
        if follows is not None:
            follows()

    def _remember(self, path: Path) -> None:
        self._settings.add_recent_file(path)
        self.recent_changed.emit()

    def clear_recent(self) -> None:
        """Forget the recent files."""
        self._settings.clear_recent_files()
        self.recent_changed.emit()

    # Unsaved changes

    def guard(self, follows: Then) -> None:
        """Call ``follows`` once no changes can be lost by it; never where the person cancels."""
        if not self._session.is_modified:
            follows()
            return
        if self._question is not None:
            self._question.raise_()
            return
        self._after_answer = follows
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setWindowTitle(self.tr("Unsaved changes"))
        origin, own_name = self._session.origin, self._session.experiment.name
        title = title_of(origin.scenario, own_name, current_language())
        name = origin.path.name if origin.path is not None else title
        box.setText(self.tr("Save the changes to “{name}”?").format(name=name))
        box.setInformativeText(self.tr("They are lost otherwise."))
        self._keep_button = box.addButton(self.tr("&Save"), QMessageBox.ButtonRole.AcceptRole)
        self._drop_button = box.addButton(self.tr("&Don't save"), QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton(self.tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(self._keep_button)
        box.setEscapeButton(cancel)
        box.finished.connect(self._answered)
        self._question = box
        box.open()

    @Slot()
    def _answered(self) -> None:
        box, self._question = self._question, None
        follows, self._after_answer = self._after_answer, None
        if box is None or follows is None:
            return
        clicked = box.clickedButton()
        box.deleteLater()
        if clicked is self._drop_button:
            follows()
        elif clicked is self._keep_button:
            self._after_save = follows
            self.save()

    @Slot()
    def _forget_what_follows(self) -> None:
        self._after_save = None

    def _dialog(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self._window, title)
        dialog.setNameFilters([self.tr("Experiments (*.toml)"), self.tr("All files (*)")])
        recent = self._settings.recent_files()
        if recent and recent[0].parent.is_dir():
            dialog.setDirectory(str(recent[0].parent))
        dialog.finished.connect(dialog.deleteLater)
        return dialog


def dropped_file(data: QMimeData) -> Path | None:
    """Return the experiment file that is being dragged, or None."""
    for url in data.urls():
        path = Path(url.toLocalFile())
        if url.isLocalFile() and path.suffix.lower() == SUFFIX:
            return path
    return None


def _file_name(title: str) -> str:
    """Return a file name made of an experiment's title."""
    words = re.findall(r"\w+", title.lower())
    return ("_".join(words)[:60] or "experiment") + SUFFIX
