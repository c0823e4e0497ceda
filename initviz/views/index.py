"""All views, each declared once. A new view is added here and nowhere else; a frozen build reads the same list."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from initviz.views.base import View


@dataclass(frozen=True, slots=True)
class ViewDeclaration:
    """One view as it can be chosen.

    Attributes:
        key: As in saved layouts.
        module: Module below this package.
        name: Class in it.
        at_start: Shown in the first layout.
        tests_rates: What a test of learning rates is seen in.
        studies_depth: What lanes of many depths are compared in.
    """

    key: str
    module: str
    name: str
    at_start: bool = False
    tests_rates: bool = False
    studies_depth: bool = False


VIEWS: tuple[ViewDeclaration, ...] = (
    ViewDeclaration("loss", "loss", "LossView", at_start=True),
    ViewDeclaration("signal", "signal", "SignalView", at_start=True),
    ViewDeclaration("grad_norm_map", "grad_norm_map", "GradNormMapView", at_start=True),
    ViewDeclaration("weights", "histograms", "WeightsView", at_start=True),
    ViewDeclaration("gradients", "histograms", "GradientsView"),
    ViewDeclaration("activations", "histograms", "ActivationsView"),
    ViewDeclaration("grad_norm_bars", "grad_norm_bars", "GradNormBarsView"),
    ViewDeclaration("update_ratio", "update_ratio", "UpdateRatioView"),
    ViewDeclaration("lr", "lr", "LearningRateView"),
    ViewDeclaration("boundary", "boundary", "BoundaryView"),
    ViewDeclaration("confusion", "confusion", "ConfusionView"),
    ViewDeclaration("time_gradient", "time_gradient", "TimeGradientView"),
    ViewDeclaration("lr_range", "lr_range", "RateRangeView", tests_rates=True),
    ViewDeclaration("gauges", "gauges", "GaugesView"),
    ViewDeclaration("ensemble", "ensemble", "EnsembleView"),
    ViewDeclaration("phase_diagram", "phase_diagram", "PhaseDiagramView"),
    ViewDeclaration("depth_study", "depth_study", "DepthStudyView", studies_depth=True),
    ViewDeclaration("isometry", "isometry", "IsometryView"),
    ViewDeclaration("symmetry", "symmetry", "SymmetryView"),
    ViewDeclaration("dead_units", "dead_units", "DeadUnitsView"),
    ViewDeclaration("why_normal", "why_normal", "WhyNormalView"),
    ViewDeclaration("explain", "explain", "ExplainView"),
    ViewDeclaration("landscape", "landscape", "LandscapeView"),
)

LAYOUTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "overview": (("loss", "grad_norm_map"), ("signal", "weights")),
    "gradients": (("grad_norm_bars", "grad_norm_map"), ("gradients", "update_ratio")),
    "weights": (("weights", "activations"), ("update_ratio", "gradients")),
    "theory": (("signal", "explain"), ("phase_diagram", "isometry")),
}
"""Views of each named layout, column by column, from left to right and top to bottom."""

DEFAULT_LAYOUT = LAYOUTS["overview"]


def module_names() -> tuple[str, ...]:
    """Return the full names of all modules that hold views."""
    return tuple(sorted({f"{__package__}.{view.module}" for view in VIEWS}))


def declaration(key: str) -> ViewDeclaration:
    """Return a view's declaration; KeyError when there is none."""
    for view in VIEWS:
        if view.key == key:
            return view
    raise KeyError(key)


def create(key: str, parent: QWidget | None = None) -> View:
    """Build the view called ``key``; KeyError when there is none."""
    chosen = declaration(key)
    module = importlib.import_module(f"{__package__}.{chosen.module}")
    view: View = getattr(module, chosen.name)(parent)
    return view
