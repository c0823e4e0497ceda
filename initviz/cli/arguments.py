"""Arguments of the command line, described and refused in the person's language."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from initviz.cli.language import OPTION
from initviz.experiment.errors import nearest
from initviz.experiment.text import LANGUAGES, Language, Text
from initviz.sweep.credentials import without_passwords

USAGE = Text("usage: ", "用法：")
ARGUMENTS = Text("arguments", "参数")
OPTIONS = Text("options", "选项")

# argparse says these in English only.
_REFUSALS = (
    (r"the following arguments are required: (.*)", "缺少参数：{0}"),
    (r"argument (.+?): expected one argument", "参数 {0} 后面要有一个值"),
    (r"argument (.+?): expected at least one argument", "参数 {0} 后面至少要有一个值"),
    (r"argument (.+?): ignored explicit argument (.+)", "参数 {0} 不接受值 {1}"),
    (r"argument (.+?): invalid choice: (.+) \(choose from (.*)\)", "参数 {0}：没有 {1}，可选：{2}"),
    (r"argument (.+?): (.*)", "参数 {0}：{1}"),
)


class Parser(argparse.ArgumentParser):
    """An argument parser that speaks ``language`` and takes no abbreviations."""

    language: Language = "en"

    def __init__(self, **options: Any) -> None:
        super().__init__(
            add_help=False,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **options,
        )

    def format_usage(self) -> str:
        """Return the usage line."""
        formatter = self._get_formatter()
        formatter.add_usage(
            self.usage, self._actions, self._mutually_exclusive_groups, USAGE.in_language(self.language)
        )
        return formatter.format_help()

    def format_help(self) -> str:
        """Return the whole help."""
        formatter = self._get_formatter()
        formatter.add_usage(
            self.usage, self._actions, self._mutually_exclusive_groups, USAGE.in_language(self.language)
        )
        formatter.add_text(self.description)
        for group in self._action_groups:
            formatter.start_section(group.title)
            formatter.add_text(group.description)
            formatter.add_arguments(group._group_actions)
            formatter.end_section()
        formatter.add_text(self.epilog)
        return formatter.format_help()

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and leave with exit code 2."""
        hint = Text(f"Try '{self.prog} --help'.", f"用法见 '{self.prog} --help'。").in_language(self.language)
        said = message if self.language == "en" else _in_chinese(message)
        end = "" if said.endswith((".", "?", "。", "？")) else Text(".", "。").in_language(self.language)
        gap = Text(" ", "").in_language(self.language)
        # A word that means nothing may be the URL of a storage.
        self.exit(2, without_passwords(f"{self.prog}: {said}{end}{gap}{hint}\n"))


class ChineseParser(Parser):
    """The same in Chinese."""

    language: Language = "zh"

    def format_help(self) -> str:
        """Return the whole help, with the colon of Chinese after its headings."""
        return re.sub(r"^(\S+):$", r"\1：", super().format_help(), flags=re.MULTILINE)


def _in_chinese(message: str) -> str:
    for pattern, chinese in _REFUSALS:
        match = re.fullmatch(pattern, message, re.DOTALL)
        if match:
            return chinese.format(*match.groups())
    return message


class Options:
    """Adds arguments to a parser, with texts in both languages.

    Args:
        parser: What they are added to.
    """

    def __init__(self, parser: Parser) -> None:
        self.language = parser.language
        self._positional = parser.add_argument_group(ARGUMENTS.in_language(self.language))
        self._optional = parser.add_argument_group(OPTIONS.in_language(self.language))

    def add(self, *names: str, help: Text, **settings: Any) -> None:
        """Add an argument; ``settings`` are argparse's."""
        group = self._optional if names[0].startswith("-") else self._positional
        group.add_argument(*names, help=help.in_language(self.language).replace("%", "%%"), **settings)

    def add_common(self) -> None:
        """Add what every command takes."""
        self.add(
            OPTION,
            choices=LANGUAGES,
            default=argparse.SUPPRESS,
            help=Text("language; the system's by default", "语言；默认与系统相同"),
        )
        self.add(
            "-v",
            "--verbose",
            action="store_true",
            default=argparse.SUPPRESS,
            help=Text("say more about what is done", "显示更多运行信息"),
        )
        self.add(
            "-h",
            "--help",
            action="help",
            default=argparse.SUPPRESS,
            help=Text("show this help", "显示本帮助"),
        )

    def whole_number(self, minimum: int, maximum: int = 2**53) -> Callable[[str], int]:
        """Return what reads a whole number between two bounds."""

        def read(text: str) -> int:
            try:
                number = int(text)
            except ValueError:
                number = minimum - 1
            if not minimum <= number <= maximum:
                raise argparse.ArgumentTypeError(
                    Text(
                        f"expected a whole number from {minimum} to {maximum}, not '{text}'",
                        f"应为 {minimum} 到 {maximum} 的整数，而不是“{text}”",
                    ).in_language(self.language)
                )
            return number

        return read

    def number(self, minimum: float) -> Callable[[str], float]:
        """Return what reads a number that is not below a bound."""

        def read(text: str) -> float:
            try:
                number = float(text)
            except ValueError:
                number = math.nan
            if not minimum <= number < math.inf:
                raise argparse.ArgumentTypeError(
                    Text(
                        f"expected a number of at least {minimum:g}, not '{text}'",
                        f"应为不小于 {minimum:g} 的数，而不是“{text}”",
                    ).in_language(self.language)
                )
            return number

        return read

    def size(self, minimum: int, maximum: int) -> Callable[[str], tuple[int, int]]:
        """Return what reads a width and a height such as ``1600x900``."""

        def read(text: str) -> tuple[int, int]:
            match = re.fullmatch(r"(\d{1,6})[x×](\d{1,6})", text)
            sides = (int(match[1]), int(match[2])) if match else (0, 0)
            if not all(minimum <= side <= maximum for side in sides):
                raise argparse.ArgumentTypeError(
                    Text(
                        f"expected a size such as 1600x900, sides from {minimum} to {maximum}, not '{text}'",
                        f"应为 1600x900 这样的大小，边长 {minimum} 到 {maximum}，而不是“{text}”",
                    ).in_language(self.language)
                )
            return sides

        return read


