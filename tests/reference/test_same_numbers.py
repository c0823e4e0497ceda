"""Nothing but the experiment decides a number: not the process, not who watches, not the lanes beside."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from initviz.telemetry.frame import Scalars
from initviz.telemetry.monitor import Monitor
from initviz.worker.mailbox import Mailbox
from initviz.worker.training import Training
from tests.reference.plain import Table, race_of, told
from tests.reference.test_run_is_plain_torch import CONVOLUTIONS, EVERY_OPTIMIZER, STRUCTURES

ROOT = Path(__file__).parents[2]
SINGLE = 'dtype = "float32"'


def in_single_precision(text: str) -> str:
    return text.replace('dtype = "float64"', SINGLE)


@pytest.fixture(
    params=[EVERY_OPTIMIZER, STRUCTURES, CONVOLUTIONS], ids=["points", "structures", "convolutions"]
)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "experiment.toml"
    path.write_text(in_single_precision(request.param), encoding="utf-8")
    return path


# Processes


def test_two_processes_give_the_same_bits(tmp_path: Path) -> None:
    """With another hash seed, more threads offered, and other work done before in the same process."""
    program = """
import sys
from initviz.cli import main
for name in sys.argv[1:]:
    assert main(["run", f"{name}.toml", "--steps", "50", "--metrics", f"{name}-other.jsonl"]) == 0
"""
    names = []
    for name, text in (("a", EVERY_OPTIMIZER), ("b", CONVOLUTIONS), ("c", STRUCTURES)):
        names.append(str(tmp_path / name))
        Path(f"{names[-1]}.toml").write_text(in_single_precision(text), encoding="utf-8")
        told("run", f"{names[-1]}.toml", "--steps", "50", "--json", "--metrics", f"{names[-1]}.jsonl")
    result = subprocess.run(
        [sys.executable, "-c", program, *reversed(names)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stderr
    for name in names:
        ours = Path(f"{name}.jsonl").read_bytes()
        assert ours == Path(f"{name}-other.jsonl").read_bytes()
        assert ours.count(b"\n") >= 200


# Watching


def weights(race: Race) -> list[torch.Tensor]:
    return [group.flat.clone() for group in race.groups]


def watched(path: Path, seed: int) -> tuple[Race, list[Scalars]]:
    """Train as an impatient person would have it: played, stepped, paused, looked at, at moments drawn by chance."""
    chance = random.Random(seed)
    race = race_of(path)
    monitor = Monitor(race, run_id=1, exact=seed % 2 == 0)
    mailbox = Mailbox()
    mailbox.open(1)
    training = Training(monitor, Often(chance), mailbox)
    scalars: list[Scalars] = []
    while not training.finished:
        match chance.randrange(6):
            case 0 | 1 | 2:
                training.play_on(watching=chance.random() < 0.7)
            case 3:
                training.step_once()
            case 4:
                training.show()
            case 5:
                race.predict(race.data.inputs[:10])
                monitor.validate()
                race.look(*race.data.batch(race.step))
        scalars.extend(mailbox.drain().scalars)
    training.post_scalars()
    scalars.extend(mailbox.drain().scalars)
    return race, scalars


class Often:
    """Wants a frame at moments drawn by chance."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def due(self, now_s: float) -> bool:
        return self._chance.random() < 0.4

    def spent(self, cost_s: float, step_cost_s: float) -> None:
        pass


@pytest.mark.parametrize("seed", [0, 1])
def test_watching_changes_no_bit(path: Path, seed: int) -> None:
    plain = race_of(path)
    losses = np.array([state.loss.double().tolist() for state in plain])
    race, scalars = watched(path, seed)
    assert race.step == plain.step == plain.total_steps
    for ours, wanted in zip(weights(race), weights(plain), strict=True):
        assert torch.equal(ours, wanted)
    np.testing.assert_array_equal(np.concatenate([part.loss for part in scalars]), losses)
    np.testing.assert_array_equal(np.concatenate([part.steps for part in scalars]), np.arange(len(losses)))


def test_writing_measurements_changes_no_bit(path: Path, tmp_path: Path) -> None:
    without = told("run", path, "--json")["lanes"]
    assert told("run", path, "--json", "--metrics", tmp_path / "m.csv")["lanes"] == without


# Lanes alone and together

FAMILIES: dict[str, Table] = {
    "mlp": {"family": "mlp", "depth": 3, "width": 16, "activation": "tanh"},
    "cnn": {"family": "cnn", "channels": 4, "blocks": 2, "activation": "elu"},
    "resnet_mlp": {"family": "resnet_mlp", "blocks": 3, "width": 12, "activation": "relu"},
    "resnet": {"family": "resnet", "stages": 2, "blocks": 1, "channels": 4},
    "recurrent": {"family": "recurrent", "cell": "gru", "width": 8},
    "autoencoder": {"family": "autoencoder", "depth": 2, "width": 12, "bottleneck": 4, "tied": True},
    "transformer": {"family": "transformer", "width": 8, "heads": 2, "blocks": 1},
}
WEIGHT_STARTS = [
    part.key for part in catalogue().parts("initializer") if "weight" in getattr(part, "targets", ())
]
BIAS_STARTS = [
    part.key for part in catalogue().parts("initializer") if "bias" in getattr(part, "targets", ())
]


def experiment(family: str, lanes: list[Table]) -> Race:
    document: Table = {
        "device": "cpu",
        "dtype": "float64",
        "steps": 100,
        "seed": 8,
        "data": {"name": "digits", "batch_size": 32, "reconstruct": family == "autoencoder"},
        "model": FAMILIES[family],
        "optimizer": {"name": "adam", "lr": 0.002},
        "lanes": lanes,
    }
    bounds = Limits(lanes=64)
    return Race(read_document(document, catalogue(), bounds), catalogue(), bounds)


def lanes_with_every_start() -> list[Table]:
    lanes: list[Table] = [{"name": key, "init": {"weight": {"name": key}}} for key in WEIGHT_STARTS]
    lanes += [{"name": f"bias {key}", "init": {"bias": {"name": key}}} for key in BIAS_STARTS]
    lanes += [{"name": f"seed {seed}", "seed": seed, "init": {"weight": {"name": "lsuv"}}} for seed in (1, 8)]
    return lanes


def test_every_family_is_tried() -> None:
    assert set(FAMILIES) == {part.key for part in catalogue().parts("family")}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_lane_with_any_start_equals_the_same_experiment_alone(family: str) -> None:
    lanes = lanes_with_every_start()
    together = experiment(family, lanes)
    assert len(together.groups) == 1
    (group,) = together.groups
    starts = group.flat.clone()
    losses = np.array([state.loss.tolist() for state in together])
    tolerance = 1e-9 if family in ("cnn", "resnet") else 1e-12
    for index, lane in enumerate(lanes):
        alone = experiment(family, [lane])
        assert torch.equal(alone.groups[0].flat[0], starts[index]), lane["name"]
        own = np.array([state.loss.item() for state in alone])
        # Losses above 1 are compared by their size: some starts begin at a million.
        difference = np.abs(losses[:, index] - own) / np.maximum(1.0, own)
        assert difference.max() <= tolerance, (lane["name"], difference.argmax(), own[0])
        # The same seed and start, whatever the place in the race.
        if lane["name"] == "seed 8":
            assert torch.equal(starts[index], starts[WEIGHT_STARTS.index("lsuv")])
        if lane["name"] == "seed 1":
            assert not torch.equal(starts[index], starts[WEIGHT_STARTS.index("lsuv")])
