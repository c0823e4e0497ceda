"""Changed copies of the examples: noise, shift, rotation, flip, erasing, mixup."""

from __future__ import annotations

from initviz.catalog.remedy_part import RemedyPart

PARTS: tuple[RemedyPart, ...] = ()
