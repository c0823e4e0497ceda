"""The learning rate of every lane."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Floats
from initviz.views.axes import SteadyRange
from initviz.views.end_labels import EndLabel
from initviz.views.numbers import significant
from initviz.views.panels import Curve, Panel
from initviz.views.reduction import Raster
from initviz.views.saving import Row
from initviz.views.step_view import StepView


class LearningRateView(StepView):
    """Learning rate by step, from zero up."""

    KEY = "lr"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._range = SteadyRange(least=1e-9)

    def title(self) -> str:
        return self.tr("Learning rate")

    def sentence(self) -> str:
        return self.tr(
            "How far each step goes: see whether the loss falls faster, or more calmly, where the schedule changes it."
        )

    def invitation(self) -> str:
        return self.tr(
            "Press space to play.\nThe learning rate appears here as the schedule changes it, step by step."
        )

    def forget(self) -> None:
        super().forget()
        self._range.reset()

    def value_text(self, panel: int, value: float) -> str:
        return significant(value)

    def panels(self, raster: Raster, height: float) -> tuple[Panel, ...]:
        assert self.history is not None
        reduced = self.reduced("lr", self.history.lr(), raster)
        shown = self.shown_lanes()
        values = reduced.high[:, shown]
        values = values[np.isfinite(values)]
        top = float(values.max()) if len(values) and values.max() > 0 else 1.0
        curves = [Curve(lane, reduced.steps, reduced.mean[:, lane]) for lane in self.painting_order()]
        same = len(shown) > 1 and self._same(reduced.mean)
        named = [self.focus_lane if self.focus_lane in shown else shown[0]] if same else shown
        labels = []
        for lane in named:
            held = np.flatnonzero(np.isfinite(reduced.mean[:, lane]))
            if len(held):
                value = float(reduced.mean[held[-1], lane])
                name = self.tr("all lanes") if same else ""
                labels.append(
                    EndLabel(lane, float(reduced.steps[held[-1]]), value, significant(value), name=name)
                )
        axis = self._range.fit(0.0, top * 1.02)
        return (Panel(self.tr("learning rate"), "", axis, tuple(curves), tuple(labels)),)

    def _same(self, values: Floats) -> bool:
        """Say whether all lanes that are shown have the same learning rates, as far as they got."""
        shown = values[:, self.shown_lanes()]
        first = shown[:, :1]
        return bool((np.isclose(shown, first, rtol=1e-9, atol=0) | np.isnan(shown) | np.isnan(first)).all())

    def table(self) -> list[Row]:
        assert self.info is not None
        rows: list[Row] = [["step", *(f"{lane.name} lr" for lane in self.info.lanes)]]
        if self.history is not None:
            series = self.history.lr()
            rows += [
                [step, *values]
                for step, values in zip(series.steps.tolist(), series.values.tolist(), strict=True)
            ]
        return rows
