"""A pass for layer forms that are tested without the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Generator


@dataclass
class FakeNow:
    """What a layer may ask, with a generator for each seed."""

    seeds: Sequence[int] = (0,)
    training: bool = True
    keeps: bool = True
    drawn: list[Generator] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rewind()

    def rewind(self) -> None:
        """Start the step's noise anew."""
        self.drawn = [torch.Generator().manual_seed(seed) for seed in self.seeds]

    def generators(self) -> Sequence[Generator]:
        """Return a generator a lane."""
        return self.drawn
