"""Play, pause, step, reset and speed, by keyboard and mouse."""

from __future__ import annotations

import threading

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from initviz.ui.main_window import MainWindow
from tests.ui.shell import LaneWorkshop, click, press, state, steps_made, wait_for_steps

Key = Qt.Key


def test_it_opens_on_the_first_scenario(window: MainWindow, workshop: LaneWorkshop) -> None:
    assert window.parts.session.origin.scenario == "good_and_bad_starts"
    assert [lane.name for lane in workshop.experiments[0].lanes] == ["Zeros", "N(0, 0.01²)", "Xavier", "He"]
    assert window.transport.scenario_button.text() == "Good and bad starts"
    assert window.transport.step_text.text() == "step 0 of 2\u2009000"
    shown = [key for key, dock in window.dashboard.docks.items() if dock.is_seen()]
    assert shown == ["loss", "signal", "grad_norm_map", "weights"]


def test_space_plays_and_pauses(window: MainWindow, qtbot: QtBot) -> None:
    press(qtbot, window, Key.Key_Space)
    assert state(window) == "playing"
    wait_for_steps(qtbot, window, 20)
    press(qtbot, window, Key.Key_Space)
    assert state(window) == "paused"
    qtbot.wait(150)
    made = steps_made(window)
    qtbot.wait(150)
    assert steps_made(window) == made
    assert window.transport.step_text.text().startswith(f"step {made} ")


def test_the_play_button_plays_and_pauses(window: MainWindow, qtbot: QtBot) -> None:
    button = window.transport.play_button
    assert button.accessibleName() == "Play"
    click(qtbot, button)
    wait_for_steps(qtbot, window, 5)
    assert button.accessibleName() == "Pause"
    click(qtbot, button)
    assert state(window) == "paused"
    assert button.accessibleName() == "Play"


def test_after_a_click_space_still_plays(window: MainWindow, qtbot: QtBot) -> None:
    """A button that was clicked must not take the space bar away from the lecturer."""
    click(qtbot, window.transport.theme_button)
    press(qtbot, window, Key.Key_Space)
    assert state(window) == "playing"


def test_space_presses_a_button_that_was_reached_by_keyboard(window: MainWindow, qtbot: QtBot) -> None:
    target = window.transport.step_button
    for _ in range(40):
        press(qtbot, window, Key.Key_Tab)
        if target.hasFocus():
            break
    assert target.hasFocus(), "the tab key never reaches the step button"
    press(qtbot, window, Key.Key_Space)
    wait_for_steps(qtbot, window, 1)
    assert state(window) == "paused"
    assert steps_made(window) == 1


def test_point_makes_one_step_and_shows_it(window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop) -> None:
    for expected in (1, 2, 3):
        press(qtbot, window, Key.Key_Period)
        wait_for_steps(qtbot, window, expected)
        qtbot.wait(60)
        assert steps_made(window) == expected
    assert workshop.runs[-1].looked_at == [0, 1, 2]
    history = window.parts.playback.history
    assert history is not None
    assert history.frame is not None
    assert history.frame.step == 2


def test_a_key_that_is_held_acts_once(window: MainWindow) -> None:
    """Leaning on the space bar must not play and pause by turns; undo and the speed may repeat."""
    actions = window.actions_
    repeating = {action for _, group in actions.listed() for action in group if action.autoRepeat()}
    assert {actions.undo, actions.redo, actions.slower, actions.faster} <= repeating
    assert not repeating & {actions.play, actions.step, actions.reset, actions.add_lane, actions.presenter}


