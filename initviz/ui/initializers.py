"""Which initializers can start what."""

from __future__ import annotations

from initviz.catalog.parts import InitializerPart
from initviz.experiment.catalogue import Catalogue, Part


def initializers_for(catalogue: Catalogue, target: str) -> tuple[Part, ...]:
    """Return the initializers that can start a ``weight`` or a ``bias``, in the catalogue's order."""
    return tuple(
        part
        for part in catalogue.parts("initializer")
        if not isinstance(part, InitializerPart) or target in part.targets
    )
