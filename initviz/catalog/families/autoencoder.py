"""Networks that give back their input through a narrow middle."""

from __future__ import annotations

from initviz.experiment.parts import FamilyPart

PARTS: tuple[FamilyPart, ...] = ()
