"""Layers that leave out a random part in training: of the activations, or of the weights."""

from __future__ import annotations

from initviz.catalog.parts import TorchLayerPart

PARTS: tuple[TorchLayerPart, ...] = ()
