"""Update rules beyond the classic ones."""

from __future__ import annotations

from initviz.catalog.parts import OptimizerPart

PARTS: tuple[OptimizerPart, ...] = ()
