"""Networks of residual blocks on images."""

from __future__ import annotations

from initviz.experiment.parts import FamilyPart

PARTS: tuple[FamilyPart, ...] = ()
