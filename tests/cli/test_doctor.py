"""``initviz doctor``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import initviz as package
from initviz.cli import doctor
from initviz.cli.output import Json
from initviz.experiment.text import Text
from tests.cli.conftest import Result

Run = Callable[..., Result]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Answer for the window's side without opening one, and note what was asked."""
    asked: list[str] = []

    def check(name: str, **environment: str) -> dict[str, Json] | Text:
        asked.append(name)
        if name == "screen":
            screen: dict[str, Json] = {"name": "Beamer", "width": 1920, "height": 1080, "scale": 1.0}
            return {"platform": "xcb", "screens": [screen]}
        return {"font_families": 12, "chinese_font": None, "frames_per_s": 29.7}

    monkeypatch.setattr(doctor, "check_window", check)
    monkeypatch.setattr(doctor, "HALF_TEST_S", 0.2)
    return asked


def test_json_tells_everything(initviz: Run, quick: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setenv("DISPLAY", ":0")
    result = initviz("doctor", "--json")
    assert result.code == 0
    found = json.loads(result.out)
    assert found["versions"]["InitViz"] == package.__version__
    assert found["versions"]["torch"] == torch.__version__
    assert found["devices"][0]["key"] == "cpu"
    assert found["display"]["available"]
    assert found["display"]["screens"][0]["name"] == "Beamer"
    assert found["fonts"] == {"families": 12, "chinese": None}
    assert found["self_test"]["frames_per_s"] == 29.7
    assert 1 < found["self_test"]["steps_per_s"] < 1e6
    assert [folder["writable"] for folder in found["folders"]] == [True] * 4
    assert found["problems"] == []
    assert quick == ["screen", "drawing"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_people_get_lines(initviz: Run, quick: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    out = initviz("doctor").out
    for words in (
        "none; 'initviz run'",
        "none with Chinese characters",
        "29.7 frames/s",
        "steps/s",
        "writable",
    ):
        assert words in out
    assert "Everything that InitViz needs is there." in out
    assert quick == ["drawing"]
    chinese = initviz("doctor", "--lang", "zh").out
    for words in ("都不含汉字", "帧/秒", "可写", "所需的一切都已具备"):
        assert words in chinese


def test_what_does_not_work_is_said_and_the_rest_goes_on(
    initviz: Run, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(seconds: float) -> float:
        raise OSError("libtorch.so is missing")

    monkeypatch.setattr(doctor, "_training_rate", broken)
    monkeypatch.setattr(doctor, "check_window", lambda name, **environment: doctor._window_problem("no Qt"))
    result = initviz("doctor", "--json")
    assert result.code == 1
    found = json.loads(result.out)
    assert found["self_test"] == {"steps_per_s": None, "frames_per_s": None}
    assert any("libtorch.so is missing" in problem for problem in found["problems"])
    assert any("no Qt" in problem for problem in found["problems"])
    out = initviz("doctor").out
    assert "libtorch.so is missing" in out
    assert "Everything" not in out


def test_a_folder_that_cannot_be_written_is_seen(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert not doctor.can_write(tmp_path / "file" / "deeper")
    assert doctor.can_write(tmp_path / "deeper" / "still")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "home"], "looking makes nothing"


def test_a_part_of_the_window_that_dies_is_a_problem_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    found = doctor.check_window("screen", QT_QPA_PLATFORM="no_such_platform")
    assert isinstance(found, Text)
    assert "the window cannot be drawn" in found.en
    assert "Traceback" not in found.en


@pytest.mark.slow
def test_the_window_is_drawn_in_a_process_of_its_own() -> None:
    found = doctor.check_window("drawing", QT_QPA_PLATFORM="offscreen")
    assert not isinstance(found, Text), found.en
    frames, families = found["frames_per_s"], found["font_families"]
    assert isinstance(frames, float)
    assert 1 < frames < 1000
    assert isinstance(families, int)
    screen = doctor.check_window("screen", QT_QPA_PLATFORM="offscreen")
    assert not isinstance(screen, Text)
    assert screen["platform"] == "offscreen"
