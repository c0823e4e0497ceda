"""Opens the window, or does what the command line says: the frozen program starts here too."""

import multiprocessing
import sys

from initviz.preload import load_torch_core


def main() -> int:
    """Run InitViz and return its exit code."""
    multiprocessing.freeze_support()  # a frozen child process starts here as well
    try:
        load_torch_core()
    except OSError as error:
        # The window must open all the same: it says what is wrong with torch when a network is to be trained.
        if sys.stderr is not None:  # None in a windowed program on Windows
            print(
                f"initviz: torch's core library does not load ({error}); training may fail.", file=sys.stderr
            )
    from initviz.cli import main as run_command_line

    return run_command_line()


if __name__ == "__main__":
    sys.exit(main())
