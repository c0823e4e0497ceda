"""Earlier stages in the window, with fake stages: shown while they train, skipped, called off, taken from before."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Text
from initviz.ui.main_window import MainWindow
from initviz.ui.stage_curve import MOST_POINTS, StageCurve
from initviz.views.palette import DARK, LIGHT
from initviz.worker.messages import StageAnswer
from tests.ui.shell import LaneWorkshop, click, clipped, press, state, steps_made, wait_for_steps
from tests.worker.fakes import FakeStages

Key = Qt.Key


def begin(window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop, stages: FakeStages) -> FakeStages:
    """Reset the window with stages before the lanes, and wait until one of them is under way."""
    workshop.train_stages = stages
    press(qtbot, window, Key.Key_R)
    strip = window.stage_strip
    qtbot.waitUntil(lambda: strip.isVisible() and len(strip.curve.training) > 2, timeout=10_000)
    return stages


def end(window: MainWindow, qtbot: QtBot) -> None:
    """Call the stages off, so that the test ends at once."""
    window.parts.playback.cancel_stages()
    qtbot.waitUntil(lambda: state(window) == "cancelled", timeout=5000)


def test_a_stage_is_shown_while_it_is_trained_and_gone_afterwards(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    strip = window.stage_strip
    assert not strip.isVisible()
    begin(window, qtbot, workshop, FakeStages(("first", "teacher"), steps=60))
    assert (strip.name.text(), strip.role.text()) == ("first", "Teacher · stage 1 of 2")
    assert "of 60 · validation accuracy 50.0 %" in strip.progress.text()
    assert 0 < strip.bar.value() < strip.bar.maximum()
    assert "stage 1 of 2" in strip.bar.accessibleDescription()
    qtbot.waitUntil(lambda: "left" in strip.rest.text(), timeout=5000)
    assert len(strip.curve.training) > 10
    assert strip.curve.training[-1][1] < strip.curve.training[0][1]
    assert "before the lanes" in window.transport.step_text.text() or window.transport.step_text.text()
    qtbot.waitUntil(lambda: strip.name.text() == "teacher", timeout=10_000)
    assert strip.role.text() == "Teacher · stage 2 of 2"
    assert len(strip.curve.training) < 10, "every stage has its own curve"
    qtbot.waitUntil(lambda: state(window) == "ready", timeout=10_000)
    assert not strip.isVisible()


def test_skip_goes_on_with_the_next_stage(window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop) -> None:
    stages = begin(window, qtbot, workshop, FakeStages(("first", "second"), steps=300))
    strip = window.stage_strip
    click(qtbot, strip.skip_button)
    assert strip.progress.text() == "skipping…"
    assert not strip.skip_button.isEnabled()
    qtbot.waitUntil(lambda: strip.name.text() == "second", timeout=5000)
    assert strip.skip_button.isEnabled(), "another stage can be skipped as well"
    assert [index for index, _, answer in stages.heard if answer is StageAnswer.SKIP] == [0]
    click(qtbot, strip.skip_button)
    qtbot.waitUntil(lambda: state(window) == "ready", timeout=5000)
    assert stages.ended == ["first", "second"]


@pytest.mark.parametrize("key", [Key.Key_Space, Key.Key_R])
def test_cancel_says_what_is_kept_and_play_or_reset_begin_again(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop, key: Key
) -> None:
    stages = begin(window, qtbot, workshop, FakeStages(steps=10**6))
    press(qtbot, window, Key.Key_Space)  # the lanes are to play as soon as they can
    click(qtbot, window.stage_strip.cancel_button)
    qtbot.waitUntil(lambda: state(window) == "cancelled", timeout=5000)
    assert not window.stage_strip.isVisible()
    assert window.message_bar.message() == "Teacher was cancelled"
    assert window.message_bar.tone == "done", "the person wanted it"
    assert window.transport.step_text.text() == "cancelled"
    assert not window.actions_.step.isEnabled()
    assert window.transport.play_button.accessibleName() == "Play"
    qtbot.wait(50)
    assert steps_made(window) == 0
    stages.steps = 3
    press(qtbot, window, key)
    if key is Key.Key_Space:
        wait_for_steps(qtbot, window, 3)
    else:
        qtbot.waitUntil(lambda: state(window) == "ready", timeout=5000)
    assert stages.ended == ["teacher"]


def test_the_buttons_are_reached_and_pressed_by_keyboard(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    begin(window, qtbot, workshop, FakeStages(("first", "second"), steps=10**6))
    strip = window.stage_strip
    reached: list[QPushButton] = []
    for _ in range(40):
        press(qtbot, window, Key.Key_Tab)
        focused = QApplication.focusWidget()
        if focused in (strip.skip_button, strip.cancel_button) and isinstance(focused, QPushButton):
            reached.append(focused)
        if len(reached) == 2:
            break
    assert reached == [strip.skip_button, strip.cancel_button]
    press(qtbot, window, Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    press(qtbot, window, Key.Key_Space)
    qtbot.waitUntil(lambda: strip.name.text() == "second", timeout=5000)
    end(window, qtbot)


def test_stages_from_before_flash_by_with_a_note(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    workshop.train_stages = FakeStages(("first", "teacher"), cached=2)
    press(qtbot, window, Key.Key_R)
    qtbot.waitUntil(lambda: "taken from the last run" in window.message_bar.message(), timeout=5000)
    assert window.message_bar.message() == "First, teacher: taken from the last run"
    assert not window.stage_strip.isVisible()
    window.message_bar.close_message()
    qtbot.waitUntil(lambda: state(window) == "ready", timeout=5000)
    press(qtbot, window, Key.Key_R)
    qtbot.waitUntil(lambda: len(workshop.runs) == 3 and state(window) == "ready", timeout=5000)
    assert not window.message_bar.isVisible(), "it is not said with every move of a slider"


def test_a_stage_that_fails_says_why(window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop) -> None:
    begin(window, qtbot, workshop, FakeStages(steps=30))
    workshop.fail_to_build = InitVizError(Text("the stage 'teacher' cannot be used", "阶段“teacher”无法使用"))
    qtbot.waitUntil(lambda: state(window) == "failed", timeout=5000)
    assert not window.stage_strip.isVisible()
    assert window.message_bar.message() == "The stage 'teacher' cannot be used"
    assert window.transport.step_text.text() == "stopped by an error"


def test_closing_in_the_middle_of_a_stage_is_quick(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    begin(window, qtbot, workshop, FakeStages(steps=10**6, step_s=0.05))
    began = time.monotonic()
    window.parts.session.undo_stack.setClean()
    window.close()
    assert window.stopped
    assert time.monotonic() - began < 2.0


def test_the_strip_speaks_chinese_and_nothing_is_cut_off(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    window.resize(1280, 720)
    begin(window, qtbot, workshop, FakeStages(("a stage with quite a long name for its place",), steps=10**6))
    strip = window.stage_strip
    english = {label.text() for label in (strip.role, strip.skip_button, strip.cancel_button)}
    assert not clipped(strip)
    window.parts.language.choose("zh")
    qtbot.waitUntil(lambda: "阶段" in strip.role.text() and "步" in strip.progress.text())
    assert english.isdisjoint(
        {label.text() for label in (strip.role, strip.skip_button, strip.cancel_button)}
    )
    assert not any(word in strip.skip_button.toolTip() for word in ("weights", "stage"))
    assert not clipped(strip)
    end(window, qtbot)
    window.parts.language.choose("en")


def inked(curve: StageCurve) -> QImage:
    return curve.grab().toImage()


def test_the_curve_draws_what_it_is_told_and_forgets_no_beginning(qtbot: QtBot) -> None:
    curve = StageCurve()
    qtbot.addWidget(curve)
    curve.set_look(LIGHT, 1.0)
    curve.set_names("training", "validation")
    curve.begin(10_000)
    curve.show()
    empty = inked(curve)
    for step in range(5 * MOST_POINTS):
        curve.add(step, 1.0 / (1 + step), 2.0 / (1 + step // 10))
    assert len(curve.training) <= MOST_POINTS
    assert curve.training[0] == (0, 1.0)
    assert curve.training[-1] == (5 * MOST_POINTS - 1, 1.0 / (5 * MOST_POINTS))
    drawn = inked(curve)
    assert drawn != empty
    curve.set_look(DARK, 1.0)
    assert inked(curve) != drawn
    curve.begin(10)
    curve.add(1, float("nan"), float("inf"))
    assert curve.training == curve.validation == []
