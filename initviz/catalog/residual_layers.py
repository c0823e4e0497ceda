"""Residual blocks: layers whose result is added to their input."""

from __future__ import annotations

from initviz.catalog.parts import TorchLayerPart

PARTS: tuple[TorchLayerPart, ...] = ()
