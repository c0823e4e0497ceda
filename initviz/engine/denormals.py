"""Numbers too small for full precision, which slow a processor down two hundred times."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_SMALLEST_NORMAL = sys.float_info.min


def are_flushed() -> bool:
    """Say whether this thread's arithmetic takes denormal numbers for 0; torch itself does not tell."""
    return _SMALLEST_NORMAL * 0.5 == 0.0


@contextmanager
def flushed(flush: bool) -> Iterator[None]:
    """Within the block, this thread takes denormal numbers for 0 (``flush``) or computes with them."""
    before = are_flushed()
    if before != flush:
        torch.set_flush_denormal(flush)
    try:
        yield
    finally:
        if before != flush:
            torch.set_flush_denormal(before)
