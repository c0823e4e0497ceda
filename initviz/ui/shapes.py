"""Shapes and sizes of layers as they are read."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from initviz.experiment.values import Shape
from initviz.ui.number_text import format_count

SEQUENCE_AXES, IMAGE_AXES = 2, 3


def shape_text(shape: Shape) -> str:
    """Return the shape of one example: ``64``, ``24 × 16``, ``1 × 8 × 8``."""
    return " × ".join(format_count(extent) for extent in shape) if shape else "1"


def shape_words(shape: Shape) -> str:
    """Return the shape of one example in words: numbers, steps of a sequence, channels of an image."""
    words = tuple(format_count(extent) for extent in shape)
    if len(shape) == SEQUENCE_AXES:
        said = QCoreApplication.translate("Shapes", "a sequence of {steps} steps with {numbers} numbers each")
        return said.format(steps=words[0], numbers=words[1])
    if len(shape) == IMAGE_AXES:
        said = QCoreApplication.translate("Shapes", "an image of {height} × {width} in {channels} channels")
        return said.format(channels=words[0], height=words[1], width=words[2])
    return QCoreApplication.translate("Shapes", "{numbers} numbers").format(numbers=shape_text(shape))
