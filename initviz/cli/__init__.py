"""The command line: the same work as the window's, and the way to open it."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from initviz.cli.interruption import INTERRUPTED


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says.

    Args:
        arguments: Its words without the program's name; by default those of the process.
    Returns:
        Exit code: 0 done, 1 failed, 2 impossible as written, 130 ended by Ctrl-C, 141 nobody reads the output.
    """
    try:
        # Imported here, so that Ctrl-C ends the program in good order while it is still being loaded.
        from initviz.cli.command_line import main as follow

        code = follow(arguments)
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED and arguments is None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left to be put in order
    return code
