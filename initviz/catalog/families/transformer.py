"""Causal transformers small enough for a lecture."""

from __future__ import annotations

from initviz.experiment.parts import FamilyPart

PARTS: tuple[FamilyPart, ...] = ()