def test_space_is_answered_while_the_run_is_loaded(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    """Whoever presses early sees that it was heard, and may take it back."""
    held = threading.Event()

    def hold() -> None:
        assert held.wait(10)

    workshop.on_build = hold
    press(qtbot, window, Key.Key_R)
    assert state(window) == "loading"
    button = window.transport.play_button
    for name in ("Pause", "Play", "Pause"):
        press(qtbot, window, Key.Key_Space)
        assert button.accessibleName() == name
    held.set()
    wait_for_steps(qtbot, window, 3)


def test_the_rate_is_that_of_now(window: MainWindow, qtbot: QtBot) -> None:
    """It is there while training goes, and a pause does not count into it."""
    for _ in range(4):
        press(qtbot, window, Key.Key_Minus)
    press(qtbot, window, Key.Key_Space)
    qtbot.waitUntil(lambda: bool(window.transport.rate_text.text()))
    press(qtbot, window, Key.Key_Space)
    qtbot.waitUntil(lambda: not window.transport.rate_text.text())
    qtbot.wait(700)
    press(qtbot, window, Key.Key_Space)
    qtbot.waitUntil(lambda: bool(window.transport.rate_text.text()))
    assert 30 < float(window.transport.rate_text.text().split()[0]) < 70


def test_the_step_button_makes_one_step(window: MainWindow, qtbot: QtBot) -> None:
    click(qtbot, window.transport.step_button)
    wait_for_steps(qtbot, window, 1)
    qtbot.wait(80)
    assert steps_made(window) == 1


def test_reset_returns_to_step_0_and_stands(window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop) -> None:
    press(qtbot, window, Key.Key_Space)
    wait_for_steps(qtbot, window, 10)
    press(qtbot, window, Key.Key_Space)
    press(qtbot, window, Key.Key_R)
    qtbot.waitUntil(lambda: state(window) == "ready")
    assert steps_made(window) == 0
    assert window.transport.step_text.text().startswith("step 0 ")
    assert len(workshop.runs) == 2
    assert workshop.experiments[0] == workshop.experiments[1]


def test_reset_while_playing_plays_on(window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop) -> None:
    press(qtbot, window, Key.Key_Space)
    wait_for_steps(qtbot, window, 10)
    click(qtbot, window.transport.reset_button)
    qtbot.waitUntil(lambda: len(workshop.runs) == 2 and state(window) == "playing")
    wait_for_steps(qtbot, window, 5)


def test_a_finished_run_plays_again_from_the_start(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    window.parts.session.edit("steps", 12, "steps")
    qtbot.waitUntil(lambda: len(workshop.runs) == 2 and state(window) == "ready")
    press(qtbot, window, Key.Key_Space)
    qtbot.waitUntil(lambda: state(window) == "finished")
    wait_for_steps(qtbot, window, 12)
    assert window.transport.bar.value() == window.transport.bar.maximum()
    assert not window.actions_.step.isEnabled()
    press(qtbot, window, Key.Key_Space)
    qtbot.waitUntil(lambda: len(workshop.runs) == 3 and state(window) in ("playing", "finished"))


def test_plus_and_minus_set_the_speed(window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop) -> None:
    transport = window.transport
    for _ in range(6):
        press(qtbot, window, Key.Key_Minus)
    assert transport.speed.value() == transport.speed.maximum() - 6
    assert transport.speed.accessibleDescription() == "10/s"
    press(qtbot, window, Key.Key_Space)
    qtbot.wait(1000)
    press(qtbot, window, Key.Key_Space)
    times = workshop.runs[-1].times
    assert 4 <= len(times) <= 14, f"ten steps a second made {len(times)} steps in one"
    press(qtbot, window, Key.Key_Plus)
    assert transport.speed.accessibleDescription() == "20/s"


def test_typing_into_a_field_does_not_play(window: MainWindow, qtbot: QtBot) -> None:
    field = QLineEdit(window)
    field.show()
    field.setFocus()
    qtbot.keyClicks(field, "p . r[]")
    assert field.text() == "p . r[]"
    assert state(window) == "ready"


def test_hidden_plots_ask_for_no_frames(window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop) -> None:
    press(qtbot, window, Key.Key_Space)
    wait_for_steps(qtbot, window, 30)
    for dock in window.dashboard.docks.values():
        dock.close()
    qtbot.wait(150)
    looked = len(workshop.runs[-1].looked_at)
    made = steps_made(window)
    wait_for_steps(qtbot, window, made + 60)
    assert len(workshop.runs[-1].looked_at) == looked
    window.menus.plots_menu().actions()[0].trigger()
    qtbot.waitUntil(lambda: len(workshop.runs[-1].looked_at) > looked)


def test_a_failed_run_says_why_and_the_window_lives_on(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    def fail(step: int) -> None:
        if step == 5:
            raise MemoryError

    workshop.on_advance = fail
    workshop.runs[-1].on_advance = fail
    press(qtbot, window, Key.Key_Space)
    qtbot.waitUntil(lambda: state(window) == "failed")
    assert window.message_bar.isVisible()
    assert "not enough memory" in window.message_bar.message()
    assert window.transport.step_text.text() == "stopped by an error"
    workshop.on_advance = lambda step: None
    press(qtbot, window, Key.Key_Space)
    qtbot.waitUntil(lambda: state(window) == "playing")
    wait_for_steps(qtbot, window, 10)
    assert not window.message_bar.isVisible()
    assert window.transport.step_text.text().startswith("step ")


def test_a_run_that_cannot_be_loaded_does_not_seem_to_load_for_ever(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    workshop.fail_to_build = MemoryError()
    press(qtbot, window, Key.Key_R)
    qtbot.waitUntil(lambda: state(window) == "failed")
    assert window.transport.step_text.text() == "stopped by an error"
    assert window.transport.bar.value() == 0
    workshop.fail_to_build = None
    press(qtbot, window, Key.Key_R)
    qtbot.waitUntil(lambda: state(window) == "ready")
    assert window.transport.step_text.text().startswith("step 0 ")
    assert not window.message_bar.isVisible()
