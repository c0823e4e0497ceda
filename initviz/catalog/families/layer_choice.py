"""How a quick form spells out a layer."""

from __future__ import annotations

from initviz.experiment.parameters import Value
from initviz.experiment.values import LayerSpec, Tie


def layer(kind: str, tie: Tie | None = None, **values: Value) -> LayerSpec:
    """Return a layer of a kind with the values given and its defaults for the rest.

    Args:
        kind: Key of a layer kind.
        tie: Whose weights it shares, or None.
        values: Some of its parameters.
    Raises:
        ExperimentError: There is no such kind.
        KeyError: There is no such parameter.
    """
    from initviz.catalog.index import catalogue

    return LayerSpec(catalogue().get("layer", kind).choose(**values), tie=tie)
