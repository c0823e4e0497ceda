"""What a start means for one layer: its fans, the gain, and the deviation aimed at and drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from initviz.catalog.parts import InitializerPart
from initviz.engine.layout import Layout
from initviz.engine.structure import measured_layers
from initviz.experiment.blueprint import blueprint
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.limits import Limits
from initviz.experiment.values import DataSpec, Lane
from initviz.telemetry.frame import LaneInfo
from initviz.ui.form_row import GUTTER
from initviz.ui.number_text import format_count, format_three
from initviz.ui.part_combo import CalmCombo

UNKNOWN = "–"
PLACES = {"fan_in": (0, 0), "fan_out": (1, 0), "gain": (2, 0), "aim": (0, 3), "drawn": (1, 3)}
"""Row and column of each fact's name; the number stands right of it."""


@dataclass(frozen=True, slots=True)
class LayerStart:
    """How the weights of one measured layer start.

    Attributes:
        name: The layer.
        fan_in: Inputs that feed one output.
        fan_out: Outputs that one input feeds.
        gain: What the initializer multiplies, or None where it has no such thing.
        aim: Standard deviation that it aims at, or None.
    """

    name: str
    fan_in: int
    fan_out: int
    gain: float | None
    aim: float | None


def layer_starts(lane: Lane, data: DataSpec, catalogue: Catalogue, limits: Limits) -> tuple[LayerStart, ...]:
    """Return how every measured layer of a lane starts, from input to output; nothing is drawn."""
    plan = blueprint(lane.recipe, data, catalogue, limits)
    found: list[LayerStart] = []
    for layer in measured_layers(plan, Layout(plan), catalogue):
        choice = plan.stages[layer.stage].weight
        part = catalogue.get("initializer", choice.name)
        gain, aim = None, None
        if isinstance(part, InitializerPart):
            gain, aim = part.gain(choice, layer.context), part.target_std(choice, layer.context)
        found.append(LayerStart(layer.name, layer.context.fan_in, layer.context.fan_out, gain, aim))
    return tuple(found)


def drawn_std(starts: tuple[LayerStart, ...], index: int, info: LaneInfo | None) -> float | None:
    """Return the deviation that was drawn, or None where the run on the screen is not of this start.

    Args:
        starts: What the document says.
        index: The layer.
        info: The lane of the run on the screen.
    """
    if info is None or info.layers != tuple(start.name for start in starts):
        return None
    for start, aim in zip(starts, info.target_stds, strict=True):
        if start.aim is None:
            if not math.isnan(aim):
                return None
        elif not math.isclose(start.aim, aim, rel_tol=1e-6, abs_tol=1e-30):
            return None
    return info.drawn_stds[index]


class StartFacts(QWidget):
    """Numbers of one layer of the lane in focus, which is chosen here.

    Args:
        parent: Qt parent.
    """

    layer_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QLabel()
        self.title.setObjectName("fieldTitle")
        self.layers = CalmCombo()
        self.layers.chosen.connect(self._choose)
        self.title.setBuddy(self.layers)
        self._starts: tuple[LayerStart, ...] = ()
        self._index = 1
        self.values: dict[str, QLabel] = {}
        self._captions: dict[str, QLabel] = {}
        grid = QGridLayout()
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(1)
        for key, (row, across) in PLACES.items():
            value, caption = QLabel(), QLabel()
            value.setObjectName("factValue")
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            caption.setObjectName("factCaption")
            grid.addWidget(caption, row, across)
            grid.addWidget(value, row, across + 1)
            self.values[key], self._captions[key] = value, caption
        grid.setColumnStretch(1, 2)
        grid.setColumnMinimumWidth(2, 16)
        grid.setColumnStretch(4, 3)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.title)
        top.addWidget(self.layers, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(GUTTER, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(top)
        column.addLayout(grid)
        self.retranslate("", "")

    @property
    def index(self) -> int:
        """The layer whose numbers are shown."""
        return max(0, min(self._index, len(self._starts) - 1))

    def show_starts(self, starts: tuple[LayerStart, ...], info: LaneInfo | None) -> None:
        """Show the layers of a lane.

        Args:
            starts: From input to output.
            info: The same lane in the run on the screen, or None.
        """
        names = tuple(start.name for start in starts)
        if names != tuple(start.name for start in self._starts):
            self.layers.fill([(str(index), name, "") for index, name in enumerate(names)])
        self._starts = starts
        self.layers.show_key(str(self.index))
        if not starts:
            return
        start = starts[self.index]
        drawn = drawn_std(starts, self.index, info)
        self.values["fan_in"].setText(format_count(start.fan_in))
        self.values["fan_out"].setText(format_count(start.fan_out))
        self.values["gain"].setText(UNKNOWN if start.gain is None else format_three(start.gain))
        self.values["aim"].setText(UNKNOWN if start.aim is None else format_three(start.aim))
        self.values["drawn"].setText(UNKNOWN if drawn is None else format_three(drawn))

    def retranslate(self, lane: str, color: str) -> None:
        """Say everything in the current language.

        Args:
            lane: Name of the lane whose layers are shown.
            color: Its colour, as CSS writes it.
        """
        dot = f'<span style="color:{color}">●</span> ' if color else ""
        self.title.setText(dot + self.tr("Layer"))
        self.title.setToolTip(lane)
        self.layers.setAccessibleName(self.tr("Layer"))
        for key, caption, tip in (
            ("fan_in", self.tr("fan-in"), self.tr("Inputs that feed one unit.")),
            ("fan_out", self.tr("fan-out"), self.tr("Units that one input feeds.")),
            ("gain", self.tr("gain"), self.tr("Factor by which the start makes up for the activation.")),
            ("aim", self.tr("std aimed at"), self.tr("Standard deviation that the formula gives here.")),
            ("drawn", self.tr("std drawn"), self.tr("Standard deviation of the numbers that were drawn.")),
        ):
            self._captions[key].setText(caption)
            self._captions[key].setToolTip(tip)
            self.values[key].setToolTip(tip)

    @Slot(str)
    def _choose(self, key: str) -> None:
        self._index = int(key)
        self.layer_chosen.emit(self._index)
