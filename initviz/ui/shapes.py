"""Shapes and sizes of layers as they are read."""

from __future__ import annotations

from initviz.experiment.values import Shape
from initviz.ui.number_text import format_count


def shape_text(shape: Shape) -> str:
    """Return the shape of one example: ``64``, ``1 × 8 × 8``."""
    return " × ".join(format_count(extent) for extent in shape) if shape else "1"
