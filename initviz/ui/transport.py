"""The bar on top: what is shown, how it runs, how far it is."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QSlider,
    QStyledItemDelegate,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from initviz.experiment.text import Text
from initviz.ui.actions import Actions
from initviz.ui.icons import icon
from initviz.ui.language import current_language, without_mnemonic
from initviz.ui.number_text import format_count, format_three
from initviz.ui.scenarios import scenario, scenarios
from initviz.ui.speed import FASTEST, rate
from initviz.worker.messages import Device

PROGRESS_PARTS = 1000
STARTING = Text("Starting", "正在启动")
TITLE_SHARE = 0.28
"""Of the bar's width goes to the title of the scenario at most; one that needs more is cut."""
AUTO = "auto"


class Transport(QFrame):
    """Scenario menu, play buttons, speed, progress, device, language, theme, full screen.

    Args:
        actions: What the buttons do.
        parent: Qt parent.
    """

    scenario_chosen = Signal(str)
    device_chosen = Signal(str)
    speed_changed = Signal(float)

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transport")
        self._actions = actions
        self._color, self._inverse, self._muted = "#000000", "#ffffff", "#808080"
        self._factor = 1.0
        self._title: str | Text = ""
        self._progress_text: Text | None = STARTING
        self._step, self._total, self._rate = 0, 0, 0.0
        self._playing = False
        self._stopped = False
        self._cancelled = False

        self.scenario_button = QToolButton()
        self.scenario_button.setObjectName("scenarioButton")
        self.scenario_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.scenario_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.scenario_menu = QMenu(self.scenario_button)
        self.scenario_button.setMenu(self.scenario_menu)
        self.scenario_menu.triggered.connect(self._choose_scenario)

        self.reset_button = self._button(actions.reset)
        self.play_button = self._button(actions.play)
        self.play_button.setObjectName("playButton")
        self.step_button = self._button(actions.step)
        self.language_button = self._button(actions.toggle_language)
        self.language_button.setObjectName("languageButton")
        self.language_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.theme_button = self._button(actions.toggle_theme)
        self.full_screen_button = self._button(actions.full_screen)

        self._speed_sign = QLabel()
        self.speed = QSlider(Qt.Orientation.Horizontal)
        self.speed.setRange(0, FASTEST)
        self.speed.setValue(FASTEST)
        self.speed.setPageStep(1)
        self.speed.valueChanged.connect(self._speed_moved)
        self._speed_text = QLabel()
        self._speed_text.setObjectName("quiet")

        self.step_text = QLabel()
        self.step_text.setObjectName("stepText")
        self.rate_text = QLabel()
        self.rate_text.setObjectName("quiet")
        self.rate_text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.bar = QProgressBar()
        self.bar.setRange(0, PROGRESS_PARTS)
        self.bar.setTextVisible(False)

        self.device = QComboBox()
        self.device.setObjectName("deviceBox")
        self.device.setItemDelegate(QStyledItemDelegate(self.device))
        self.device.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.device.activated.connect(self._device_activated)

        self._lay_out()
        self._devices: tuple[Device, ...] = (Device("cpu", Text("CPU", "CPU")),)
        self._device = AUTO
        self._retranslate()

    def _lay_out(self) -> None:
        texts = QHBoxLayout()
        texts.setSpacing(8)
        texts.addWidget(self.step_text, 1)
        texts.addWidget(self.rate_text)
        progress = QVBoxLayout()
        progress.setSpacing(4)
        progress.addStretch(1)
        progress.addLayout(texts)
        progress.addWidget(self.bar)
        progress.addStretch(1)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(16, 8, 16, 8)
        self._row.setSpacing(8)
        self._row.addWidget(self.scenario_button)
        self._row.addSpacing(8)
        for button in (self.reset_button, self.play_button, self.step_button):
            self._row.addWidget(button)
        self._row.addSpacing(8)
        self._row.addWidget(self._speed_sign)
        self._row.addWidget(self.speed)
        self._row.addWidget(self._speed_text)
        self._row.addSpacing(8)
        self._row.addLayout(progress, 1)
        self._row.addSpacing(8)
        self._row.addWidget(self.device)
        self._row.addSpacing(8)
        for button in (self.language_button, self.theme_button, self.full_screen_button):
            self._row.addWidget(button)
        self.set_factor(1.0)

    @staticmethod
    def _button(action: QAction) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setAutoRaise(True)
        # A click leaves the focus where it is, so that the space bar still plays.
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    # Looks

    def set_colors(self, color: str, inverse: str, muted: str) -> None:
        """Draw the icons anew.

        Args:
            color: Of writing.
            inverse: Of writing on a filled button.
            muted: Of what cannot be used.
        """
        self._color, self._inverse, self._muted = color, inverse, muted
        self._draw_icons()

    def set_factor(self, factor: float) -> None:
        """Make everything larger by ``factor``, as the writing is."""
        self._factor = factor
        self.reset_button.setIconSize(QSize(round(20 * factor), round(20 * factor)))
        self.play_button.setIconSize(QSize(round(24 * factor), round(24 * factor)))
        for button in (self.step_button, self.theme_button, self.full_screen_button):
            button.setIconSize(QSize(round(20 * factor), round(20 * factor)))
        self.speed.setFixedWidth(round(88 * factor))
        self.bar.setFixedHeight(round(6 * factor))
        self.bar.setMinimumWidth(round(120 * factor))
        self._fix_widths()

    def _fix_widths(self) -> None:
        # Reserve the widest texts, so that nothing moves while numbers count.
        metrics = self._speed_text.fontMetrics()
        widest = max(metrics.horizontalAdvance(text) for text in (self._speed_label(0), self.tr("full")))
        self._speed_text.setMinimumWidth(max(widest, metrics.horizontalAdvance(self._speed_label(8))))

    def _draw_icons(self) -> None:
        for action, name in (
            (self._actions.reset, "reset"),
            (self._actions.step, "step"),
            (self._actions.toggle_theme, "theme"),
        ):
            action.setIcon(icon(name, self._color, self._muted))
        full = "leave-fullscreen" if self._actions.full_screen.isChecked() else "fullscreen"
        self._actions.full_screen.setIcon(icon(full, self._color))
        self._actions.play.setIcon(icon("pause" if self._playing else "play", self._inverse, self._muted))
        edge = round(20 * self._factor)
        self._speed_sign.setPixmap(icon("speed", self._muted).pixmap(QSize(edge, edge)))

    def show_full_screen(self) -> None:
        """Let the full-screen button show what it does next."""
        self._draw_icons()

    # Scenario

    def set_title(self, key: str, name: str) -> None:
        """Show which scenario or experiment is open.

        Args:
            key: The scenario, or empty.
            name: The experiment's own title, shown where there is no scenario.
        """
        entry = scenario(key)
        self._title = entry.title if entry is not None else name
        self._say_title()

    def _say_title(self) -> None:
        title = self._title if isinstance(self._title, str) else self._title.in_language(current_language())
        self.scenario_button.ensurePolished()
        metrics = self.scenario_button.fontMetrics()
        shown = metrics.elidedText(title, Qt.TextElideMode.ElideRight, round(TITLE_SHARE * self.width()))
        self.scenario_button.setText(shown.replace("&", "&&"))
        self.scenario_button.setAccessibleName(self.tr("Scenario: {title}").format(title=title))
        self.scenario_button.setToolTip(
            self.tr("Choose a scenario with a lesson; now: {title}").format(title=title)
        )

    def _fill_scenarios(self) -> None:
        self.scenario_menu.clear()
        for entry in scenarios():
            action = self.scenario_menu.addAction(entry.title.in_language(current_language()))
            action.setData(entry.key)

    @Slot(QAction)
    def _choose_scenario(self, action: QAction) -> None:
        self.scenario_chosen.emit(action.data())

    # Speed

    def set_speed_position(self, position: int) -> None:
        """Move the speed slider."""
        self.speed.setValue(position)

    @Slot(int)
    def _speed_moved(self, position: int) -> None:
        self._speed_text.setText(self._speed_label(position))
        self.speed.setAccessibleDescription(self._speed_text.text())
        self.speed_changed.emit(rate(position))

    def _speed_label(self, position: int) -> str:
        steps = rate(position)
        return self.tr("{rate}/s").format(rate=f"{steps:g}") if steps else self.tr("full")

    # Progress

    def show_run(self, step: int, total: int, steps_per_s: float) -> None:
        """Show how far the run is.

        Args:
            step: Updates made.
            total: Updates in the whole run.
            steps_per_s: Recent rate; 0 where unknown or standing still.
        """
        stopped, self._stopped = self._stopped, False
        self._progress_text = None
        if (
            not stopped
            and (step, total, steps_per_s) == (self._step, self._total, self._rate)
            and self.step_text.text()
        ):
            return
        self._step, self._total, self._rate = step, total, steps_per_s
        self._say_progress()
        self.bar.setValue(round(PROGRESS_PARTS * step / total) if total else 0)

    def show_loading(self, fraction: float, text: Text) -> None:
        """Show what is being loaded and how far it is, 0 to 1."""
        self._progress_text = text
        self._stopped = False
        self._total = 0
        self._say_progress()
        self.bar.setValue(round(PROGRESS_PARTS * fraction))

    def show_stopped(self, cancelled: bool = False) -> None:
        """Show that an error ended the run, or kept it from being loaded; or, ``cancelled``, that the person did."""
        self._cancelled = cancelled
        if self._progress_text is not None:
            self._progress_text = None
            self.bar.setValue(0)
        self._stopped = True
        self._say_progress()

    def _say_progress(self) -> None:
        if self._progress_text is not None:
            said = self._progress_text.in_language(current_language())
            self.step_text.setText(said + "…")
            self.rate_text.clear()
        elif self._stopped:
            self.step_text.setText(
                self.tr("cancelled") if self._cancelled else self.tr("stopped by an error")
            )
            self.rate_text.clear()
        else:
            self.step_text.setText(
                self.tr("step {step} of {total}").format(
                    step=format_count(self._step), total=format_count(self._total)
                )
            )
            self.rate_text.setText(
                self.tr("{rate} steps/s").format(rate=_round_rate(self._rate)) if self._rate > 0 else ""
            )
        self.bar.setAccessibleDescription(self.step_text.text())

    def show_playing(self, playing: bool) -> None:
        """Let the play button show what it does next."""
        self._playing = playing
        self._actions.say_playing(playing)
        self._draw_icons()
        self.play_button.setAccessibleName(without_mnemonic(self._actions.play.text()))

    # Device

    @Slot(object)
    def set_devices(self, devices: tuple[Device, ...]) -> None:
        """Offer what this machine has, and the choice of the best of it."""
        self._devices = devices
        self._fill_devices()

    def show_device(self, key: str) -> None:
        """Show which device is chosen; it is listed even where this machine lacks it."""
        self._device = key
        self._fill_devices()

    def _fill_devices(self) -> None:
        rows = [(AUTO, self.tr("Auto"))]
        rows += [(row.key, row.title.in_language(current_language())) for row in self._devices]
        if all(key != self._device for key, _ in rows):
            rows.append((self._device, self._device))
        self.device.clear()
        for key, title in rows:
            self.device.addItem(title, key)
        self.device.setCurrentIndex(self.device.findData(self._device))

    @Slot(int)
    def _device_activated(self, place: int) -> None:
        self.device_chosen.emit(self.device.itemData(place))

    # Language

    def _retranslate(self) -> None:
        self._fill_scenarios()
        self._say_title()
        self._speed_text.setText(self._speed_label(self.speed.value()))
        self.speed.setToolTip(self.tr("Steps a second (− and +)"))
        self.speed.setAccessibleName(self.tr("Speed"))
        self._speed_sign.setToolTip(self.speed.toolTip())
        self.device.setToolTip(self.tr("Where the networks train"))
        self.device.setAccessibleName(self.tr("Device"))
        self._fill_devices()
        self.bar.setAccessibleName(self.tr("Progress of the run"))
        self.bar.setToolTip(self.tr("How much of the run is done"))
        self.language_button.setText("文/A")
        for button, name in (
            (self.reset_button, self.tr("Reset")),
            (self.play_button, without_mnemonic(self._actions.play.text())),
            (self.step_button, self.tr("Single step")),
            (self.language_button, self.tr("Switch language")),
            (self.theme_button, self.tr("Switch light and dark")),
            (self.full_screen_button, self.tr("Full screen")),
        ):
            button.setAccessibleName(name)
        self._say_progress()
        self._fix_widths()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._say_title()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        elif event.type() == QEvent.Type.FontChange and hasattr(self, "_speed_text"):
            self._fix_widths()
            self._say_title()
        super().changeEvent(event)


def _round_rate(steps_per_s: float) -> str:
    return format_count(round(steps_per_s)) if steps_per_s >= 100 else format_three(steps_per_s)
