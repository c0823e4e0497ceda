"""Every view saves itself: PNG, SVG, CSV and the clipboard."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Text
from initviz.views.index import VIEWS
from initviz.views.palette import LIGHT
from tests.views.conftest import Run, Show, count_of, make_run, pixels

EACH = pytest.mark.parametrize("key", [view.key for view in VIEWS])


def run_for(key: str, layers: int = 13, steps: int = 300) -> Run:
    return make_run(4, layers, steps, key=key)


@EACH
def test_save_png(key: str, show: Show, tmp_path: Path) -> None:
    view = show(key, run_for(key))
    path = tmp_path / f"{key}.png"
    view.save(path)
    image = QImage(str(path))
    assert image.width() == 2 * view.canvas.width()
    assert not path.with_name(path.name + ".part").exists()


@EACH
def test_save_svg(key: str, show: Show, tmp_path: Path) -> None:
    view = show(key, run_for(key))
    path = tmp_path / f"{key}.svg"
    view.save(path)
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    name = "{http://www.w3.org/2000/svg}"
    texts = [text.text or "" for text in root.iter(f"{name}text")]
    assert any(view.title() in text for text in texts)
    shapes = {
        tag: len(list(root.iter(name + tag)))
        for tag in ("path", "polyline", "rect", "image", "circle", "line")
    }
    if key == "explain":  # it draws words
        assert all(any(lane.name in text for text in texts) for lane in run_for(key).info.lanes)
    else:
        assert sum(shapes.values()) > 5, shapes


@EACH
def test_save_csv_is_the_table(key: str, show: Show, tmp_path: Path) -> None:
    view = show(key, run_for(key, layers=3, steps=30))
    path = tmp_path / f"{key}.csv"
    view.save(path)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    table = view.table()
    assert rows == [[str(cell) for cell in row] for row in table]
    assert len({len(row) for row in rows}) == 1


def test_another_suffix_is_refused(show: Show, tmp_path: Path) -> None:
    view = show("loss", run_for("loss"))
    with pytest.raises(InitVizError, match=r"\.png, \.svg, \.csv"):
        view.save(tmp_path / "loss.bmp")
    assert list(tmp_path.glob("loss*")) == []


@pytest.mark.parametrize("suffix", [".png", ".svg", ".csv"])
def test_a_folder_that_is_not_there_is_told(suffix: str, show: Show, tmp_path: Path, qtbot: QtBot) -> None:
    view = show("loss", run_for("loss"))
    with qtbot.waitSignal(view.failed) as failed:
        view.save_as(str(tmp_path / "missing" / f"loss{suffix}"))
    text = failed.args[0] if failed.args else None
    assert isinstance(text, Text)
    assert "missing" in text.en
    assert "无法写入" in text.zh


def test_a_name_without_suffix_gets_the_one_chosen(show: Show, tmp_path: Path, qtbot: QtBot) -> None:
    view = show("loss", run_for("loss"))
    with qtbot.waitSignal(view.saved) as saved:
        view.save_as(str(tmp_path / "picture"))
    assert saved.args == [str(tmp_path / "picture.png")]


@pytest.mark.parametrize("name", ["png", "svg", "csv"])
def test_the_menu_asks_for_a_file(name: str, show: Show, tmp_path: Path, qtbot: QtBot) -> None:
    view = show("signal", run_for("signal"))
    view.head.entries[name].trigger()
    dialog = view.findChild(QFileDialog)
    assert dialog is not None
    assert dialog.defaultSuffix() == name
    target = tmp_path / f"chosen.{name}"
    with qtbot.waitSignal(view.saved):
        dialog.fileSelected.emit(str(target))
    assert target.stat().st_size > 100
    dialog.close()


def test_copy_puts_a_picture_on_the_clipboard(show: Show) -> None:
    view = show("loss", run_for("loss"))
    view.head.entries["copy"].trigger()
    image = QGuiApplication.clipboard().image()
    assert image.width() == 2 * view.canvas.width()
    assert count_of(pixels(image), LIGHT.lane(3).color, 25) > 50
