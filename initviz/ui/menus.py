"""The menu bar."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar

from initviz.ui.actions import Actions
from initviz.ui.settings import MAX_RECENT


class Menus(QObject):
    """Fills a menu bar with the actions; the menus of recent files and plots are filled by the window.

    Args:
        bar: The window's menu bar.
        actions: What the entries do.
    """

    recent_chosen = Signal(str)
    view_chosen = Signal(str, bool)

    def __init__(self, bar: QMenuBar, actions: Actions) -> None:
        super().__init__(bar)
        self._actions = actions
        self._file = bar.addMenu("")
        self._file.addActions([actions.new, actions.open])
        self._recent = self._file.addMenu("")
        self._recent.setToolTipsVisible(True)
        self._recent.triggered.connect(self._choose_recent)
        self._recent_actions = [self._recent.addAction("") for _ in range(MAX_RECENT)]
        self._recent.addSeparator()
        self._recent.addAction(actions.clear_recent)
        self._file.addActions([actions.save, actions.save_as])
        self._file.addSeparator()
        self._file.addAction(actions.export_view)
        self._file.addSeparator()
        self._file.addAction(actions.quit)
        self._edit = bar.addMenu("")
        self._edit.addActions([actions.undo, actions.redo])
        self._edit.addSeparator()
        self._edit.addActions([actions.add_lane, actions.duplicate_lane, actions.remove_lane])
        self._edit.addSeparator()
        self._edit.addActions([actions.more_seeds, actions.fewer_seeds])
        self._edit.addSeparator()
        self._edit.addActions([actions.lane_up, actions.lane_down, actions.next_lane, actions.previous_lane])
        self._run = bar.addMenu("")
        self._run.addActions([actions.play, actions.step, actions.reset])
        self._run.addSeparator()
        self._run.addActions([actions.slower, actions.faster])
        self._run.addSeparator()
        self._run.addActions([actions.search, actions.depth_study])
        self._view = bar.addMenu("")
        self._layouts = self._view.addMenu("")
        self._layouts.addActions(list(actions.layouts.values()))
        self._plots = self._view.addMenu("")
        self._view_actions: dict[str, QAction] = {}
        self._plots.triggered.connect(self._choose_view)
        self._view.addSeparator()
        self._view.addActions([actions.controls, actions.lesson])
        self._view.addSeparator()
        self._theme = self._view.addMenu("")
        self._theme.addActions([actions.light_theme, actions.dark_theme, actions.system_theme])
        self._theme.addSeparator()
        self._theme.addAction(actions.toggle_theme)
        self._language = self._view.addMenu("")
        self._language.addActions([actions.english, actions.chinese, actions.system_language])
        self._language.addSeparator()
        self._language.addAction(actions.toggle_language)
        self._view.addSeparator()
        self._view.addActions([actions.presenter, actions.full_screen])
        self._help = bar.addMenu("")
        self._help.addActions([actions.keyboard_map, actions.log_folder])
        self._help.addSeparator()
        self._help.addAction(actions.about)
        self.retranslate()

    def retranslate(self) -> None:
        """Name the menus in the window's language."""
        for menu, title in (
            (self._file, self.tr("&File")),
            (self._recent, self.tr("Open &recent")),
            (self._edit, self.tr("&Edit")),
            (self._run, self.tr("&Run")),
            (self._view, self.tr("&View")),
            (self._layouts, self.tr("&Layout")),
            (self._plots, self.tr("Pl&ots")),
            (self._theme, self.tr("&Theme")),
            (self._language, self.tr("Langua&ge")),
            (self._help, self.tr("&Help")),
        ):
            menu.setTitle(title)

    # Entries are changed, never replaced: one of them may be what has just been chosen.

    def fill_recent(self, paths: tuple[Path, ...]) -> None:
        """List the recent files."""
        for number, action in enumerate(self._recent_actions):
            known = number < len(paths)
            action.setVisible(known)
            if known:
                path = paths[number]
                name = path.name.replace("&", "&&")
                action.setText(f"&{(number + 1) % 10}  {name}")
                action.setData(str(path))
                action.setToolTip(str(path))
        self._recent.setEnabled(bool(paths))

    def fill_views(self, titles: dict[str, str], shown: set[str]) -> None:
        """List the plots with a mark at those that are shown."""
        for key, title in titles.items():
            if key not in self._view_actions:
                action = self._plots.addAction(title)
                action.setCheckable(True)
                action.setData(key)
                self._view_actions[key] = action
            self._view_actions[key].setText(title)
            self._view_actions[key].setChecked(key in shown)

    def recent_menu(self) -> QMenu:
        """Return the menu of recent files."""
        return self._recent

    def plots_menu(self) -> QMenu:
        """Return the menu of plots."""
        return self._plots

    @Slot(QAction)
    def _choose_recent(self, action: QAction) -> None:
        name = action.data()
        if isinstance(name, str):
            self.recent_chosen.emit(name)

    @Slot(QAction)
    def _choose_view(self, action: QAction) -> None:
        self.view_chosen.emit(action.data(), action.isChecked())
