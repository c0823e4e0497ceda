import pytest

from initviz.catalog.index import catalogue
from initviz.experiment.catalogue import Part
from initviz.experiment.document import read_document
from initviz.experiment.edit import Table, get_value
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.values import Experiment
from initviz.ui.overrides import (
    choose_part,
    differing_lanes,
    full_table,
    has_own,
    inherit,
    names_own,
    set_parameter,
)


def document() -> Table:
    return {
        "data": {"name": "moons"},
        "model": {"family": "mlp", "depth": 2, "width": 8},
        "init": {"weight": {"name": "he_normal"}},
        "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9},
        "lanes": [
            {"name": "a"},
            {"name": "b", "init": {"weight": {"name": "normal", "std": 0.1}}},
            {"name": "c", "optimizer": {"lr": 0.5, "momentum": 0.5}},
        ],
    }


def read(tables: Table) -> Experiment:
    return read_document(tables, catalogue(), Limits())


def test_who_differs_is_found_at_every_depth() -> None:
    tables = document()
    assert differing_lanes(tables, "init.weight") == (1,)
    assert differing_lanes(tables, "init") == (1,)
    assert differing_lanes(tables, "init.weight.std") == (1,)
    assert differing_lanes(tables, "optimizer.lr") == (2,)
    assert differing_lanes(tables, "seed") == ()
    assert has_own(tables, 2, "optimizer")
    assert not names_own(tables, 2, "optimizer")
    assert names_own(tables, 1, "init.weight")


def test_what_a_lane_gives_up_leaves_no_empty_tables() -> None:
    tables = inherit(document(), 1, "init.weight")
    assert get_value(tables, "lanes[1]") == {"name": "b"}
    tables = inherit(document(), 2, "optimizer.lr")
    assert get_value(tables, "lanes[2].optimizer") == {"momentum": 0.5}
    assert read(inherit(document(), 1, "init.weight")).lanes[1].recipe == read(document()).lanes[0].recipe


def test_a_lane_changes_a_value_of_what_it_shares() -> None:
    tables = set_parameter(document(), 0, "init.weight", "slope", 0.25)
    experiment = read(tables)
    assert experiment.lanes[0].recipe.init.weight["slope"] == 0.25
    assert experiment.base.init.weight["slope"] == 0.0
    assert read(set_parameter(tables, 0, "init.weight", "slope", None)) == read(document())


def test_another_part_for_all_drops_what_means_nothing_to_it() -> None:
    part = catalogue().get("optimizer", "adam")
    tables = choose_part(document(), None, "optimizer", part)
    experiment = read(tables)
    assert experiment.base.optimizer.name == "adam"
    assert experiment.lanes[2].recipe.optimizer["lr"] == 0.5
    assert get_value(tables, "lanes[2].optimizer") == {"lr": 0.5}


def test_another_part_for_one_leaves_the_rest_alone() -> None:
    part = catalogue().get("optimizer", "adam")
    experiment = read(choose_part(document(), 2, "optimizer", part))
    assert [lane.recipe.optimizer.name for lane in experiment.lanes] == ["sgd", "sgd", "adam"]
    assert experiment.lanes[2].recipe.optimizer["lr"] == part.parameter("lr").default


def test_keys_beside_a_part_stay() -> None:
    tables: Table = {"data": {"name": "moons", "noise": 0.3, "batch_size": 32}}
    chosen = choose_part(tables, None, "data", catalogue().get("dataset", "circles"), keep=("batch_size",))
    assert chosen["data"] == {"name": "circles", "batch_size": 32}


@pytest.mark.parametrize("part", catalogue().parts("family"), ids=lambda part: part.key)
def test_a_form_written_out_whole_reads_as_the_same(part: Part) -> None:
    for data in ({"name": "digits"}, {"name": "digits", "reconstruct": True}, {"name": "copy"}):
        tables: Table = {"data": data, "model": {"family": part.key}}
        try:
            experiment = read(tables)
        except ExperimentError:  # not every family takes all data
            continue
        break
    family = experiment.base.model.family
    assert family is not None
    assert read({**tables, "model": full_table(family, "family")}) == experiment
