"""What is done to gradients before the update: centralization and clipping."""

from __future__ import annotations

from initviz.catalog.remedy_part import RemedyPart

PARTS: tuple[RemedyPart, ...] = ()
