"""Sequences: copy, adding, MNIST-1D and a small text."""

from __future__ import annotations

from initviz.catalog.parts import LoadableDatasetPart

PARTS: tuple[LoadableDatasetPart, ...] = ()
