"""``initviz doctor``: what this machine has, and how fast it is."""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import platformdirs

import initviz
from initviz.catalog.index import catalogue
from initviz.cli import window_checks
from initviz.cli.arguments import Command, Options
from initviz.cli.doctor_report import Report, Row
from initviz.cli.experiments import limits, read_experiment
from initviz.cli.log import APP_NAME, log_path
from initviz.cli.output import Json, print_json, print_text
from initviz.cli.window import has_display
from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Language, Text
from initviz.resources import resource

PACKAGES = (
    "torch",
    "numpy",
    "PySide6-Essentials",
    "pyqtgraph",
    "scikit-learn",
    "imbalanced-learn",
    "pyarrow",
    "ziamath",
)
SCENARIO = "good_and_bad_starts.toml"
HALF_TEST_S = 2.5
"""Training and drawing are tried for so long each: five seconds in all."""
CHECK_TIMEOUT_S = 90.0

logger = logging.getLogger(__name__)


def configure(options: Options) -> None:
    """Add the arguments."""
    options.add("--json", action="store_true", help=Text("print JSON", "输出 JSON"))
    options.add(
        "--window-check",
        choices=window_checks.CHECKS,
        help=Text("do only this part, as JSON", "只做这一项，输出 JSON"),
    )


def execute(given: argparse.Namespace, language: Language) -> int:
    """Examine the machine; the exit code is 1 when something is missing without which InitViz cannot work."""
    if given.window_check is not None:
        print_json(window_checks.CHECKS[given.window_check](HALF_TEST_S))
        return 0
    report = examine()
    if given.json:
        print_json(report.to_json(language))
    else:
        print_text(report.to_text(language))
    return 1 if report.problems else 0


def examine() -> Report:
    """Return everything about this machine."""
    report = Report(
        versions={"InitViz": initviz.__version__, "Python": platform.python_version(), **_package_versions()},
        system=platform.platform(),
        folders=tuple(
            Row(text, str(path), can_write(path))
            for text, path in (
                (Text("settings", "设置"), Path(platformdirs.user_config_dir(APP_NAME, appauthor=False))),
                (Text("log files", "日志"), log_path().parent),
                (Text("temporary files", "临时文件"), Path(tempfile.gettempdir())),
                (Text("this folder", "当前文件夹"), Path.cwd()),
            )
        ),
    )
    try:
        report.devices = _devices()
        report.steps_per_s = _training_rate(HALF_TEST_S)
    except InitVizError as error:
        report.problems.append(error.text)
    except Exception as error:
        logger.exception("training does not work")
        report.problems.append(
            Text(
                f"training does not work ({type(error).__name__}: {error}). Install InitViz again.",
                f"无法训练（{type(error).__name__}：{error}）。请重新安装 InitViz。",
            )
        )
    _examine_window(report)
    return report


def _package_versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a frozen program need not carry its packages' descriptions
            found[name] = None
    return found


def _devices() -> tuple[tuple[str, Text, int], ...]:
    from initviz.engine.devices import list_devices

    return tuple((device.key, device.title, device.memory) for device in list_devices())


def _training_rate(seconds: float) -> float:
    """Train the first scenario for a while and return the steps a second."""
    import torch

    torch.set_num_threads(1)
    from initviz.engine.race import Race

    experiment = read_experiment(resource("scenarios", SCENARIO))
    race = Race(experiment, catalogue(), limits())
    next(race)  # imports what the first update needs
    start_s = time.perf_counter()
    first = race.step
    while time.perf_counter() - start_s < seconds:
        if race.step >= race.total_steps:
            break
        next(race)
    return (race.step - first) / (time.perf_counter() - start_s)


def can_write(folder: Path) -> bool:
    """Say whether a file can be made in a folder, or the folder itself where it is missing."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False


def _examine_window(report: Report) -> None:
    if has_display():
        screen = check_window("screen")
        if isinstance(screen, Text):
            report.problems.append(screen)
        else:
            report.screen = screen
    drawing = check_window("drawing", QT_QPA_PLATFORM="offscreen")
    if isinstance(drawing, Text):
        report.problems.append(drawing)
    else:
        report.drawing = drawing


def check_window(check: str, **environment: str) -> dict[str, Json] | Text:
    """Do a part of the examination in a process of its own, because Qt ends a process that it cannot serve.

    Args:
        check: A key of ``window_checks.CHECKS``.
        environment: Further variables of that process.
    Returns:
        What it found, or what went wrong.
    """
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "initviz"]
    try:
        result = subprocess.run(
            [*program, "doctor", "--window-check", check, "--lang", "en"],
            env={**os.environ, "PYTHONUTF8": "1", **environment},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=CHECK_TIMEOUT_S,
            check=False,
        )
        found = json.loads(result.stdout) if result.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, json.JSONDecodeError) as error:
        return _window_problem(f"{type(error).__name__}: {error}")
    if not isinstance(found, dict):
        lines = result.stderr.strip().splitlines()
        return _window_problem(lines[-1] if lines else f"exit code {result.returncode}")
    return found


def _window_problem(reason: str) -> Text:
    return Text(
        f"the window cannot be drawn: {reason}. Install what is named there; in a checkout, 'python3 tasks.py install' "
        "does it.",
        f"无法绘制窗口：{reason}。请安装其中提到的组件；在源码目录中可运行 'python3 tasks.py install'。",
    )


COMMAND = Command(
    "doctor",
    Text("examine this machine", "检查本机"),
    Text(
        "Show versions, devices, display, fonts and folders, and try for five seconds how fast this machine trains\n"
        "and draws.",
        "显示版本、设备、显示器、字体和文件夹，并用五秒钟测试本机训练和绘图的速度。",
    ),
    configure,
    execute,
)
