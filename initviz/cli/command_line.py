"""From the words of the command line to an exit code."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence

import initviz
from initviz.cli.arguments import Command, build_parser, parse
from initviz.cli.doctor import COMMAND as DOCTOR
from initviz.cli.interruption import INTERRUPTED
from initviz.cli.landscape import COMMAND as LANDSCAPE
from initviz.cli.language import chosen_language
from initviz.cli.listing import COMMAND as LIST
from initviz.cli.log import log_path, logging_to
from initviz.cli.probe import COMMAND as PROBE
from initviz.cli.run import COMMAND as RUN
from initviz.cli.snapshot import COMMAND as SNAPSHOT
from initviz.cli.sweep import COMMAND as SWEEP
from initviz.cli.theory import COMMAND as THEORY
from initviz.cli.window import COMMAND as OPEN
from initviz.experiment.errors import ExperimentError, InitVizError, nearest
from initviz.experiment.text import Language, Text
from initviz.sweep.credentials import without_passwords

COMMANDS: tuple[Command, ...] = (OPEN, RUN, SWEEP, PROBE, THEORY, LANDSCAPE, LIST, SNAPSHOT, DOCTOR)

DONE = 0
FAILED = 1
IMPOSSIBLE = 2
NOBODY_READS = 141
"""What a shell reports of a program that writes into a pipe whose reader has gone."""

_WITH_VALUE = ("--lang",)

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says.

    Args:
        arguments: Its words without the program's name; by default those of the process.
    Returns:
        Exit code: 0 done, 1 failed, 2 impossible as written, 130 ended by Ctrl-C, 141 nobody reads the output.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    language = chosen_language(words, os.environ)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows a question mark; that is no reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        parser = build_parser(COMMANDS, initviz.__version__, language)
        given = parse(parser, _with_command(words, language))
        with logging_to(log_path(), getattr(given, "verbose", False)):
            code = _execute(given, language)
    except SystemExit as end:  # of the parser
        return end.code if isinstance(end.code, int) else DONE
    except BrokenPipeError:
        return NOBODY_READS
    except _UnknownCommandError as error:
        _complain(error.text, language)
        return IMPOSSIBLE
    return code


def _execute(given: argparse.Namespace, language: Language) -> int:
    try:
        return int(given.execute(given, language))
    except BrokenPipeError:
        raise
    except ExperimentError as error:
        _complain(error.text, language)
        return IMPOSSIBLE
    except InitVizError as error:
        _complain(error.text, language)
        return FAILED
    except KeyboardInterrupt:
        _complain(Text("ended.", "已中止。"), language)
        return INTERRUPTED
    except Exception as error:
        logger.exception("unforeseen")
        _complain(_fault(error), language)
        return FAILED


def _fault(error: Exception) -> Text:
    shown = f"{type(error).__name__}: {error}".rstrip(": ")
    return Text(
        f"a fault in the program ended this ({shown}). Your experiment was not changed. Details are in {log_path()}.",
        f"程序出现故障，已中止（{shown}）。实验没有任何改动。详细信息见 {log_path()}。",
    )


class _UnknownCommandError(InitVizError):
    """A first word that is neither a command nor a file."""


def _with_command(words: Sequence[str], language: Language) -> list[str]:
    """Return the words with the command ``open`` put in where only its file, or nothing, is given."""
    names = [command.name for command in COMMANDS]
    place = 0
    while place < len(words):
        word = words[place]
        if word in ("-h", "--help", "--version"):
            return list(words)
        if not word.startswith("-"):
            break
        place += 2 if word in _WITH_VALUE else 1
    if place >= len(words):
        return [*words, OPEN.name]
    word = words[place]
    if word in names:
        return list(words)
    if word.lower().endswith(".toml") or os.path.exists(word):
        return [*words[:place], OPEN.name, *words[place:]]
    close = nearest(word, names)
    listing_of_names = ", ".join(names)
    if close is None:
        raise _UnknownCommandError(
            Text(
                f"'{word}' is neither a command nor an experiment file. Commands: {listing_of_names}.",
                f"“{word}”既不是命令，也不是实验文件。可用的命令：{listing_of_names}。",
            )
        )
    raise _UnknownCommandError(
        Text(
            f"there is no command '{word}'. Did you mean '{close}'? Commands: {listing_of_names}.",
            f"没有命令“{word}”。您是否想写“{close}”？可用的命令：{listing_of_names}。",
        )
    )


def _complain(text: Text, language: Language) -> None:
    if sys.stderr is not None:  # None in a windowed program on Windows
        print(f"initviz: {without_passwords(text.in_language(language))}", file=sys.stderr, flush=True)
