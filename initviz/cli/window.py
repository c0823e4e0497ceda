"""``initviz [FILE]``: opens the window."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from initviz.cli.arguments import Command, Options
from initviz.cli.experiments import read_experiment
from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Language, Text
from initviz.preload import load_torch_core

logger = logging.getLogger(__name__)


def has_display() -> bool:
    """Say whether a window can be shown, or has been told where to go."""
    if sys.platform != "linux":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def configure(options: Options) -> None:
    """Add the arguments."""
    options.add(
        "file",
        metavar="FILE",
        type=Path,
        nargs="?",
        help=Text(
            "an experiment, as TOML; the first scenario by default",
            "实验文件（TOML）；默认打开第一个场景",
        ),
    )


def execute(given: argparse.Namespace, language: Language) -> int:
    """Open the window and stay until it is closed."""
    path: Path | None = given.file
    if path is not None and sys.stderr is not None:
        read_experiment(path)  # a typo is answered here; opened by a double click, the window answers it
    if not has_display():
        raise InitVizError(
            Text(
                "there is no display to open a window on. Train without one: initviz run FILE; "
                "or draw the window into a picture: initviz snapshot FILE --steps 300 --out SHOT.png",
                "没有可用于打开窗口的显示器。可以不开窗口训练：initviz run FILE；"
                "或把窗口画成图片：initviz snapshot FILE --steps 300 --out SHOT.png",
            )
        )
    try:
        load_torch_core()
    except OSError as error:
        logger.warning("torch's core library does not load (%s); training may fail", error)
    from initviz.app import main

    words = [] if path is None else [str(path)]
    if hasattr(given, "lang"):
        words += ["--lang", given.lang]
    return main(words)


COMMAND = Command(
    "open",
    Text("open the window (also without this word)", "打开窗口（也可省略此命令）"),
    Text(
        "Open the window, with an experiment or with the one it opens on.", "打开窗口，可同时载入一个实验。"
    ),
    configure,
    execute,
)
