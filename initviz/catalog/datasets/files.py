"""The person's own examples, from CSV, NPZ and IDX files."""

from __future__ import annotations

from initviz.catalog.parts import LoadableDatasetPart

PARTS: tuple[LoadableDatasetPart, ...] = ()
