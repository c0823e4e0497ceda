"""The window's texts are complete in Chinese, and what is compiled is what is written."""

from __future__ import annotations

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
