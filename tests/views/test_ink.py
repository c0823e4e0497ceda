"""Strokes: what is painted is where it should be, on the screen and in a file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from initviz.views import lettering
from initviz.views.ink import CENTER, LEFT, RIGHT, Align, Ink
from initviz.views.magnitude import magnitude_table
from initviz.views.palette import LIGHT, MARKERS
from tests.views.conftest import Pixels, count_of, pixels

pytestmark = pytest.mark.usefixtures("qapp")
BLUE, ORANGE = LIGHT.lane(0).color, LIGHT.lane(1).color


def paint(draw: Callable[[Ink], None], scale: float = 1.0, vector: bool = False, edge: int = 100) -> Pixels:
    image = QImage(round(edge * scale), round(edge * scale), QImage.Format.Format_RGB32)
    image.fill(0xFFFFFFFF)
    painter = QPainter(image)
    painter.scale(scale, scale)
    draw(Ink(painter, LIGHT, scale, vector))
    painter.end()
    return pixels(image)


def darkness(image: Pixels) -> np.ndarray:
    """Return how much of each pixel is covered, 0 to 1, by a blue line on white."""
    return np.asarray((255 - image[:, :, 0].astype(float)) / (255 - int(BLUE[1:3], 16)))


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("width", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("vector", [False, True])
def test_a_line_is_as_thick_as_asked(scale: float, width: float, vector: bool) -> None:
    x, y = np.array([10.0, 90.0]), np.array([50.0, 50.0])
    image = paint(lambda ink: ink.curve(x, y, BLUE, width), scale, vector)
    column = darkness(image)[:, image.shape[1] // 2]
    assert column.sum() == pytest.approx(width * scale, abs=0.6)
    middle = (column * np.arange(len(column))).sum() / column.sum()
    assert middle == pytest.approx(50 * scale - 0.5, abs=0.8)


def test_a_gap_stays_a_gap_and_a_lone_point_is_a_dot() -> None:
    x = np.arange(10, 100, 10.0)
    y = np.array([50, 50, np.nan, 50, np.nan, 50, 50, np.inf, -np.inf])
    covered = darkness(paint(lambda ink: ink.curve(x, y, BLUE))).max(axis=0)
    assert covered[15] > 0.4
    assert covered[30] < 0.05  # between 20 and 40 there is nothing, but at 40 a dot
    assert covered[40] > 0.3
    assert covered[50] < 0.05
    assert covered[65] > 0.4
    assert covered[75:].max() < 0.05


@pytest.mark.parametrize("vector", [False, True])
@pytest.mark.parametrize("dash", [(), (7.0, 4.0)])
def test_nothing_is_painted_for_no_points(vector: bool, dash: tuple[float, ...]) -> None:
    """A lane that diverged before its first score has a curve of no points, and perhaps a dashed one."""
    none = np.zeros(0)
    assert (paint(lambda ink: ink.curve(none, none, BLUE, 1.0, dash), vector=vector) == 255).all()
    gone = np.full(3, np.nan)
    assert (paint(lambda ink: ink.curve(np.arange(3.0), gone, BLUE, 1.0, dash), vector=vector) == 255).all()


@pytest.mark.parametrize("vector", [False, True])
def test_dashes_have_their_lengths(vector: bool) -> None:
    x, y = np.array([0.0, 100.0]), np.array([50.5, 50.5])
    covered = darkness(paint(lambda ink: ink.curve(x, y, BLUE, 1.0, (7.0, 4.0)), vector=vector)).max(axis=0)
    on = covered > 0.5
    assert on.mean() == pytest.approx(7 / 11, abs=0.08)
    changes = int(np.abs(np.diff(on.astype(int))).sum())
    assert 16 <= changes <= 19


def test_nothing_at_all_draws_nothing() -> None:
    nothing = np.zeros(0)

    def draw(ink: Ink) -> None:
        ink.curve(nothing, nothing, BLUE)
        ink.segments(np.zeros((0, 4)), BLUE)
        ink.bars(np.zeros((0, 4)), BLUE)
        ink.dots(nothing, nothing, BLUE, 4)
        ink.dots(np.full(3, np.nan), np.full(3, np.nan), BLUE, 4)
        ink.picture(QRectF(0, 0, 50, 50), np.zeros((0, 5), np.uint8), magnitude_table(LIGHT))
        ink.picture(QRectF(0, 0, 50, 50), np.zeros((5, 0), np.uint8), magnitude_table(LIGHT))

    assert (paint(draw) == 255).all()


def test_many_more_primitives_after_few() -> None:
    """Memory that Qt reads in place must not be that of an earlier, smaller call."""
    for count in (3, 5000, 10, 20_000):
        rects = np.stack(
            (np.arange(count) % 100, np.arange(count) // 100 % 100, np.ones(count), np.ones(count)), 1
        )
        image = paint(lambda ink, rects=rects: ink.bars(rects, BLUE))  # type: ignore[misc]
        assert count_of(image, BLUE) == min(count, 10_000)


@pytest.mark.parametrize("vector", [False, True])
@pytest.mark.parametrize("hollow", [False, True])
def test_dots_are_round_and_centred(vector: bool, hollow: bool) -> None:
    image = paint(lambda ink: ink.dots(np.array([30.0]), np.array([60.0]), BLUE, 9.0, hollow), vector=vector)
    covered = darkness(image)
    rows, columns = np.nonzero(covered > 0.3)
    assert rows.mean() == pytest.approx(59.5, abs=0.7)
    assert columns.mean() == pytest.approx(29.5, abs=0.7)
    assert 7 <= np.ptp(rows) + 1 <= 10
    assert (covered[59:61, 29:31].max() < 0.2) == hollow


def test_a_band_covers_what_lies_between() -> None:
    x = np.linspace(10, 90, 81)
    low, high = np.full(81, 70.0), np.full(81, 30.0)
    for vector in (False, True):
        image = paint(lambda ink, vector=vector: ink.band(x, low, high, BLUE), vector=vector)  # type: ignore[misc]
        assert count_of(image, BLUE) == pytest.approx(80 * 40, rel=0.03)
        assert count_of(image[32:68, 12:88], BLUE) == 36 * 76


def test_every_marker_has_a_form_of_its_own() -> None:
    forms = [paint(lambda ink, kind=kind: ink.marker(kind, 50, 50, BLUE, 12)) for kind in MARKERS]  # type: ignore[misc]
    areas = [count_of(form, BLUE) for form in forms]
    assert min(areas) > 0.4 * max(areas)
    for number, form in enumerate(forms):
        for other in forms[number + 1 :]:
            assert (form != other).any(axis=2).sum() > 60


def test_a_picture_keeps_every_cell() -> None:
    table = np.arange(256, dtype=np.uint32) * 0x010000 + 0xFF000000
    codes = np.array([[10, 20, 30], [40, 50, 60]], np.uint8)
    for scale in (1.0, 2.0):
        image = paint(lambda ink: ink.picture(QRectF(10, 20, 60, 40), codes, table), scale)
        for row in range(2):
            for column in range(3):
                at = image[round((25 + 20 * row) * scale), round((15 + 20 * column) * scale)]
                assert at.tolist() == [codes[row, column], 0, 0]
        assert image[round(19 * scale), round(30 * scale)].tolist() == [255, 255, 255]


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("halo", [False, True])
def test_text_is_aligned(bold: bool, halo: bool) -> None:
    edges = []
    for align, place in ((LEFT, 20.0), (RIGHT, 80.0), (CENTER, 50.0)):

        def draw(ink: Ink, place: float = place, align: Align = align) -> None:
            ink.text(place, 50, "HHH", "#000000", 14, align, bold=bold, halo=halo)

        rows, columns = np.nonzero(paint(draw)[:, :, 1] < 120)
        edges.append((int(columns.min()), int(columns.max())))
        assert (rows.min() + rows.max()) / 2 == pytest.approx(49.5, abs=1)
    assert edges[0][0] == pytest.approx(21, abs=2)
    assert edges[1][1] == pytest.approx(79, abs=2)
    assert sum(edges[2]) / 2 == pytest.approx(50, abs=1.5)


def test_a_text_that_is_too_wide_ends_in_an_ellipsis() -> None:
    whole = "a name that is far too long"
    short = lettering.elide(whole, 60.0, 11)
    assert short.endswith("…")
    assert lettering.text_width(short, 11) <= 60
    assert lettering.elide(whole, 1000.0, 11) == whole


def test_figures_have_equal_width() -> None:
    assert len({round(lettering.text_width(digit, 12), 3) for digit in "0123456789"}) == 1


def test_another_font_is_measured_anew(qapp: QApplication) -> None:
    before = lettering.text_width("loss", 12)
    font = qapp.font()
    other = qapp.font()
    other.setStretch(200)
    try:
        qapp.setFont(other)
        lettering.forget_fonts()
        assert lettering.text_width("loss", 12) > before
    finally:
        qapp.setFont(font)
        lettering.forget_fonts()
    assert lettering.text_width("loss", 12) == before


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("width", [1.0, 2.0])
def test_a_frame_is_one_closed_line_inside_its_rectangle(scale: float, width: float) -> None:
    image = paint(lambda ink: ink.frame(QRectF(20, 30, 50, 40), BLUE, width), scale)
    covered = darkness(image) > 0.9
    rows, columns = np.nonzero(covered)
    assert (columns.min(), columns.max() + 1) == (20 * scale, 70 * scale)
    assert (rows.min(), rows.max() + 1) == (30 * scale, 70 * scale)
    thick = width * scale
    assert covered.sum() == 2 * thick * (50 * scale + 40 * scale - 2 * thick)
