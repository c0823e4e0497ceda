"""A plot that cannot be drawn says so, and harms nothing else."""

from __future__ import annotations

import logging

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from initviz.views.ink import Ink
from tests.views.conftest import Show, make_run


def test_a_fault_while_drawing_is_survived(
    show: Show, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The picture is finished and can be painted on again, the fault is logged once, and the next drawing succeeds."""
    run = make_run()
    view = show("loss", run)
    good = view.canvas.grab().toImage()
    draw = view.draw

    def fail(ink: Ink, area: QRectF) -> None:
        ink.clip(QRectF(0, 0, 10, 10))
        ink.painter.translate(50, 50)
        raise ValueError("no such thing")

    monkeypatch.setattr(view, "draw", fail)
    with caplog.at_level(logging.ERROR, logger="initviz.views.base"):
        for _ in range(3):
            run.go_on(3)
            view.refresh()
    assert len(caplog.records) == 1
    assert "no such thing" in caplog.text
    assert view.canvas.image is not None
    painter = QPainter()
    assert painter.begin(view.canvas.image), "the painter before was left open"
    painter.end()
    said = view.canvas.grab().toImage()
    assert said != good
    assert said.pixelColor(said.width() // 2, 3) == said.pixelColor(3, 3)
    monkeypatch.setattr(view, "draw", draw)
    run.go_on(3)
    view.refresh()
    assert view.canvas.grab().toImage() != said


def test_a_fault_in_what_stays_is_not_taken_for_drawn(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """The part of a plot that is kept between frames is made anew after a fault."""
    run = make_run()
    view = show("grad_norm_bars", run)
    good = view.canvas.grab().toImage()
    fill = Ink.fill

    def fail(self: Ink, rect: QRectF, color: str, alpha: int = 255) -> None:
        if color == view.theme.surface:
            monkeypatch.setattr(Ink, "fill", fill)
            raise ValueError("once")
        fill(self, rect, color, alpha)

    monkeypatch.setattr(Ink, "fill", fail)
    view.set_theme(view.theme)
    view.set_theme(view.theme)
    assert view.canvas.grab().toImage() == good
