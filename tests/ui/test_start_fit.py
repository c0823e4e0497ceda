"""What is foretold of a start: against numerical integration, and against a real network's probe."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from scipy import integrate, stats

from initviz.catalog.index import catalogue
from initviz.catalog.parts import ActivationPart
from initviz.engine.race import Race
from initviz.experiment.document import read_document
from initviz.experiment.edit import Table, get_value
from initviz.experiment.files import load_experiment
from initviz.experiment.limits import Limits
from initviz.experiment.values import Choice, Experiment
from initviz.resources import resource
from initviz.telemetry import synthetic
from initviz.telemetry.probe import probe
from initviz.theory.moments import second_moment, slope_moment
from initviz.ui.fit_hint import fit_text, power_text
from initviz.ui.language import LanguageSwitch
from initviz.ui.scope import Scope
from initviz.ui.session import Session
from initviz.ui.start_fit import StartFit, start_fit
from initviz.ui.start_panel import StartPanel
from tests.ui.panels import pick, shown

ACTIVATIONS = [part for part in catalogue().parts("activation") if isinstance(part, ActivationPart)]


def experiment(start: str, activation: str, depth: int = 12, width: int = 64, **more: object) -> Experiment:
    document: Table = {
        "data": {"name": "gaussian", "dim": width, "samples": 400},
        "model": {"family": "mlp", "depth": depth, "width": width, "activation": activation},
        "init": {"weight": {"name": start, **more}},
        "dtype": "float64",
    }
    return read_document(document, catalogue(), Limits())


def judged(start: str, activation: str, depth: int = 12, width: int = 64, **more: object) -> StartFit:
    made = experiment(start, activation, depth, width, **more)
    return start_fit(made.base, made.data, catalogue(), Limits())


@pytest.mark.parametrize("q", [0.01, 1.0, 7.0])
@pytest.mark.parametrize("part", ACTIVATIONS, ids=lambda part: part.key)
def test_moments_are_those_of_numerical_integration(part: ActivationPart, q: float) -> None:
    choice = Choice("activation", (("function", part.key), ("slope", None)))
    module = part.module(choice).double()

    def at(z: float, slope: bool) -> float:
        x = torch.tensor([z * math.sqrt(q)], dtype=torch.float64, requires_grad=True)
        y = module(x)
        value = torch.autograd.grad(y.sum(), x)[0] if slope else y
        return float(value.detach()) ** 2 * float(stats.norm.pdf(z))

    corners = sorted(c / math.sqrt(q) for c in (-3.0, -1.0, 0.0, 1.0, 3.0, 6.0) if abs(c) < 12 * math.sqrt(q))
    for slope, moment in ((False, second_moment), (True, slope_moment)):
        expected, _ = integrate.quad(at, -12, 12, args=(slope,), points=corners, limit=400)
        assert moment(part.curve(choice), q) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_known_moments() -> None:
    relu, identity = (catalogue().get("activation", key) for key in ("relu", "identity"))
    assert isinstance(relu, ActivationPart)
    assert isinstance(identity, ActivationPart)
    assert second_moment(relu.curve(relu.choose()), 3.0) == pytest.approx(1.5, rel=1e-12)
    assert slope_moment(relu.curve(relu.choose()), 3.0) == pytest.approx(0.5, rel=1e-9)
    assert second_moment(identity.curve(identity.choose()), 3.0) == pytest.approx(3.0, rel=1e-12)


@pytest.mark.parametrize(
    ("start", "activation", "verdict", "better"),
    [
        ("xavier_normal", "relu", "signal", "he_normal"),
        ("he_normal", "relu", "fits", ""),
        ("he_uniform", "leaky_relu", "fits", ""),
        ("xavier_normal", "tanh", "fits", ""),
        ("lecun_uniform", "sigmoid", "fits", ""),
        ("pytorch_default", "tanh", "signal", "xavier_normal"),
        ("lecun_normal", "selu", "fits", ""),
        ("he_normal", "selu", "signal", "lecun_normal"),
        ("pytorch_default", "sigmoid", "gradient", "xavier_normal"),
        ("zeros", "relu", "nothing", "he_normal"),
        ("ones", "relu", "equal", "he_normal"),
        ("lsuv", "relu", "adapts", ""),
        ("identity", "relu", "unknown", ""),
    ],
)
def test_which_pairs_fit(start: str, activation: str, verdict: str, better: str) -> None:
    fit = judged(start, activation)
    assert (fit.verdict, fit.better) == (verdict, better)


def test_xavier_with_relu_halves_every_layer() -> None:
    forecast = judged("xavier_normal", "relu", depth=12).forecast
    assert forecast is not None
    assert forecast.factor == pytest.approx(0.5)
    assert forecast.left == pytest.approx(2.0**-12)
    assert forecast.layers == 12


@pytest.mark.parametrize(
    ("start", "activation"),
    [("xavier_normal", "relu"), ("pytorch_default", "tanh"), ("he_normal", "selu"), ("he_normal", "gelu")],
)
def test_the_forecast_is_what_a_real_network_does(start: str, activation: str) -> None:
    """Six layers of 500 units, drawn by torch from the formula's deviation, on standard normal inputs."""
    width, depth = 500, 6
    forecast = judged(start, activation, depth, width).forecast
    assert forecast is not None
    generator = torch.Generator().manual_seed(7)
    variance = {"xavier_normal": 1 / width, "pytorch_default": 1 / (3 * width), "he_normal": 2 / width}[start]
    part = catalogue().get("activation", activation)
    assert isinstance(part, ActivationPart)
    module = part.module(Choice("activation", (("function", activation),)))
    sizes, inputs = [], []
    x = torch.randn(400, width, dtype=torch.float64, generator=generator)
    for _ in range(depth):
        weight = torch.randn(width, width, dtype=torch.float64, generator=generator) * math.sqrt(variance)
        z = (x @ weight.T).requires_grad_()
        inputs.append(z)
        x = module(z)
        sizes.append(float((x.detach() ** 2).mean()))
        x = x.detach()
    assert forecast.left == pytest.approx(sizes[-1], rel=0.15)
    assert forecast.factor == pytest.approx((sizes[-1] / sizes[0]) ** (1 / (depth - 1)), rel=0.03)
    slopes = []
    for z in inputs[1:]:
        (slope,) = torch.autograd.grad(module(z).sum(), z)
        slopes.append(width * variance * float((slope**2).mean()))
    assert forecast.slope == pytest.approx(float(np.exp(np.mean(np.log(slopes)))), rel=0.03)


