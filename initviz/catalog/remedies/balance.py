"""Other shares of the classes: over- and under-sampling, SMOTE, weighted sampling."""

from __future__ import annotations

from initviz.catalog.remedy_part import RemedyPart

PARTS: tuple[RemedyPart, ...] = ()
