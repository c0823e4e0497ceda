"""Training programs as a reader of an experiment file would write them, in ``torch.nn`` and ``torch.optim`` alone.

They read the file with ``tomllib`` and know of it what the manual says. Two things that are drawn by chance are taken
from a race: the weights at the start, and which examples are in a batch.
"""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from initviz.catalog.index import catalogue
from initviz.cli import main
from initviz.engine.race import Race
from initviz.experiment.files import load_experiment
from initviz.experiment.limits import Limits

Table = dict[str, Any]
Floats = NDArray[np.float64]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "identity": nn.Identity,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "relu6": nn.ReLU6,
    "hard_sigmoid": nn.Hardsigmoid,
    "hard_tanh": nn.Hardtanh,
    "hard_swish": nn.Hardswish,
}
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
}
SCHEDULES: dict[str, Callable[..., torch.optim.lr_scheduler.LRScheduler]] = {
    "constant": lambda optimizer, steps: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0),
    "step": lambda optimizer, steps, **values: torch.optim.lr_scheduler.StepLR(optimizer, **values),
    "exponential": lambda optimizer, steps, **values: torch.optim.lr_scheduler.ExponentialLR(
        optimizer, **values
    ),
    "cosine": lambda optimizer, steps, final_factor=0.0: torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, steps, eta_min=final_factor * optimizer.param_groups[0]["lr"]
    ),
}


class Residual(nn.Module):
    """``x + scale * (second(activation(first(x))))``."""

    def __init__(self, width: int, activation: str) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.activation = ACTIVATIONS[activation]()
        self.second = nn.Linear(width, width)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.scale * self.second(self.activation(self.first(x)))
        return result


def laid_over(base: Table, own: Table) -> Table:
    """Return a lane's table over the experiment's: another name replaces it, otherwise the keys given do."""
    name_before, name = (table.get("name", table.get("family")) for table in (base, own))
    if "layers" in own or (name is not None and name != name_before):
        return own
    merged = dict(base)
    for key, value in own.items():
        before: Any = base.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        merged[key] = laid_over(before, value) if both else value
    return merged


def layer(table: Table, shape: Sequence[int]) -> nn.Module:
    """Return what a table of the list of layers stands for."""
    values = {key: value for key, value in table.items() if key not in ("kind", "init")}
    match table["kind"]:
        case "dense":
            return nn.Linear(shape[0], values["units"], bias=values.get("bias", True))
        case "conv":
            sizes = values.get("kernel", 3), values.get("stride", 1), values.get("padding", 1)
            return nn.Conv2d(shape[0], values["channels"], *sizes, bias=values.get("bias", True))
        case "max_pool":
            return nn.MaxPool2d(values.get("size", 2))
        case "avg_pool":
            return nn.AvgPool2d(values.get("size", 2))
        case "flatten":
            return nn.Flatten()
        case "activation":
            return ACTIVATIONS[values.get("function", "relu")]()
        case "residual":
            return Residual(shape[0], values.get("activation", "relu"))
    raise KeyError(table["kind"])


def layer_tables(model: Table, shape: Sequence[int]) -> list[Table]:
    """Return the list of layers that a model is; a quick form is spelled out as the manual describes it."""
    if "layers" in model:
        return list(model["layers"])
    flatten: list[Table] = [{"kind": "flatten"}] if len(shape) > 1 else []
    function = model.get("activation", "relu")
    activation: Table = {"kind": "activation", "function": function}
    match model["family"]:
        case "mlp":
            dense: Table = {"kind": "dense", "units": model["width"]}
            return flatten + [dense, activation] * model["depth"]
        case "cnn":
            tables, side = [], min(shape[1:])
            for _ in range(model["blocks"]):
                tables += [{"kind": "conv", "channels": model["channels"]}, activation]
                if side >= 4:
                    tables.append({"kind": "max_pool"})
                    side //= 2
            return [*tables, {"kind": "flatten"}]
        case "resnet_mlp":
            block: Table = {"kind": "residual", "activation": function}
            return [*flatten, {"kind": "dense", "units": model["width"]}, *[block] * model["blocks"]]
    raise KeyError(model["family"])


def network(model: Table, shape: Sequence[int], num_outputs: int, dtype: torch.dtype) -> nn.Sequential:
    """Return the network; its layers bear the names by which measurements call them."""
    built = nn.Sequential()
    counts: dict[str, int] = {}
    x = torch.zeros(2, *shape, dtype=dtype)
    output: Table = {"kind": "dense", "units": num_outputs}
    for table in [*layer_tables(model, shape), output]:
        kind = table["kind"]
        counts[kind] = counts.get(kind, 0) + 1
        module = layer(table, x.shape[1:]).to(dtype)
        built.add_module("output" if table is output else f"{kind}_{counts[kind]}", module)
        with torch.no_grad():
            x = module(x)
    return built


def measured(built: nn.Sequential) -> dict[str, Tensor]:
    """Return the weights that are measured, by the name of their layer."""
    found: dict[str, Tensor] = {}
    for name, module in built.named_children():
        if isinstance(module, nn.Linear | nn.Conv2d):
            found[name] = module.weight
        elif isinstance(module, Residual):
            found[f"{name}.1"], found[f"{name}.2"] = module.first.weight, module.second.weight
    return found


