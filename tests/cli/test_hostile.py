"""Whatever a file holds, the answer is in words, soon, with exit code 2."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from initviz.catalog.index import catalogue
from initviz.cli.experiments import read_experiment
from initviz.engine.race import Race
from initviz.experiment.limits import Limits
from tests.cli.conftest import Result

Run = Callable[..., Result]

FEW = 'device = "cpu"\nsteps = 3\n'
MLP = '[model]\nfamily = "mlp"\n'


def list_of(layer: str, count: int) -> str:
    return "model.layers = [" + f"{{ {layer} }}, " * count + "]\n"


REFUSED = {
    "a megabyte of layers": (list_of('kind = "dense"', 49_000), "INITVIZ_MAX_LAYERS"),
    "forty thousand lanes": (
        "".join(f'[[lanes]]\nname = "{n}"\n' for n in range(40_000)),
        "INITVIZ_MAX_LANES",
    ),
    "too many lanes": ("".join(f'[[lanes]]\nname = "{n}"\n' for n in range(17)), "INITVIZ_MAX_LANES"),
    "long lanes": (
        "".join(f'[[lanes]]\nname = "{n}"\n' + list_of('kind = "dense"', 3000) for n in range(16)),
        "INITVIZ_MAX_LAYERS",
    ),
    "deep and wide": (MLP + "depth = 200\nwidth = 8192\n", "INITVIZ_MAX_PARAMETERS"),
    "too wide": (MLP + "depth = 1\nwidth = 8193\n", "INITVIZ_MAX_WIDTH"),
    "wider than any machine": (MLP + "depth = 200\nwidth = 1000000\n", "INITVIZ_MAX_WIDTH"),
    "many wide lanes": (
        MLP + "depth = 2\nwidth = 4096\n" + "".join(f'[[lanes]]\nname = "{n}"\n' for n in range(16)),
        "INITVIZ_MAX_MEMORY_GB",
    ),
    "too many examples": (
        '[data]\nname = "gaussian"\ndim = 1000000\nsamples = 100000000\n',
        "INITVIZ_MAX_MEMORY_GB",
    ),
    "too large a batch": ("data.batch_size = 65537\n", "INITVIZ_MAX_BATCH_SIZE"),
    "too many steps": ("steps = 100000001\n", "INITVIZ_MAX_STEPS"),
    "an image that grows": (
        list_of('kind = "conv", kernel = 1, padding = 63, channels = 64', 20).replace(
            "]", '{ kind = "flatten" }]'
        ),
        "INITVIZ_MAX_PARAMETERS",
    ),
    "more than a megabyte": ("#" + "x" * 1_100_000, "more than 1 MB in one file is above the limit of 1"),
    "nothing left of the image": (
        'model.layers = [{ kind = "max_pool", size = 8 }, { kind = "max_pool", size = 2 }, { kind = "flatten" }]',
        "model.layers[1]: layer 2 (max_pool_2)",
    ),
    "a kernel beyond the image": (
        'model.layers = [{ kind = "conv", kernel = 9, padding = 0 }, { kind = "flatten" }]',
        "model.layers[0]: layer 1 (conv_1)",
    ),
    "not a number": ('optimizer = { name = "sgd", lr = nan }', "optimizer.lr: expected a finite number"),
    "infinity": ('optimizer = { name = "sgd", lr = inf }', "optimizer.lr: expected a finite number"),
    "a rate below zero": ('optimizer = { name = "sgd", lr = -1.0 }', "optimizer.lr: -1.0 is outside"),
    "a number of four thousand digits": ("seed = 1" + "0" * 4000, "seed: <13288 bits> is outside"),
    "a number of a million digits": ("seed = 1" + "0" * 900_000, "too many digits"),
    "names in a circle": ('init.weight = { name = { name = { name = "zeros" } } }', "init.weight.name"),
    "lanes in lanes": ('[[lanes]]\nlanes = [{ name = "a" }]', "lanes[0].lanes"),
    "brackets": ("a = " + "[" * 9000 + "]" * 9000, "nested too deeply"),
    "dots": ("a" + ".a" * 20_000 + " = 1", "nested too deeply"),
    "a long name": ('name = "' + "x" * 900_000 + '"', "name: expected a printable name"),
    "a long key": ("x" * 900_000 + " = 1", "there is no 'xxx"),
    "a name that steers the terminal": ('init.weight = { name = "\\u001b[2J" }', "there is no '\\x1b[2J'"),
    "tables twice": ('[optimizer]\nname = "sgd"\n[optimizer]\nname = "adam"\n', "line 3"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("command", ["run", "probe"])
def test_a_hostile_file_is_refused_in_words(command: str, name: str, initviz: Run, tmp_path: Path) -> None:
    text, words = REFUSED[name]
    path = tmp_path / "hostile.toml"
    path.write_text(text, encoding="utf-8")
    start_s = time.process_time()
    result = initviz(command, path, "--json")
    assert time.process_time() - start_s < 5
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith(f"initviz: {path}")
    assert words in result.err
    assert "Traceback" not in result.err
    assert result.err.count("\n") == 1
    assert "\x1b" not in result.err
    assert len(result.err) < 2000


ACCEPTED = {
    "a batch larger than the data": 'data = { name = "iris", batch_size = 60000 }',
    "nothing held back": 'data = { name = "iris", validation = 0.0 }',
    "nearly everything held back": 'data = { name = "iris", validation = 0.9 }',
    "fewer examples than classes": (
        'data = { name = "gaussian", dim = 1, classes = 1000, samples = 8, validation = 0.9 }'
    ),
    "no layers but the output": 'data = { name = "wine" }\nmodel.layers = []',
    "an image of one pixel": 'model.layers = [{ kind = "conv", stride = 63 }, { kind = "flatten" }]',
    "a rate of a million": 'optimizer = { name = "sgd", lr = 1000000.0 }',
    "a tiny rate": 'optimizer = { name = "adam", lr = 1e-300, eps = 1e-300 }',
    "a huge deviation": 'init.weight = { name = "normal", std = 1000.0 }\nmodel.depth = 60\nmodel.family = "mlp"',
    "points without noise in one place": 'data = { name = "circles", noise = 0.0, factor = 1.0, samples = 8 }',
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_odd_experiment_runs(name: str, initviz: Run, tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(FEW + ACCEPTED[name], encoding="utf-8")
    for words in (["run", path, "--json"], ["probe", path, "--json"], ["run", path]):
        result = initviz(*words)
        assert (result.code, result.err) == (0, "")
    (lane,) = json.loads(initviz("run", path, "--json").out)["lanes"]
    assert lane["status"] in ("ok", "stalled", "diverged")
    assert (lane["val_loss"] is None) == (name == "nothing held back" or lane["status"] == "diverged")


def test_one_class_only(initviz: Run, tmp_path: Path) -> None:
    """One input and eight examples of a thousand classes: by chance all of those trained on are of one."""
    path = tmp_path / "one.toml"
    path.write_text(
        FEW
        + 'data = { name = "gaussian", dim = 1, classes = 3, samples = 8, validation = 0.0 }\nmodel.layers = []',
        encoding="utf-8",
    )
    for seed in range(200):
        race = Race(read_experiment(path, {"seed": seed}), catalogue(), Limits())
        if len(set(race.data.targets.tolist())) == 1:
            break
    result = initviz("run", path, "--seed", seed, "--json")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["lanes"][0]["status"] == "ok", "there is nothing to beat"


def test_sixteen_lanes_of_two_hundred_layers(initviz: Run, tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    path.write_text(
        FEW + MLP + "depth = 200\nwidth = 64\n" + "".join(f'[[lanes]]\nname = "{n}"\n' for n in range(16)),
        encoding="utf-8",
    )
    result = initviz("run", path, "--json", "--metrics", tmp_path / "m.parquet")
    assert (result.code, result.err) == (0, "")
    assert len(json.loads(result.out)["lanes"]) == 16
