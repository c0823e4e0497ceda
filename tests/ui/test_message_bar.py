"""The line of messages below the transport."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from initviz.experiment.text import Text
from initviz.ui import message_bar
from initviz.ui.message_bar import MessageBar

SAVED = Text("Saved as a.png.", "已保存为 a.png。")


@pytest.fixture
def bar(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> MessageBar:
    """A bar in which good news stays for an instant."""
    monkeypatch.setattr(message_bar, "DONE_MS", 60)
    bar = MessageBar()
    # Wherever the pointer of this machine happens to be.
    monkeypatch.setattr(bar, "underMouse", lambda: False)
    qtbot.addWidget(bar)
    return bar


def test_good_news_leaves_by_itself(bar: MessageBar, qtbot: QtBot) -> None:
    """Nobody has to close it, and it is told that it left."""
    with qtbot.waitSignal(bar.closed, timeout=2000):
        bar.tell(SAVED)
        assert bar.isVisible()
    assert not bar.isVisible()


@pytest.mark.parametrize("say", ["refuse", "fail"])
def test_bad_news_stays_until_it_is_closed(bar: MessageBar, qtbot: QtBot, say: str) -> None:
    """A problem is there to be read, also where it took the place of good news."""
    bar.tell(SAVED)
    getattr(bar, say)(Text("no such file.", "没有这个文件。"))
    qtbot.wait(200)
    assert bar.isVisible()
    close = bar.findChild(QToolButton, "messageClose")
    assert isinstance(close, QToolButton)
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert not bar.isVisible()


def test_good_news_waits_for_its_reader(
    bar: MessageBar, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays while the pointer is on it."""
    monkeypatch.setattr(bar, "underMouse", lambda: True)
    bar.tell(SAVED)
    qtbot.wait(200)
    assert bar.isVisible()
    monkeypatch.setattr(bar, "underMouse", lambda: False)
    qtbot.waitUntil(lambda: not bar.isVisible(), timeout=2000)
