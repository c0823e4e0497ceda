"""What becomes of a list of layers, even of one that cannot be trained: every shape as far as it is known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from initviz.experiment.blueprint import OUTPUT_KIND, OUTPUT_NAME, Stage
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.document import read_document
from initviz.experiment.edit import Table, set_value
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.parts import LayerError, LayerPart, TensorSpec
from initviz.experiment.text import Text
from initviz.experiment.ties import tied
from initviz.experiment.values import Choice, DataInfo, LayerSpec, Shape, Tie

MATRIX_AXES = 2
NO_CHOICE = Choice("")
"""How a tensor starts does not matter to its shape."""

_LAYER = re.compile(r"model\.layers\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class SurveyedLayer:
    """A layer in its place, right or wrong.

    Attributes:
        name: As views and messages call it, such as ``dense_3``.
        part: Its kind.
        spec: Its values and its own start.
        input_shape: One example before it; None where a layer before is wrong.
        output_shape: One example after it; None where this layer or one before is wrong.
        tensors: Its trainable tensors; empty where they are not known.
        memory: Bytes that it takes while training.
        problem: What is wrong with it, or None.
        is_output: True for the output layer, which always comes on top.
    """

    name: str
    part: LayerPart
    spec: LayerSpec
    input_shape: Shape | None
    output_shape: Shape | None
    tensors: tuple[TensorSpec, ...]
    memory: int
    problem: Text | None
    is_output: bool

    @property
    def num_parameters(self) -> int:
        """Trainable numbers of its own; shared ones count at the layer that owns them."""
        return sum(tensor.size for tensor in self.tensors if tensor.tied_to is None)

    def has(self, role: str) -> bool:
        """Say whether the layer has a tensor of a role that is its own."""
        return any(tensor.role == role and tensor.tied_to is None for tensor in self.tensors)

    @property
    def weight_shapes(self) -> tuple[Shape, ...]:
        """Shapes of its weights, shared ones too."""
        return tuple(tensor.shape for tensor in self.tensors if tensor.role == "weight")


def survey(
    layers: Sequence[LayerSpec],
    info: DataInfo,
    catalogue: Catalogue,
    batch_size: int,
    item_bytes: int,
    output_tie: Tie | None = None,
) -> tuple[SurveyedLayer, ...]:
    """Follow one example through a list of layers and the output layer on top.

    Args:
        layers: The list, without the output layer.
        info: What goes in and what must come out.
        catalogue: Where layers are declared.
        batch_size: Examples a step, for the memory.
        item_bytes: 4 for float32, 8 for float64.
        output_tie: Whose weights the output layer shares, or None.
    """
    head = _layer_part(catalogue, OUTPUT_KIND)
    output = LayerSpec(
        Choice(
            head.key,
            tuple((p.key, info.num_outputs if p.key == "units" else p.default) for p in head.parameters),
        ),
        tie=output_tie,
    )
    stages: list[Stage] = []
    counts: dict[str, int] = {}
    rows: list[SurveyedLayer] = []
    shape: Shape | None = info.shape
    for index, spec in enumerate((*layers, output)):
        part = _layer_part(catalogue, spec.layer.name)
        counts[part.key] = counts.get(part.key, 0) + 1
        is_output = index == len(layers)
        after: Shape | None = None
        tensors: tuple[TensorSpec, ...] = ()
        problem: Text | None = None
        if shape is not None:
            try:
                after = part.output_shape(spec.layer, shape)
                tensors = part.tensors(spec.layer, shape)
            except LayerError as error:
                after, tensors, problem = None, (), error.text
        name = OUTPUT_NAME if is_output else f"{part.key}_{counts[part.key]}"
        if spec.tie is not None and after is not None:
            try:
                tensors = tied(tensors, spec.tie, stages, "")
            except ExperimentError as error:
                problem = error.reason
        if shape is not None and after is not None:
            stages.append(
                Stage(
                    index=index,
                    name=name,
                    layer=spec.layer,
                    structure=spec.layer,
                    weight=NO_CHOICE,
                    bias=NO_CHOICE,
                    input_shape=shape,
                    output_shape=after,
                    tensors=tensors,
                )
            )
        size = sum(tensor.size for tensor in tensors if tensor.tied_to is None)
        memory = item_bytes * (5 * size + 3 * batch_size * _elements(after))
        rows.append(SurveyedLayer(name, part, spec, shape, after, tensors, memory, problem, is_output))
        shape = after
    return tuple(rows)


def _layer_part(catalogue: Catalogue, key: str) -> LayerPart:
    part = catalogue.get("layer", key)
    if not isinstance(part, LayerPart):
        raise TypeError(f"{part.key} is not a layer")
    return part


def _elements(shape: Shape | None) -> int:
    if shape is None:
        return 0
    product = 1
    for extent in shape:
        product *= extent
    return product


def tie_offers(rows: Sequence[SurveyedLayer], index: int) -> tuple[Tie, ...]:
    """Return whose weights a layer could share: those of earlier layers of equal or transposed shape.

    A layer that shares another one's weights itself is left out, since that other one is offered.

    Args:
        rows: The network.
        index: The layer.
    """
    mine = rows[index].weight_shapes
    offers: list[Tie] = []
    for row in rows[:index] if mine else ():
        theirs = row.weight_shapes
        if row.spec.tie is not None or row.problem is not None:
            continue
        if theirs == mine:
            offers.append(Tie(row.name))
        turned = tuple(shape[::-1] if len(shape) == MATRIX_AXES else shape for shape in theirs)
        if turned == mine and all(len(shape) == MATRIX_AXES for shape in theirs):
            offers.append(Tie(row.name, transpose=True))
    return tuple(offers)


def first_problem(
    document: Mapping[str, object],
    place: str,
    model: Table,
    catalogue: Catalogue,
    limits: Limits,
    folder: Path | None = None,
) -> ExperimentError | None:
    """Return why a document with this model at ``place`` cannot be trained, or None where it can."""
    try:
        read_document(set_value(document, place, model), catalogue, limits, folder)
    except ExperimentError as error:
        return error
    return None


def with_problem(rows: Sequence[SurveyedLayer], error: ExperimentError) -> tuple[SurveyedLayer, ...]:
    """Put an error of the whole experiment at the layer that it is about, where it is about one.

    A layer that is already known to be wrong keeps its own words.
    """
    if any(row.problem is not None for row in rows):
        return tuple(rows)
    match = _LAYER.search(error.path)
    wrong = int(match[1]) if match else len(rows) - 1
    return tuple(
        replace(row, problem=error.reason) if index == wrong else row for index, row in enumerate(rows)
    )