@pytest.mark.parametrize(
    ("start", "activation"),
    [("xavier_normal", "relu"), ("he_normal", "selu"), ("pytorch_default", "tanh"), ("orthogonal", "gelu")],
)
def test_the_forecast_is_what_the_probe_of_a_race_measures(start: str, activation: str) -> None:
    """Twelve layers of 256 units: within a twelfth a layer, both ways. Chance and the units' means are the rest."""
    made = experiment(start, activation, depth=12, width=256)
    forecast = start_fit(made.base, made.data, catalogue(), Limits()).forecast
    assert forecast is not None
    (lane,) = probe(Race(made, catalogue(), Limits()), 320)
    hidden = lane.layers[:-1]
    sizes = [layer.activation_mean**2 + layer.activation_var for layer in hidden]
    gradients = [layer.grad_preactivation_q for layer in hidden]
    steps = len(hidden) - 1
    assert forecast.factor == pytest.approx((sizes[-1] / sizes[0]) ** (1 / steps), rel=0.08)
    assert forecast.slope == pytest.approx((gradients[0] / gradients[-1]) ** (1 / steps), rel=0.08)


def test_a_normalization_leaves_nothing_to_foretell() -> None:
    norm = next((p for p in catalogue().parts("layer") if getattr(p, "signal", "") == "renewed"), None)
    if norm is None:
        pytest.skip("no normalization in the catalogue")
    dense: Table = {"kind": "dense", "units": 32}
    document: Table = {
        "data": {"name": "moons"},
        "model": {"layers": [dense, {"kind": norm.key}, {"kind": "activation"}] * 3},
        "init": {"weight": {"name": "xavier_normal"}},
    }
    made = read_document(document, catalogue(), Limits())
    assert start_fit(made.base, made.data, catalogue(), Limits()).verdict == "renewed"


