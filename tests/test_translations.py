"""The window's texts are complete in Chinese, and what is compiled is what is written."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from initviz.resources import resource

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(str(resource("translations")))
PLACEHOLDER = re.compile(r"%(?:L?\d+|L?n)|\{[^{}]*\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")

Message = tuple[str, str]


def texts(path: Path) -> dict[Message, list[str]]:
    """What a Linguist file says: (context, source) to its translations; an unfinished one has none."""
    found: dict[Message, list[str]] = {}
    for context in ElementTree.parse(path).getroot().iter("context"):
        for message in context.iter("message"):
            translation = message.find("translation")
            assert translation is not None
            finished = translation.get("type") is None
            forms = [form.text or "" for form in translation.iter("numerusform")] or [translation.text or ""]
            key = (context.findtext("name", ""), message.findtext("source", ""))
            found[key] = forms if finished else []
    return found


def test_nothing_is_left_to_translate() -> None:
    left = [key for key, forms in texts(FOLDER / "initviz_zh.ts").items() if not forms or "" in forms]
    assert left == []


def test_english_plurals_are_complete() -> None:
    plurals = texts(FOLDER / "initviz_en.ts")
    assert [key for key, forms in plurals.items() if len(forms) != 2 or "" in forms] == []


def test_a_translation_keeps_every_placeholder() -> None:
    for (context, source), forms in texts(FOLDER / "initviz_zh.ts").items():
        for form in forms:
            assert sorted(PLACEHOLDER.findall(form)) == sorted(PLACEHOLDER.findall(source)), (context, source)


def test_chinese_texts_are_chinese() -> None:
    words = {
        source: form
        for (_, source), forms in texts(FOLDER / "initviz_zh.ts").items()
        for form in forms
        if len(re.findall(r"[A-Za-z]{4,}", PLACEHOLDER.sub("", source))) >= 2
    }
    assert len(words) > 100
    foreign = [source for source, form in words.items() if not CHINESE.search(form)]
    assert foreign == []


@pytest.mark.parametrize(("language", "only"), [("en", ["-pluralonly"]), ("zh", [])])
def test_the_files_hold_the_texts_of_the_sources(language: str, only: list[str], tmp_path: Path) -> None:
    """``python3 tasks.py translate`` has been run since a text was last changed."""
    fresh = tmp_path / "fresh.ts"
    sources = sorted(str(path) for path in (ROOT / "initviz").rglob("*.py"))
    tool = Path(sys.executable).with_name("pyside6-lupdate")
    command = [str(tool), *sources, "-ts", str(fresh), "-locations", "none", "-source-language", "en", *only]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert set(texts(fresh)) == set(texts(FOLDER / f"initviz_{language}.ts"))


def test_the_compiled_files_say_what_the_written_ones_say() -> None:
    from PySide6.QtCore import QTranslator

    translator = QTranslator()
    assert translator.load(str(FOLDER / "initviz_zh.qm"))
    for (context, source), forms in texts(FOLDER / "initviz_zh.ts").items():
        number = 2 if "%n" in source else -1
        assert translator.translate(context, source, None, number) == forms[0], (context, source)


# Menus put the letter of a key into half-width brackets, and file dialogs read patterns from them.
HALF_WIDTH_BY_RULE = re.compile(r"\(&.\)|\(\*[^)]*\)")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff”』》][,;:!?()]|[,;!?()][\u4e00-\u9fff“『《]")


def half_width(texts: list[str]) -> list[str]:
    """Return the Chinese texts in which a comma, colon, bracket or the like is that of English."""
    return [text for text in texts if HALF_WIDTH.search(HALF_WIDTH_BY_RULE.sub("", text))]


def carried_texts() -> list[str]:
    """Return the Chinese of every ``Text(en, zh)`` in the sources, with "x" for what is filled in."""
    found = []
    for path in (ROOT / "initviz").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func) in {"Text", "LayerError"}
                and len(node.args) == 2
            ):
                found.append(written(node.args[1]))
    return found


def written(node: ast.expr) -> str:
    """Return a literal string as it stands in the source."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(written(part) if isinstance(part, ast.Constant) else "x" for part in node.values)
    return ""


def test_chinese_punctuation_is_full_width() -> None:
    assert half_width(["权重,偏置", "学习率: 0.1", "正态(截断)", "文件(&F)", "图片 (*.png)"]) == [
        "权重,偏置",
        "学习率: 0.1",
        "正态(截断)",
    ]
    of_the_window = [form for forms in texts(FOLDER / "initviz_zh.ts").values() for form in forms]
    assert half_width(of_the_window) == []
    carried = carried_texts()
    assert sum(bool(CHINESE.search(text)) for text in carried) > 200
    assert half_width(carried) == []
    lessons = sorted(Path(str(resource("lessons", "zh"))).glob("*.md"))
    assert lessons
    lines = [line for path in lessons for line in path.read_text(encoding="utf-8").splitlines()]
    assert half_width([line.replace("*", "") for line in lines]) == []


def test_lessons_call_plots_and_panels_what_the_window_calls_them() -> None:
    called = {source: forms[0] for (_, source), forms in texts(FOLDER / "initviz_zh.ts").items() if forms}
    named = 0
    for path in sorted(Path(str(resource("lessons", "en"))).glob("*.md")):
        chinese = (path.parent.parent / "zh" / path.name).read_text(encoding="utf-8")
        for name in re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", path.read_text(encoding="utf-8")):
            if name in called:
                named += 1
                assert f"“{called[name]}”" in chinese, (path.name, name)
    assert named >= 8
