"""Words, help, languages, exit codes."""

from __future__ import annotations

import argparse
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import initviz as package
from initviz.cli import command_line
from initviz.cli.arguments import Parser, build_parser
from initviz.cli.command_line import COMMANDS
from initviz.cli.language import chosen_language, locale_language
from initviz.cli.log import log_path
from initviz.experiment.errors import InitVizError
from initviz.experiment.text import LANGUAGES, Language, Text
from tests.cli.conftest import Result

Run = Callable[..., Result]
ROOT = Path(__file__).parents[2]


def start(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m initviz`` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "initviz", *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def command_parsers(language: Language) -> dict[str, Parser]:
    parser = build_parser(COMMANDS, "0", language)
    (words,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return {"": parser, **words.choices}


def test_the_version_in_a_process_of_its_own() -> None:
    result = start("--version")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"initviz {package.__version__}\n", "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_help_names_every_option_with_a_text(language: Language, initviz: Run) -> None:
    for name, parser in command_parsers(language).items():
        words = [name, "--help", "--lang", language] if name else ["--lang", language, "--help"]
        result = initviz(*words)
        assert result.code == 0
        assert result.err == ""
        for action in parser._actions:
            for option in action.option_strings:
                assert option in result.out
            if not isinstance(action, argparse._SubParsersAction):
                assert action.help, f"{name} {action.dest} explains nothing"
                assert bool(re.search("[一-鿿]", action.help)) == (language == "zh")
        headings = re.findall(r"^\S+[:：]$", result.out, re.MULTILINE)
        assert headings
        assert {heading[-1] for heading in headings} == {"：" if language == "zh" else ":"}


def test_help_lists_every_command(initviz: Run) -> None:
    out = initviz("--help").out
    assert [command.name for command in COMMANDS] == [
        "open",
        "run",
        "sweep",
        "probe",
        "theory",
        "landscape",
        "list",
        "snapshot",
        "doctor",
    ]
    for command in COMMANDS:
        assert re.search(rf"^    {command.name} +{re.escape(command.summary.en)}$", out, re.MULTILINE)


def test_a_wrong_command_is_answered_with_the_nearest(initviz: Run) -> None:
    result = initviz("rnu", "x.toml")
    assert result.code == 2
    assert "Did you mean 'run'?" in result.err
    assert result.out == ""
    assert "open, run, sweep, probe" in initviz("zzzzzz").err
    assert "您是否想写“run”" in initviz("--lang", "zh", "rnu").err


@pytest.mark.parametrize(
    ("words", "english", "chinese"),
    [
        (["run", "a.toml", "--stpes", "3"], "Did you mean '--steps'?", "您是否想写“--steps”"),
        (["run"], "the following arguments are required: FILE", "缺少参数：FILE"),
        (
            ["run", "a.toml", "--steps"],
            "argument --steps: expected one argument",
            "参数 --steps 后面要有一个值",
        ),
        (["run", "a.toml", "--steps", "few"], "expected a whole number from 1 to", "应为 1 到"),
        (["run", "a.toml", "--steps", "0"], "not '0'", "而不是“0”"),
        (["snapshot", "a.toml", "--steps", "1", "--out", "a.png", "--theme", "x"], "invalid choice", "可选"),
        (["snapshot", "a.toml", "--steps", "1", "--out", "a.png", "--size", "9x9"], "1600x900", "1600x900"),
        (["run", "a.toml", "b.toml"], "'b.toml' means nothing here", "无法识别“b.toml”"),
    ],
)
def test_wrong_arguments_are_explained_in_both_languages(
    initviz: Run, words: list[str], english: str, chinese: str
) -> None:
    result = initviz(*words)
    assert result.code == 2
    assert english in result.err
    assert f"Try 'initviz {words[0]} --help'" in result.err
    result = initviz(*words, "--lang", "zh")
    assert result.code == 2
    assert chinese in result.err


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ('name = "moons"', 'nmae = "moons"', "data.nmae"),
        ("depth = 2", "dephth = 2", "model.dephth"),
        ("[optimizer]", "[optimiser]", "optimiser"),
        ('activation = "relu"', 'activation = "rellu"', "model.activation"),
        ("std = 1000.0", "sdt = 1000.0", "lanes[3].init.weight.sdt"),
    ],
)
@pytest.mark.parametrize("command", ["run", "probe", "open", "snapshot"])
def test_a_typo_in_a_file_is_answered_with_file_place_and_nearest(
    initviz: Run, experiment_file: Path, before: str, after: str, key: str, command: str
) -> None:
    text = experiment_file.read_text(encoding="utf-8")
    assert before in text
    experiment_file.write_text(text.replace(before, after), encoding="utf-8")
    more = ["--steps", "1", "--out", "a.png"] if command == "snapshot" else []
    result = initviz(command, experiment_file, *more)
    assert result.code == 2
    assert result.out == ""
    assert str(experiment_file) in result.err
    assert key in result.err
    assert re.search("Did you mean '(name|depth|optimizer|relu|std)'", result.err)
    assert "Traceback" not in result.err


