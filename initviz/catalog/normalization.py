"""Normalization layers: they give every unit, example or group of channels mean 0 and variance 1."""

from __future__ import annotations

from initviz.catalog.parts import TorchLayerPart

PARTS: tuple[TorchLayerPart, ...] = ()
