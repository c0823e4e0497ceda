"""Theme, language, presenter mode, layouts and what is remembered; nothing clipped at any usual size."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QLocale, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialog, QLabel
from pytestqt.qtbot import QtBot

from initviz.ui.actions import Actions
from initviz.ui.chrome import chrome
from initviz.ui.language import LanguageSwitch, current_language
from initviz.ui.main_window import MainWindow
from initviz.ui.screens import moved_into
from initviz.views.palette import DARK, LIGHT, Theme, contrast
from tests.ui.shell import (
    LaneWorkshop,
    click,
    clipped,
    close_window,
    open_window,
    press,
    state,
    steps_made,
    wait_for_steps,
)

Key = Qt.Key
CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier


def wait_until_settled(qtbot: QtBot, window: MainWindow) -> None:
    """Wait until nothing is clipped, two seconds at most: forms are built and laid out when they are first seen."""
    for _ in range(20):
        qtbot.wait(100)
        if not clipped(window):
            return


@pytest.fixture(autouse=True)
def english_again() -> object:
    yield
    QLocale.setDefault(QLocale("en_US"))


def test_the_theme_switches_while_playing(window: MainWindow, qtbot: QtBot) -> None:
    press(qtbot, window, Key.Key_Space)
    wait_for_steps(qtbot, window, 20)
    for expected in ("dark", "light", "dark"):
        press(qtbot, window, Key.Key_T, CONTROL)
        assert window.parts.theme.name == expected
        theme = window.parts.theme.theme
        views = [dock.view for dock in window.dashboard.docks.values() if dock.view is not None]
        assert {view.theme.name for view in views} == {expected}
        ground = window.grab().toImage().pixelColor(window.width() // 2, window.height() - 3)
        assert ground.name() == theme.background
        made = steps_made(window)
        wait_for_steps(qtbot, window, made + 5)
    assert state(window) == "playing"


def test_the_theme_follows_the_system_until_one_is_chosen(window: MainWindow, qtbot: QtBot) -> None:
    hints = QGuiApplication.styleHints()
    switch = window.parts.theme
    switch.choose("system")
    before = switch.name
    try:
        hints.setColorScheme(Qt.ColorScheme.Dark)
        assert switch.name == ("dark" if hints.colorScheme() == Qt.ColorScheme.Dark else before)
        switch.choose("light")
        assert switch.name == "light"
    finally:
        hints.unsetColorScheme()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_writing_can_be_read(theme: Theme) -> None:
    colors = chrome(theme)
    for ground in (colors.surface, colors.sunken, colors.hover, colors.pressed, colors.ground):
        assert contrast(colors.text, ground) >= 4.5
    for ground in (colors.surface, colors.sunken):
        assert contrast(colors.muted, ground) >= 4.5
        assert contrast(colors.edge, ground) >= 3.0
    assert contrast(colors.text, colors.notice) >= 4.5
    assert contrast(colors.inverse, colors.filled) >= 4.5
    assert contrast("#ffffff", colors.mark) >= 3.0
    assert contrast(colors.focus, colors.surface) >= 3.0


def test_the_language_switches_while_playing(window: MainWindow, qtbot: QtBot) -> None:
    press(qtbot, window, Key.Key_Space)
    wait_for_steps(qtbot, window, 20)
    assert current_language() == "en"
    lesson = window.lesson.panel.text()
    title = window.transport.scenario_button.text()
    click(qtbot, window.transport.language_button)
    assert current_language() == "zh"
    qtbot.waitUntil(lambda: window.lesson.panel.text() != lesson)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in window.lesson.panel.text())
    assert window.transport.scenario_button.text() == "好的与坏的初始化"
    made = steps_made(window)
    wait_for_steps(qtbot, window, made + 5)
    press(qtbot, window, Key.Key_L, CONTROL | SHIFT)
    assert current_language() == "en"
    qtbot.waitUntil(lambda: window.lesson.panel.text() == lesson)
    assert window.transport.scenario_button.text() == title
    assert state(window) == "playing"


def test_every_widget_hears_of_another_language(window: MainWindow, qtbot: QtBot) -> None:
    heard: list[str] = []

    class Ear(QLabel):
        def changeEvent(self, event: QEvent) -> None:
            if event.type() == QEvent.Type.LanguageChange:
                heard.append(current_language())

    ear = Ear(window)
    window.parts.language.choose("zh")
    qtbot.waitUntil(lambda: bool(heard))
    assert set(heard) == {"zh"}
    ear.deleteLater()


def test_a_language_for_once_is_not_remembered(qapp: QApplication) -> None:
    switch = LanguageSwitch("zh", remember=False)
    assert current_language() == "zh"
    assert not switch.remember
    switch.choose("en")
    assert switch.remember


def test_presenter_mode_is_large_and_full_screen(window: MainWindow, qtbot: QtBot) -> None:
    before = window.font().pixelSize()
    press(qtbot, window, Key.Key_F5)
    assert window.isFullScreen()
    assert not window.menuBar().isVisible()
    assert window.parts.theme.theme.line_width == 3.0
    assert QApplication.font().pixelSize() == round(13 * 1.6)
    assert window.font().pixelSize() == round(before * 1.6)
    press(qtbot, window, Key.Key_Space)
    wait_for_steps(qtbot, window, 5)
    press(qtbot, window, Key.Key_Escape)
    assert not window.isFullScreen()
    assert window.menuBar().isVisible()
    assert window.font().pixelSize() == before
    assert not window.actions_.presenter.isChecked()


def test_full_screen_and_back(window: MainWindow, qtbot: QtBot) -> None:
    size = window.size()
    click(qtbot, window.transport.full_screen_button)
    assert window.isFullScreen()
    press(qtbot, window, Key.Key_F11)
    assert not window.isFullScreen()
    qtbot.waitUntil(lambda: window.size() == size)


def test_the_lesson_folds_where_there_is_no_room(window: MainWindow, qtbot: QtBot) -> None:
    assert window.lesson.panel.isVisible()
    window.resize(1280, 720)
    qtbot.waitUntil(lambda: window.lesson.strip.isVisible())
    assert not window.lesson.panel.isVisible()
    middle = window.dashboard.width()
    click(qtbot, window.lesson.strip)
    assert window.lesson.panel.isVisible()
    qtbot.waitUntil(lambda: window.dashboard.width() < middle)
    press(qtbot, window, Key.Key_F4)
    assert window.lesson.strip.isVisible()
    window.resize(1600, 900)
    qtbot.waitUntil(lambda: window.lesson.panel.isVisible())


def test_layouts_by_keyboard(window: MainWindow, qtbot: QtBot) -> None:
    def shown() -> set[str]:
        return {key for key, dock in window.dashboard.docks.items() if dock.is_seen()}

    first = shown()
    seen = [first]
    for key in (Key.Key_2, Key.Key_3, Key.Key_4):
        press(qtbot, window, key, ALT)
        qtbot.waitUntil(lambda: shown() != seen[-1])
        seen.append(shown())
    assert seen[1] >= {"grad_norm_map", "grad_norm_bars"}
    assert seen[2] >= {"weights", "activations"}
    assert "signal" in seen[3]
    press(qtbot, window, Key.Key_1, ALT)
    qtbot.waitUntil(lambda: shown() == first)


def test_flat_data_shows_its_boundary(window: MainWindow, qtbot: QtBot) -> None:
    assert not window.dashboard.docks["boundary"].is_seen()
    window.transport.scenario_chosen.emit("two_moons")
    qtbot.waitUntil(lambda: window.dashboard.docks["boundary"].is_seen())
    window.transport.scenario_chosen.emit("good_and_bad_starts")
    qtbot.waitUntil(lambda: not window.dashboard.docks["boundary"].is_seen())
    assert window.dashboard.docks["signal"].is_seen()


def test_a_plot_is_closed_floated_and_brought_back(window: MainWindow, qtbot: QtBot) -> None:
    dock = window.dashboard.docks["signal"]
    click(qtbot, dock.float_button)
    assert dock.isFloating()
    click(qtbot, dock.float_button)
    assert not dock.isFloating()
    click(qtbot, dock.close_button)
    assert not dock.isVisible()
    entry = next(a for a in window.menus.plots_menu().actions() if a.data() == "signal")
    assert not entry.isChecked()
    entry.trigger()
    qtbot.waitUntil(dock.is_seen)


def test_the_arrangement_is_remembered(qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window(qtbot, tmp_path, LaneWorkshop())
    click(qtbot, window.dashboard.docks["weights"].close_button)
    click(qtbot, window.controls.sections.header(3))
    press(qtbot, window, Key.Key_Minus)
    press(qtbot, window, Key.Key_T, CONTROL)
    window.splitter.setSizes([380, 800, 300])
    left = window.splitter.sizes()[0]
    assert left > 340
    close_window(qtbot, window)
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    from initviz.app import Opening, build_window
    from initviz.ui.settings import Settings

    again = build_window(application, Opening(Settings(tmp_path / "window.ini"), workshop=LaneWorkshop()))
    again.show()
    try:
        assert again.parts.theme.name == "dark"
        assert again.splitter.sizes()[0] == left
        assert not again.dashboard.docks["weights"].isVisible()
        assert again.dashboard.docks["loss"].isVisible()
        assert again.controls.sections.open_number() == 3
        assert again.transport.speed.value() == again.transport.speed.maximum() - 1
    finally:
        close_window(qtbot, again)


def test_spoilt_settings_are_as_good_as_none(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "window.ini").write_text(
        "[window]\ndocks=@ByteArray(nonsense)\ngeometry=7\nlayout=nowhere\nsection=99\n"
        "[run]\nspeed=fast\n[files]\nrecent=1, 2\n",
        encoding="utf-8",
    )
    window = open_window(qtbot, tmp_path, LaneWorkshop())
    assert window.dashboard.docks["loss"].is_seen()
    assert window.transport.speed.value() == window.transport.speed.maximum()
    close_window(qtbot, window)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("size", [(1600, 900), (1280, 720)], ids=["1600x900", "1280x720"])
def test_nothing_is_clipped(qtbot: QtBot, tmp_path: Path, size: tuple[int, int], language: str) -> None:
    window = open_window(qtbot, tmp_path, LaneWorkshop(), size=size)
    try:
        window.parts.language.choose("zh" if language == "zh" else "en")
        press(qtbot, window, Key.Key_Space)
        wait_for_steps(qtbot, window, 10)
        press(qtbot, window, Key.Key_Space)
        for section in range(4):
            window.controls.sections.open_section(section)
            wait_until_settled(qtbot, window)
            assert clipped(window) == []
        assert (window.width(), window.height()) == size
    finally:
        close_window(qtbot, window)


def test_presenter_mode_on_a_projector_clips_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window(qtbot, tmp_path, LaneWorkshop(), size=(1920, 1080))
    try:
        window.parts.theme.set_presenter(True)
        window.resize(1920, 1080)
        qtbot.wait(100)
        assert clipped(window) == []
        assert (window.width(), window.height()) == (1920, 1080)
    finally:
        close_window(qtbot, window)


def test_everything_has_a_name_and_a_tooltip(window: MainWindow) -> None:
    for button in window.findChildren(QAbstractButton):
        if button.isVisible() and not button.visibleRegion().isEmpty():
            name = button.accessibleName() or button.text()
            assert name.strip(), f"{button} {button.objectName()} has no name"
    for button in window.transport.findChildren(QAbstractButton):
        assert button.toolTip(), f"{button.accessibleName()} has no tooltip"


def test_the_tab_key_reaches_every_button_of_the_transport(window: MainWindow, qtbot: QtBot) -> None:
    wanted = {button.accessibleName() for button in window.transport.findChildren(QAbstractButton)}
    wanted |= {window.transport.speed.accessibleName(), window.transport.device.accessibleName()}
    reached: set[str] = set()
    for _ in range(120):
        press(qtbot, window, Key.Key_Tab)
        focused = QApplication.focusWidget()
        if focused is not None:
            reached.add(focused.accessibleName())
    assert wanted - reached == set()


def test_every_action_has_a_text_and_keys_are_unique(window: MainWindow) -> None:
    keys: list[str] = []
    for action in window.actions():
        assert action.text().strip()
        assert action.toolTip().strip()
        keys += [key.toString() for key in action.shortcuts()]
    assert len(keys) == len(set(keys))


def test_the_keyboard_map_lists_every_key(window: MainWindow, qtbot: QtBot) -> None:
    press(qtbot, window, Key.Key_F1)
    dialogs = [dialog for dialog in window.findChildren(QDialog) if dialog.isVisible()]
    assert len(dialogs) == 1
    said = {label.text() for label in dialogs[0].findChildren(QLabel)}
    for action in window.actions():
        if action.shortcuts():
            assert action.text().replace("&", "") in said
    qtbot.keyClick(dialogs[0], Key.Key_Escape)
    qtbot.waitUntil(lambda: not [d for d in window.findChildren(QDialog) if d.isVisible()])


def test_about_names_versions_and_licences(window: MainWindow, qtbot: QtBot) -> None:
    import numpy as np

    import initviz

    window.actions_.about.trigger()
    dialog = next(dialog for dialog in window.findChildren(QDialog) if dialog.isVisible())
    said = " ".join(label.text() for label in dialog.findChildren(QLabel))
    assert initviz.__version__ in said
    assert np.__version__ in said
    assert "BSD" in said
    assert "MIT" in said
    dialog.close()


def test_a_window_on_no_screen_comes_back(window: MainWindow, qtbot: QtBot) -> None:
    window.move(20_000, 20_000)
    window.bring_back()
    room = QGuiApplication.primaryScreen().availableGeometry()
    assert room.intersects(window.frameGeometry())


def test_a_place_is_moved_into_a_room() -> None:
    from PySide6.QtCore import QRect

    room = QRect(0, 0, 1000, 800)
    assert room.contains(moved_into(QRect(5000, 10, 400, 300), room))
    assert moved_into(QRect(5000, 10, 4000, 3000), room) == room


def test_actions_live_without_a_menu(window: MainWindow) -> None:
    assert isinstance(window.actions_, Actions)
    window.menuBar().hide()
    assert window.actions_.step in window.actions()


@pytest.mark.parametrize("presenter", [False, True])
def test_no_head_covers_its_plot(window: MainWindow, qtbot: QtBot, presenter: bool) -> None:
    """The line above a plot ends where the plot begins."""
    window.parts.theme.set_presenter(presenter)
    qtbot.wait(100)
    for dock in window.dashboard.seen():
        assert dock.view is not None
        head, canvas = dock.view.head, dock.view.canvas
        assert canvas.mapTo(dock, QPoint(0, 0)).y() >= head.geometry().bottom()


@pytest.mark.parametrize(("width", "cut"), [(1600, False), (1024, True)])
def test_the_title_is_cut_only_where_there_is_no_room(
    window: MainWindow, qtbot: QtBot, width: int, cut: bool
) -> None:
    """A long title of a scenario stands whole in a wide window."""
    window.resize(width, 800)
    title = "A title of more than forty letters, as it is"
    window.transport.set_title("", title)
    qtbot.wait(20)
    shown = window.transport.scenario_button.text()
    assert (shown != title) is cut
    assert shown.startswith("A title of more")
    assert window.transport.scenario_button.accessibleName().endswith(title)
    assert window.transport.width() == window.width()


def test_a_folded_lesson_stays_folded(qtbot: QtBot, tmp_path: Path) -> None:
    """Through presenter mode, which folds it by itself, and through a restart."""
    window = open_window(qtbot, tmp_path)
    press(qtbot, window, Key.Key_F4)
    assert not window.lesson.panel.isVisible()
    for _ in range(2):
        press(qtbot, window, Key.Key_F5)
        wait_until_settled(qtbot, window)
    assert not window.lesson.panel.isVisible()
    close_window(qtbot, window)
    window = open_window(qtbot, tmp_path)
    assert not window.lesson.panel.isVisible()
    assert not window.actions_.lesson.isChecked()
    plots = window.dashboard.width()
    press(qtbot, window, Key.Key_F4)
    assert window.lesson.panel.isVisible()
    assert window.lesson.width() >= window.lesson.wanted_width() - 8
    assert window.dashboard.width() < plots
    close_window(qtbot, window)
