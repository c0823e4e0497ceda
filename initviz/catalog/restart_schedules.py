"""Rules for the learning rate that come back, rise first, or follow the scores."""

from __future__ import annotations

from initviz.catalog.parts import SchedulePart

PARTS: tuple[SchedulePart, ...] = ()
