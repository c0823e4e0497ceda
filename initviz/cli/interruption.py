"""Ctrl-C ends a run after the step that it is at."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


class Interruption:
    """Within the block, the first Ctrl-C only sets ``wanted``; the second raises ``KeyboardInterrupt`` as usual.

    So a step is never torn, and what was measured can be written. Outside the main thread it does nothing.

    Attributes:
        wanted: True once the person has asked for the end.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._installed = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        if self._installed:
            self._before = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, self._before)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.wanted:
            raise KeyboardInterrupt
        self.wanted = True
