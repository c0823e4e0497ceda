"""Changes to the loss: label smoothing and class weights."""

from __future__ import annotations

from initviz.catalog.remedy_part import RemedyPart

PARTS: tuple[RemedyPart, ...] = ()
