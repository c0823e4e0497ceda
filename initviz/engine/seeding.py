"""Independent generators from one seed."""

from __future__ import annotations

import hashlib

import torch
from torch import Generator


def derive_seed(seed: int, *purpose: object) -> int:
    """Return a 63-bit seed for one purpose, which tells nothing about the seeds of other purposes.

    Args:
        seed: The experiment's or the lane's.
        purpose: What the numbers are for, such as ``"order", 3``; the text of each part counts.
    """
    words = "\0".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, *purpose: object) -> Generator:
    """Return a CPU generator for one purpose; draws are made on the CPU so that every device starts alike."""
    return torch.Generator().manual_seed(derive_seed(seed, *purpose))
