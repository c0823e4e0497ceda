"""The numbers of one network by name, as they are kept in files."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import torch
from torch import Tensor

from initviz.catalog.datasets.file_access import file_status
from initviz.engine.layout import view_of
from initviz.engine.state_dict import read_state_dict
from initviz.experiment.errors import ExperimentError, printable
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text

if TYPE_CHECKING:
    from initviz.engine.network import Network
    from initviz.engine.race import Race

SUFFIXES = (".safetensors", ".pt", ".pth")
MAX_HEADER_BYTES = 4_000_000
MAX_DIMENSIONS = 8
TENSORS_A_LAYER = 16
"""A layer has fewer tensors than this; it bounds how many a file may name."""

_LENGTH_BYTES = 8
_BYTES_A_NUMBER = 8


@dataclass(frozen=True, slots=True)
class Weights:
    """The numbers of one network, on the CPU.

    Attributes:
        tensors: What is trained, by layer and tensor, such as ``dense_3.weight``.
        buffers: What layers keep beside them, such as ``batch_norm_1.running_mean``; a file does not tell the two
            apart, so that all that comes from one stands under ``tensors``.
    """

    tensors: Mapping[str, Tensor]
    buffers: Mapping[str, Tensor] = field(default_factory=dict)

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every name with its numbers."""
        yield from self.tensors.items()
        yield from self.buffers.items()

    def digest(self) -> str:
        """Return a fingerprint of all names and numbers, to the bit."""
        found = hashlib.sha256()
        for name, tensor in sorted(self, key=lambda pair: pair[0]):
            found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            found.update(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return found.hexdigest()


def weights_of(network: Network, row: Tensor, buffers: Tensor) -> Weights:
    """Return a copy of one lane's numbers by name; shared tensors stand under the layer that owns them.

    Args:
        network: Its layers.
        row: ``(P,)``.
        buffers: ``(Q,)``.
    """
    stages = network.blueprint.stages
    tensors = {
        f"{stages[slot.stage].name}.{slot.spec.name}": view_of(row, slot).detach().cpu().clone()
        for slot in network.layout.slots
        if slot.spec.tied_to is None
    }
    kept: dict[str, Tensor] = {}
    offset = 0
    for stage in stages:
        for spec in stage.buffers:
            piece = buffers[offset : offset + spec.size].view(spec.shape)
            kept[f"{stage.name}.{spec.name}"] = piece.detach().cpu().clone()
            offset += spec.size
    return Weights(tensors, kept)


def lane_weights(race: Race, lane: int) -> Weights:
    """Return a copy of a lane's numbers as they are now; of a lane that diverged, those with which it did."""
    group = next(group for group in race.groups if lane in group.lanes)
    place = group.lanes.index(lane)
    row = group.frozen.get(place, group.flat[place])
    return weights_of(group.network, row, group.buffers[place])


def save_weights(path: Path, race: Race, lane: int) -> None:
    """Write a lane's numbers as they are now to a ``.safetensors`` file; an old file stays whole until then.

    Raises:
        ExperimentError: The file cannot be written; the old one is untouched.
    """
    about = {"lane": race.experiment.lanes[lane].name, "step": str(race.step)}
    write_weights(path, lane_weights(race, lane), about)


def write_weights(path: Path, weights: Weights, about: Mapping[str, str]) -> None:
    """Write numbers to a ``.safetensors`` file at once.

    Args:
        path: The file.
        weights: The numbers.
        about: What else is to be kept with them.
    Raises:
        ExperimentError: The file cannot be written; nothing was changed.
    """
    from safetensors.torch import save

    content = save({name: tensor.contiguous() for name, tensor in weights}, dict(about))
    temporary = path.parent / f".initviz-{os.getpid()}-{path.name[:40]}.tmp"
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except (OSError, ValueError) as error:
        with contextlib.suppress(OSError, ValueError):
            temporary.unlink()
        reason = _reason(error)
        raise ExperimentError(
            Text(
                f"the weights cannot be written ({reason}); nothing was changed. Choose another folder.",
                f"无法写入权重（{reason}）；没有任何改动。请选择其他文件夹。",
            ),
            str(path),
        ) from error


def load_weights(path: Path, limits: Limits, place: str = "") -> Weights:
    """Read a ``.safetensors`` file, or a state dict that PyTorch has saved. Nothing in it is ever run.

    Args:
        path: The file.
        limits: Bounds, which are checked before anything is allocated.
        place: Where the file is named, for messages.
    Raises:
        ExperimentError: It cannot be read, is damaged, is above a limit, or holds what no network can start from.
    """
    where = f"{place}: {path}" if place else str(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ExperimentError(
            Text(
                "weights are read from .safetensors, .pt and .pth files. Choose one of these.",
                "权重可从 .safetensors、.pt 和 .pth 文件读取。请选择这类文件。",
            ),
            where,
        )
    size = file_status(path, where).st_size
    most = limits.parameters * _BYTES_A_NUMBER + MAX_HEADER_BYTES
    if size > most:
        limits.check("parameters", size // _BYTES_A_NUMBER, _NUMBERS, where)
    try:
        with path.open("rb") as stream:
            if suffix == SUFFIXES[0]:
                _check_header(stream, size, limits, where)
                stream.seek(0)
            content = stream.read(size)
    except (OSError, ValueError) as error:
        if isinstance(error, ExperimentError):
            raise
        reason = _reason(error)
        raise ExperimentError(
            Text(
                f"the file cannot be read ({reason}). Check the name.",
                f"无法读取文件（{reason}）。请检查文件名。",
            ),
            where,
        ) from error
    if suffix == SUFFIXES[0]:
        tensors = _from_safetensors(content, where)
    else:
        tensors = read_state_dict(content, limits, where)
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            shown = printable(name)
            raise ExperimentError(
                Text(
                    f"'{shown}' holds numbers that are not finite, from which nothing can start. "
                    "Save weights of a run that has not diverged.",
                    f"“{shown}”含有非有限的数，无法由此开始。请保存未发散的训练的权重。",
                ),
                where,
            )
    return Weights(tensors)


_NUMBERS = Text("numbers in one file", "文件中数的个数")


def _check_header(stream: BinaryIO, size: int, limits: Limits, where: str) -> None:
    """Look through names, shapes and places before any number is read.

    Raises:
        ExperimentError: The header is none, is above a limit, or speaks of bytes that are not there.
    """
    length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
    if length > min(size - _LENGTH_BYTES, MAX_HEADER_BYTES):
        raise damaged(where)
    try:
        header = json.loads(stream.read(length))
        if not isinstance(header, dict):
            raise damaged(where)
        entries = [entry for name, entry in header.items() if name != "__metadata__"]
        check_shapes([entry["shape"] for entry in entries], limits, where)
        ends = [int(entry["data_offsets"][1]) for entry in entries]
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        if isinstance(error, ExperimentError):
            raise
        raise damaged(where) from error
    if max(ends, default=0) != size - _LENGTH_BYTES - length:
        raise damaged(where)


def _from_safetensors(content: bytes, where: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        found: dict[str, Tensor] = load(content)
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise damaged(where) from error
    return found


def check_shapes(shapes: Sequence[Sequence[object]], limits: Limits, where: str) -> None:
    """Refuse more tensors, or more numbers in all of them, than a network may have.

    Raises:
        ExperimentError: Above a limit.
        ValueError: A shape that is none.
    """
    limits.check("layers", len(shapes) / TENSORS_A_LAYER, Text("layers in one file", "文件中的层数"), where)
    total = 0
    for shape in shapes:
        size = 1
        if len(shape) > MAX_DIMENSIONS:
            raise ValueError(shape)
        for extent in shape:
            if not isinstance(extent, int) or not 0 <= extent < 2**63:
                raise ValueError(shape)
            size *= extent
        total += size
    limits.check("parameters", total, _NUMBERS, where)


def damaged(where: str) -> ExperimentError:
    """Return what is said of a file that is not what its name says."""
    return ExperimentError(
        Text(
            "the file is damaged, or is not what its ending says. Nothing was loaded. Save the weights anew.",
            "文件已损坏，或内容与扩展名不符。没有加载任何内容。请重新保存权重。",
        ),
        where,
    )


def _reason(error: OSError | ValueError) -> str:
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
