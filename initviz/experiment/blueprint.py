"""From a model's description to its layers with shapes, tensors, parameter count and memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.errors import ExperimentError, join_path
from initviz.experiment.limits import Limits
from initviz.experiment.parts import BufferSpec, DatasetPart, FamilyPart, LayerError, LayerPart, TensorSpec
from initviz.experiment.text import Text
from initviz.experiment.ties import tied
from initviz.experiment.values import (
    Choice,
    DataInfo,
    DataSpec,
    InitSpec,
    LayerSpec,
    ModelSpec,
    Recipe,
    Shape,
    Tie,
)

OUTPUT_NAME = "output"
OUTPUT_KIND = "dense"
SEQUENCE_AXES, IMAGE_AXES = 2, 3


@dataclass(frozen=True, slots=True)
class Stage:
    """A layer in its place.

    Attributes:
        index: Position in the list, 0 first; the output layer is last.
        name: Unique name, such as ``dense_3``, ``activation_3`` or ``output``.
        layer: Kind and values.
        structure: The same without what only decides its start.
        weight: Initializer of its weights.
        bias: Initializer of its biases.
        input_shape: One example before it.
        output_shape: One example after it.
        tensors: Its trainable tensors, those included that it shares with an earlier layer.
        buffers: What it keeps beside them.
        inside: Numbers an example that it keeps for the backward pass, beside its output.
    """

    index: int
    name: str
    layer: Choice
    structure: Choice
    weight: Choice
    bias: Choice
    input_shape: Shape
    output_shape: Shape
    tensors: tuple[TensorSpec, ...]
    buffers: tuple[BufferSpec, ...] = ()
    inside: int = 0

    @property
    def num_parameters(self) -> int:
        """Trainable numbers of its own; shared ones count where they were declared first."""
        return sum(tensor.size for tensor in self.tensors if tensor.tied_to is None)


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A whole network with every shape known.

    Attributes:
        data: What goes in and what must come out.
        stages: Layers from input to output; the last is the output layer.
    """

    data: DataInfo
    stages: tuple[Stage, ...]

    @property
    def num_parameters(self) -> int:
        """Trainable numbers of the network."""
        return sum(stage.num_parameters for stage in self.stages)

    @property
    def structure(self) -> tuple[object, ...]:
        """Equal for networks that differ in nothing but their start, so that they can train as one batch."""
        return tuple(
            (stage.structure, stage.input_shape, tuple(spec.tied_to for spec in stage.tensors))
            for stage in self.stages
        )

    @property
    def measured_layers(self) -> tuple[str, ...]:
        """Name of every tensor of role ``weight``, in order: what histograms, norms and signals are kept for."""
        names: list[str] = []
        for stage in self.stages:
            weights = [tensor for tensor in stage.tensors if tensor.role == "weight"]
            if len(weights) == 1:
                names.append(stage.name)
            else:
                names.extend(f"{stage.name}.{place}" for place in range(1, len(weights) + 1))
        return tuple(names)

    def memory_bytes(self, batch_size: int, item_bytes: int) -> int:
        """Estimate the memory of training: weights, gradients, two optimizer moments, and the activations kept.

        Args:
            batch_size: Examples a step.
            item_bytes: 4 for float32, 8 for float64.
        """
        activations = sum(_elements(stage.output_shape) + stage.inside for stage in self.stages)
        return item_bytes * (5 * self.num_parameters + 3 * batch_size * activations)


def _elements(shape: Shape) -> int:
    product = 1
    for extent in shape:
        product *= extent
    return product


def data_info(data: DataSpec, catalogue: Catalogue) -> DataInfo:
    """Return what is known of the chosen data set before it is loaded."""
    part = catalogue.get("dataset", data.dataset.name, "data.name")
    if not isinstance(part, DatasetPart):
        raise TypeError(f"{part.key} is not a data set")
    info = part.describe(data.dataset)
    if not data.reconstruct:
        return info
    if info.tokens:
        raise ExperimentError(
            Text(
                "symbols cannot be reconstructed as numbers. Switch it off, or choose another data set.",
                "符号不能当作数值来重建。请关闭此项，或选择其他数据集。",
            ),
            "data.reconstruct",
        )
    return replace(info, task="regression", num_outputs=math.prod(info.shape), per_position=False, classes=())


def _family(model: ModelSpec, catalogue: Catalogue) -> tuple[FamilyPart, Choice] | None:
    if model.family is None:
        return None
    part = catalogue.get("family", model.family.name, "model.family")
    if not isinstance(part, FamilyPart):
        raise TypeError(f"{part.key} is not a family")
    return part, model.family


def layer_list(model: ModelSpec, info: DataInfo, catalogue: Catalogue) -> tuple[LayerSpec, ...]:
    """Return the layers of a model, a family spelled out, without the output layer."""
    family = _family(model, catalogue)
    return model.layers if family is None else family[0].layers(family[1], info)


