import subprocess
import sys

import pytest
from PySide6.QtGui import QColor, QImage, QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.ui.formula import FormulaView, formula_svg

HE = r"W_{ij} \sim \mathcal{N}\left(0, \frac{2}{n_{in}}\right)"
FORMULAS = [pytest.param(part.formula, id=f"{part.kind}-{part.key}") for part in catalogue() if part.formula]


@pytest.mark.parametrize("tex", FORMULAS)
def test_every_formula_of_the_catalogue_can_be_typeset(tex: str) -> None:
    svg = formula_svg(tex)
    assert svg is not None
    assert "<path" in svg


def test_typesetting_is_not_loaded_before_it_is_needed() -> None:
    code = (
        "import sys; import initviz.ui.formula, initviz.ui.start_panel, initviz.ui.training_panel;"
        "print('ziamath' in sys.modules, 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.split() == ["False", "False"]


def shown(qtbot: QtBot, tex: str, width: int = 300, text: str = "#000000") -> tuple[FormulaView, QWidget]:
    holder = QWidget()
    qtbot.addWidget(holder)
    colors = QPalette(holder.palette())
    colors.setColor(QPalette.ColorRole.Window, QColor("#808080"))
    colors.setColor(QPalette.ColorRole.WindowText, QColor(text))
    colors.setColor(QPalette.ColorRole.PlaceholderText, QColor(text))
    holder.setPalette(colors)
    view = FormulaView(holder)
    column = QVBoxLayout(holder)
    column.addWidget(view)
    column.addStretch(1)
    holder.resize(width, 300)
    view.set_formula(tex)
    holder.show()
    return view, holder


def colors_of(image: QImage) -> set[str]:
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


@pytest.mark.parametrize("color", ["#ffffff", "#102030"])
def test_a_formula_takes_the_colour_of_the_text(qtbot: QtBot, color: str) -> None:
    view, _holder = shown(qtbot, HE, text=color)
    qtbot.waitUntil(lambda: view.is_typeset)
    seen = colors_of(view.grab().toImage())
    assert color in seen
    assert "#000000" not in seen


def test_another_theme_recolours_it(qtbot: QtBot) -> None:
    view, holder = shown(qtbot, HE, text="#000000")
    qtbot.waitUntil(lambda: view.is_typeset)
    colors = QPalette(holder.palette())
    colors.setColor(QPalette.ColorRole.WindowText, QColor("#ff0000"))
    holder.setPalette(colors)
    qtbot.waitUntil(lambda: "#ff0000" in colors_of(view.grab().toImage()))


def test_a_wide_formula_is_made_smaller_not_cut(qtbot: QtBot) -> None:
    wide, _holder = shown(qtbot, HE + r"\quad" + HE + r"\quad" + HE, width=260)
    qtbot.waitUntil(lambda: wide.is_typeset)
    image = wide.grab().toImage()
    edge = {image.pixelColor(image.width() - 1, y).name() for y in range(image.height())}
    assert edge == {"#808080"}
    assert len(colors_of(image)) > 10


def test_what_cannot_be_typeset_is_shown_as_it_is_written(
    qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    broken = r"\frac{a}"
    assert formula_svg(broken) is None
    assert broken in caplog.text
    view, _holder = shown(qtbot, broken)
    qtbot.waitUntil(lambda: len(colors_of(view.grab().toImage())) > 3)
    assert not view.is_typeset
    assert view.accessibleName() == broken


def test_no_formula_takes_no_room(qtbot: QtBot) -> None:
    view, _holder = shown(qtbot, HE)
    assert view.isVisible()
    view.set_formula("")
    assert not view.isVisible()


def test_a_formula_is_typeset_once() -> None:
    assert formula_svg(HE) is formula_svg(HE)
