"""What is seen before anybody presses play, and while a number is dragged."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.limits import Limits
from initviz.telemetry.history import RunHistory
from initviz.ui.main_window import MainWindow
from initviz.ui.playback import DRAG_MS, SETTLE_MS, Playback
from initviz.ui.session import Session
from initviz.worker.trainer import Trainer
from tests.ui.shell import LaneWorkshop, press, state, steps_made, wait_for_steps

STD = "lanes[0].init.weight.std"
DOCUMENT: dict[str, object] = {
    "steps": 100,
    "device": "cpu",
    "data": {"name": "moons", "batch_size": 32},
    "model": {"family": "mlp", "depth": 3, "width": 16, "activation": "relu"},
    "lanes": [{"name": "small", "init": {"weight": {"name": "normal", "std": 0.02}}}],
}


def wait_for_more(qtbot: QtBot, seen: Sequence[object], count: int) -> None:
    qtbot.waitUntil(lambda: len(seen) > count, timeout=5000)


def history(window: MainWindow) -> RunHistory:
    found = window.parts.playback.history
    assert found is not None
    return found


def test_the_start_is_seen_before_play_and_curves_invite_to_it(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: history(window).frame is not None)
    frame = history(window).frame
    assert frame is not None
    assert frame.at_rest
    assert steps_made(window) == 0
    assert window.transport.step_text.text().startswith("step 0 of")
    assert {(card.status_words, card.loss) for card in window.controls.lanes.model.cards} == {("ready", "")}
    filled = {key: dock.view.has_data() for key, dock in window.dashboard.docks.items() if dock.view}
    assert all(filled[key] for key in ("signal", "weights", "activations"))
    assert not any(filled[key] for key in ("loss", "grad_norm_map", "update_ratio", "lr"))
    press(qtbot, window, Qt.Key.Key_Space)
    wait_for_steps(qtbot, window, 5)
    qtbot.waitUntil(lambda: not getattr(history(window).frame, "at_rest", True))


def test_the_plots_of_one_start_give_way_to_those_of_the_next_with_nothing_between(
    window: MainWindow, qtbot: QtBot
) -> None:
    seen: list[bool] = []
    window.parts.playback.run_changed.connect(lambda: seen.append(history(window).frame is not None))
    for seed in (1, 2, 3):
        runs = len(seen)
        window.parts.session.edit("seed", seed, "seed")
        wait_for_more(qtbot, seen, runs)
    assert seen == [True] * len(seen)


def test_a_hand_that_moves_on_is_followed_and_not_only_where_it_rests(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    """Edits come faster than any wait; runs are made all the while, and the last one is of the last edit."""
    window.parts.session.edit("seed", 999, "seed")
    qtbot.waitUntil(lambda: workshop.experiments[-1].seed == 999 and state(window) == "ready", timeout=5000)
    before = len(workshop.runs)
    began = time.monotonic()
    edits, moves = 0, [began]
    while time.monotonic() - began < 8 * SETTLE_MS / 1000:
        edits += 1
        window.parts.session.edit("seed", edits, "seed")
        moves.append(time.monotonic())
        qtbot.wait(10)
    during = len(workshop.runs) - before
    rests = sum(later - sooner > SETTLE_MS / 1000 for sooner, later in itertools.pairwise(moves))
    assert during >= 3 + rests
    assert during <= 1 + (time.monotonic() - began) * 1000 / DRAG_MS
    qtbot.waitUntil(
        lambda: window.parts.playback.is_current and workshop.experiments[-1].seed == edits, timeout=5000
    )
    assert state(window) == "ready"


def test_a_run_that_takes_long_to_make_is_asked_for_when_the_hand_rests(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    workshop.on_build = lambda: time.sleep(0.6)
    window.parts.session.edit("seed", 999, "seed")
    qtbot.waitUntil(lambda: workshop.experiments[-1].seed == 999 and state(window) == "ready", timeout=5000)
    workshop.on_build = lambda: None
    before = len(workshop.runs)
    for seed in range(20):
        window.parts.session.edit("seed", seed, "seed")
        qtbot.wait(SETTLE_MS // 10)
    assert len(workshop.runs) == before
    qtbot.waitUntil(lambda: len(workshop.runs) == before + 1, timeout=5000)


def test_a_small_network_s_start_follows_an_edit_quickly(qtbot: QtBot) -> None:
    """The time from an edit of the standard deviation to the frame of the new start, with real networks."""
    session = Session(DOCUMENT, catalogue(), Limits())
    trainer = Trainer(catalogue(), Limits())
    playback = Playback(session, trainer)
    frames: list[float] = []

    def note() -> None:
        assert playback.history is not None
        assert playback.history.frame is not None
        frames.append(time.perf_counter())

    playback.run_changed.connect(note)
    playback.start()
    qtbot.waitUntil(lambda: playback.state == "ready", timeout=60_000)
    took: list[float] = []
    spread: list[float] = []
    for number in range(6):
        began, count = time.perf_counter(), len(frames)
        session.edit(STD, 0.04 * 2**number, "standard deviation")
        wait_for_more(qtbot, frames, count)
        took.append(frames[-1] - began)
        assert playback.history is not None
        assert playback.history.frame is not None
        spread.append(float(playback.history.frame.signal.preactivation_q[0, 0]))
    print(f"an edit to its frame: {[round(1000 * one) for one in took]} ms")
    assert min(took) < 0.4  # a third of it where nothing else is going on
    ratios = [later / sooner for sooner, later in itertools.pairwise(spread)]
    assert all(abs(ratio - 4.0) < 1e-3 for ratio in ratios), "twice the deviation is four times the square"
    assert playback.stop()
    trainer.deleteLater()
