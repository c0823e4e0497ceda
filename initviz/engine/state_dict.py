"""State dicts as PyTorch saves them, looked through before PyTorch reads them.

A ``.pt`` file is a ZIP archive with a pickle in it. The pickle is walked here without running any of it: only the few
operations that a plain state dict consists of are known, and every size that it claims is held to the bytes that are
there. What has passed is packed anew, so that PyTorch sees exactly what was looked at, and is read with
``torch.load(weights_only=True)``.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text

MAX_PICKLE_BYTES = 4_000_000
MAX_ENTRIES = 65_536
_ENTRY_MARK = b"PK\x01\x02"

_ITEM_BYTES = {
    "DoubleStorage": 8,
    "FloatStorage": 4,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "LongStorage": 8,
    "IntStorage": 4,
    "ShortStorage": 2,
    "CharStorage": 1,
    "ByteStorage": 1,
    "BoolStorage": 1,
}
_GLOBALS = {
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    *(("torch", name) for name in _ITEM_BYTES),
}


class NotPlainError(ValueError):
    """The pickle is not that of a plain state dict."""


@dataclass(frozen=True, slots=True)
class _Global:
    module: str
    name: str


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    items: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    shape: tuple[int, ...]


_MARK = object()


def read_state_dict(content: bytes, limits: Limits, where: str) -> dict[str, Tensor]:
    """Return the tensors of a state dict by name.

    Args:
        content: The whole file.
        limits: Bounds on sizes.
        where: The file, for messages.
    Raises:
        ExperimentError: It is damaged, above a limit, or anything but a flat dictionary of dense tensors.
    """
    from initviz.engine.weights import check_shapes, damaged

    try:
        pickled, records = _unpacked(content, limits)
        found = _Walk(records).run(pickled)
        check_shapes([list(tensor.shape) for tensor in found.values()], limits, where)
        loaded = torch.load(_packed(pickled, records), map_location="cpu", weights_only=True)
    except NotPlainError as error:
        raise _not_plain(where) from error
    except ExperimentError:
        raise
    except Exception as error:  # ZIP, zlib, pickletools and torch each have errors of their own for bad bytes
        raise damaged(where) from error
    if not isinstance(loaded, dict) or set(loaded) != set(found):
        raise _not_plain(where)
    return {name: cast(Tensor, tensor).detach() for name, tensor in loaded.items()}


def _not_plain(where: str) -> ExperimentError:
    return ExperimentError(
        Text(
            "the file is not a plain state dict: it holds other objects, or code. Nothing in it was run. Save "
            "model.state_dict() with torch.save, or use a .safetensors file.",
            "该文件不是单纯的 state dict：其中有其他对象或代码。没有执行其中任何内容。请用 torch.save 保存 "
            "model.state_dict()，或改用 .safetensors 文件。",
        ),
        where,
    )


def _unpacked(content: bytes, limits: Limits) -> tuple[bytes, dict[str, bytes]]:
    """Return the pickle and the records of numbers by key; every size is bounded before it is read."""
    if not content.startswith(b"PK"):
        raise NotPlainError("the format of PyTorch before 1.6, or no archive at all")
    if content.count(_ENTRY_MARK) > 2 * MAX_ENTRIES:  # numbers may hold a few such bytes by chance
        raise NotPlainError("more entries than a network has tensors")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        pickles = [entry for entry in entries if entry.filename.endswith("/data.pkl")]
        if len(pickles) != 1 or len(entries) > MAX_ENTRIES or pickles[0].file_size > MAX_PICKLE_BYTES:
            raise NotPlainError("no single pickle of a sensible size")
        root = pickles[0].filename.removesuffix("data.pkl")
        data = [entry for entry in entries if entry.filename.startswith(f"{root}data/")]
        # PyTorch packs nothing: only a bomb unfolds to more than it is, or has entries that share their bytes.
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > len(content) or any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise NotPlainError("packed entries")
        limits.check(
            "parameters", sum(entry.file_size for entry in data) // 8, Text("numbers", "数的个数"), ""
        )
        byteorder = [entry for entry in entries if entry.filename == f"{root}byteorder"]
        if byteorder and byteorder[0].file_size < 16 and archive.read(byteorder[0]) != b"little":
            raise NotPlainError("numbers in another order of bytes")
        records = {entry.filename.removeprefix(f"{root}data/"): _bytes(archive, entry) for entry in data}
        return _bytes(archive, pickles[0]), records


def _bytes(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as stream:  # an entry that is longer than it says is cut off
        return stream.read(entry.file_size)


def _packed(pickled: bytes, records: dict[str, bytes]) -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/byteorder", "little")
        for key, record in records.items():
            archive.writestr(f"archive/data/{key}", record)
        archive.writestr("archive/version", "3\n")
    packed.seek(0)
    return packed


class _Walk:
    """Follows the operations of a pickle on a stack, making no object but inert stand-ins.

    Args:
        records: The bytes of numbers by key.
    """

    def __init__(self, records: dict[str, bytes]) -> None:
        self._records = records
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}

    def run(self, pickled: bytes) -> dict[str, _Tensor]:
        """Return the tensors that the pickle describes, by name.

        Raises:
            NotPlainError: It describes anything else.
        """
        for operation, argument, _ in pickletools.genops(pickled):
            self._step(operation.name, argument)
        result = self._stack.pop()
        if self._stack or not isinstance(result, dict) or not result:
            raise NotPlainError("not one dictionary")
        for name, value in result.items():
            if not isinstance(name, str) or not isinstance(value, _Tensor):
                raise NotPlainError(f"{name!r} is not a tensor")
        return result

    def _step(self, name: str, argument: object) -> None:
        stack = self._stack
        match name:
            case "PROTO" | "STOP":
                pass
            case "GLOBAL":
                module, _, attribute = str(argument).partition(" ")
                if (module, attribute) not in _GLOBALS:
                    raise NotPlainError(f"{module}.{attribute}")
                stack.append(_Global(module, attribute))
            case "BINUNICODE" | "BININT" | "BININT1" | "BININT2" | "LONG1":
                stack.append(argument)
            case "NEWTRUE" | "NEWFALSE" | "NONE":
                stack.append({"NEWTRUE": True, "NEWFALSE": False, "NONE": None}[name])
            case "MARK":
                stack.append(_MARK)
            case "EMPTY_TUPLE":
                stack.append(())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(name[-1])
                items = tuple(self._pop() for _ in range(count))
                stack.append(items[::-1])
            case "TUPLE":
                stack.append(tuple(self._to_mark()))
            case "EMPTY_DICT":
                stack.append({})
            case "BINPUT" | "LONG_BINPUT":
                self._memo[cast(int, argument)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(self._memo[cast(int, argument)])
            case "SETITEM":
                value, key = self._pop(), self._pop()
                self._set([key, value])
            case "SETITEMS":
                self._set(self._to_mark())
            case "BINPERSID":
                stack.append(self._storage(self._pop()))
            case "REDUCE":
                given, function = self._pop(), self._pop()
                stack.append(self._called(function, given))
            case "BUILD":  # a state dict's note of the versions of its layers
                if not isinstance(self._pop(), dict):
                    raise NotPlainError("an object with a state")
            case _:
                raise NotPlainError(name)

    def _pop(self) -> object:
        if not self._stack or self._stack[-1] is _MARK:
            raise NotPlainError("an empty stack")
        return self._stack.pop()

    def _to_mark(self) -> list[object]:
        items: list[object] = []
        while self._stack and self._stack[-1] is not _MARK:
            items.append(self._stack.pop())
        if not self._stack:
            raise NotPlainError("no mark")
        self._stack.pop()
        return items[::-1]

    def _set(self, items: list[object]) -> None:
        target = self._stack[-1] if self._stack else None
        if not isinstance(target, dict) or len(items) % 2:
            raise NotPlainError("items of no dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str):
                raise NotPlainError("a key that is no name")
            target[key] = value

    def _storage(self, given: object) -> _Storage:
        match given:
            case ("storage", _Global("torch", kind), str(key), str(), int(items)) if kind in _ITEM_BYTES:
                if items >= 0 and items * _ITEM_BYTES[kind] == len(self._records[key]):
                    return _Storage(key, items)
        raise NotPlainError("numbers that are not there")

    def _called(self, function: object, given: object) -> object:
        match function, given:
            case _Global(_, "OrderedDict"), ():
                return {}
            case (
                _Global(_, "_rebuild_tensor_v2"),
                (_Storage() as storage, int(offset), tuple(shape), tuple(stride), *_),
            ):
                return _Tensor(_held(storage, offset, shape, stride))
            case _Global(_, "_rebuild_parameter"), (_Tensor() as tensor, bool(), dict()):
                return tensor
        raise NotPlainError("a call")


def _held(
    storage: _Storage, offset: int, shape: tuple[object, ...], stride: tuple[object, ...]
) -> tuple[int, ...]:
    """Return a tensor's shape if its numbers lie within the storage.

    Raises:
        NotPlainError: They do not.
    """
    extents = tuple(extent for extent in shape if isinstance(extent, int) and extent >= 0)
    steps = tuple(step for step in stride if isinstance(step, int) and step >= 0)
    if offset < 0 or len(extents) != len(shape) or len(steps) != len(shape) or len(stride) != len(shape):
        raise NotPlainError("a shape that is none")
    if 0 not in extents:
        last = offset + sum((extent - 1) * step for extent, step in zip(extents, steps, strict=True))
        if last >= storage.items:
            raise NotPlainError("numbers that are not there")
    return extents
