"""What a card says beside a lane's name."""

from __future__ import annotations

import pytest

from initviz.ui.lane_text import beyond_name


@pytest.mark.parametrize(
    ("name", "said", "left"),
    [
        ("He", "He (Kaiming) normal", "normal"),
        ("he 2", "He (Kaiming) normal, seed 3", "normal, seed 3"),
        ("Xavier", "Xavier (Glorot) uniform", "uniform"),
        ("He", "He（Kaiming）正态", "正态"),
        ("He σ = 0.177", "He (Kaiming) normal", "normal"),
        ("tanh, Xavier", "Xavier (Glorot) normal, Tanh", "normal, Tanh"),
        ("Zeros", "Zeros", ""),
        ("Zeros", "全零", "全零"),
        ("Normal", "Normal, std 0.02", "std 0.02"),
        ("Head", "He (Kaiming) normal", "He (Kaiming) normal"),
        ("He", "Heavy start", "Heavy start"),
        ("7", "seed 7", "seed 7"),
        ("small", "Normal, std 0.02", "Normal, std 0.02"),
    ],
)
def test_nothing_is_said_twice(name: str, said: str, left: str) -> None:
    """What the name says already is left out, as whole words only."""
    assert beyond_name(name, said) == left
