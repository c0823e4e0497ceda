"""Every text of the plots is there in Chinese, under the name by which Qt looks for it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QLocale, QTranslator
from PySide6.QtWidgets import QApplication

import initviz.views
from initviz.resources import resource
from initviz.views.index import VIEWS, create
from initviz.views.ink import Ink
from tests.views.conftest import Show, make_run

FOLDER = Path(initviz.views.__file__).parent


def test_tr_is_only_asked_of_oneself() -> None:
    """Qt looks a text up under the class of the object, the collector under the class that it stands in."""
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "tr":
                assert isinstance(node.func.value, ast.Name), (path.name, node.lineno)
                assert node.func.value.id == "self", (path.name, node.lineno)
                assert isinstance(node.args[0], ast.Constant), (path.name, node.lineno)


@pytest.fixture
def chinese(qapp: QApplication) -> QTranslator:
    translator = QTranslator(qapp)
    assert translator.load(str(resource("translations", "initviz_zh.qm")))
    return translator


@pytest.mark.parametrize("key", [view.key for view in VIEWS])
def test_texts_are_chinese(
    key: str, chinese: QTranslator, qapp: QApplication, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is painted or said, less numbers, formulas and names, has a Chinese character in it."""
    qapp.installTranslator(chinese)
    before = QLocale()
    QLocale.setDefault(QLocale("zh_CN"))  # texts of the catalogue follow it
    try:
        view = show(key, make_run(5, 13, key=key))
        empty = create(key)
        said = [view.title(), view.sentence(), empty.invitation(), view.windowTitle()]
        said += [action.text() for action in view.menu.actions() if not action.isSeparator()]
        painted: list[str] = []
        text = Ink.text

        def listening(self: Ink, x: float, y: float, text_: str, *rest: object, **options: object) -> float:
            painted.append(text_)
            return text(self, x, y, text_, *rest, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(Ink, "text", listening)
        view.set_run(view.info, view.history)
        monkeypatch.setattr(Ink, "text", text)
        empty.deleteLater()
    finally:
        QLocale.setDefault(before)
        qapp.removeTranslator(chinese)
        QCoreApplication.sendPostedEvents()
    assert view.info is not None
    names = {lane.name for lane in view.info.lanes} | set(view.info.lanes[0].layers)
    names |= set(view.info.recurrent_layers)
    for word in said + [part for part in painted if part not in names]:
        latin = [letter for letter in word if letter.isascii() and letter.isalpha()]
        if len(latin) > 3:
            assert any("\u4e00" <= letter <= "\u9fff" for letter in word), word
