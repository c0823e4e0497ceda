"""``tasks.py``: what it says and does where something is missing."""

import ast
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tasks

ROOT = Path(tasks.__file__).parent
NOTHING_LOADS = tasks.QT_LIBRARIES | tasks.SCREEN_LIBRARIES

Calls = list[list[str]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Record commands instead of running them; all succeed."""
    seen: Calls = []

    def record(command: tasks.Command, **environment: str) -> int:
        seen.append([str(part) for part in command])
        return 0

    monkeypatch.setattr(tasks, "call", record)
    return seen


@pytest.fixture
def empty_linux(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Look like a Debian with nothing but Python: no library, no font, no ensurepip, no .venv, no display."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(tasks, "loads", lambda soname: False)
    monkeypatch.setattr(tasks, "has_font", lambda pattern: False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(tasks, "VENV", tmp_path)
    monkeypatch.setattr(tasks, "PYTHON", tmp_path / "bin" / "python")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Look as after ``install``."""
    monkeypatch.setattr(tasks, "VENV", tmp_path)
    monkeypatch.setattr(tasks, "PYTHON", tmp_path / "python")
    monkeypatch.setattr(tasks, "INITVIZ", tmp_path / "initviz")
    (tmp_path / "python").touch()
    for extra in ("dev", "package"):
        (tmp_path / f".installed-{extra}").write_text(tasks.fingerprint())


def test_older_pythons_can_read_the_file() -> None:
    # Whoever starts it with an older one must read our sentence, not a syntax error.
    source = (ROOT / "tasks.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    assert "from __future__" not in source


@pytest.mark.parametrize(
    ("version", "accepted"),
    [((3, 6, 15), False), ((3, 10, 13), False), ((3, 11, 0), True), ((3, 14, 1), True), ((4, 0, 0), True)],
)
def test_version(version: tuple[int, ...], accepted: bool) -> None:
    message = tasks.too_old(version)
    assert (message is None) == accepted
    if message is not None:
        assert "3.11" in message
        assert ".".join(map(str, version)) in message


@pytest.mark.usefixtures("empty_linux")
def test_root_gets_system_packages(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    monkeypatch.setattr(tasks, "is_root", lambda: True)
    tasks.install_system_packages()
    assert calls[0] == ["apt-get", "update"]
    assert calls[1][:3] == ["apt-get", "install", "-y"]
    expected = {*NOTHING_LOADS.values(), "fonts-droid-fallback", "fonts-dejavu-core"}
    assert set(calls[1][4:]) == expected | {f"python3.{sys.version_info.minor}-venv"}
    assert len(calls) == 2


@pytest.mark.usefixtures("empty_linux")
def test_everybody_else_gets_one_line_to_paste(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    monkeypatch.setattr(tasks, "is_root", lambda: False)
    with pytest.raises(tasks.TaskError) as caught:
        tasks.install_system_packages()
    (line,) = [line.strip() for line in str(caught.value).splitlines() if "sudo" in line]
    assert line.startswith("sudo apt-get update && sudo apt-get install -y ")
    for package in (*tasks.QT_LIBRARIES.values(), "fonts-droid-fallback"):
        assert package in line.split()
    assert calls == []


@pytest.mark.usefixtures("empty_linux")
def test_screen_libraries_stop_nobody_without_a_screen(
    monkeypatch: pytest.MonkeyPatch, calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tasks, "is_root", lambda: False)
    monkeypatch.setattr(tasks, "loads", lambda soname: soname not in tasks.SCREEN_LIBRARIES)
    tasks.PYTHON.parent.mkdir()
    tasks.PYTHON.touch()
    tasks.install_system_packages()  # a hint only
    assert "libxcb-cursor0" in capsys.readouterr().err
    monkeypatch.setenv("DISPLAY", ":0")
    with pytest.raises(tasks.TaskError, match="libxcb-cursor0"):
        tasks.install_system_packages()
    assert calls == []


@pytest.mark.usefixtures("empty_linux")
def test_other_distributions_are_told_the_names(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    monkeypatch.setattr(tasks, "is_root", lambda: True)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(tasks.TaskError, match=r"package manager.*libegl1"):
        tasks.install_system_packages()
    assert calls == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks for Linux libraries")
def test_this_machine_lacks_nothing() -> None:
    # The libraries' names are right: where Qt loads, which the other tests need, none is reported missing.
    missing = [soname for soname in tasks.QT_LIBRARIES if not tasks.loads(soname)]
    assert missing == []
    assert not tasks.loads("libdoesnotexist.so.1")


def test_torch_comes_first_and_a_second_time_is_free(
    monkeypatch: pytest.MonkeyPatch, calls: Calls, tmp_path: Path
) -> None:
    monkeypatch.setattr(tasks, "VENV", tmp_path)
    monkeypatch.setattr(tasks, "PYTHON", tmp_path / "python")
    monkeypatch.setattr(tasks, "install_system_packages", lambda: None)
    monkeypatch.setattr(tasks, "check_qt", lambda: None)
    tasks.install()
    pips = [call for call in calls if call[1:3] == ["-m", "pip"]]
    assert [call[-1] for call in pips] == ["torch", ".[dev]"]
    assert all(call[call.index("-c") + 1] == "constraints.txt" for call in pips)
    assert [sys.executable, "-m", "venv", "--clear", str(tmp_path)] in calls

    (tmp_path / "python").touch()
    calls.clear()
    tasks.install()
    assert calls == []
    monkeypatch.setattr(tasks, "fingerprint", lambda: "constraints.txt has changed")
    tasks.install()
    assert calls


def test_failed_installation_is_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed(monkeypatch, tmp_path)
    (tmp_path / ".installed-dev").unlink()
    monkeypatch.setattr(tasks, "install_system_packages", lambda: None)
    monkeypatch.setattr(tasks, "call", lambda command, **environment: int("torch" in command))
    with pytest.raises(tasks.TaskError, match="start the same task again"):
        tasks.install()
    assert not (tmp_path / ".installed-dev").exists()


def test_run_opens_the_window(monkeypatch: pytest.MonkeyPatch, calls: Calls, tmp_path: Path) -> None:
    installed(monkeypatch, tmp_path)
    monkeypatch.setattr(tasks, "has_screen", lambda: True)
    assert tasks.main(["run", "depth.toml", "--lang", "zh"]) == 0
    assert calls == [[str(tmp_path / "initviz"), "depth.toml", "--lang", "zh"]]


def test_run_without_a_display_draws_a_picture(
    monkeypatch: pytest.MonkeyPatch, calls: Calls, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(monkeypatch, tmp_path)
    monkeypatch.setattr(tasks, "has_screen", lambda: False)
    assert tasks.main(["run"]) == 0
    assert [call[1] for call in calls] == ["snapshot", "run"]
    assert all(call[2] == str(tasks.SCENARIO) for call in calls)
    picture = calls[0][calls[0].index("--out") + 1]
    assert picture in capsys.readouterr().err
    calls.clear()
    assert tasks.main(["run", "list", "initializer"]) == 0
    assert calls == [[str(tmp_path / "initviz"), "list", "initializer"]]


def test_default_scenario_exists() -> None:
    assert (ROOT / tasks.SCENARIO).is_file()


@pytest.mark.parametrize("task", ["run", "test", "bench"])
def test_exit_codes_and_arguments_pass_through(
    task: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path)
    monkeypatch.setattr(tasks, "has_screen", lambda: True)
    seen: Calls = []

    def fail(command: tasks.Command, **environment: str) -> int:
        seen.append([str(part) for part in command])
        return 7

    monkeypatch.setattr(tasks, "call", fail)
    assert tasks.main([task, "-x", "--flag=1"]) == 7
    assert seen[0][-2:] == ["-x", "--flag=1"]


@pytest.mark.parametrize(
    ("given", "workers"), [([], True), (["-n", "0"], False), (["-n4"], False), (["--pdb"], False)]
)
def test_tests_run_in_two_processes_unless_told(
    given: list[str], workers: bool, monkeypatch: pytest.MonkeyPatch, calls: Calls, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path)
    assert tasks.main(["test", *given]) == 0
    assert calls[0][3:] == (["-n", "2"] if workers else given)


def make_tool(folder: Path, code: int) -> None:
    """Write a stand-in for the tools of ``check`` that ends with a code."""
    script = folder / "tool"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nprint('complaint of', sys.argv[1:])\nsys.exit({code})\n"
    )
    script.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")
@pytest.mark.parametrize("code", [0, 1])
def test_check_fails_when_a_tool_does(
    code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(monkeypatch, tmp_path)
    make_tool(tmp_path, code)
    monkeypatch.setattr(tasks, "PYTHON", tmp_path / "tool")
    monkeypatch.setattr(tasks, "BIN", tmp_path)
    (tmp_path / "lint-imports").symlink_to("/bin/true")
    assert tasks.main(["check"]) == code
    output = capsys.readouterr().out
    assert ("complaint of ['-m', 'mypy']" in output) == bool(code)
    assert output.splitlines()[-1].startswith("check: failed: ruff check" if code else "check: everything")


def test_errors_are_sentences(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(extra: str = "dev") -> None:
        raise tasks.TaskError("Something is missing. Do this.")

    monkeypatch.setattr(tasks, "install", fail)
    assert tasks.main(["bench"]) == 1
    assert capsys.readouterr().err == "tasks.py bench: Something is missing. Do this.\n"


def test_help_names_every_task() -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "tasks.py"), "--help"], capture_output=True, text=True, check=True
    )
    for name in ("run", "test", "install", "check", "bench", "package"):
        assert f"  {name} " in result.stdout
