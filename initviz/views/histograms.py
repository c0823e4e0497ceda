"""Histograms of weights, gradients and activations in every layer: ridge lines, heat maps, and over time."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Slot
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Histogram
from initviz.telemetry.history import Quantity
from initviz.views.axes import Axis, SteadyRange
from initviz.views.base import View
from initviz.views.choice_button import ChoiceButton
from initviz.views.ink import Ink
from initviz.views.layer_maps import LayerMaps
from initviz.views.layers import layer_name
from initviz.views.plot import Plot, Readout
from initviz.views.ridges import Ridges
from initviz.views.saving import Row
from initviz.views.time_map import TimeMap

MOST_RIDGES = 24
"""More layers than this become a heat map by themselves."""
_TAIL = 0.001
_FEWEST_BINS = 12
"""A start of zeros fills one bin: shown alone, its width would look like a spread."""


class HistogramView(View):
    """One quantity by layer. Layer 1 is at the bottom.

    A subclass names the quantity. Three drawings share the work: ridge lines (``Ridges``), one heat map a lane with a
    row a layer (``LayerMaps``), and one layer over the steps (``TimeMap``).
    """

    QUANTITY: ClassVar[Quantity]

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mode = ChoiceButton()
        self._mode.chosen.connect(self._choose)
        self._layer = ChoiceButton()
        self._layer.chosen.connect(self._choose)
        self._layer.setVisible(False)
        self.controls.addWidget(self._layer)
        self.controls.addWidget(self._mode)
        self._range: SteadyRange | None = None
        self._ridges = Ridges(self)
        self._drawings: dict[str, Ridges | LayerMaps | TimeMap] = {
            "ridges": self._ridges,
            "layers": LayerMaps(self),
            "time": TimeMap(self),
        }

    def version(self) -> int:
        return self.frame_version()

    def has_data(self) -> bool:
        return self.history is not None and self.history.frame is not None

    def forget(self) -> None:
        self._range = None
        self._list_layers()

    def histogram(self) -> Histogram:
        """Return the latest histogram of the quantity."""
        assert self.history is not None
        assert self.history.frame is not None
        found: Histogram = getattr(self.history.frame, self.QUANTITY)
        return found

    def value_axis(self) -> Axis:
        """Return the range of values: of each lane and layer all but a thousandth at either end."""
        histogram = self.histogram()
        is_log = histogram.scale == "log10"
        if self._range is None:
            self._range = SteadyRange(log=is_log, least=1.0 if is_log else 1e-6)
        counts = histogram.counts[self.shown_lanes()].reshape(-1, histogram.counts.shape[2])
        totals = counts.sum(axis=1)
        counts, totals = counts[totals > 0], totals[totals > 0, None]
        if not len(counts):
            return self._range.fit(float(histogram.edges[0]), float(histogram.edges[-1]))
        running = np.cumsum(counts, axis=1)
        first = (running > _TAIL * totals).argmax(axis=1).min()
        last = (running >= (1 - _TAIL) * totals).argmax(axis=1).max()
        spare = max(0, _FEWEST_BINS - int(last - first + 1)) // 2
        first, last = max(0, first - spare), min(counts.shape[1] - 1, last + spare)
        return self._range.fit(float(histogram.edges[first]), float(histogram.edges[last + 1]))

    def axis_title(self) -> str:
        """Return what the horizontal axis shows, with its unit."""
        raise NotImplementedError

    def show_as(self, mode: str) -> None:
        """Show ``ridges``, ``layers``, ``time``, or ``auto`` for what suits the depth."""
        self._mode.choose(mode)
        self._choose(mode)

    def shown_as(self) -> str:
        """Return the drawing in use: ``ridges``, ``layers`` or ``time``."""
        mode = self._mode.current or "auto"
        if mode != "auto":
            return mode
        return "layers" if self.info is not None and self.info.num_layers > MOST_RIDGES else "ridges"

    def time_layer(self) -> int:
        """Return the layer, from 0, that is shown over time."""
        count = self.info.num_layers if self.info is not None else 1
        chosen = self._layer.current
        return min(int(chosen), count - 1) if chosen else 0

    def show_layer(self, layer: int) -> None:
        """Choose the layer, from 0, that is shown over time."""
        self._layer.choose(str(layer))
        self.redraw()

    def choice(self) -> ChoiceButton:
        """Return the button that chooses the drawing."""
        return self._mode

    def ridge_plot(self) -> Plot | None:
        """Return the plot of the ridge lines as it was last drawn."""
        return self._ridges.plot

    def draw(self, ink: Ink, area: QRectF) -> None:
        self._drawings[self.shown_as()].draw(ink, area)

    def read_out(self, place: QPointF) -> Readout | None:
        return self._drawings[self.shown_as()].read_out(place)

    def table(self) -> list[Row]:
        assert self.info is not None
        rows: list[Row] = [["lane", "layer", "name", "step", "low", "high", "count"]]
        if not self.has_data() or self.history is None or self.history.frame is None:
            return rows
        histogram, step = self.histogram(), self.history.frame.step
        edges = [float("-inf"), *histogram.edges.tolist(), float("inf")]
        for index, lane in enumerate(self.info.lanes):
            for layer, name in enumerate(lane.layers):
                counts = [
                    int(histogram.below[index, layer]),
                    *histogram.counts[index, layer].tolist(),
                    int(histogram.above[index, layer]),
                ]
                rows += [
                    [lane.name, layer + 1, name, step, low, high, count]
                    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
                ]
                broken = int(histogram.not_finite[index, layer])
                rows.append([lane.name, layer + 1, name, step, "nan", "nan", broken])
        return rows

    @Slot(str)
    def _choose(self, key: str) -> None:
        self._layer.setVisible(self.shown_as() == "time")
        self.redraw()

    def _list_layers(self) -> None:
        count = self.info.num_layers if self.info is not None else 0
        names = [
            (str(layer), f"{layer + 1}  {layer_name(self.info, layer, 0)}" if self.info is not None else "")
            for layer in range(count)
        ]
        self._layer.set_alternatives(names, self._layer.current if self._layer.current else "0")
        if not self._layer.current and names:
            self._layer.choose("0")

    def retranslate(self) -> None:
        super().retranslate()
        alternatives = [
            ("auto", self.tr("Automatic")),
            ("ridges", self.tr("Ridge lines")),
            ("layers", self.tr("Heat map by layer")),
            ("time", self.tr("Over time")),
        ]
        self._mode.set_alternatives(alternatives, self._mode.current or "auto")
        self._mode.describe(self.tr("Ridge lines, a heat map by layer, or one layer over time"))
        self._layer.describe(self.tr("Layer shown over time"))


class WeightsView(HistogramView):
    """Weights of every layer."""

    KEY = "weights"
    QUANTITY: ClassVar[Quantity] = "weights"

    def title(self) -> str:
        return self.tr("Weights by layer")

    def sentence(self) -> str:
        return self.tr(
            "The width is what the start chose: see whether training moves and widens the bells, or leaves them as"
            " they were."
        )

    def invitation(self) -> str:
        return self.tr(
            "Press space to play.\nHow the weights of each layer are distributed appears here, layer 1 at the bottom."
        )

    def axis_title(self) -> str:
        return self.tr("weight")


class GradientsView(HistogramView):
    """Gradients of the weights of every layer, in decades."""

    KEY = "gradients"
    QUANTITY: ClassVar[Quantity] = "gradients"

    def title(self) -> str:
        return self.tr("Gradients by layer")

    def sentence(self) -> str:
        return self.tr(
            "Bells below one another learn at the same pace; bells that wander to the left towards layer 1 are a"
            " gradient that vanishes."
        )

    def invitation(self) -> str:
        return self.tr(
            "Press space to play.\nHow large the gradients of each layer are appears here, in powers of ten, layer 1"
            " at the bottom."
        )

    def axis_title(self) -> str:
        return self.tr("|gradient|")


class ActivationsView(HistogramView):
    """What the units of every layer put out."""

    KEY = "activations"
    QUANTITY: ClassVar[Quantity] = "activations"

    def title(self) -> str:
        return self.tr("Activations by layer")

    def sentence(self) -> str:
        return self.tr(
            "Bells of equal width carry the signal; ReLU sets half of the values to zero, and a layer with nothing else"
            " is dead; heaps at both ends are saturated units."
        )

    def invitation(self) -> str:
        return self.tr(
            "Press space to play.\nHow the activations of each layer are distributed appears here, layer 1 at the"
            " bottom."
        )

    def axis_title(self) -> str:
        return self.tr("activation")