def output_tie(model: ModelSpec, info: DataInfo, catalogue: Catalogue) -> Tie | None:
    """Return whose weight the output layer of a model shares, or None."""
    family = _family(model, catalogue)
    return model.output_tie if family is None else family[0].output_tie(family[1], info)


def check_depth(num_layers: int, limits: Limits, path: str) -> None:
    """Refuse a network of too many layers; the output layer comes on top of those given."""
    limits.check("layers", num_layers + 1, Text("layers", "层数"), path)


def blueprint(
    recipe: Recipe, data: DataSpec, catalogue: Catalogue, limits: Limits, path: str = ""
) -> Blueprint:
    """Work out every shape of a recipe's network.

    Args:
        recipe: The network and its start.
        data: Gives the input shape and the output width.
        catalogue: Where layers, families and data sets are declared.
        limits: Bounds on layers, widths and parameters.
        path: Where the recipe stands, for messages.
    Raises:
        ExperimentError: A layer that cannot take its input, or a network above a limit.
    """
    info = data_info(data, catalogue)
    specs = layer_list(recipe.model, info, catalogue)
    model_path = join_path(path, "model")
    check_depth(len(specs), limits, model_path)
    head_part = catalogue.get("layer", OUTPUT_KIND)
    head = LayerSpec(
        Choice(
            head_part.key,
            tuple((p.key, info.num_outputs if p.key == "units" else p.default) for p in head_part.parameters),
        ),
        tie=output_tie(recipe.model, info, catalogue),
    )
    stages: list[Stage] = []
    shape = info.shape
    counts: dict[str, int] = {}
    total = 0
    for index, spec in enumerate((*specs, head)):
        is_head = index == len(specs)
        part = catalogue.get("layer", spec.layer.name, model_path)
        if not isinstance(part, LayerPart):
            raise TypeError(f"{part.key} is not a layer")
        counts[part.key] = counts.get(part.key, 0) + 1
        name = OUTPUT_NAME if is_head else f"{part.key}_{counts[part.key]}"
        where = model_path if is_head or recipe.model.family is not None else f"{model_path}.layers[{index}]"
        if is_head:
            _check_output_input(shape, info, where)
        stage = _stage(index, name, spec, part, shape, recipe.init, where)
        if spec.tie is not None:
            at = (
                where
                if recipe.model.family is not None
                else join_path(where, "output_tie" if is_head else "tie")
            )
            stage = replace(stage, tensors=tied(stage.tensors, spec.tie, stages, at))
        if stage.tensors:
            widest = stage.output_shape[0 if len(stage.output_shape) == IMAGE_AXES else -1]
            limits.check("width", widest, Text("units or channels", "单元或通道数"), where)
        total += stage.num_parameters
        limits.check("parameters", total, Text("parameters", "参数量"), model_path)
        stages.append(stage)
        shape = stage.output_shape
    return Blueprint(info, tuple(stages))


def _stage(
    index: int, name: str, spec: LayerSpec, part: LayerPart, shape: Shape, init: InitSpec, where: str
) -> Stage:
    try:
        after = part.output_shape(spec.layer, shape)
        tensors = part.tensors(spec.layer, shape)
    except LayerError as error:
        text = error.text
        number = index + 1
        raise ExperimentError(
            Text(f"layer {number} ({name}): {text.en}", f"第 {number} 层（{name}）：{text.zh}"), where
        ) from error
    return Stage(
        index=index,
        name=name,
        layer=spec.layer,
        structure=part.structure(spec.layer),
        weight=spec.weight or init.weight,
        bias=spec.bias or init.bias,
        input_shape=shape,
        output_shape=after,
        tensors=tensors,
        buffers=part.buffers(spec.layer, shape),
        inside=part.inside(spec.layer, shape),
    )


def _check_output_input(shape: Shape, info: DataInfo, where: str) -> None:
    """Refuse a sequence before the output layer where one answer is wanted, and the other way round."""
    if info.per_position and len(shape) != SEQUENCE_AXES:
        raise ExperimentError(
            Text(
                "every position of the sequence needs an answer, but the last layer gives a single list of numbers. "
                "Let the sequence through to the end.",
                "序列的每个位置都要有输出，而最后一层只给出一列数。请让序列一直保留到最后。",
            ),
            where,
        )
    if not info.per_position and len(shape) == SEQUENCE_AXES:
        raise ExperimentError(
            Text(
                "one answer is wanted for the whole sequence, but the last layer gives one a position. Add a layer "
                "that takes the last position or the mean of all of them.",
                "整个序列只要一个输出，而最后一层在每个位置都给出输出。请添加取最后位置或取平均的层。",
            ),
            where,
        )
