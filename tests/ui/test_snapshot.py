"""The real window as a picture, and as a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from initviz.app import snapshot
from initviz.experiment.errors import InitVizError
from initviz.resources import resource
from initviz.views.palette import DARK, LIGHT

MOONS = """schema = 1
name = "Small"
steps = 40
[data]
name = "moons"
[model]
family = "mlp"
depth = 2
width = 8
[[lanes]]
name = "one"
[[lanes]]
name = "two"
init.weight = { name = "zeros" }
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(MOONS, encoding="utf-8")
    return path


@pytest.mark.parametrize(("theme", "language"), [("light", "en"), ("dark", "zh")])
def test_a_picture_of_the_window(
    qtbot: QtBot, tmp_path: Path, small: Path, theme: str, language: str
) -> None:
    out = tmp_path / "shot.png"
    try:
        snapshot(small, 12, 1280, 720, theme, language, out)
    finally:
        QLocale.setDefault(QLocale("en_US"))
    picture = QImage(str(out))
    assert (picture.width(), picture.height()) == (1280, 720)
    wanted = LIGHT if theme == "light" else DARK
    assert picture.pixelColor(2, 718).name() == wanted.background
    colors = {picture.pixelColor(x, y).name() for x in range(330, 770, 2) for y in range(130, 400, 2)}
    assert wanted.lane(0).color in colors, "the first lane's curve is not drawn"
    assert wanted.lane(1).color in colors, "the second lane's curve is not drawn"


def test_it_stops_at_the_step_that_was_asked_for(
    qtbot: QtBot, tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from initviz.ui.main_window import MainWindow

    seen: list[str] = []
    grab = MainWindow.grab

    def watching(window: MainWindow) -> object:
        seen.append(window.transport.step_text.text())
        return grab(window)

    monkeypatch.setattr(MainWindow, "grab", watching)
    for steps in (0, 7, 500):
        snapshot(small, steps, 1024, 640, "light", "en", tmp_path / "shot.png")
    assert seen == ["step 0 of 40", "step 7 of 40", "step 40 of 40"]


def test_a_picture_that_cannot_be_written_is_answered(qtbot: QtBot, tmp_path: Path, small: Path) -> None:
    with pytest.raises(InitVizError, match="cannot be written"):
        snapshot(small, 1, 1024, 640, "light", "en", tmp_path / "nowhere" / "shot.png")


PROGRAM = """
import sys
from initviz.app import Opening, build_window, make_application
from initviz.ui.settings import Settings
from pathlib import Path

application = make_application()
window = build_window(application, Opening(Settings(Path(sys.argv[1]))))
slow = [name for name in ("torch", "sklearn", "scipy", "pyqtgraph") if name in sys.modules]

def painted():
    late = [name for name in ("torch", "sklearn", "scipy") if name in sys.modules]
    print("before", *slow, "first", *late)
    application.exit()

window.first_painted.disconnect()
window.first_painted.connect(painted)
window.show()
application.exec()
window.parts.playback.stop()
"""


def test_the_window_is_painted_before_torch_is_imported(tmp_path: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "window.ini")],
        env=environment,
        cwd=resource().parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.stdout.split() == ["before", "first"], result.stderr


CLOSING = """
import sys
from PySide6.QtCore import QTimer
from initviz import app

build = app.build_window

def build_and_close(application, opening):
    window = build(application, opening)
    def close():
        window.close()
    window.parts.playback.state_changed.connect(
        lambda state: QTimer.singleShot(int(sys.argv[1]), close) if state == "ready" else None
    )
    return window

app.build_window = build_and_close
sys.exit(app.main([]))
"""


@pytest.mark.slow
def test_the_program_ends_with_code_0_when_closed_while_training(user_folders: Path, tmp_path: Path) -> None:
    for moment in ("0", "300"):
        result = subprocess.run(
            [sys.executable, "-c", CLOSING, moment],
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
            cwd=resource().parent,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (
            result.returncode,
            result.stderr.replace("This plugin does not support propagateSizeHints()\n", ""),
        ) == (0, "")
    assert list(user_folders.rglob("window.ini"))
