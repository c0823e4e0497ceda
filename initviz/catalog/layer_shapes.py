"""What the kinds of layers make of a shape, and which tensors they train."""

from __future__ import annotations

from initviz.experiment.parts import LayerError, TensorSpec
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Shape

SEQUENCE_AXES = 2


def flat_input(shape: Shape) -> int:
    """Return how many numbers come in; raise ``LayerError`` where an image or a sequence does."""
    if len(shape) == SEQUENCE_AXES:
        raise LayerError(
            f"it needs a list of numbers, but its input is a sequence of shape {_shown(shape)}. Add a layer before it "
            "that takes the last step, the mean over time, or flattens it.",
            f"它的输入必须是一列数，而现在是形状为 {_shown(shape)} 的序列。请在它前面加一个取最后一步、"
            "对时间取平均或展平的层。",
        )
    if len(shape) != 1:
        raise LayerError(
            f"it needs a list of numbers, but its input is an image of shape {_shown(shape)}. "
            "Add a flatten layer before it.",
            f"它的输入必须是一列数，而现在是形状为 {_shown(shape)} 的图像。请在它前面加一个展平层。",
        )
    return shape[0]


def sequence_input(shape: Shape) -> tuple[int, int]:
    """Return steps and numbers a step; raise ``LayerError`` where no sequence comes in."""
    if len(shape) != SEQUENCE_AXES:
        found = (
            Text(f"a list of {_shown(shape)} numbers", f"一列 {_shown(shape)} 个数")
            if len(shape) == 1
            else Text(f"an image of shape {_shown(shape)}", f"形状为 {_shown(shape)} 的图像")
        )
        raise LayerError(
            f"it needs a sequence, but its input is {found.en}. Choose a data set of sequences, or add a layer before "
            "it that reads its input step by step; symbols need an embedding.",
            f"它的输入必须是序列，而现在是{found.zh}。请选择序列数据集，或在它前面加一个逐步读取层；若输入是符号，则需要嵌入层。",
        )
    return shape[0], shape[1]


def dense_input(shape: Shape) -> int:
    """Return how many numbers a dense layer reads at once: all of a list, or those of one step of a sequence."""
    return shape[-1] if len(shape) == SEQUENCE_AXES else flat_input(shape)


def image_input(shape: Shape) -> tuple[int, int, int]:
    """Return channels, height and width; raise ``LayerError`` where a list of numbers comes in."""
    if len(shape) != 3:
        found = (
            Text("a sequence of shape", "序列，形状为")
            if len(shape) == SEQUENCE_AXES
            else Text("a list of length", "一列数，个数为")
        )
        raise LayerError(
            f"it needs an image, but its input is {found.en} {_shown(shape)}. Choose a data set of images, "
            "and put this layer before the flatten layer.",
            f"它的输入必须是图像，而现在是{found.zh} {_shown(shape)}。请选择图像数据集，并把这一层放在展平层之前。",
        )
    return shape[0], shape[1], shape[2]


def _shown(shape: Shape) -> str:
    return " x ".join(str(extent) for extent in shape)


def dense_shape(choice: Choice, shape: Shape) -> Shape:
    """Return the output shape of a dense layer, which keeps the steps of a sequence apart."""
    dense_input(shape)
    return (*shape[:-1], choice.integer("units"))


def dense_tensors(choice: Choice, shape: Shape) -> tuple[TensorSpec, ...]:
    """Return the tensors of a dense layer."""
    fan_in, fan_out = dense_input(shape), choice.integer("units")
    weight = TensorSpec(name="weight", shape=(fan_out, fan_in), role="weight", fan_in=fan_in, fan_out=fan_out)
    bias = TensorSpec(name="bias", shape=(fan_out,), role="bias", fan_in=fan_in, fan_out=fan_out)
    return (weight, bias) if choice.flag("bias") else (weight,)


def conv_shape(choice: Choice, shape: Shape) -> Shape:
    """Return the output shape of a convolution."""
    _, height, width = image_input(shape)
    kernel, stride, padding = (choice.integer(key) for key in ("kernel", "stride", "padding"))
    if kernel > min(height, width) + 2 * padding:
        raise LayerError(
            f"its kernel of {kernel} x {kernel} is larger than the image of {height} x {width} with a padding of "
            f"{padding}. Choose a smaller kernel, more padding, or less pooling before it.",
            f"它的卷积核 {kernel} × {kernel} 大于 {height} × {width} 的图像（填充 {padding}）。"
            "请减小卷积核、增加填充，或减少前面的池化。",
        )
    after = ((extent + 2 * padding - kernel) // stride + 1 for extent in (height, width))
    return (choice.integer("channels"), *after)


def conv_tensors(choice: Choice, shape: Shape) -> tuple[TensorSpec, ...]:
    """Return the tensors of a convolution."""
    channels_in = image_input(shape)[0]
    channels, kernel = choice.integer("channels"), choice.integer("kernel")
    fan_in, fan_out = channels_in * kernel * kernel, channels * kernel * kernel
    weight = TensorSpec(
        name="weight",
        shape=(channels, channels_in, kernel, kernel),
        role="weight",
        fan_in=fan_in,
        fan_out=fan_out,
    )
    bias = TensorSpec(name="bias", shape=(channels,), role="bias", fan_in=fan_in, fan_out=fan_out)
    return (weight, bias) if choice.flag("bias") else (weight,)


def pool_shape(choice: Choice, shape: Shape) -> Shape:
    """Return the output shape of a pooling layer."""
    channels, height, width = image_input(shape)
    size = choice.integer("size")
    if size > min(height, width):
        raise LayerError(
            f"its window of {size} x {size} is larger than the image of {height} x {width}. "
            "Choose a smaller window, or remove this layer.",
            f"它的窗口 {size} × {size} 大于 {height} × {width} 的图像。请减小窗口，或删去这一层。",
        )
    return (channels, height // size, width // size)


def no_tensors(choice: Choice, shape: Shape) -> tuple[TensorSpec, ...]:
    """Return nothing: the layer trains nothing."""
    return ()


def flatten_shape(choice: Choice, shape: Shape) -> Shape:
    """Return the output shape of a flatten layer."""
    product = 1
    for extent in shape:
        product *= extent
    return (product,)


def same_shape(choice: Choice, shape: Shape) -> Shape:
    """Return the input shape."""
    return shape
