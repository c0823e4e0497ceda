"""Networks that read a sequence step by step."""

from __future__ import annotations

from initviz.experiment.parts import FamilyPart

PARTS: tuple[FamilyPart, ...] = ()