Execute = Callable[[argparse.Namespace, Language], int]
"""Does what a command says and returns the exit code; raises ``InitVizError`` for what a person must be told."""


@dataclass(frozen=True, slots=True)
class Command:
    """A word of the command line.

    Attributes:
        name: The word.
        summary: What it does, in a few words.
        description: What it does, in sentences.
        configure: Adds its arguments.
        execute: Does it.
    """

    name: str
    summary: Text
    description: Text
    configure: Callable[[Options], None]
    execute: Execute


def build_parser(commands: Sequence[Command], version: str, language: Language) -> Parser:
    """Return the parser of the whole command line; the chosen command arrives as ``command``.

    Args:
        commands: In the order in which help lists them.
        version: What ``--version`` prints.
        language: Of help and errors.
    """
    kind = ChineseParser if language == "zh" else Parser
    parser = kind(
        prog="initviz",
        description=DESCRIPTION.in_language(language),
        epilog=EPILOG.in_language(language),
    )
    options = Options(parser)
    options.add(
        "--version", action="version", version=f"initviz {version}", help=Text("show the version", "显示版本")
    )
    options.add_common()
    words = parser.add_subparsers(
        title=Text("commands", "命令").in_language(language),
        dest="command",
        metavar=Text("command", "命令").in_language(language),
        parser_class=kind,
    )
    for command in commands:
        word = words.add_parser(
            command.name,
            help=command.summary.in_language(language),
            description=command.description.in_language(language),
        )
        its_options = Options(word)
        command.configure(its_options)
        its_options.add_common()
        word.set_defaults(execute=command.execute, parser=word)
    return parser


def parse(parser: Parser, arguments: Sequence[str]) -> argparse.Namespace:
    """Read the arguments; a wrong option is answered with the nearest right one.

    Raises:
        SystemExit: They are wrong, or ask for help or the version only.
    """
    given, unknown = parser.parse_known_args(arguments)
    if unknown:
        word: Parser = getattr(given, "parser", parser)
        word.error(_unknown(unknown, word).in_language(word.language))
    return given


def _unknown(unknown: Iterable[str], parser: Parser) -> Text:
    wrong = next((word for word in unknown if word.startswith("-")), next(iter(unknown)))
    known = [name for action in parser._actions for name in action.option_strings]
    close = nearest(wrong.partition("=")[0], known) if wrong.startswith("-") else None
    if close is None:
        return Text(f"'{wrong}' means nothing here", f"无法识别“{wrong}”")
    return Text(
        f"'{wrong}' means nothing here. Did you mean '{close}'?",
        f"无法识别“{wrong}”。您是否想写“{close}”？",
    )


DESCRIPTION = Text(
    """See why the way a neural network's weights start decides whether it learns.

  initviz                      open the window
  initviz FILE.toml            open it with an experiment
  initviz run FILE.toml        train without a window""",
    """看清神经网络权重的初始化为什么决定它能否学会。

  initviz                      打开窗口
  initviz FILE.toml            打开窗口并载入一个实验
  initviz run FILE.toml        不开窗口，直接训练""",
)

EPILOG = Text(
    """exit codes:
  0    done
  1    something failed on the way
  2    what was asked for cannot be done as written; nothing was started
  130  ended by Ctrl-C; what was done so far is kept""",
    """退出码：
  0    完成
  1    运行中出错
  2    无法按要求执行；没有开始任何操作
  130  被 Ctrl-C 中止；已完成的部分会保留""",
)
