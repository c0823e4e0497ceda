"""What the symmetry of a lane's units comes to, in a few words."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QCoreApplication

from initviz.telemetry.units import Sameness
from initviz.views.numbers import percent


def symmetry_words(sameness: Sameness, lane: int) -> str:
    """Return what a lane's units have in common, in the person's language.

    Args:
        sameness: How alike they are.
        lane: The lane.
    """
    units, different = sameness.num_units[lane], sameness.num_different[lane]
    hidden = np.flatnonzero(units > 0)
    if not len(hidden):
        return QCoreApplication.translate("View", "no hidden layer to compare")
    alike = [int(layer) for layer in hidden if different[layer] == 1]
    if len(alike) == len(hidden):
        if len(alike) == 1 or len(set(units[hidden].tolist())) == 1:
            text = QCoreApplication.translate("View", "all {count} units of a layer are copies of one")
            return text.format(count=int(units[hidden[0]]))
        return QCoreApplication.translate("View", "in every layer, all units are copies of one")
    if alike:
        text = QCoreApplication.translate("View", "layer {layer}: all {count} units are copies of one")
        return text.format(layer=alike[0] + 1, count=int(units[alike[0]]))
    copies = sameness.copies[lane, hidden]
    if np.isnan(copies).all() or np.nanmax(copies) == 0:
        return QCoreApplication.translate("View", "no two units are copies")
    most = int(hidden[int(np.nanargmax(copies))])
    text = QCoreApplication.translate("View", "layer {layer}: {share} of the units are copies of another")
    return text.format(layer=most + 1, share=percent(float(sameness.copies[lane, most])))
