"""What augmentations do to a batch. Every random number comes from the generator that is passed in.

Inputs are ``(B, F)``, ``(B, T, F)`` or ``(B, C, H, W)``; nothing is changed in place, since a batch may be a view.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Generator, Tensor

IMAGE, SEQUENCE = 4, 3
"""Axes of a batch of images, and of sequences."""
_SEED_RANGE = 2**62


def _uniform(count: int, like: Tensor, random: Generator) -> Tensor:
    """Return ``(count,)`` numbers from 0 to 1, with the type and place of ``like``."""
    import torch

    drawn = torch.rand(count, dtype=like.dtype, device=random.device, generator=random)
    return drawn.to(like.device)


def _whole(count: int, low: int, high: int, like: Tensor, random: Generator) -> Tensor:
    """Return ``(count,)`` whole numbers from ``low`` to ``high``, both included."""
    import torch

    drawn = torch.randint(low, high + 1, (count,), device=random.device, generator=random)
    return drawn.to(like.device)


def add_noise(inputs: Tensor, std: float, random: Generator) -> Tensor:
    """Return the inputs with normal noise of standard deviation ``std`` added."""
    import torch

    noise = torch.randn(inputs.shape, dtype=inputs.dtype, device=random.device, generator=random)
    return inputs + std * noise.to(inputs.device)


def shift(inputs: Tensor, most: int, random: Generator) -> Tensor:
    """Return each example moved by whole places, at most ``most`` in each direction; its edge is repeated.

    Images are moved down by the first number drawn and right by the second; anything else along its first axis.
    """
    down = _whole(len(inputs), -most, most, inputs, random)
    if inputs.dim() != IMAGE:
        return moved(inputs, down)
    right = _whole(len(inputs), -most, most, inputs, random)
    return moved(moved(inputs.movedim(2, 1), down).movedim(1, 2).movedim(3, 1), right).movedim(1, 3)


def moved(inputs: Tensor, places: Tensor) -> Tensor:
    """Return ``(B, N, ...)`` with each example moved along its first axis by its own whole number of places."""
    import torch

    batch, length = inputs.shape[:2]
    steps = torch.arange(length, device=inputs.device)
    source = (steps - places.unsqueeze(1)).clamp(0, length - 1)
    return inputs[torch.arange(batch, device=inputs.device).unsqueeze(1), source]


def rotate(inputs: Tensor, degrees: float, random: Generator) -> Tensor:
    """Return images turned about their centre by angles from minus to plus ``degrees``.

    A positive angle turns the picture counterclockwise as it is looked at, with the first row on top.
    """
    angles = (2.0 * _uniform(len(inputs), inputs, random) - 1.0) * math.radians(degrees)
    return rotated(inputs, angles)


def rotated(inputs: Tensor, angles: Tensor) -> Tensor:
    """Return images ``(B, C, H, W)`` turned counterclockwise by ``angles`` ``(B,)`` in radians.

    Values between pixels are interpolated linearly in both directions; outside the nearest edge pixel is repeated.
    """
    import torch
    from torch.nn import functional

    height, width = inputs.shape[-2:]
    cos, sin, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
    # The grid runs from -1 to 1 in both directions, so that pixels are squares only where the image is one.
    maps = torch.stack(
        [
            torch.stack([cos, -sin * (height / width), zero], -1),
            torch.stack([sin * (width / height), cos, zero], -1),
        ],
        -2,
    )
    grid = functional.affine_grid(maps, list(inputs.shape), align_corners=False)
    return functional.grid_sample(inputs, grid, mode="bilinear", padding_mode="border", align_corners=False)


def flip(inputs: Tensor, axis: int, chance: float, random: Generator) -> Tensor:
    """Return images of which a share is mirrored along an axis, -1 for left and right, -2 for top and bottom."""
    import torch

    chosen = _uniform(len(inputs), inputs, random) < chance
    return torch.where(chosen.view(-1, 1, 1, 1), inputs.flip(axis), inputs)


def erase(inputs: Tensor, size: float, chance: float, random: Generator) -> Tensor:
    """Return inputs of which a share has a patch set to 0.

    Args:
        inputs: Images lose a rectangle in all channels, anything else a stretch of its first axis.
        size: Side of the patch as a share of the whole side; it always lies within.
        chance: Share of the examples.
        random: Source of the numbers.
    """
    import torch

    chosen = _uniform(len(inputs), inputs, random) < chance
    axes = (2, 3) if inputs.dim() == IMAGE else (1,)
    inside = chosen.view(-1, *[1] * (inputs.dim() - 1))
    for axis in axes:
        length = inputs.shape[axis]
        side = round(size * length)
        first = _uniform(len(inputs), inputs, random).mul(length - side + 1).floor().clamp(max=length - side)
        place = torch.arange(length, device=inputs.device)
        hit = (place >= first.unsqueeze(1)) & (place < first.unsqueeze(1) + side)
        inside = inside & hit.view(
            [-1 if at == axis else len(inputs) if at == 0 else 1 for at in range(inputs.dim())]
        )
    return inputs.masked_fill(inside, 0.0)


def mix(
    inputs: Tensor, targets: Tensor, alpha: float, num_classes: int, random: Generator
) -> tuple[Tensor, Tensor]:
    """Return a batch in which every example is blended with another one.

    Args:
        inputs: ``(B, *shape)``.
        targets: ``(B,)`` class indices or probabilities ``(B, C)``; ``(B,)`` of the binary task or numbers ``(B, O)``,
            which are blended as they are.
        alpha: Both parameters of the beta distribution of the proportion.
        num_classes: C, or 0 where the targets are no class indices.
        random: Source of the numbers.
    """
    import numpy as np
    import torch
    from torch.nn import functional

    order = torch.randperm(len(inputs), device=random.device, generator=random).to(inputs.device)
    # PyTorch draws no beta numbers from a generator that is passed in, NumPy does.
    seed = int(torch.randint(_SEED_RANGE, (1,), device=random.device, generator=random).item())
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    if num_classes and not targets.is_floating_point():
        targets = functional.one_hot(targets, num_classes).to(inputs.dtype)
    return (
        share * inputs + (1.0 - share) * inputs[order],
        share * targets + (1.0 - share) * targets[order],
    )
