"""Which plots a layout shows for the data at hand."""

from __future__ import annotations

from initviz.views.index import LAYOUTS

Columns = tuple[tuple[str, ...], ...]

FIRST = next(iter(LAYOUTS))
_FLAT = {FIRST: {"signal": "boundary"}}


def columns(key: str, flat: bool) -> Columns:
    """Return a layout: keys of views in columns from left to right, each from top to bottom.

    Args:
        key: One of ``LAYOUTS``.
        flat: True for data with two inputs, whose decision boundary can be drawn; the first layout then shows it.
    """
    instead = _FLAT.get(key, {}) if flat else {}
    return tuple(tuple(instead.get(view, view) for view in column) for column in LAYOUTS[key])
