"""``initviz snapshot``: the real window, drawn into a picture."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from initviz.cli.arguments import Command, Options
from initviz.cli.experiments import add_file, read_experiment
from initviz.experiment.errors import ExperimentError
from initviz.experiment.text import Language, Text
from initviz.preload import load_torch_core

MIN_SIDE, MAX_SIDE = 320, 8192
THEMES = ("light", "dark")

logger = logging.getLogger(__name__)


def configure(options: Options) -> None:
    """Add the arguments."""
    add_file(options)
    options.add(
        "--steps",
        metavar="N",
        type=options.whole_number(0),
        required=True,
        help=Text("train so many steps first", "先训练这么多步"),
    )
    options.add(
        "--size",
        metavar="WxH",
        type=options.size(MIN_SIDE, MAX_SIDE),
        default=(1600, 900),
        help=Text("width and height in pixels; 1600x900 by default", "宽和高（像素）；默认 1600x900"),
    )
    options.add(
        "--theme",
        choices=THEMES,
        default="light",
        help=Text("light by default", "主题：light 浅色（默认）或 dark 深色"),
    )
    options.add(
        "--out",
        metavar="SHOT.png",
        type=Path,
        required=True,
        help=Text("the picture, as PNG", "图片文件（PNG）"),
    )


def execute(given: argparse.Namespace, language: Language) -> int:
    """Draw the picture."""
    out: Path = given.out
    if out.suffix.lower() != ".png":
        raise ExperimentError(
            Text(
                f"the picture is a PNG; let the name end in .png, not '{out.name}'.",
                f"图片是 PNG；文件名应以 .png 结尾，而不是“{out.name}”。",
            ),
            "--out",
        )
    read_experiment(given.file)  # whatever is wrong with it is said before a window is built
    try:
        load_torch_core()
    except OSError as error:
        logger.warning("torch's core library does not load (%s); training may fail", error)
    from initviz.app import snapshot

    width, height = given.size
    snapshot(given.file, given.steps, width, height, given.theme, language, out)
    return 0


COMMAND = Command(
    "snapshot",
    Text("draw the window into a picture", "把窗口画成图片"),
    Text(
        "Draw the real window after some steps into a picture; no display is needed. --lang decides its language.",
        "训练若干步后把真实的窗口画成图片；不需要显示器。--lang 决定窗口的语言。",
    ),
    configure,
    execute,
)
