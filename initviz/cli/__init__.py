"""The command line: the same work as the window's, and the way to open it."""

from initviz.cli.command_line import main

__all__ = ["main"]
