"""Garbage is collected where the widgets live, and imported modules are not looked through."""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from initviz.worker import collector as rules
from initviz.worker.collector import GcCollector


class Loop:
    """Refers to itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def collector(qtbot: QtBot) -> Iterator[GcCollector]:
    gc.enable()
    collector = GcCollector()
    gc.collect()
    gc.freeze()
    collector.collect_if_due()  # takes note of the modules that are there
    yield collector
    collector.stop()
    assert gc.isenabled()
    gc.disable()  # as it is for all tests


def test_python_does_not_collect_while_it_is_there(collector: GcCollector) -> None:
    assert not gc.isenabled()


def test_it_collects_on_its_timer(collector: GcCollector, qtbot: QtBot) -> None:
    gone = weakref.ref(Loop())
    kept = [Loop() for _ in range(gc.get_threshold()[0] + 1)]
    assert gone() is not None
    qtbot.waitUntil(lambda: gone() is None, timeout=4 * rules.INTERVAL_MS)
    assert kept


def test_little_garbage_waits_for_the_full_collection(
    collector: GcCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "TICKS_BETWEEN_FULL", 3)
    gc.collect()
    gone = weakref.ref(Loop())
    collector.collect_if_due()
    assert gone() is not None
    for _ in range(3):
        collector.collect_if_due()
    assert gone() is None


def test_what_modules_bring_along_is_left_out(
    collector: GcCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = gc.get_freeze_count()
    monkeypatch.setitem(sys.modules, "a_new_module", types.ModuleType("a_new_module"))
    content = [Loop() for _ in range(rules.IMPORTED_OBJECTS + 1)]
    collector.collect_if_due()
    assert gc.get_freeze_count() >= before + len(content)
    # Without a new module the same number is garbage like any other.
    gone = weakref.ref(Loop())
    content += [Loop() for _ in range(rules.IMPORTED_OBJECTS + 1)]
    collector.collect_if_due()
    assert gone() is None


def test_it_dies_with_its_parent(qtbot: QtBot) -> None:
    gc.disable()
    parent = QObject()
    collector = GcCollector(parent)
    assert collector.parent() is parent
    collector.stop()
