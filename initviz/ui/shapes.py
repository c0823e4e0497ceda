"""Shapes and sizes of layers as they are read."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from initviz.experiment.values import Shape
from initviz.ui.number_text import format_count


def shape_text(shape: Shape) -> str:
    """Return the shape of one example: ``64``, ``1 × 8 × 8``."""
    return " × ".join(format_count(extent) for extent in shape) if shape else "1"


def parameters_text(count: int) -> str:
    """Return a number of parameters in words."""
    return QCoreApplication.translate("Shapes", "{count} parameters").format(count=format_count(count))
