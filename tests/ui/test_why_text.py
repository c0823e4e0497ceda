"""The words beside the lesson follow the run, and the lane in focus."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from initviz.telemetry import synthetic
from initviz.telemetry.history import RunHistory
from initviz.ui.why_text import CALM_MS, WhyText


def run(steps: int) -> RunHistory:
    info = synthetic.run_info(4)
    history = RunHistory(info)
    history.add_frame(synthetic.frame(info, 0))
    go_on(history, steps)
    return history


def go_on(history: RunHistory, steps: int) -> None:
    first = history.last_step + 1
    history.append(synthetic.scalars(history.info, first, steps))
    history.add_frame(synthetic.frame(history.info, first + steps))


def test_without_a_run_it_takes_no_room(qtbot: QtBot) -> None:
    text = WhyText()
    qtbot.addWidget(text)
    text.show_lane(None, 0)
    assert text.isHidden()


def test_each_lane_has_words_of_its_own(qtbot: QtBot) -> None:
    text = WhyText()
    qtbot.addWidget(text)
    history = run(100)
    said = []
    for lane in range(4):
        text.show_lane(history, lane)
        assert not text.isHidden()
        said.append((text.headline.text(), text.sentences.text()))
    assert said[0][0] == "No signal gets through"
    assert said[1][0] == "The gradient vanishes"
    assert said[3][0] == "Signal and gradient keep their size"
    assert len(set(said)) == 4


def test_what_is_new_is_said_after_a_pause(qtbot: QtBot) -> None:
    text = WhyText()
    qtbot.addWidget(text)
    history = run(100)
    text.show_lane(history, 3)
    before = text.sentences.text()
    go_on(history, 400)
    text.follow()
    assert text.sentences.text() == before  # nobody could read it as fast as frames come
    qtbot.waitUntil(lambda: text.sentences.text() != before, timeout=10 * CALM_MS)
    assert "It learns: the loss fell" in text.sentences.text()
