"""Everything the window can be told to do: texts, tooltips and keys of every action, in one place."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QKeyCombination, QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent, QKeySequence, QShortcutEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QApplication, QComboBox, QWidget

Ctrl, Shift, Alt = Qt.Modifier.CTRL, Qt.Modifier.SHIFT, Qt.Modifier.ALT
Key = Qt.Key


class SpaceAction(QAction):
    """An action on the space bar that leaves the bar to a button that was reached by keyboard."""

    def event(self, event: QEvent) -> bool:
        """Press the focused button instead, where a person got there with the tab key."""
        if event.type() == QEvent.Type.Shortcut:
            focused = QApplication.focusWidget()
            # Qt sets this where the focus was moved by keyboard; a click takes it away.
            if focused is not None and focused.window().testAttribute(
                Qt.WidgetAttribute.WA_KeyboardFocusChange
            ):
                if isinstance(focused, QAbstractButton):
                    focused.click()
                    return True
                if isinstance(focused, QComboBox):
                    focused.showPopup()
                    return True
        return super().event(event)


class ListAction(QAction):
    """An action on lanes whose keys mean the same for the rows of any list that has the keyboard."""

    combinations: tuple[QKeyCombination, ...] = ()

    def event(self, event: QEvent) -> bool:
        """Hand the key on to the focused list."""
        focused = QApplication.focusWidget()
        if (
            isinstance(event, QShortcutEvent)
            and isinstance(focused, QComboBox)
            and event.key() in (QKeySequence(Alt | Key.Key_Down), QKeySequence(Alt | Key.Key_Up))
        ):
            focused.showPopup()  # as these keys do everywhere else
            return True
        if isinstance(event, QShortcutEvent) and isinstance(focused, QAbstractItemView):
            for key in self.combinations:
                if QKeySequence(key) == event.key():
                    press = QKeyEvent(QEvent.Type.KeyPress, key.key(), key.keyboardModifiers())
                    focused.event(press)  # sent as usual it would come back here as a shortcut
            return True
        return super().event(event)


class Actions(QObject):
    """The actions of a window, by name; each is added to the window, so that its keys work without a menu.

    Args:
        window: The widget in which the keys are heard.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        # File
        self.new = self._make(QKeySequence.StandardKey.New)
        self.open = self._make(QKeySequence.StandardKey.Open)
        self.save = self._make(QKeySequence.StandardKey.Save)
        self.save_as = self._make(Ctrl | Shift | Key.Key_S)
        self.export_view = self._make(Ctrl | Key.Key_E)
        self.clear_recent = self._make()
        self.quit = self._make(Ctrl | Key.Key_Q)
        self.quit.setMenuRole(QAction.MenuRole.QuitRole)
        # Edit
        self.undo = self._make(Ctrl | Key.Key_Z)
        self.redo = self._make(Ctrl | Shift | Key.Key_Z, Ctrl | Key.Key_Y)
        self.add_lane = self._make(Ctrl | Key.Key_L)
        self.duplicate_lane = self._make(Ctrl | Key.Key_D, kind=ListAction)
        self.remove_lane = self._make(Ctrl | Shift | Key.Key_D)
        self.lane_up = self._make(Alt | Key.Key_Up, kind=ListAction)
        self.lane_down = self._make(Alt | Key.Key_Down, kind=ListAction)
        self.more_seeds = self._make(Ctrl | Key.Key_BracketRight)
        self.fewer_seeds = self._make(Ctrl | Key.Key_BracketLeft)
        self.next_lane = self._make(Key.Key_BracketRight)
        self.previous_lane = self._make(Key.Key_BracketLeft)
        # Run
        self.play = self._make(Key.Key_Space, Key.Key_P, kind=SpaceAction)
        self.step = self._make(Key.Key_Period)
        self.reset = self._make(Key.Key_R, Key.Key_Home)
        self.slower = self._make(Key.Key_Minus)
        self.faster = self._make(Key.Key_Plus, Key.Key_Equal)
        self.search = self._make(Ctrl | Key.Key_F)
        self.depth_study = self._make(Ctrl | Shift | Key.Key_F)
        # View
        self.layouts: dict[str, QAction] = {}
        self.light_theme = self._make(checkable=True)
        self.dark_theme = self._make(checkable=True)
        self.system_theme = self._make(checkable=True)
        self._group(self.light_theme, self.dark_theme, self.system_theme)
        self.toggle_theme = self._make(Ctrl | Key.Key_T)
        self.english = self._make(checkable=True)
        self.chinese = self._make(checkable=True)
        self.system_language = self._make(checkable=True)
        self._group(self.english, self.chinese, self.system_language)
        self.toggle_language = self._make(Ctrl | Shift | Key.Key_L)
        self.controls = self._make(Key.Key_F3, checkable=True)
        self.lesson = self._make(Key.Key_F4, checkable=True)
        self.presenter = self._make(Key.Key_F5, checkable=True)
        self.full_screen = self._make(Key.Key_F11, checkable=True)
        # Help
        self.keyboard_map = self._make(Key.Key_F1)
        self.log_folder = self._make()
        self.about = self._make()
        self.about.setMenuRole(QAction.MenuRole.AboutRole)
        for action in (
            self.undo,
            self.redo,
            self.lane_up,
            self.lane_down,
            self.more_seeds,
            self.fewer_seeds,
            self.next_lane,
            self.previous_lane,
            self.slower,
            self.faster,
        ):
            action.setAutoRepeat(True)
        self.retranslate()

    def _make(
        self,
        *keys: QKeySequence.StandardKey | QKeyCombination | Key,
        checkable: bool = False,
        kind: type[QAction] = QAction,
    ) -> QAction:
        action = kind(self._window)
        action.setShortcuts([QKeySequence(key) for key in keys])
        action.setCheckable(checkable)
        action.setIconVisibleInMenu(False)
        action.setAutoRepeat(False)  # a key that is held would play and pause by turns
        if isinstance(action, ListAction):
            action.combinations = tuple(key for key in keys if isinstance(key, QKeyCombination))
        self._window.addAction(action)
        return action

    def _group(self, *actions: QAction) -> None:
        group = QActionGroup(self)
        for action in actions:
            group.addAction(action)

    def add_layout(self, key: str, number: int) -> QAction:
        """Make the action that arranges the plots in a layout; its keys are Alt and ``number``."""
        action = self._make(Alt | Key(Key.Key_0.value + number))
        self.layouts[key] = action
        return action

    def retranslate(self) -> None:
        """Set every text in the window's language."""
        say = self._say
        say(self.new, self.tr("&New"), self.tr("Begin with a small experiment"))
        say(self.open, self.tr("&Open…"), self.tr("Open an experiment file"))
        say(self.save, self.tr("&Save"), self.tr("Write the experiment to its file"))
        say(self.save_as, self.tr("Save &as…"), self.tr("Write the experiment to another file"))
        say(self.export_view, self.tr("Export plot…"), self.tr("Save the plot used last as PNG, SVG or CSV"))
        say(self.clear_recent, self.tr("Clear list"), self.tr("Forget the files opened last"))
        say(self.quit, self.tr("&Quit"), self.tr("Close the window"))
        say(self.add_lane, self.tr("&Add lane"), self.tr("Add a network that trains beside the others"))
        say(self.duplicate_lane, self.tr("&Duplicate lane"), self.tr("Copy the lane in focus"))
        say(self.remove_lane, self.tr("Re&move lane"), self.tr("Remove the lane in focus"))
        say(self.lane_up, self.tr("Move lane up"), self.tr("Move the lane in focus up"))
        say(self.lane_down, self.tr("Move lane down"), self.tr("Move the lane in focus down"))
        say(self.more_seeds, self.tr("More seeds"), self.tr("Train the lane in focus with one more seed"))
        say(self.fewer_seeds, self.tr("Fewer seeds"), self.tr("Train the lane in focus with one seed fewer"))
        say(self.next_lane, self.tr("Next lane"), self.tr("Focus the lane below"))
        say(self.previous_lane, self.tr("Previous lane"), self.tr("Focus the lane above"))
        self.say_playing(False)
        say(self.step, self.tr("&Single step"), self.tr("Make exactly one update"))
        say(self.reset, self.tr("&Reset"), self.tr("Draw the weights anew and return to step 0"))
        say(self.slower, self.tr("Slo&wer"), self.tr("Fewer steps a second"))
        say(self.faster, self.tr("&Faster"), self.tr("More steps a second"))
        say(self.search, self.tr("S&earch…"), self.tr("Try many values of some fields and keep the best"))
        say(
            self.depth_study,
            self.tr("&Depth study…"),
            self.tr("Train the lane in focus at many depths, beside what theory says"),
        )
        say(self.light_theme, self.tr("Light"), self.tr("Dark writing on a light ground"))
        say(self.dark_theme, self.tr("Dark"), self.tr("Light writing on a dark ground"))
        say(self.system_theme, self.tr("Like the system"), self.tr("Light or dark as the system is"))
        say(self.toggle_theme, self.tr("Switch light and dark"), self.tr("Switch light and dark"))
        say(self.english, "English", self.tr("Speak English"))
        say(self.chinese, "简体中文", self.tr("Speak Chinese"))
        say(self.system_language, self.tr("Like the system"), self.tr("Speak as the system does"))
        say(self.toggle_language, self.tr("Switch language"), self.tr("Switch English and Chinese"))
        say(self.controls, self.tr("&Controls"), self.tr("Show or hide the lanes and forms on the left"))
        say(self.lesson, self.tr("&Lesson"), self.tr("Show or fold the lesson on the right"))
        say(
            self.presenter,
            self.tr("&Presenter mode"),
            self.tr("Full screen with large type and thick lines, for a lecture hall"),
        )
        say(self.full_screen, self.tr("F&ull screen"), self.tr("Fill the screen with the window"))
        say(self.keyboard_map, self.tr("&Keyboard map"), self.tr("List every key"))
        say(self.log_folder, self.tr("Open &log folder"), self.tr("Show where faults are written down"))
        say(self.about, self.tr("&About InitViz"), self.tr("Versions and licences"))
        titles = {
            "overview": (self.tr("Overview"), self.tr("Loss, signal, gradients and weights")),
            "gradients": (self.tr("Gradients"), self.tr("Where the gradient vanishes or explodes")),
            "weights": (self.tr("Weights"), self.tr("How weights and activations are spread")),
            "theory": (self.tr("Theory"), self.tr("The signal through the layers, beside the prediction")),
        }
        for key, action in self.layouts.items():
            say(action, *titles[key])

    def say_playing(self, playing: bool) -> None:
        """Let the play action say what it would do next."""
        if playing:
            self._say(self.play, self.tr("&Pause"), self.tr("Stop training; nothing is lost"))
        else:
            self._say(self.play, self.tr("&Play"), self.tr("Train all lanes"))

    def say_undo(self, undo: str, redo: str) -> None:
        """Name what would be taken back and done again; either may be empty."""
        self._say(
            self.undo,
            self.tr("&Undo {edit}").format(edit=undo).rstrip(),
            self.tr("Take back the last edit"),
        )
        self._say(
            self.redo,
            self.tr("&Redo {edit}").format(edit=redo).rstrip(),
            self.tr("Do again what was taken back"),
        )

    def listed(self) -> tuple[tuple[str, tuple[QAction, ...]], ...]:
        """Return every action that has a key, under the headings of the keyboard map."""
        return (
            (
                self.tr("Run"),
                (self.play, self.step, self.reset, self.slower, self.faster, self.search, self.depth_study),
            ),
            (
                self.tr("Lanes"),
                (
                    self.next_lane,
                    self.previous_lane,
                    self.add_lane,
                    self.duplicate_lane,
                    self.remove_lane,
                    self.lane_up,
                    self.lane_down,
                    self.more_seeds,
                    self.fewer_seeds,
                ),
            ),
            (
                self.tr("File and edit"),
                (
                    self.new,
                    self.open,
                    self.save,
                    self.save_as,
                    self.export_view,
                    self.undo,
                    self.redo,
                    self.quit,
                ),
            ),
            (
                self.tr("View"),
                (
                    *self.layouts.values(),
                    self.controls,
                    self.lesson,
                    self.presenter,
                    self.full_screen,
                    self.toggle_theme,
                    self.toggle_language,
                    self.keyboard_map,
                ),
            ),
        )

    def _say(self, action: QAction, text: str, tip: str) -> None:
        action.setText(text)
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(self.tr("{tip} ({keys})").format(tip=tip, keys=keys) if keys else tip)
        action.setStatusTip(tip)
