"""Numbers from elsewhere put into a network: matched by name, as far as the shapes agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from initviz.engine.layout import view_of
from initviz.engine.network import Network
from initviz.engine.weights import Weights
from initviz.experiment.blueprint import Blueprint
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.errors import ExperimentError, printable
from initviz.experiment.sources import loads
from initviz.experiment.text import Text

MOST_NAMED = 6
"""Names that a message repeats."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Numbers that were not loaded.

    Attributes:
        name: Layer and tensor.
        reason: Why.
    """

    name: str
    reason: Text


@dataclass(frozen=True, slots=True)
class MatchReport:
    """What of a source went into a network.

    Attributes:
        source: Where the numbers come from.
        loaded: Layers and tensors that were taken over.
        skipped: What the network lacks, or the source, and what has another shape.
    """

    source: str
    loaded: tuple[str, ...]
    skipped: tuple[Skipped, ...]

    def summary(self) -> Text:
        """Return it as a sentence."""
        if not self.source:
            return Text(
                "no weights are chosen to start from, so all were drawn.",
                "没有选择起始权重，因此全部随机抽取。",
            )
        named = "; ".join(f"{one.name}: {one.reason.en}" for one in self.skipped[:MOST_NAMED])
        named_zh = "；".join(f"{one.name}：{one.reason.zh}" for one in self.skipped[:MOST_NAMED])
        more = len(self.skipped) - MOST_NAMED
        rest = Text(f"; and {more} more", f"；另有 {more} 项") if more > 0 else Text("", "")
        count = len(self.loaded)
        end = Text(".", "。")
        if self.skipped:
            end = Text(f"; not loaded: {named}{rest.en}.", f"；未加载：{named_zh}{rest.zh}。")
        source = printable(self.source, 200)
        return Text(
            f"{count} tensors loaded from {source}{end.en}", f"从 {source} 加载了 {count} 个张量{end.zh}"
        )


def fill(
    network: Network,
    row: Tensor,
    buffers: Tensor,
    weights: Weights,
    source: str,
    stages: Iterable[int] | None = None,
) -> MatchReport:
    """Put numbers into one lane in place; what does not match stays as it is.

    Args:
        network: Its layers.
        row: ``(P,)``.
        buffers: ``(Q,)``.
        weights: The numbers.
        source: Where they come from, for the report.
        stages: Indices of the layers that take any; all by default.
    """
    wanted = set(range(len(network.blueprint.stages)) if stages is None else stages)
    places = _places(network, row, buffers)
    given = dict(weights)
    loaded: list[str] = []
    skipped: list[Skipped] = []
    for name, (stage, view) in places.items():
        if stage not in wanted:
            continue
        tensor = given.get(name)
        if tensor is None:
            skipped.append(Skipped(name, Text("not in the source", "来源中没有")))
        elif tensor.shape != view.shape or tensor.is_complex():
            has, needs = _shape(tensor), _shape(view)
            skipped.append(
                Skipped(
                    name,
                    Text(f"{has} in the source, {needs} here", f"来源中为 {has}，此处为 {needs}"),
                )
            )
        else:
            view.copy_(tensor)
            loaded.append(name)
    for name in given:
        if name not in places:
            skipped.append(
                Skipped(printable(name), Text("no such tensor in this network", "此网络没有这个张量"))
            )
    network.repeat_shared(row)
    return MatchReport(source, tuple(loaded), tuple(skipped))


def _places(network: Network, row: Tensor, buffers: Tensor) -> dict[str, tuple[int, Tensor]]:
    """Return of every tensor and buffer the layer's index and the view that holds its numbers."""
    stages = network.blueprint.stages
    found = {
        f"{stages[slot.stage].name}.{slot.spec.name}": (slot.stage, view_of(row, slot))
        for slot in network.layout.slots
        if slot.spec.tied_to is None
    }
    offset = 0
    for stage in stages:
        for spec in stage.buffers:
            view = buffers[offset : offset + spec.size].view(spec.shape)
            found[f"{stage.name}.{spec.name}"] = (stage.index, view)
            offset += spec.size
    return found


def _shape(tensor: Tensor) -> str:
    return " × ".join(str(extent) for extent in tensor.shape) or "()"


def row_of(
    blueprint: Blueprint, catalogue: Catalogue, weights: Weights, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Return a network's whole numbers as one row, ``(P,)``, and its buffers, ``(Q,)``.

    Raises:
        ExperimentError: Some are missing or have another shape.
    """
    network = Network(blueprint, catalogue, 1)
    row = torch.zeros(network.layout.size, dtype=dtype)
    buffers = network.fresh_buffers(row)[0]
    report = fill(network, row, buffers, weights, "")
    own = _places(network, row, buffers)
    missing = [one for one in report.skipped if one.name in own]
    if missing:
        names = ", ".join(f"{one.name} ({one.reason.en})" for one in missing[:MOST_NAMED])
        names_zh = "、".join(f"{one.name}（{one.reason.zh}）" for one in missing[:MOST_NAMED])
        raise ExperimentError(
            Text(
                f"these weights are not those of the network: {names}. Describe the network that they belong to.",
                f"这些权重与网络不符：{names_zh}。请按权重所属的网络来描述模型。",
            )
        )
    return row, buffers


SourceWeights = Callable[[str], Weights]
"""From a source, as an initializer names it, to its numbers."""


def sources(blueprint: Blueprint, catalogue: Catalogue) -> Mapping[str, tuple[int, ...]]:
    """Return of every source the indices of the layers that start from it."""
    found: dict[str, list[int]] = {}
    last = len(blueprint.stages) - 1
    for stage in blueprint.stages:
        if (
            (stage.tensors or stage.buffers)
            and loads(stage.weight, catalogue)
            and stage.weight.string("source")
            and (stage.index < last or stage.weight.flag("output"))
        ):
            found.setdefault(stage.weight.string("source"), []).append(stage.index)
    return {source: tuple(indices) for source, indices in found.items()}


def load_into(
    network: Network, row: Tensor, buffers: Tensor, catalogue: Catalogue, weights_from: SourceWeights
) -> MatchReport | None:
    """Put into one lane what its initializers take from elsewhere; None where they take nothing.

    Raises:
        ExperimentError: A source has nothing for the network.
    """
    reports = []
    for source, stages in sources(network.blueprint, catalogue).items():
        report = fill(network, row, buffers, weights_from(source), source, stages)
        if not report.loaded:
            why = report.summary()
            raise ExperimentError(
                Text(
                    f"nothing in {printable(source, 200)} fits this network, so it would start at random. "
                    f"{why.en} Choose weights of such a network.",
                    f"{printable(source, 200)} 中没有适合此网络的内容，网络会随机初始化。{why.zh}"
                    "请选择同类网络的权重。",
                ),
                "init.weight.source",
            )
        reports.append(report)
    if not reports and not any(loads(stage.weight, catalogue) for stage in network.blueprint.stages):
        return None
    return MatchReport(
        ", ".join(report.source for report in reports),
        tuple(name for report in reports for name in report.loaded),
        tuple(one for report in reports for one in report.skipped),
    )
