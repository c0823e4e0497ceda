from itertools import pairwise

import pytest

from initviz.catalog.index import catalogue
from initviz.experiment.fields import BATCH_SIZE, SEED, STEPS, VALIDATION
from initviz.experiment.parameters import FloatParameter, IntParameter, Parameter
from initviz.ui.slider_scale import SliderScale, slider_scale

NUMBERS = [
    pytest.param(parameter, id=f"{part.kind}-{part.key}-{parameter.key}")
    for part in catalogue()
    for parameter in part.parameters
    if isinstance(parameter, FloatParameter | IntParameter)
]


@pytest.mark.parametrize("parameter", NUMBERS)
def test_every_stop_is_a_value_that_the_parameter_takes(parameter: Parameter) -> None:
    scale = slider_scale(parameter)
    if scale is None:
        return
    assert len(scale.stops) >= 2
    assert all(one < other for one, other in pairwise(scale.stops))
    whole = isinstance(parameter, IntParameter)
    for stop in scale.stops:
        value = round(stop) if whole else stop
        assert parameter.check(value, "") == value
    if isinstance(parameter.default, int | float):
        assert scale.value_at(scale.index_of(parameter.default)) == parameter.default


def test_a_logarithmic_slider_moves_by_factors() -> None:
    scale = slider_scale(STEPS)
    assert scale is not None
    assert {10.0, 100.0, 1000.0, 2000.0, 10000.0} <= set(scale.stops)
    ratios = [other / one for one, other in pairwise(scale.stops) if one >= 10]
    assert max(ratios) <= 1.51


def test_who_starts_at_a_power_of_two_gets_powers_of_two() -> None:
    scale = slider_scale(BATCH_SIZE)
    assert scale is not None
    assert {32.0, 64.0, 128.0, 256.0} <= set(scale.stops)
    assert 100.0 not in scale.stops


def test_a_share_moves_in_hundredths() -> None:
    scale = slider_scale(VALIDATION)
    assert scale is not None
    assert scale.step_from(0.2, 1) == pytest.approx(0.21)


def test_a_seed_has_no_slider() -> None:
    assert slider_scale(SEED) is None


def test_values_between_stops_step_to_the_next() -> None:
    scale = SliderScale((1.0, 2.0, 5.0))
    assert scale.step_from(3.0, 1) == 5.0
    assert scale.step_from(3.0, -1) == 2.0
    assert scale.step_from(5.0, 1) == 5.0
    assert scale.step_from(2.0, -1) == 1.0
    assert scale.index_of(0.0) == 0
    assert scale.index_of(100.0) == 2
    assert scale.index_of(3.4) == 1
