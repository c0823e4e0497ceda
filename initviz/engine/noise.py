"""What a pass through the layers is for, and the noise of its step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator

from initviz.engine.seeding import derive_seed


class Pass:
    """What layers may ask about the pass that they take part in (see ``Now``).

    Attributes:
        training: True in steps of training and in looks at them.
        keeps: True where running numbers may change.

    Args:
        seeds: Of the lanes (K).
        device: Where noise is drawn.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self.training = False
        self.keeps = False
        self._seeds = tuple(seeds)
        self._device = device
        self._step = 0
        self._drawn: list[Generator] | None = None
        self._fresh = False

    def begin(self, step: int, training: bool, keeps: bool) -> None:
        """Start a pass; every pass of a step draws the same noise.

        Args:
            step: Updates made so far.
            training: See the attribute.
            keeps: See the attribute.
        """
        self._step = step
        self.training = training
        self.keeps = keeps
        self._fresh = False

    def generators(self) -> Sequence[Generator]:
        """Return a generator a lane; within a pass each goes on where the layer before left it."""
        if self._drawn is None:
            self._drawn = [Generator(self._device) for _ in self._seeds]
        if not self._fresh:
            for generator, seed in zip(self._drawn, self._seeds, strict=True):
                generator.manual_seed(noise_seed(seed, self._step))
            self._fresh = True
        return self._drawn


def noise_seed(seed: int, step: int) -> int:
    """Return the seed of a lane's noise in one step.

    Args:
        seed: The lane's.
        step: Updates made before it.
    """
    return derive_seed(seed, "noise", step)
