"""The quick form of the tiny transformer: which layers it stands for, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from initviz.catalog.datasets.text import vocabulary
from initviz.catalog.index import catalogue
from initviz.experiment.blueprint import Blueprint, blueprint
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.parts import FamilyPart
from initviz.experiment.values import DataInfo

SYMBOLS = len(vocabulary())


def plan(data: str = "text", **model: Any) -> Blueprint:
    document = {"data": {"name": data}, "model": {"family": "transformer", **model}}
    experiment = read_document(document, catalogue(), Limits())
    return blueprint(experiment.base, experiment.data, catalogue(), Limits())


def plan_layers(layers: list[dict[str, Any]], data: str = "text", **model: Any) -> Blueprint:
    document = {"data": {"name": data}, "model": {"layers": layers, **model}}
    experiment = read_document(document, catalogue(), Limits())
    return blueprint(experiment.base, experiment.data, catalogue(), Limits())


def kinds(network: Blueprint) -> list[str]:
    return [stage.layer.name for stage in network.stages]


def block(width: int, expansion: int = 4, norms: int = 2) -> int:
    """Return the trainable numbers of attention and feed-forward, with so many layer normalizations."""
    attention = 4 * width * width + 3 * width + 1
    dense = 2 * expansion * width * width + expansion * width + width + 1
    return attention + dense + norms * 2 * width


def test_on_text_it_embeds_and_answers_at_every_position() -> None:
    network = plan(width=16, blocks=3, heads=2)
    assert kinds(network) == [
        "embedding", "positions", *["attention", "feed_forward"] * 3, "layer_norm", "dense"
    ]  # fmt: skip
    assert network.stages[-1].output_shape == (32, SYMBOLS)
    assert network.num_parameters == (
        SYMBOLS * 16 + 32 * 16 + 3 * block(16) + 2 * 16 + 16 * SYMBOLS + SYMBOLS
    )
    assert network.measured_layers[:8] == (
        "embedding_1", "positions_1", "attention_1.1", "attention_1.2", "attention_1.3", "attention_1.4",
        "feed_forward_1.1", "feed_forward_1.2",
    )  # fmt: skip


@pytest.mark.parametrize(("norm", "last"), [("pre", ["layer_norm"]), ("post", []), ("none", [])])
def test_the_norm_stands_where_it_is_asked_for(norm: str, last: list[str]) -> None:
    network = plan(width=16, blocks=1, norm=norm)
    assert kinds(network)[4:] == [*last, "dense"]
    assert {stage.layer["norm"] for stage in network.stages[2:4]} == {norm}
    assert network.num_parameters == (
        SYMBOLS * 16 + 32 * 16 + block(16, norms=0 if norm == "none" else 2) + 32 * len(last)
        + 16 * SYMBOLS + SYMBOLS
    )  # fmt: skip


def test_a_shared_embedding_counts_once() -> None:
    apart, tied = plan(width=16), plan(width=16, tied=True)
    assert apart.num_parameters - tied.num_parameters == SYMBOLS * 16
    (shared,) = (spec for spec in tied.stages[-1].tensors if spec.role == "weight")
    assert shared.tied_to is not None
    assert (shared.tied_to.stage, shared.tied_to.name, shared.tied_to.transpose) == (0, "weight", False)
    assert apart.structure != tied.structure


def test_waves_are_no_weights() -> None:
    learned, fixed = plan(width=16), plan(width=16, encoding="sinusoidal")
    assert learned.num_parameters - fixed.num_parameters == 32 * 16
    assert "positions_1" not in fixed.measured_layers


def layers_for(info: DataInfo, **values: Any) -> list[str]:
    part = catalogue().get("family", "transformer")
    assert isinstance(part, FamilyPart)
    return [spec.layer.name for spec in part.layers(part.choose(**values), info)]


def test_sequences_of_numbers_pass_a_dense_layer_and_one_answer_is_read_at_the_end() -> None:
    info = DataInfo((20, 2), "regression", 1, 100)
    assert layers_for(info, blocks=1) == [
        "dense", "positions", "attention", "feed_forward", "layer_norm", "last_step"
    ]  # fmt: skip


@pytest.mark.parametrize(("data", "steps"), [("digits", (8, 8)), ("wine", (13, 1))])
def test_images_are_read_row_by_row_and_lists_number_by_number(data: str, steps: tuple[int, int]) -> None:
    network = plan(data, blocks=1)
    assert kinds(network) == [
        "steps", "dense", "positions", "attention", "feed_forward", "layer_norm", "last_step", "dense"
    ]  # fmt: skip
    assert network.stages[0].output_shape == steps
    assert network.stages[3].output_shape == (steps[0], 32)


def test_a_width_that_the_heads_cannot_share_is_refused() -> None:
    with pytest.raises(ExperimentError, match="4 heads cannot share a width of 30 evenly"):
        plan(width=30)


def check(document: dict[str, Any]) -> str:
    """Return where and why a document is refused."""
    with pytest.raises(ExperimentError) as caught:
        read_document(document, catalogue(), Limits())
    return str(caught.value)


def test_answers_that_are_no_symbols_cannot_share_the_embedding() -> None:
    part = catalogue().get("dataset", "adding")
    document = {"data": {"name": part.key}, "model": {"family": "transformer", "tied": True}}
    assert check(document).startswith("model.tied: embedding and output can share a weight only where")


EMBEDDING = {"kind": "embedding", "vocabulary": SYMBOLS, "units": 8}


def test_a_person_can_build_one_from_the_list() -> None:
    network = plan_layers(
        [EMBEDDING, {"kind": "positions"}, {"kind": "attention", "heads": 2}, {"kind": "feed_forward"}],
        output_tie={"layer": "embedding_1"},
    )
    assert network.num_parameters == SYMBOLS * 8 + 32 * 8 + block(8) + SYMBOLS


@pytest.mark.parametrize(
    ("layers", "data", "message"),
    [
        ([{**EMBEDDING, "vocabulary": 30}], "text", "model.layers[0].vocabulary: the data set has 31 symbols"),
        ([EMBEDDING], "wine", "model.layers[0]: "),
        ([{"kind": "activation"}, EMBEDDING], "text", "model.layers[1]: an embedding must be the first layer"),
        ([{**EMBEDDING, "units": 10}, {"kind": "attention"}], "text", "model.layers[1]: layer 2 (attention_1): its 4"),
    ],
    ids=["too few symbols", "no symbols", "not first", "heads"],
)  # fmt: skip
def test_mistakes_are_told_at_the_layer(layers: list[dict[str, Any]], data: str, message: str) -> None:
    assert check({"data": {"name": data}, "model": {"layers": layers}}).startswith(message)
