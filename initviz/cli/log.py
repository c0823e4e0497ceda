"""Where the details of a failure go: a log file for tracebacks, and stderr for what concerns the person."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

import platformdirs

APP_NAME = "initviz"
MAX_BYTES = 1_000_000

logger = logging.getLogger("initviz")


def log_path() -> Path:
    """Return the command line's log file; it need not exist."""
    return Path(platformdirs.user_log_dir(APP_NAME, appauthor=False)) / "command-line.log"


class _NoTraceback(logging.Filter):
    """Keeps records with a traceback off the terminal: what a person must know is said there in words."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.exc_info is None


@contextmanager
def logging_to(path: Path, verbose: bool) -> Iterator[None]:
    """Within the block, write errors with their tracebacks to ``path`` and warnings to stderr.

    Args:
        path: The log file; it is made when there is something to write. Where that fails, only stderr is told.
        verbose: Also tell what is being done.
    """
    handlers: list[logging.Handler] = []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        to_file = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=1, delay=True, encoding="utf-8")
    except OSError as error:
        logger.debug("no log file: %s", error)
    else:
        to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        to_file.setLevel(logging.WARNING)
        handlers.append(to_file)
    if sys.stderr is not None:  # None in a windowed program on Windows
        to_terminal = logging.StreamHandler()
        to_terminal.setFormatter(logging.Formatter("initviz: %(message)s"))
        to_terminal.setLevel(logging.INFO if verbose else logging.WARNING)
        to_terminal.addFilter(_NoTraceback())
        handlers.append(to_terminal)
    level = logger.level
    logger.setLevel(logging.INFO)  # for the window's own log; the handlers here choose for themselves
    for handler in handlers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        logger.setLevel(level)
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
