"""Arrangements of plots for one question each."""

from __future__ import annotations

Columns = tuple[tuple[str, ...], ...]

LAYOUTS: dict[str, Columns] = {
    "overview": (("loss", "grad_norm_map"), ("signal", "weights")),
    "gradients": (("grad_norm_map", "grad_norm_bars"), ("gradients", "update_ratio")),
    "weights": (("weights", "update_ratio"), ("activations", "loss")),
    "theory": (("signal",), ("activations", "grad_norm_bars")),
}
"""Keys of views in columns from left to right, each from top to bottom."""

FIRST = "overview"

FLAT_INPUT: dict[str, Columns] = {
    "overview": (("loss", "grad_norm_map"), ("boundary", "weights")),
}
"""Where a layout differs for data with two inputs, whose decision boundary can be drawn."""


def columns(key: str, flat: bool) -> Columns:
    """Return a layout.

    Args:
        key: One of ``LAYOUTS``.
        flat: True for data with two inputs.
    """
    return FLAT_INPUT[key] if flat and key in FLAT_INPUT else LAYOUTS[key]
