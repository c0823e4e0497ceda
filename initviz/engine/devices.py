"""What this machine can train on, and what is said when it cannot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Text


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A device as the selector lists it.

    Attributes:
        key: Name in files: ``cpu``, ``cuda:N`` or ``mps``.
        title: Its own name, where it tells one.
        memory: Bytes in all, 0 where that is unknown.
    """

    key: str
    title: Text
    memory: int


def list_devices() -> tuple[DeviceInfo, ...]:
    """Return every device of this machine, the CPU first."""
    found = [DeviceInfo("cpu", Text("CPU", "CPU"), _system_memory())]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            facts = torch.cuda.get_device_properties(index)
            title = f"{facts.name} (cuda:{index})"
            found.append(DeviceInfo(f"cuda:{index}", Text(title, title), int(facts.total_memory)))
    if torch.backends.mps.is_available():
        found.append(DeviceInfo("mps", Text("Apple GPU (MPS)", "Apple GPU（MPS）"), _system_memory()))
    return tuple(found)


def _system_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0


def resolve(name: str, dtype: torch.dtype = torch.float32) -> torch.device:
    """Return the device that a name stands for.

    Args:
        name: ``auto`` (CUDA, else MPS, else CPU), ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        dtype: Numbers that it must be able to hold; ``auto`` passes over a device that cannot.
    Raises:
        InitVizError: This machine has no such device, or the device cannot hold these numbers.
    """
    keys = [device.key for device in list_devices()]
    if name == "auto":
        return torch.device(_best(keys, dtype))
    key = "cuda:0" if name == "cuda" else name
    if key not in keys:
        listing = ", ".join(keys)
        raise InitVizError(
            Text(
                f"this machine has no device '{name}'; it has: {listing}. Nothing was changed. "
                "Choose one of these, or auto.",
                f"本机没有设备“{name}”，只有：{listing}。没有任何改动。请选择其中之一，或选 auto。",
            )
        )
    if key == "mps" and dtype == torch.float64:
        raise InitVizError(
            Text(
                "Apple's GPU has no double precision. Nothing was changed. Choose float32, or the CPU.",
                "Apple 的 GPU 不支持双精度。没有任何改动。请选择 float32，或改用 CPU。",
            )
        )
    return torch.device(key)


def _best(keys: list[str], dtype: torch.dtype) -> str:
    for key in keys:
        if key.startswith("cuda"):
            return key
    return "mps" if "mps" in keys and dtype != torch.float64 else "cpu"


@contextmanager
def failures_in_words(device: torch.device) -> Iterator[None]:
    """Turn what torch raises when a device fails or runs out of memory into ``InitVizError``."""
    try:
        yield
    except InitVizError:
        raise
    except (RuntimeError, MemoryError) as error:
        raise failure(device, error) from error


def failure(device: torch.device, error: Exception) -> InitVizError:
    """Return in words what went wrong on a device, and what to do.

    Args:
        device: Where it happened.
        error: What torch raised.
    """
    message = str(error).strip()
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in message:
        return InitVizError(
            Text(
                f"the device {device} ran out of memory. The run stopped; nothing else was changed. Choose a smaller "
                "batch, fewer lanes, a narrower network, or another device.",
                f"设备 {device} 内存不足。训练已停止，其他一切未变。请减小批大小、赛道数或网络宽度，或换一个设备。",
            )
        )
    first = message.splitlines()[0] if message else type(error).__name__
    return InitVizError(
        Text(
            f"the device {device} failed: {first}. The run stopped; nothing else was changed. Start it again, or "
            "choose another device.",
            f"设备 {device} 出错：{first}。训练已停止，其他一切未变。请重新开始，或换一个设备。",
        )
    )
