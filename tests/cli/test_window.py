"""Opening the window from the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from initviz.cli.log import log_path
from tests.cli.conftest import Result

Run = Callable[..., Result]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The arguments of every window that was opened; none is really opened."""
    calls: list[list[str]] = []

    def main(arguments: Sequence[str]) -> int:
        calls.append(list(arguments))
        return 0

    app = ModuleType("initviz.app")
    monkeypatch.setattr(app, "main", main, raising=False)
    monkeypatch.setitem(sys.modules, "initviz.app", app)
    monkeypatch.setattr("initviz.app", app, raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    return calls


def test_no_words_open_the_window(initviz: Run, opened: list[list[str]]) -> None:
    assert initviz().code == 0
    assert initviz("open").code == 0
    assert initviz("--lang", "zh").code == 0
    assert opened == [[], [], ["--lang", "zh"]]


def test_a_file_opens_it_with_the_file(
    initviz: Run, opened: list[list[str]], experiment_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert initviz(experiment_file).code == 0
    assert initviz(experiment_file, "--lang", "en").code == 0
    assert initviz("--lang", "en", experiment_file).code == 0
    name = str(experiment_file)
    assert opened == [[name], [name, "--lang", "en"], [name, "--lang", "en"]]


def test_a_file_without_the_suffix_is_known_by_being_there(
    initviz: Run, opened: list[list[str]], experiment_file: Path
) -> None:
    plain = experiment_file.rename(experiment_file.with_suffix(""))
    assert initviz(plain).code == 0
    assert opened == [[str(plain)]]


def test_a_missing_file_is_said_and_nothing_opens(initviz: Run, opened: list[list[str]]) -> None:
    result = initviz("none.toml")
    assert result.code == 2
    assert "none.toml" in result.err
    assert opened == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_without_a_display_it_says_what_works_instead(
    initviz: Run, opened: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    result = initviz()
    assert result.code == 1
    assert "initviz snapshot" in result.err
    assert opened == []
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert initviz().code == 0


def test_a_window_that_cannot_be_built_is_a_failure_in_words(
    initviz: Run, opened: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(arguments: Sequence[str]) -> int:
        raise ImportError("libEGL.so.1: cannot open shared object file")

    monkeypatch.setattr("initviz.app.main", broken)
    result = initviz()
    assert result.code == 1
    assert "libEGL.so.1" in result.err
    assert "Traceback" not in result.err
    assert "ImportError" in log_path().read_text(encoding="utf-8")
