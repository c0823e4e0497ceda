"""The parts of ``initviz doctor`` that need Qt; each runs in a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from initviz.cli.output import Json
from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Text


def examine_screen(seconds: float) -> dict[str, Json]:
    """Return by what Qt reaches the screen, and the screens."""
    from initviz.app import make_application
    from initviz.ui.diagnosis import platform_name, screens

    make_application()
    return {"platform": platform_name(), "screens": [asdict(screen) for screen in screens()]}


def examine_drawing(seconds: float) -> dict[str, Json]:
    """Return the fonts, and the frames a second of the window while it trains.

    Args:
        seconds: How long to train and draw.
    """
    from initviz.app import Opening, build_window, make_application
    from initviz.ui.diagnosis import FrameMeter, chinese_font, font_families
    from initviz.ui.settings import Settings

    application = make_application()
    with tempfile.TemporaryDirectory() as folder:
        window = build_window(
            application, Opening(Settings(Path(folder, "window.ini")), language="en", theme="light")
        )
        meter = FrameMeter(window, seconds)
        meter.done.connect(application.quit)
        window.resize(1600, 900)
        window.show()
        application.exec()
        window.close()
    if meter.problem:
        raise InitVizError(Text(meter.problem, meter.problem))
    return {
        "font_families": len(font_families()),
        "chinese_font": chinese_font(),
        "frames_per_s": meter.frames_per_s,
    }


CHECKS: dict[str, Callable[[float], dict[str, Json]]] = {
    "screen": examine_screen,
    "drawing": examine_drawing,
}
"""Each takes how long it may try something, in seconds."""
