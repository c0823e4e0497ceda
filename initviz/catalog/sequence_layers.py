"""Layers for sequences: embeddings, positions, attention, and what makes one answer of many positions."""

from __future__ import annotations

from initviz.catalog.parts import TorchLayerPart

PARTS: tuple[TorchLayerPart, ...] = ()