@dataclass
class Record:
    """What was seen, a row a step."""

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    weight_norm: list[list[float]] = field(default_factory=list)
    grad_norm: list[list[float]] = field(default_factory=list)
    update_norm: list[list[float]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)


class PlainLane:
    """One lane of an experiment file.

    Args:
        path: The file.
        lane: Which of its lanes, 0 first.
        race: Of the same file, before its first step: gives weights and batches.
    """

    def __init__(self, path: Path, lane: int, race: Race) -> None:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        own = tables.get("lanes", [{}])[lane]
        recipe = laid_over(tables, {key: value for key, value in own.items() if key not in ("name", "color")})
        self.name = own.get("name")
        self.steps: int = tables["steps"]
        self._race = race
        inputs, _ = race.data.batch(0)
        self.is_binary = race.data.info.task == "binary"
        dtype = torch.float64 if tables.get("dtype") == "float64" else torch.float32
        assert inputs.dtype == dtype
        self.network = network(recipe["model"], inputs.shape[1:], race.data.info.num_outputs, dtype)
        self._take_weights(lane)
        self._optimizer = self._part(OPTIMIZERS, recipe["optimizer"], self.network.parameters())
        self._schedule = self._part(
            SCHEDULES, recipe.get("schedule", {"name": "constant"}), self._optimizer, self.steps
        )

    @staticmethod
    def _part(parts: dict[str, Callable[..., Any]], table: Table, *given: Any) -> Any:
        return parts[table["name"]](*given, **{key: value for key, value in table.items() if key != "name"})

    def _take_weights(self, lane: int) -> None:
        group = next(group for group in self._race.groups if lane in group.lanes)
        row = group.flat[group.lanes.index(lane)]
        layers = list(self.network)
        left = {
            f"{place}.{name}" for place, layer in enumerate(layers) for name, _ in layer.named_parameters()
        }
        for slot, start in zip(group.layout.slots, group.layout.views(row), strict=True):
            parameter = layers[slot.stage].get_parameter(slot.spec.name)
            assert parameter.shape == start.shape
            with torch.no_grad():
                parameter.copy_(start)
            left.remove(f"{slot.stage}.{slot.spec.name}")
        assert not left

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss."""
        if self.is_binary:
            return nn.functional.binary_cross_entropy_with_logits(outputs[:, 0], targets)
        return nn.functional.cross_entropy(outputs, targets)

    def accuracy(self, outputs: Tensor, targets: Tensor) -> float:
        """Return the share that is classified rightly."""
        guesses = (outputs[:, 0] > 0).to(targets.dtype) if self.is_binary else outputs.argmax(1)
        return (guesses == targets).double().mean().item()

    def scores(self) -> tuple[float, float]:
        """Return loss and accuracy on the examples held back."""
        targets = self._race.data.validation_targets
        with torch.no_grad():
            outputs = self.network(self._race.data.validation_inputs)
            return self.loss(outputs, targets).item(), self.accuracy(outputs, targets)

    def train(self) -> Record:
        """Make every update, or as many as the loss stays finite."""
        record = Record()
        weights = list(measured(self.network).values())
        for step in range(self.steps):
            inputs, targets = self._race.data.batch(step)
            self._optimizer.zero_grad()
            outputs = self.network(inputs)
            loss = self.loss(outputs, targets)
            record.loss.append(loss.item())
            if not torch.isfinite(loss):
                break
            loss.backward()  # type: ignore[no-untyped-call]
            record.sizes.append(len(targets))
            record.accuracy.append(self.accuracy(outputs, targets))
            record.lr.append(self._optimizer.param_groups[0]["lr"])
            record.weight_norm.append(norms(weights))
            record.grad_norm.append(norms([weight.grad for weight in weights if weight.grad is not None]))
            before = [weight.detach().clone() for weight in weights]
            self._optimizer.step()
            self._schedule.step()
            record.update_norm.append(
                norms([weight - old for weight, old in zip(weights, before, strict=True)])
            )
        return record


def norms(tensors: Sequence[Tensor]) -> list[float]:
    """Return the L2 norm of each, in double precision."""
    return [torch.linalg.vector_norm(tensor.detach().double()).item() for tensor in tensors]


def race_of(path: Path, **limits: int) -> Race:
    """Return a race of an experiment file, before its first step."""
    bounds = Limits(**limits)
    return Race(load_experiment(path, catalogue(), bounds), catalogue(), bounds)


def told(*words: object) -> Any:
    """Return the JSON that a command prints."""
    out = io.StringIO()
    with redirect_stdout(out):
        code = main([str(word) for word in words])
    assert code == 0
    return json.loads(out.getvalue())


def metrics(path: Path, lane: str) -> dict[str, Floats]:
    """Return the columns of a Parquet file of measurements for one lane; NaN where there is nothing."""
    rows = [row for row in pq.read_table(path).to_pylist() if row["lane"] == lane]
    names = [name for name in rows[0] if name != "lane"]
    return {name: np.array([np.nan if row[name] is None else row[name] for row in rows]) for name in names}