def test_a_file_that_is_no_toml_names_the_line(initviz: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('name = "x"\nsteps = = 3\n', encoding="utf-8")
    result = initviz("run", path)
    assert result.code == 2
    assert "line 2" in result.err
    assert str(path) in result.err


def test_limits_hold_and_the_message_says_how_to_raise_them(
    initviz: Run, experiment_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INITVIZ_MAX_STEPS", "39")
    result = initviz("run", experiment_file)
    assert result.code == 2
    assert "INITVIZ_MAX_STEPS" in result.err
    monkeypatch.setenv("INITVIZ_MAX_STEPS", "many")
    result = initviz("run", experiment_file)
    assert result.code == 2
    assert "INITVIZ_MAX_STEPS" in result.err
    assert "'many'" in result.err


def test_the_language_is_that_of_the_system() -> None:
    assert locale_language({"LANG": "zh_CN.UTF-8"}) == "zh"
    assert locale_language({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}) == "en"
    assert locale_language({"LANG": "de_DE.UTF-8"}) == "en"
    assert chosen_language(["run", "--lang", "zh"], {"LANG": "en_US"}) == "zh"
    assert chosen_language(["--lang=en", "run"], {"LANG": "zh_CN"}) == "en"
    assert chosen_language(["run", "--lang"], {"LANG": "zh_CN"}) == "zh"
    assert chosen_language(["run", "--lang", "xx"], {"LANG": "zh_CN"}) == "zh"
    assert chosen_language(["--", "--lang", "en"], {"LANG": "zh_CN"}) == "zh"


def test_errors_are_said_in_the_language_of_the_system(
    initviz: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    result = initviz("run", tmp_path / "none.toml")
    assert result.code == 2
    assert "无法读取文件" in result.err


def failing(error: BaseException) -> Callable[[argparse.Namespace, Language], int]:
    def execute(given: argparse.Namespace, language: Language) -> int:
        raise error

    return execute


def replace_list(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the command ``list`` raise an error."""
    from dataclasses import replace

    commands = tuple(
        replace(command, execute=failing(error)) if command.name == "list" else command
        for command in COMMANDS
    )
    monkeypatch.setattr(command_line, "COMMANDS", commands)


def test_a_failure_on_the_way_is_one(initviz: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_list(monkeypatch, InitVizError(Text("The disk is full.", "磁盘已满。")))
    result = initviz("list")
    assert (result.code, result.out, result.err) == (1, "", "initviz: The disk is full.\n")


def test_a_fault_leaves_its_traceback_in_the_log_file_only(
    initviz: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_list(monkeypatch, ZeroDivisionError("half of nothing"))
    result = initviz("list")
    assert result.code == 1
    assert "ZeroDivisionError: half of nothing" in result.err
    assert str(log_path()) in result.err
    assert "Traceback" not in result.err
    assert result.err.count("\n") == 1
    assert "Traceback" in log_path().read_text(encoding="utf-8")
    assert logging.getLogger("initviz").handlers == []


def test_ctrl_c_is_130(initviz: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_list(monkeypatch, KeyboardInterrupt())
    assert initviz("list").code == 130


def test_ctrl_c_while_the_program_is_loaded_is_130() -> None:
    program = """
import signal, sys
class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "initviz.cli.command_line":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from initviz.cli import main
print(main(["list"]), signal.getsignal(signal.SIGINT) is signal.default_int_handler)
print(main(), signal.getsignal(signal.SIGINT) is signal.SIG_DFL)
"""
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == ["130 True", "130 True"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("words", [["list"], ["list", "schedule", "--json"]])
def test_output_without_room_is_said(words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "initviz", *words],
            cwd=ROOT,
            env={**os.environ, "LC_ALL": "C"},
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert result.returncode == 1
    assert result.stderr.startswith("initviz: the result cannot be written (No space left on device).")
    assert result.stderr.count("\n") == 1


def test_a_reader_that_leaves_is_no_reason_to_complain() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "initviz", "list", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert said == b""


def test_output_a_terminal_cannot_show_is_no_failure(experiment_file: Path) -> None:
    result = start("list", "--lang", "zh", PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert "initializer" in result.stdout
    result = start("list", "--json", "--lang", "zh", PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert "\\u" in result.stdout


def test_verbose_says_more(initviz: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def execute(given: argparse.Namespace, language: Language) -> int:
        logging.getLogger("initviz.some").info("a detail")
        logging.getLogger("initviz.some").warning("a warning")
        return 0

    from dataclasses import replace

    monkeypatch.setattr(
        command_line, "COMMANDS", tuple(replace(command, execute=execute) for command in COMMANDS)
    )
    assert initviz("list").err == "initviz: a warning\n"
    assert initviz("list", "-v").err == "initviz: a detail\ninitviz: a warning\n"
    assert initviz("--verbose", "list").err == "initviz: a detail\ninitviz: a warning\n"
