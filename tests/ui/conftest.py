"""The window over fake runs, open and ready, and closed after each test; and the language of what is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from initviz.ui.language import LanguageSwitch
from initviz.ui.main_window import MainWindow
from tests.ui.shell import LaneWorkshop, close_window, open_window


@pytest.fixture
def english(qapp: QApplication) -> Iterator[LanguageSwitch]:
    """English to begin with and afterwards, whatever a test switches to."""
    switch = LanguageSwitch("en")
    yield switch
    switch.choose("en")
    switch.deleteLater()


@pytest.fixture
def workshop() -> LaneWorkshop:
    """Builds the window's runs and keeps them."""
    return LaneWorkshop()


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, workshop: LaneWorkshop) -> Iterator[MainWindow]:
    """The window on its first scenario, ready to play."""
    window = open_window(qtbot, tmp_path, workshop)
    yield window
    close_window(qtbot, window)
