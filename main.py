"""Opens the window, or does what the command line says: the frozen program starts here too.

On Windows torch's core library must be loaded before Qt: each command that needs Qt sees to that with
``initviz.preload``.
"""

import multiprocessing
import sys

from initviz.cli import main as run_command_line


def main() -> int:
    """Run InitViz and return its exit code."""
    multiprocessing.freeze_support()  # a frozen child process starts here as well
    return run_command_line()


if __name__ == "__main__":
    sys.exit(main())
