"""Draws the program's icon in the formats that the systems want.

``python packaging/icon.py build/initviz.ico`` (or ``.icns``, ``.png``). Several sizes at once: ``python
packaging/icon.py "icons/{size}.png" --sizes 48 64``.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

SOURCE = Path(__file__).resolve().parent.parent / "resources" / "icons" / "initviz.svg"
SIZES = {".ico": 256, ".icns": 1024, ".png": 256}


def draw_icon(target: Path, size: int | None = None) -> None:
    """Draw the icon into a file whose format its suffix tells. There must be a ``QGuiApplication``.

    Args:
        target: Its folder is made where it is missing.
        size: Width and height in pixels; None for what is usual in that format.
    Raises:
        OSError: The file could not be written.
    """
    side = size or SIZES[target.suffix]
    image = QImage(side, side, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(str(SOURCE)).render(painter)
    painter.end()
    target.parent.mkdir(parents=True, exist_ok=True)
    if not image.save(str(target)):
        raise OSError(f"The icon could not be written to {target}.")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Draw InitViz's icon.")
    parser.add_argument("target", help="file to write; {size} in it stands for the size")
    parser.add_argument("--sizes", type=int, nargs="+", default=[None], help="pixels")
    given = parser.parse_args()
    application = QGuiApplication(sys.argv[:1])
    for size in given.sizes:
        draw_icon(Path(given.target.format(size=size)), size)
    del application


if __name__ == "__main__":
    main()
