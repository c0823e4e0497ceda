"""Glorot and Bengio 2010, section 4.2.1 and figures 7 and 9, as two plots of the window show it.

From the standard start U(-1/sqrt(n), 1/sqrt(n)) the gradient by the pre-activations shrinks on its way back, since
n Var W is 1/3, while the gradient by the weights has about one size in all layers: what came forward has shrunk as
much. The paper shows five tanh layers of 1,000 units on images of shapes; here they have 200 units and standard normal
inputs. With the paper's own start, the normalized one, the first no longer shrinks.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from initviz.telemetry.frame import Floats
from initviz.telemetry.history import RunHistory
from initviz.telemetry.monitor import Monitor
from initviz.views.base import View
from initviz.views.index import create
from tests.reference.starts import gaussian, plain, race_at_start

WIDTH, DEPTH = 200, 5
SEEDS = range(4)
STANDARD = {"name": "uniform", "low": -1 / math.sqrt(WIDTH), "high": 1 / math.sqrt(WIDTH)}
NORMALIZED = {"name": "xavier_uniform"}


@pytest.fixture
def watched() -> RunHistory:
    """Return what is known of a run after its first step: some draws of either start."""
    lanes = [
        {"name": f"{name} {seed}", "seed": seed, "init": {"weight": start}}
        for name, start in (("standard", STANDARD), ("normalized", NORMALIZED))
        for seed in SEEDS
    ]
    race = race_at_start(
        plain(DEPTH, WIDTH, "tanh"),
        {"weight": STANDARD},
        lanes=lanes,
        data=gaussian(WIDTH, samples=400) | {"batch_size": 256},
        steps=10,
    )
    monitor = Monitor(race, run_id=1)
    history = RunHistory(monitor.info)
    monitor.advance(want_frame=True)
    scalars = monitor.take_scalars()
    assert scalars is not None
    history.append(scalars)
    history.add_frame(monitor.frame(complete=True))
    return history


def shown(key: str, history: RunHistory, qtbot: QtBot) -> View:
    view = create(key)
    qtbot.addWidget(view)
    view.resize(900, 500)
    view.set_run(history.info, history)
    view.show()
    qtbot.waitExposed(view)
    view.refresh()
    return view


def column(view: View, name: str, when: str = "") -> Floats:
    """Return a column of the numbers that a view shows, ``(lanes, hidden layers)``."""
    head, *rows = (list(row) for row in view.table())
    place = head.index(name)
    chosen = [row for row in rows if not when or row[head.index("when")] == when]
    values = np.array([float(row[place]) for row in chosen]).reshape(2 * len(SEEDS), DEPTH + 1)
    return values[:, :DEPTH]


def test_dc_dz_shrinks_in_one_plot_and_dc_dw_stands_level_in_the_other(
    watched: RunHistory, qtbot: QtBot
) -> None:
    back = column(shown("signal", watched, qtbot), "grad_preactivation_q", "now")
    norms = column(shown("grad_norm_bars", watched, qtbot), "grad_norm")
    heat = shown("grad_norm_map", watched, qtbot).table()
    standard, normalized = slice(0, len(SEEDS)), slice(len(SEEDS), None)
    # Each of the layers shrinks the mean square to a third or less: tanh takes its share of what is left.
    spread = 4 * math.sqrt(5 * (DEPTH - 1) / WIDTH / len(SEEDS))
    fall = np.log(back[:, 0] / back[:, -1])
    assert fall[standard].mean() < -(DEPTH - 1) * math.log(3) + spread
    assert fall[standard].mean() > -(DEPTH - 1) * math.log(6) - spread
    # The norm of dC/dw changes by less than a fourth of that, in decades; a square root is taken in either.
    change = np.log(norms[:, 1] / norms[:, -1])
    assert abs(change[standard].mean()) < abs(fall[standard].mean()) / 2 / 4 + spread / 2
    # From the normalized start dC/dz keeps more than half of its mean square a layer.
    assert fall[normalized].mean() > -(DEPTH - 1) * math.log(2)
    # The heat map shows the same norms, as decades.
    decades = np.array([float(row[5]) for row in heat[1:] if row[3] == 0]).reshape(2 * len(SEEDS), -1)
    np.testing.assert_allclose(decades[:, :DEPTH], np.log10(norms), atol=1e-3)
