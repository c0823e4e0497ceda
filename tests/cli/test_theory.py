"""``initviz theory``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.cli.conftest import Result

Run = Callable[..., Result]
KEYS = ["q_star", "c_star", "chi", "xi_q", "xi_c", "phase", "critical_sigma_w"]


def told(initviz: Run, *words: object) -> dict[str, object]:
    result = initviz("theory", *words, "--json")
    assert result.code == 0, result.err
    found: dict[str, object] = json.loads(result.out, parse_constant=pytest.fail)
    assert list(found) == KEYS
    return found


def test_tanh_at_five_thirds(initviz: Run) -> None:
    found = told(initviz, "--activation", "tanh", "--sigma-w", 5 / 3)
    assert found["q_star"] == pytest.approx(1.178, abs=5e-4)
    assert found["chi"] == pytest.approx(1.210, abs=5e-4)
    assert found["phase"] == "chaotic"
    assert found["critical_sigma_w"] == pytest.approx(1.0, abs=1e-6)


def test_what_is_infinite_is_null(initviz: Run) -> None:
    found = told(initviz, "--activation", "tanh", "--sigma-w", 1)
    assert (found["xi_q"], found["xi_c"], found["phase"]) == (None, None, "critical")
    found = told(initviz, "--activation", "relu", "--sigma-w", 2, "--sigma-b", 0.1)
    assert (found["q_star"], found["xi_q"]) == (None, None)
    assert found["chi"] == pytest.approx(2.0)
    assert "∞" in initviz("theory", "--activation", "tanh", "--sigma-w", 1).out


def test_slope_and_dropout_count(initviz: Run) -> None:
    found = told(initviz, "--activation", "leaky_relu", "--slope", 0.5, "--sigma-w", 1, "--sigma-b", 0.3)
    assert found["chi"] == pytest.approx(1.25 / 2)
    found = told(initviz, "--activation", "leaky_relu", "--slope", 0.5, "--sigma-w", 1, "--dropout", 0.2)
    assert found["chi"] == pytest.approx(1.25 / 2 / 0.8)
    whole = told(initviz, "--activation", "tanh", "--sigma-w", 1.2, "--sigma-b", 0.3)
    dropped = told(initviz, "--activation", "tanh", "--sigma-w", 1.2, "--sigma-b", 0.3, "--dropout", 0.1)
    assert whole["c_star"] == 1.0
    assert dropped["c_star"] < 0.99  # type: ignore[operator]


@pytest.mark.parametrize(
    ("words", "en", "zh"),
    [
        (("tanh", 1.5, 0), "grows tenfold", "放大为十倍"),
        (("tanh", 0.7, 0.1), "falls tenfold", "缩小到十分之一"),
        (("tanh", 1, 0), "very deep networks", "很深的网络"),
        (("tanh", 0, 0.1), "No gradient", "梯度无法通过"),
    ],
)
def test_a_sentence_says_what_it_means(initviz: Run, words: tuple[object, ...], en: str, zh: str) -> None:
    given = ("theory", "--activation", words[0], "--sigma-w", words[1], "--sigma-b", words[2])
    assert en in initviz(*given).out
    assert zh in initviz(*given, "--lang", "zh").out
    assert "Dropout" in initviz(*given, "--dropout", "0.3").out.replace("No gradient", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--activation", "tahn", "--sigma-w", "1"), "'tanh'"),
        (("--activation", "tanh", "--sigma-w", "-1"), "--sigma-w"),
        (("--activation", "tanh", "--sigma-w", "1e9"), "--sigma-w"),
        (("--activation", "tanh", "--sigma-w", "nan"), "--sigma-w"),
        (("--activation", "tanh", "--sigma-w", "1", "--dropout", "1"), "--dropout"),
        (("--activation", "tanh"), "--sigma-w"),
    ],
)
def test_what_cannot_be_is_refused(initviz: Run, words: tuple[str, ...], said: str) -> None:
    result = initviz("theory", *words)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_it_waits_for_neither_torch_nor_qt() -> None:
    code = (
        "import sys; from initviz.cli import main;"
        "main(['theory', '--activation', 'gelu', '--sigma-w', '1.5', '--sigma-b', '0.2', '--json']);"
        "found = {name.partition('.')[0] for name in sys.modules};"
        "assert not found & {'torch', 'PySide6', 'pyqtgraph', 'sklearn', 'optuna'}, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, capture_output=True)
