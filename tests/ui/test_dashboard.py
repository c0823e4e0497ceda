"""The arrangement of the plots, saved and restored."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from initviz.ui.dashboard import Dashboard
from initviz.ui.layouts import columns
from initviz.views.index import LAYOUTS
from initviz.views.palette import LIGHT


def _dashboard(qtbot: QtBot) -> Dashboard:
    dashboard = Dashboard(LIGHT)
    qtbot.addWidget(dashboard)
    dashboard.resize(1200, 800)
    dashboard.show()
    qtbot.wait(1)
    return dashboard


def _shown(dashboard: Dashboard) -> set[str]:
    return {key for key, dock in dashboard.docks.items() if not dock.isHidden()}


@pytest.mark.parametrize("last", LAYOUTS)
def test_the_plots_of_earlier_layouts_do_not_come_back(qtbot: QtBot, last: str) -> None:
    """A plot that another layout has shown stays away after a restart."""
    before = _dashboard(qtbot)
    for key in (*LAYOUTS, last):
        before.arrange(key, flat=False)
        qtbot.wait(1)
    wanted = {name for column in columns(last, flat=False) for name in column}
    assert _shown(before) == wanted
    after = _dashboard(qtbot)
    assert after.restore_arrangement(before.save_arrangement(), last, flat=False)
    assert _shown(after) == wanted


def test_closed_and_floating_plots_stay_so(qtbot: QtBot) -> None:
    """What a person closed is closed, and what floats floats, after a restart."""
    before = _dashboard(qtbot)
    before.docks["grad_norm_map"].close()
    before.docks["signal"].setFloating(True)
    before.show_dock("lr", True)
    qtbot.wait(1)
    after = _dashboard(qtbot)
    assert after.restore_arrangement(before.save_arrangement(), "overview", flat=False)
    assert _shown(after) == {"loss", "signal", "weights", "lr"}
    assert [key for key, dock in after.docks.items() if dock.isFloating()] == ["signal"]
