"""``initviz snapshot``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.cli.conftest import Result

Run = Callable[..., Result]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What was asked for; nothing is really drawn."""
    calls: list[tuple[object, ...]] = []

    def snapshot(
        experiment_path: Path, steps: int, width: int, height: int, theme: str, language: str, out: Path
    ) -> None:
        calls.append((experiment_path, steps, width, height, theme, language, out))

    app = ModuleType("initviz.app")
    monkeypatch.setattr(app, "snapshot", snapshot, raising=False)
    monkeypatch.setitem(sys.modules, "initviz.app", app)
    monkeypatch.setattr("initviz.app", app, raising=False)
    return calls


def test_the_options_arrive(
    initviz: Run, drawn: list[tuple[object, ...]], experiment_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "shot.png"
    assert initviz("snapshot", experiment_file, "--steps", "5", "--out", out).code == 0
    words = ["--size", "1280x720", "--theme", "dark", "--lang", "zh"]
    assert initviz("snapshot", experiment_file, "--steps", "0", "--out", out, *words).code == 0
    assert drawn == [
        (experiment_file, 5, 1600, 900, "light", "en", out),
        (experiment_file, 0, 1280, 720, "dark", "zh", out),
    ]


def test_another_suffix_is_refused(
    initviz: Run, drawn: list[tuple[object, ...]], experiment_file: Path
) -> None:
    result = initviz("snapshot", experiment_file, "--steps", "5", "--out", "shot.jpg")
    assert result.code == 2
    assert "--out" in result.err
    assert "PNG" in result.err
    assert drawn == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a window would open")
def test_the_real_window_is_drawn_without_a_display(experiment_file: Path, tmp_path: Path) -> None:
    from PySide6.QtGui import QImage

    out = tmp_path / "shot.png"
    result = subprocess.run(
        [sys.executable, "-m", "initviz", "snapshot", str(experiment_file), "--steps", "20"]
        + ["--size", "1280x720", "--theme", "dark", "--lang", "zh", "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    image = QImage(str(out))
    assert (image.width(), image.height()) == (1280, 720)
    middle = image.pixelColor(640, 715)
    assert middle.lightness() < 100, "the theme is dark"
    colors = {image.pixel(x, y) for x in range(0, 1280, 8) for y in range(0, 720, 8)}
    assert len(colors) > 50