def test_normalization_hides_a_transformers_start_only_in_part() -> None:
    """The lesson shows that its size decides all the same; a hint that calls it hidden would deny that."""
    path = Path(str(resource("scenarios", "transformer_starts.toml")))
    made = load_experiment(path, catalogue(), Limits())
    for lane in made.lanes:
        fit = start_fit(lane.recipe, made.data, catalogue(), Limits())
        assert fit.verdict == "partly"
        assert "attention" in fit_text(fit, catalogue())


def test_layers_that_do_more_than_sum_are_not_foretold() -> None:
    document: Table = {"data": {"name": "moons"}, "model": {"layers": [{"kind": "residual"}]}}
    document["model"] = {"layers": [{"kind": "dense", "units": 8}, {"kind": "residual"}]}
    made = read_document(document, catalogue(), Limits())
    assert start_fit(made.base, made.data, catalogue(), Limits()).verdict == "unknown"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0**-12, "2⁻¹²"),
        (4096.0, "2¹²"),
        (0.43, "0.430"),
        (4.6e-10, "4.6 × 10⁻¹⁰"),
        (0.5, "0.500"),
        (0.0, "0"),
    ],
)
def test_numbers_are_written_as_powers_where_they_are(value: float, text: str) -> None:
    assert power_text(value) == text


@pytest.fixture
def session(qapp: QApplication, english: LanguageSwitch) -> Session:
    document: Table = {
        "data": {"name": "gaussian", "dim": 64},
        "model": {"family": "mlp", "depth": 12, "width": 64, "activation": "relu"},
        "init": {"weight": {"name": "xavier_normal"}},
        "lanes": [{"name": "all"}, {"name": "small", "init": {"weight": {"name": "normal", "std": 0.01}}}],
    }
    return Session(document, catalogue(), Limits())


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> StartPanel:
    panel = shown(qtbot, StartPanel(Scope(session, session)), 800)
    panel.set_run(synthetic.run_info(2, 12, 1))
    return panel


def test_the_hint_says_what_happens_and_one_click_mends_it(panel: StartPanel, session: Session) -> None:
    assert panel.hint.text.text() == (
        "Xavier (Glorot) normal with ReLU: the signal halves every layer; after 12 layers 2⁻¹² of it is left."
    )
    assert panel.hint.button.text() == "Use He (Kaiming) normal"
    panel.hint.button.setFocus()
    QTest.keyClick(panel.hint.button, Qt.Key.Key_Space)
    assert session.experiment.base.init.weight.name == "he_normal"
    assert not panel.hint.isVisible()
    assert session.undo_stack.undoText() == "Start with He (Kaiming) normal"
    session.undo_stack.undo()
    assert panel.hint.isVisible()


def test_the_hint_is_about_the_lane_in_focus_and_mends_that_one(panel: StartPanel, session: Session) -> None:
    session.set_focus_lane(1)
    assert "small" in panel.hint.text.text()
    assert "Normal with ReLU: the signal shrinks to 3.2 × 10⁻³ of itself" in panel.hint.text.text()
    QTest.mouseClick(panel.hint.button, Qt.MouseButton.LeftButton)
    assert get_value(session.document, "lanes[1].init.weight") == {"name": "he_normal"}
    assert session.experiment.base.init.weight.name == "xavier_normal"
    assert not panel.hint.isVisible()


def test_nothing_is_offered_where_nothing_can_be_foretold(panel: StartPanel, session: Session) -> None:
    pick(panel.weight.combo, "lsuv")
    assert panel.hint.quiet.isVisible()
    assert not panel.hint.button.isVisible()
    assert "scales every layer to fit" in panel.hint.quiet.text()


def test_every_verdict_has_a_sentence_but_one(english: LanguageSwitch) -> None:
    fit = judged("pytorch_default", "sigmoid")
    assert "the gradient shrinks to 0.0200 of itself every layer back" in fit_text(fit, catalogue())
    assert fit_text(judged("he_normal", "relu"), catalogue()) == ""
    assert fit_text(judged("zeros", "relu"), catalogue()).startswith("Zeros: no signal")
    assert "4.13-fold" not in fit_text(judged("he_normal", "selu", depth=1), catalogue())
