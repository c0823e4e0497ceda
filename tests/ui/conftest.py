"""The window over fake runs, open and ready, and closed after each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from initviz.ui.main_window import MainWindow
from tests.ui.shell import LaneWorkshop, close_window, open_window


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
