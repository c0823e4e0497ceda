"""Listing and checking experiments must be fast, so it imports nothing that builds."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from initviz.catalog.index import catalogue, module_names
from initviz.experiment.catalogue import Catalogue, Part
from initviz.experiment.errors import ExperimentError
from initviz.experiment.text import Text

LIST = """
import sys
from initviz.catalog.index import catalogue
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from initviz.experiment.values import DataInfo, LayerSpec
parts = catalogue()
for part in parts.parts("dataset"):
    part.describe(part.choose())
for part in parts.parts("family"):
    part.layers(part.choose(), DataInfo((1, 8, 8), "classification", 10, 100))
read_document({}, parts, Limits())
heavy = ["torch", "sklearn", "scipy", "PySide6", "pyqtgraph", "numpy"]
import json
print(json.dumps([name for name in heavy if name in sys.modules]))
"""

# FEATURES, sections 2 and 4: what a person must find. All but "from weights", which comes with recordings.
PROMISED = {
    "initializer": {
        "zeros", "ones", "constant", "identity", "normal", "truncated_normal", "uniform", "variance_scaling",
        "xavier_uniform", "xavier_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal",
        "orthogonal", "delta_orthogonal", "sparse", "lsuv", "fixup", "skipinit", "rezero", "pytorch_default",
    },
    "activation": {
        "identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus",
        "hard_sigmoid", "hard_tanh", "hard_swish",
    },
    "layer": {"dense", "conv", "max_pool", "avg_pool", "flatten", "activation", "residual", "conv_residual"},
    "family": {"mlp", "cnn", "resnet_mlp", "resnet", "autoencoder"},
    "optimizer": {
        "sgd", "adam", "adamw", "nadam", "radam", "rmsprop", "adagrad", "adadelta", "lamb", "ranger", "lion", "muon",
    },
    "schedule": {
        "constant", "step", "multi_step", "exponential", "polynomial", "cosine", "range_test", "warm_restarts",
        "cyclic", "one_cycle", "reduce_on_plateau",
    },
    "dataset": {
        "digits", "moons", "circles", "spirals", "xor", "wine", "breast_cancer", "iris", "gaussian",
    },
    "remedy": {
        "l1", "l2", "decoupled_decay", "gradient_centralization", "clip_value", "clip_norm", "agc", "lookahead", "swa",
        "ema", "warmup", "early_stopping", "mixed_precision",
    },
}  # fmt: skip

ALIASES = {
    "kaiming_normal": "he_normal",
    "kaiming_uniform": "he_uniform",
    "glorot_normal": "xavier_normal",
    "glorot_uniform": "xavier_uniform",
    "dirac": "identity",
}


def test_listing_and_checking_import_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIST], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("kind", PROMISED)
def test_everything_promised_is_there(kind: str) -> None:
    assert PROMISED[kind] <= {part.key for part in catalogue().parts(kind)}


@pytest.mark.parametrize("alias", ALIASES)
def test_other_names_of_initializers_lead_to_the_same(alias: str) -> None:
    assert catalogue().get("initializer", alias).key == ALIASES[alias]


def test_catalogue_is_one_object_in_declared_order() -> None:
    assert catalogue() is catalogue()
    assert len(set(module_names())) == len(module_names())
    kinds = catalogue().kinds
    assert kinds[0] == "initializer"
    assert set(kinds) == set(PROMISED)
    assert [part.key for part in catalogue().parts("initializer")][:2] == ["zeros", "ones"]
    assert catalogue().parts("no such kind") == ()


def part(key: str, *aliases: str, kind: str = "schedule") -> Part:
    return Part(kind=kind, key=key, title=Text(key, key), summary=Text(key, key), aliases=aliases)


@pytest.mark.parametrize("second", [part("a"), part("b", "a"), part("b", "c")])
def test_two_parts_cannot_answer_to_one_name(second: Part) -> None:
    with pytest.raises(ValueError, match="answer to"):
        Catalogue([part("a", "c"), second])


def test_kinds_have_names_of_their_own() -> None:
    parts = Catalogue([part("a"), part("a", kind="layer")])
    assert parts.get("layer", "a").kind == "layer"


def test_unknown_part_names_the_nearest() -> None:
    with pytest.raises(ExperimentError) as caught:
        catalogue().get("initializer", "He_Nromal", "init.weight.name")
    assert caught.value.path == "init.weight.name"
    assert "'He_Nromal'" in str(caught.value)
    assert "Did you mean 'he_normal'" in str(caught.value)
    assert "没有这样的初始化方法" in caught.value.text.zh
    assert "“he_normal”" in caught.value.text.zh
