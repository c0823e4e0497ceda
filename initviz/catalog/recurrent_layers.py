"""Layers that read a sequence step by step."""

from __future__ import annotations

from initviz.catalog.parts import TorchLayerPart

PARTS: tuple[TorchLayerPart, ...] = ()
